"""Models of the detector that judge at once what is bright, or take seconds over it; and videos for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.deepfake.engine.clips import scene, with_patch, write_clip
from tests.deepfake.engine.networks import (
    FACES,
    face_judge_network,
    face_network,
    slow_network,
    video_network,
    write_bundle,
)

#: What was measured of the quick one, as the training's report writes it.
METRICS = {
    "false_positives": 0.031,
    "found": 0.812,
    "inconclusive": 0.142,
    "auc": 0.951,
    "auc_low": 0.93,
    "auc_high": 0.968,
    "auc_hardest": 0.872,
}


@dataclass(frozen=True, slots=True)
class Clips:
    """Videos: one that is bright, with a face and a tag of a generator; one that is dark; one between; and none."""

    bright: Path
    dark: Path
    grey: Path
    text: Path


def shelve_models(data_dir: Path) -> None:
    """Install both models, and use the quick one."""
    shelf = data_dir / "models"
    files = {"video.onnx": video_network(), "faces.onnx": face_network(), "judge.onnx": face_judge_network()}
    write_bundle(shelf / "quick", files, faces=FACES, metrics=METRICS)
    write_bundle(shelf / "slow", {"video.onnx": slow_network(side=3000)})
    _use(data_dir, "quick")


@contextmanager
def slow_model(data_dir: Path) -> Iterator[None]:
    """Have videos judged by the slow model meanwhile."""
    _use(data_dir, "slow")
    try:
        yield
    finally:
        _use(data_dir, "quick")


def make_clips(folder: Path) -> Clips:
    """Write the videos."""
    size = (640, 360)
    # Most of it is white, the rest dark: the parts that weigh are some, and not all.
    bright = list(scene(48, level=60, size=size))
    for picture in bright:
        picture[:, :400] = 255
    text = folder / "text.mp4"
    text.write_text("This is no video, whatever its name says. " * 20)
    return Clips(
        bright=write_clip(
            folder / "A holiday with a rather long name that nobody would break into lines by themselves.mp4",
            with_patch(bright, (220, 20, 20), left=480, top=100, side=110),
            tags={"software": "Sora"},
        ),
        dark=write_clip(folder / "dark.mp4", scene(48, level=90, size=size)),
        grey=write_clip(folder / "grey.mp4", scene(48, level=128, size=(360, 640))),
        text=text,
    )


def _use(data_dir: Path, name: str) -> None:
    (data_dir / "models" / "ACTIVE").write_text(name + "\n")
