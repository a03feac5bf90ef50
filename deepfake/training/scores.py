"""Logits of clips, kept in a file: what calibration and distillation go by."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deepfake.training.faults import TrainingError


class ScoresError(TrainingError):
    """Scores are missing, or are not of what they have to be of."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a model says of one variant of a clip.

    Attributes:
        logit: before calibration, all members joined.
        held_out: whether what it was fitted to had neither the clip nor any of its source.
        face: before calibration, of the faces together; None where there are none.
        quality: warnings.
    """

    file: str
    variant: str
    logit: float
    held_out: bool
    face: float | None = None
    quality: tuple[str, ...] = ()


def write_scores(path: Path, scores: Iterable[Score]) -> None:
    """Write a file of scores, one JSON object a line, replacing what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text("".join(json.dumps(asdict(each)) + "\n" for each in scores), encoding="utf-8")
    partial.replace(path)


def add_score(path: Path, score: Score) -> None:
    """Add one line."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(score)) + "\n")


def read_scores(path: Path) -> list[Score]:
    """All whole lines of a file; the last of several of one variant of a clip. None if there is no such file.

    Raises:
        ScoresError: it holds something else.
    """
    if not path.is_file():
        return []
    found: dict[tuple[str, str], Score] = {}
    for line in _whole_lines(path):
        try:
            raw = json.loads(line)
            score = Score(**raw | {"quality": tuple(raw["quality"])})
        except (ValueError, TypeError, KeyError) as error:
            raise ScoresError(f"{path} holds a line that is no score") from error
        found[score.file, score.variant] = score
    return list(found.values())


def _whole_lines(path: Path) -> list[str]:
    """Lines of a file, from which one that a kill cut short is taken out: the next would be added to it."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
        path.write_text("".join(lines), encoding="utf-8")
    return lines


def logit_table(scores: Sequence[Score]) -> dict[tuple[str, str], float]:
    """Logit by clip and variant."""
    return {(score.file, score.variant): score.logit for score in scores}
