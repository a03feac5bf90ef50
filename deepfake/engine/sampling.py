"""The frames of a video that a detector looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake.engine.quality import Measured
from deepfake.engine.scan import Glimpse, ScanLimits, Share, scan_video
from deepfake.engine.shots import choose, distinct, motion_of, shots_of
from deepfake.engine.verdict import Stretch, VideoFacts

Frames = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SamplingSpec:
    """How a bundle wants videos to be looked at.

    Attributes:
        frames: at most; of a video with fewer, all.
        short_side: of the frames in pixels. The whole frame is taken; what a model sees of it says its input.
        rate_hz: frames a second that are considered, at most.
    """

    frames: int = 16
    short_side: int = 256
    rate_hz: float = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """What a detector looks at.

    Attributes:
        frames: (n, H, W, 3) uint8 RGB, upright, n from 1 to the spec's.
        times_s: (n,) seconds from the start of the video, ascending.
        shots: (n,) number of the shot that a frame belongs to.
        stretches: of the video that were decoded, frames that were not taken among them.
        facts: of the file.
        measured: what its quality is judged by.
    """

    frames: Frames
    times_s: NDArray[np.float64]
    shots: NDArray[np.intp]
    stretches: tuple[Stretch, ...]
    facts: VideoFacts
    measured: Measured


def sample_video(
    path: Path,
    spec: SamplingSpec,
    *,
    limits: ScanLimits,
    threads: int = 1,
    on_share: Share = lambda _share: None,
) -> Sampled:
    """Look over a video and take frames of all its shots.

    Raises:
        VideoError: it is no video, beyond the limits, or nothing in it can be decoded.
    """
    scan = scan_video(
        path,
        short_side=spec.short_side,
        rate_hz=spec.rate_hz,
        passages=spec.frames,
        limits=limits,
        threads=threads,
        on_share=on_share,
    )
    chosen = choose(scan.glimpses, spec.frames)
    pictures = [scan.glimpses[number].rgb() for number in chosen]
    size = pictures[0].shape[1::-1]
    return Sampled(
        frames=np.stack([_at(picture, size) for picture in pictures]),
        times_s=np.array([scan.glimpses[number].time_s for number in chosen]),
        shots=shots_of(scan.glimpses)[chosen],
        stretches=stretches_of(scan.glimpses, step_s=scan.step_s, duration_s=scan.duration_s),
        facts=VideoFacts(
            width=scan.width,
            height=scan.height,
            fps=round(scan.fps, 3),
            duration_s=round(scan.duration_s, 3),
            codec=scan.codec,
            container=scan.container,
            bits_per_pixel=round(scan.bits_per_pixel, 4),
        ),
        measured=Measured(
            short_side=min(scan.width, scan.height),
            duration_s=scan.duration_s,
            frames=len(distinct(scan.glimpses)),
            luma=float(np.median([scan.glimpses[number].luma for number in chosen])),
            motion=motion_of(scan.glimpses),
            bits_per_pixel=scan.bits_per_pixel,
            blockiness=scan.blockiness,
            quantiser=scan.quantiser,
        ),
    )


def stretches_of(glimpses: Sequence[Glimpse], *, step_s: float, duration_s: float) -> tuple[Stretch, ...]:
    """What was seen of a video: a passage each, those that follow one another as one.

    Args:
        glimpses: in order of time.
        step_s: seconds that a picture stands for.
    """
    found: list[Stretch] = []
    for _, passage in groupby(glimpses, key=lambda glimpse: glimpse.passage):
        times = [glimpse.time_s for glimpse in passage]
        begins_s, ends_s = times[0], min(times[-1] + step_s, max(duration_s, times[-1]))
        if found and begins_s <= found[-1].to_s + step_s:
            begins_s = found.pop().from_s
        found.append(Stretch(round(begins_s, 3), round(ends_s, 3)))
    return tuple(found)


def _at(picture: Frames, size: tuple[int, ...]) -> Frames:
    """A picture of a stream that turned in the middle, at the size of the first."""
    if picture.shape[1::-1] == size:
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
