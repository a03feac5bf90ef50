"""How much a video was compressed, read off its frames."""

from __future__ import annotations

import cv2
import numpy as np
from av.sidedata.encparams import VideoEncParams, VideoEncParamsType
from av.video.frame import VideoFrame
from numpy.typing import NDArray

#: Pixels of a side of the middle of a frame that is looked at, a multiple of 8.
_SIDE = 512
#: Formats whose first plane is luma of 8 bits, a byte a pixel.
_EIGHT_BITS = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"})
#: Steps of luma that a step between two pixels must exceed to be an edge of the picture itself.
_EDGE = 24


#: Options of a decoder that make it tell its quantisers.
TELL_QUANTISERS = {"export_side_data": "venc_params"}


def quantiser_of(frame: VideoFrame) -> float | None:
    """Mean quantiser of an H.264 frame, 0 to 51; None of other codecs, whose scales are others or are not told."""
    told = frame.side_data.get("VIDEO_ENC_PARAMS")
    if not isinstance(told, VideoEncParams) or told.codec_type != VideoEncParamsType.H264:
        return None
    return float(told.qp_map().mean()) if told.nb_blocks else float(told.qp)


class Compression:
    """Measures frames at the size they are stored in: making them smaller would blur the blocks away.

    The steps of luma across the borders of an 8 x 8 grid are compared with those inside its cells, edges of the
    picture left out: 1 where there is no difference, and up from there. Blocks that an encoder left flat, the other
    trace of a coarse quantiser, count as well: the blockiness is that ratio plus their share. Codecs of today smooth
    their blocks: of H.264, whose quantiser is told, that says more.
    """

    def __init__(self) -> None:
        self._blocky: list[float] = []
        self._quantisers: list[float] = []

    def add(self, frame: VideoFrame) -> None:
        """Measure a frame, as far as it can be."""
        if (quantiser := quantiser_of(frame)) is not None:
            self._quantisers.append(quantiser)
        if frame.format.name not in _EIGHT_BITS or min(frame.width, frame.height) < 64:
            return
        plane = frame.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8)[: plane.height * plane.line_size].reshape(
            plane.height, plane.line_size
        )
        self._blocky.append(blockiness_of(_middle(rows[:, : plane.width])))

    @property
    def blockiness(self) -> float | None:
        """The median of the frames; None if none could be measured."""
        return float(np.median(self._blocky)) if self._blocky else None

    @property
    def quantiser(self) -> float | None:
        """The median of the frames, see :func:`quantiser_of`."""
        return float(np.median(self._quantisers)) if self._quantisers else None


def _middle(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of a plane, cut along the 8 x 8 grid."""
    height, width = (min(_SIDE, side // 8 * 8) for side in luma.shape)
    top, left = ((side - length) // 16 * 8 for side, length in zip(luma.shape, (height, width), strict=True))
    return luma[top : top + height, left : left + width]


def blockiness_of(luma: NDArray[np.uint8]) -> float:
    """Blockiness of one plane of luma that begins on the grid; see :class:`Compression`."""
    plane = luma.astype(np.int16)
    ratios = []
    for steps in (np.abs(np.diff(plane, axis=1)), np.abs(np.diff(plane, axis=0)).T):
        calm = np.where(steps < _EDGE, steps, 0)
        borders, inside = calm[:, 7::8], np.delete(calm, np.s_[7::8], axis=1)
        ratios.append((borders.mean() + 0.25) / (inside.mean() + 0.25))
    blocks = luma[: luma.shape[0] // 8 * 8, : luma.shape[1] // 8 * 8].reshape(
        luma.shape[0] // 8, 8, luma.shape[1] // 8, 8
    )
    ranges = blocks.max(axis=(1, 3)).astype(np.int16) - blocks.min(axis=(1, 3))
    # Black bars and clipped skies are flat in any file.
    means = cv2.resize(
        np.ascontiguousarray(luma), (luma.shape[1] // 8, luma.shape[0] // 8), interpolation=cv2.INTER_AREA
    )
    telling = (means > 24) & (means < 228)
    flat = float((ranges[telling] <= 1).mean()) if telling.any() else 0.0
    return float(np.mean(ratios)) + flat
