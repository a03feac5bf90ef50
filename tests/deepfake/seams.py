"""What stands in for the detector and the downloader: the two seams, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from deepfake.engine.verdict import (
    Box,
    Face,
    FrameEvidence,
    LookedAt,
    Manipulation,
    ModelFacts,
    ProvenanceMark,
    Quality,
    Region,
    Result,
    Stretch,
    Verdict,
    VideoFacts,
)
from deepfake.errors import AnalysisCancelled, VideoUnreadable

VERDICT = Verdict(
    result=Result.AI_GENERATED,
    prob_fake=0.945,
    model=ModelFacts("VideoEfficientAttn", "epoch25_auc0.95", "c" * 64, {"auc": 0.95, "fpr": 0.05}),
    video=VideoFacts(640, 360, 25.0, 4.0, "h264", "mp4", 0.1),
    manipulation=Manipulation.FACE,
    frames=(
        FrameEvidence(
            0.5, 0.9, 0.6, (Face(Box(0.1, 0.2, 0.3, 0.4), 0.99, 0.97),), (Region(Box(0, 0, 0.5, 0.5), 0.7),)
        ),
        FrameEvidence(1.5, 0.99, 0.4),
    ),
    quality=(Quality.HEAVILY_COMPRESSED,),
    provenance=(ProvenanceMark("metadata", "Sora", True, "encoder=Sora"),),
    looked_at=LookedAt(whole=True, stretches=(Stretch(0.0, 4.0),)),
)  # fmt: skip


def verdict(result: Result, prob_fake: float) -> Verdict:
    return replace(VERDICT, result=result, prob_fake=prob_fake)


@dataclass
class FakeDetector:
    """Stands for ``deepfake.runtime.detect``.

    Attributes:
        verdict: what it says, of a file whose bytes begin with ``video``; others are unreadable.
        error: raised in its place.
        hold: waits, asking whether it is cancelled, until ``release`` is set.
        seen: what it was given: the files, with their bytes.
        whole: and whether each was said to be whole.
    """

    verdict: Verdict = VERDICT
    error: Exception | None = None
    hold: bool = False
    seen: list[tuple[Path, bytes]] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    began: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    called_off: threading.Event = field(default_factory=threading.Event)

    def detect(
        self,
        path: Path,
        *,
        whole: bool = True,
        on_progress: Callable[[str, float], None],
        cancelled: Callable[[], bool],
    ) -> Verdict:
        self.seen.append((path, path.read_bytes()))
        self.whole.append(whole)
        on_progress("decode", 1.0)
        on_progress("model", 0.25)
        self.began.set()
        while self.hold and not self.release.wait(0.01):
            if cancelled():
                self.called_off.set()
                raise AnalysisCancelled
        if self.error is not None:
            raise self.error
        if not self.seen[-1][1].startswith(b"video"):
            raise VideoUnreadable
        return self.verdict


@dataclass
class FakeDownloader:
    """Stands for ``deepfake.download.get_video``: every address has a video behind it, unless ``error`` is raised."""

    error: Exception | None = None
    whole: bool = True
    asked: list[str] = field(default_factory=list)

    def get_video(
        self, url: str, folder: Path, *, on_progress: Callable[[float], None], cancelled: Callable[[], bool]
    ) -> Any:
        self.asked.append(url)
        on_progress(0.5)
        (folder / "partial").write_bytes(b"half of it")
        if self.error is not None:
            raise self.error
        path = folder / "video"
        path.write_bytes(b"video from " + url.encode())
        return SimpleNamespace(path=path, title="A title", extractor="fake", duration_s=4.0, whole=self.whole)
