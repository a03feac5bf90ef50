"""Verdicts on clips, as a site would give them: what a model card is made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import cv2

from deepfake.engine.bundle import Bundle
from deepfake.engine.detector import Detector
from deepfake.engine.measures import Judged
from deepfake.engine.verdict import Result
from deepfake.training.clips import ClipsError, TrainingClip
from deepfake.training.copies import variant_path
from deepfake.training.pooling import done_by_processes
from deepfake.training.tampering import BLENDED, blended_path
from video.reader import VideoError


@dataclass(frozen=True, slots=True)
class Row:
    """One verdict, a line of a file."""

    file: str
    variant: str
    prob_fake: float
    result: str
    manipulation: str | None = None
    quality: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JudgedClip:
    """A clip and the verdict on a variant of it; a self-blended one is a fake."""

    clip: TrainingClip
    row: Row

    @property
    def fake(self) -> bool:
        """What it is."""
        return self.clip.fake or self.row.variant == BLENDED

    def judged(self, *, by_page: bool = False) -> Judged:
        """For the measures; clips of one page count as one draw of a bootstrap, those of one source as one row of a table."""
        source = self.clip.repo if by_page else self.clip.source
        return Judged(self.fake, source, self.row.prob_fake, Result(self.row.result))


class _Crew:
    """What a process that judges has loaded."""

    detector: ClassVar[Detector]
    copies: ClassVar[Path]

    @classmethod
    def begin(cls, bundle: Path, copies: Path) -> None:
        cv2.setNumThreads(1)
        cls.detector, cls.copies = Detector(Bundle.read(bundle)), copies


def _judge(task: tuple[TrainingClip, str]) -> Row:
    clip, variant = task
    own = (
        blended_path(clip, _Crew.copies) if variant == BLENDED else variant_path(clip, variant, _Crew.copies)
    )
    try:
        verdict = _Crew.detector.detect(own)
    except VideoError as error:
        raise ClipsError(f"{clip.name} ({variant}) cannot be read") from error
    return Row(
        clip.name,
        variant,
        verdict.prob_fake,
        str(verdict.result),
        str(verdict.manipulation) if verdict.manipulation else None,
        tuple(map(str, verdict.quality)),
    )


def judge_clips(
    tasks: Sequence[tuple[TrainingClip, str]],
    *,
    bundle: Path,
    out: Path,
    copies: Path,
    workers: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[JudgedClip]:
    """Judge variants of clips that ``out``, a folder, has no verdict of this bundle on yet.

    Raises:
        BundleError, ModelError: the bundle cannot be used.
        ClipsError: a clip cannot be read.
    """
    path = out / f"verdicts-{Bundle.read(bundle).sha256[:16]}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = _read(path)
    left = [task for task in tasks if (task[0].name, task[1]) not in known]
    progress(len(tasks) - len(left), len(tasks))
    made = done_by_processes(left, _judge, begin=_Crew.begin, given=(bundle, copies), workers=workers)
    for number, row in enumerate(made, start=len(tasks) - len(left) + 1):
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row)) + "\n")
        known[row.file, row.variant] = row
        progress(number, len(tasks))
    return [JudgedClip(clip, known[clip.name, variant]) for clip, variant in tasks]


def _read(path: Path) -> dict[tuple[str, str], Row]:
    """What an earlier run has written; a line that a kill cut short is done again."""
    known: dict[tuple[str, str], Row] = {}
    if not path.is_file():
        return known
    whole = [
        line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")
    ]
    path.write_text("".join(whole), encoding="utf-8")
    for line in whole:
        raw = json.loads(line)
        row = Row(**raw | {"quality": tuple(raw["quality"])})
        known[row.file, row.variant] = row
    return known
