"""Altered copies of clips as files: what is fitted to and measured on goes the same way as what is asked about."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np

from deepfake.engine.sampling import Sampled, SamplingSpec, sample_video
from deepfake.engine.scan import ScanLimits, scan_video
from deepfake.training.alterations import Clip, alteration_of, altered
from deepfake.training.clips import ClipsError, TrainingClip
from video.reader import VideoError

#: Short side in pixels, and pictures a second, of the clips of a collection.
SHORT_SIDE, RATE_HZ = 256, 8.0
_LIMITS = ScanLimits()


def sampling_spec(frames: int) -> SamplingSpec:
    """How clips are looked at: as a bundle with this many frames looks at videos."""
    return SamplingSpec(frames=frames, short_side=SHORT_SIDE, rate_hz=RATE_HZ)


def sample_clip(clip: TrainingClip, variant: str, copies: Path, *, frames: int) -> Sampled:
    """Frames of a variant of a clip, as the engine takes them.

    Raises:
        ClipsError: the clip, or its copy, cannot be read.
    """
    path = variant_path(clip, variant, copies)
    try:
        return sample_video(path, sampling_spec(frames), limits=_LIMITS)
    except VideoError as error:
        raise ClipsError(f"{clip.name} ({variant}) cannot be read") from error


def variant_path(clip: TrainingClip, variant: str, copies: Path) -> Path:
    """The file of a variant; it is written into ``copies`` unless it is there already.

    Raises:
        ClipsError: the clip cannot be read.
        ValueError: there is no such variant.
    """
    alteration = alteration_of(variant, clip.name)
    if alteration is None:
        return clip.path
    path = (copies / variant / clip.name).with_suffix(".mp4")
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two processes may be at it at a time.
        partial = path.with_suffix(f".{os.getpid()}.part")
        write_video(partial, altered(read_frames(clip), alteration), crf=alteration.crf)
        partial.replace(path)
    return path


def read_frames(clip: TrainingClip) -> Clip:
    """All frames of a clip on the time grid, (T, H, W, 3) uint8 RGB.

    Raises:
        ClipsError: it cannot be read.
    """
    try:
        scan = scan_video(clip.path, short_side=SHORT_SIDE, rate_hz=RATE_HZ, passages=1, limits=_LIMITS)
    except VideoError as error:
        raise ClipsError(f"{clip.name} cannot be read") from error
    return np.stack([glimpse.rgb() for glimpse in scan.glimpses])


def write_video(path: Path, frames: Clip, *, crf: int) -> None:
    """Write (T, H, W, 3) uint8 RGB, of even sides, as H.264 in MP4, one frame per cell of the time grid."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264", rate=round(RATE_HZ), options={"crf": str(crf), "preset": "veryfast"}
        )
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        for frame in frames:
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24"))
            )
        container.mux(stream.encode())
