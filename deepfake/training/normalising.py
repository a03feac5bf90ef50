"""Real videos and photographs as clips of a collection: the same crop, size, frame rate and encoding for all of them.

Whatever differs between a real source and a generated one beside the picture itself would be learnt instead of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageOps

from deepfake.engine.scan import Glimpse, ScanLimits, scan_video
from deepfake.training.alterations import Clip
from deepfake.training.camera import SHORTEST_SIDE, drawn_move, filmed
from deepfake.training.copies import RATE_HZ, SHORT_SIDE
from deepfake.training.faults import TrainingError
from video.reader import CONTAINERS, VideoError, VideoLimits
from video.timeline import grid_cell

#: Share of a picture's width and height, around its middle, that is kept: borders and marks stand outside of it.
CROP = 0.86
#: Frames of a clip at most (4 s), and at least (1 s).
MOST_FRAMES, LEAST_FRAMES = 32, 8
#: Rate of x264 that clips are compressed at.
CRF = 23
#: Standard deviation of luma, in levels, below which a picture shows nothing: a fade, a lens cap.
_BLANK = 4.0
#: Kinds of files that photographs are published as.
_PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")
#: Pixels of a photograph at most; Pillow warns of more.
_MOST_PIXELS = 89_000_000
#: What a piece may cost to decode: 4 s of 2160p at 60 frames a second.
_PIXELS_OF_PIECE = 2.2e9


class FootageError(TrainingError):
    """Footage cannot be used; the text says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """What was made of one file.

    Attributes:
        clips: (T, H, W, 3) uint8 RGB each, on the time grid, of even sides.
        width, height: of the file's pictures as they are shown.
        fps, seconds: of a video; 0 for a photograph.
        codec: of the video or of the picture, lower case.
        audio: whether the file has sound.
    """

    clips: tuple[Clip, ...]
    width: int
    height: int
    fps: float
    seconds: float
    codec: str
    audio: bool


def from_video(path: Path, *, pieces: int) -> Footage:
    """Cut pieces of at most 4 s out of a video, spread over its length.

    Args:
        pieces: at most.

    Raises:
        FootageError: it is no video, shows nothing, or is shorter than a second.
    """
    limits = ScanLimits(
        span_s=pieces * MOST_FRAMES / RATE_HZ,
        pixels=pieces * _PIXELS_OF_PIECE,
        # One more of each, for pieces that begin between two cells.
        held=pieces * (MOST_FRAMES + 1),
        video=VideoLimits(),
    )
    # The crop leaves just the short side of a collection; a side is even before it and after it.
    whole = round(SHORT_SIDE / CROP)
    try:
        scan = scan_video(path, short_side=whole, rate_hz=RATE_HZ, passages=pieces, limits=limits)
        audio = _has_sound(path)
    except VideoError as error:
        raise FootageError(str(error)) from error
    clips: list[Clip] = []
    for _passage, members in groupby(scan.glimpses, lambda glimpse: glimpse.passage):
        clips += _clips_of(list(members))
    if not clips:
        raise FootageError("is shorter than a second, or shows nothing")
    return Footage(
        clips=tuple(clips[:pieces]),
        width=scan.width,
        height=scan.height,
        fps=round(scan.fps, 2),
        seconds=round(scan.duration_s, 2),
        codec=scan.codec,
        audio=audio,
    )


def from_photo(path: Path, *, name: str) -> Footage:
    """Film a photograph for 4 s; see :mod:`deepfake.training.camera`.

    Args:
        name: that the camera's move is drawn by.

    Raises:
        FootageError: it is no photograph of a known kind, or too small or too large.
    """
    try:
        with Image.open(path, formats=_PHOTO_FORMATS) as image:
            codec = "jpeg" if image.format == "MPO" else str(image.format).lower()
            if (fault := _fault_of(image)) is None:
                upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FootageError("is no picture of a known kind, or damaged") from error
    if fault is not None:
        raise FootageError(fault)
    width, height = upright.size
    if min(width, height) < SHORTEST_SIDE:
        raise FootageError(f"is smaller than {SHORTEST_SIDE} pixels")
    clip = filmed(
        np.asarray(upright, np.uint8),
        drawn_move(name, width, height),
        frames=MOST_FRAMES,
        rate_hz=RATE_HZ,
        short_side=SHORT_SIDE,
    )
    return Footage(clips=(clip,), width=width, height=height, fps=0.0, seconds=0.0, codec=codec, audio=False)


def _fault_of(image: Image.Image) -> str | None:
    """Why a picture that was opened and not decoded yet is not taken."""
    if image.width * image.height > _MOST_PIXELS:
        return f"is larger than {_MOST_PIXELS // 1_000_000} megapixels"
    # A phone's JPEG may have more pictures behind the first one (MPO). A palette, transparency or several
    # pages elsewhere are a drawing's or a cut-out's.
    if image.mode not in ("RGB", "L", "CMYK") or (
        image.format != "MPO" and getattr(image, "n_frames", 1) > 1
    ):
        return "is not a plain photograph"
    return None


def _clips_of(glimpses: Sequence[Glimpse]) -> list[Clip]:
    """Clips of one passage: every cell of the grid has a picture, the last one that was there by then."""
    pictures = [_cropped(glimpse.rgb()) for glimpse in glimpses]
    first, begun = pictures[0].shape, grid_cell(glimpses[0].time_s, RATE_HZ)
    shown: list[tuple[Clip, float]] = []
    for glimpse, picture in zip(glimpses, pictures, strict=True):
        if picture.shape != first:
            # The stream turned in the middle.
            break
        missing = grid_cell(glimpse.time_s, RATE_HZ) - begun - len(shown)
        if missing > RATE_HZ:
            # A hole in the file; what lies behind it is another take.
            break
        shown += [shown[-1]] * max(0, missing) if shown else []
        shown.append((picture, glimpse.spread))
    clips = []
    for start in range(0, len(shown), MOST_FRAMES):
        part = shown[start : start + MOST_FRAMES]
        if len(part) >= LEAST_FRAMES and float(np.median([spread for _picture, spread in part])) >= _BLANK:
            clips.append(np.stack([picture for picture, _spread in part]))
    return clips


def _cropped(picture: Clip) -> Clip:
    """The middle of a picture, of even sides."""
    height, width = picture.shape[:2]
    high, wide = 2 * round(height * CROP / 2), 2 * round(width * CROP / 2)
    top, left = (height - high) // 2, (width - wide) // 2
    return picture[top : top + high, left : left + wide]


def _has_sound(path: Path) -> bool:
    try:
        options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
        with av.open(str(path.absolute()), options=options) as container:
            return bool(container.streams.audio)
    except (av.FFmpegError, OSError, ValueError):
        return False
