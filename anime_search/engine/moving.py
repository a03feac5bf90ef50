"""A clip, as a search sees it: a few of its frames, each of another drawing, spread over its length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anime_search.engine.image import is_flat
from video.faults import VideoFault
from video.reader import VideoError, VideoLimits, VideoReader

#: Frames that are asked about at most.
MOST_FRAMES = 12
#: Seconds from its beginning that are looked at: more is no clip of a scene.
LONGEST_S = 30.0
#: Frames that are held while a clip is read; at 480 x 270 pixels they take 19 MB.
MOST_HELD = 48
#: Pixels of the longer side of a frame.
SIDE = 480
#: Frames of a video that are looked at, a second.
RATE_HZ = 8.0

#: Frames reduced to this are compared; cells differ by this much at most, and by this on average, of 255 levels.
_CELLS = (32, 18)
_ALIKE_MOST, _ALIKE_MEAN = 16, 1.5

#: Brands of ISO media files that hold still pictures (AVIF, HEIF): no video.
_STILL_BRANDS = frozenset({b"avif", b"avis", b"mif1", b"msf1", b"heic", b"heix", b"hevc", b"heim", b"heis"})
_MATROSKA = b"\x1a\x45\xdf\xa3"


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """One frame.

    Attributes:
        time_s: in the clip.
        rgb: (H, W, 3) uint8, at most :data:`SIDE` wide and high.
        flat: it holds next to nothing.
    """

    time_s: float
    rgb: NDArray[np.uint8]
    flat: bool


@dataclass(frozen=True, slots=True, eq=False)
class MovingPicture:
    """The frames that are asked about, at least one, in order, and the length of what was looked at, in seconds."""

    stills: tuple[Still, ...]
    length_s: float


class Thinned:
    """Keeps frames as they come, evenly spread, and never more than so many.

    Every frame is kept at first, and when there are too many every other goes, and only every second frame that comes
    is kept from then on, and so on.
    """

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self._every = 1
        self._come = 0
        self.kept: list[Still] = []

    def wants_next(self) -> bool:
        """Whether the frame that comes now is one of those to keep; asked once a frame."""
        self._come += 1
        return (self._come - 1) % self._every == 0

    def keep(self, still: Still) -> None:
        """Keep a frame that was wanted."""
        self.kept.append(still)
        if len(self.kept) > self._most:
            del self.kept[1::2]
            self._every *= 2


def still_of(time_s: float, rgb: NDArray[np.uint8]) -> Still:
    """A frame of (H, W, 3) uint8, which is as small as it has to be already."""
    return Still(time_s, rgb, is_flat(Image.fromarray(rgb)))


def chosen(stills: Sequence[Still], *, most: int = MOST_FRAMES) -> tuple[Still, ...]:
    """Those that are worth a search: not flat, unlike the one before, and spread evenly in time.

    Args:
        stills: at least one, in order. Where all are flat the first stands for them.
    """
    telling = [still for still in stills if not still.flat]
    different: list[Still] = []
    last: NDArray[np.int16] | None = None
    for still in telling:
        cells = cv2.resize(
            cv2.cvtColor(still.rgb, cv2.COLOR_RGB2GRAY), _CELLS, interpolation=cv2.INTER_AREA
        ).astype(np.int16)
        if last is None or not _are_alike(last, cells):
            different.append(still)
            last = cells
    if not different:
        return (stills[0],)
    if len(different) <= most:
        return tuple(different)
    times = np.array([still.time_s for still in different])
    wanted = np.linspace(times[0], times[-1], most)
    nearest = {int(np.abs(times - time).argmin()) for time in wanted}
    return tuple(different[number] for number in sorted(nearest))


def _are_alike(one: NDArray[np.int16], other: NDArray[np.int16]) -> bool:
    difference = np.abs(one - other)
    return bool(difference.max() <= _ALIKE_MOST and difference.mean() <= _ALIKE_MEAN)


def sniff_video(data: bytes) -> str | None:
    """Tell a video by its signature: MP4 (and its relatives), MATROSKA (and WebM), or None for anything else."""
    if data.startswith(_MATROSKA):
        return "MATROSKA"
    if data[4:8] == b"ftyp" and data[8:12] not in _STILL_BRANDS:
        return "MP4"
    return None


def moving_of_video(path: Path, *, limits: VideoLimits) -> MovingPicture:
    """The frames of a video file's first :data:`LONGEST_S` seconds. Belongs into a child process.

    Raises:
        VideoError: it is none, is broken, or is beyond the limits.
    """
    thinned, length_s = Thinned(), 0.0
    with VideoReader(path, limits) as reader:
        try:
            for sample in reader.samples(RATE_HZ, most=SIDE):
                if sample.time_s > LONGEST_S:
                    break
                length_s = max(length_s, sample.time_s)
                if thinned.wants_next():
                    thinned.keep(still_of(sample.time_s, _no_higher(sample.rgb)))
        except VideoError:
            # What could be read of a damaged file is as good as any clip.
            if not thinned.kept:
                raise
    if not thinned.kept:
        raise VideoError(VideoFault.NO_FRAMES)
    return MovingPicture(chosen(thinned.kept), length_s)


def _no_higher(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    if height <= SIDE:
        return rgb
    size = max(2, round(width * SIDE / height)), SIDE
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
