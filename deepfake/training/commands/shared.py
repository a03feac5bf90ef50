"""What sub-commands share: folders that follow from each other, and bars that tell how far a step is."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deepfake.training.faults import TrainingError

#: Told how many of how many are done.
OnDone = Callable[[int, int], None]


def copies_of(options: argparse.Namespace) -> Path:
    """Where altered copies of clips are kept: beside what a step writes, unless told otherwise, to be shared by all steps."""
    told: Path | None = options.copies
    out: Path = options.out
    return told if told is not None else out.parent / "copies"


def content_of(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        TrainingError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise TrainingError(f"{path} cannot be read") from error


@contextmanager
def bars(console: Console) -> Iterator[Progress]:
    """Bars on standard error."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=console) as progress:
        yield progress


def one_bar(progress: Progress, what: str) -> OnDone:
    """A bar of its own for one thing that is done piece by piece."""
    task = progress.add_task(what, total=None, figures="")

    def done(count: int, total: int) -> None:
        progress.update(task, completed=count, total=total)

    return done


def step_bar(progress: Progress, what: str) -> Callable[[int, int, dict[str, float]], None]:
    """A bar for steps of fitting, with their figures."""
    task = progress.add_task(what, total=None, figures="")

    def done(step: int, steps: int, figures: dict[str, float]) -> None:
        said = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
        progress.update(task, completed=step, total=steps, figures=said)

    return done
