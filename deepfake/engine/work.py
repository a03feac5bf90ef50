"""What a child process does for an analysis: it keeps one detector from video to video."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deepfake.engine.bundle import Bundle, Stamp
from deepfake.engine.detector import Detector, Stage
from deepfake.engine.scan import ScanLimits
from deepfake.engine.verdict import Verdict

#: Stages in the order in which they come: a child reports one number, of which this is the whole part.
STAGES = tuple(Stage)


@dataclass(frozen=True, slots=True)
class Order:
    """One video to judge.

    Attributes:
        bundle: folder of the models.
        stamp: of its files, as whoever ordered saw them; a detector that was loaded from others is not used.
        threads: that decoding and the models may use.
        whole: False if the file holds only the beginning of a video.
    """

    path: Path
    bundle: Path
    stamp: Stamp
    threads: int
    limits: ScanLimits
    whole: bool = True


class _Kept:
    """The detector that this process has loaded, and what it was loaded from."""

    key: ClassVar[tuple[Path, Stamp, int] | None] = None
    detector: ClassVar[Detector | None] = None


def judge_video(order: Order, report: Callable[[float, float], None]) -> Verdict:
    """Judge a video; ``report`` is told the stage's number plus the share of it that is done, and how many there are.

    Raises:
        BundleError: a file of the models is missing or altered.
        VideoError, ModelError: as :meth:`.detector.Detector.detect`.
    """
    detector = _detector(order)

    def on_stage(stage: Stage, share: float) -> None:
        # A stage that has ended is not yet the next one.
        report(STAGES.index(stage) + min(share, 0.999), len(STAGES))

    try:
        return detector.detect(order.path, whole=order.whole, on_stage=on_stage)
    finally:
        _give_back_memory()


def _give_back_memory() -> None:
    """Hand what was freed back to the system.

    The C library keeps it, in pieces that the next video's frames do not fit: a process that had judged 200 videos of
    all shapes held 480 MB, and with this 170.
    """
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def stage_of(reported: float) -> tuple[Stage, float]:
    """The stage, and the share of it that is done, out of what :func:`judge_video` reported."""
    number = min(int(reported), len(STAGES) - 1)
    return STAGES[number], min(1.0, reported - number)


def _detector(order: Order) -> Detector:
    key = (order.bundle, order.stamp, order.threads)
    if _Kept.detector is None or _Kept.key != key or order.limits != _Kept.detector.limits:
        # The old one goes first: two would take the memory of both.
        _Kept.key = _Kept.detector = None
        _Kept.detector = Detector(Bundle.read(order.bundle), threads=order.threads, limits=order.limits)
        _Kept.key = key
    return _Kept.detector
