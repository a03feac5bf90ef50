"""A decoded frame as a picture."""

from __future__ import annotations

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

#: A frame whose file does not say how its colours are coded (libavutil, ``AVColorSpace``).
AVCOL_SPC_UNSPECIFIED = 2


def upright_rgb(
    reformatter: VideoReformatter, frame: VideoFrame, width: int, height: int
) -> NDArray[np.uint8]:
    """Scale a frame and turn it as its display matrix asks.

    Args:
        reformatter: kept from frame to frame, so that its tables are made once.
        width, height: of the picture as it is shown; even numbers.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        av.FFmpegError, ValueError: the frame is of a kind that cannot be scaled.
    """
    # Scaling to RGB in one step would take swscale almost three times as long.
    small, quarters = scaled(reformatter, frame, width, height, Colorspace.ITU601)
    rgb = cv2.cvtColor(small.to_ndarray(), cv2.COLOR_YUV2RGB_I420)
    return np.ascontiguousarray(np.rot90(rgb, quarters), np.uint8)


def scaled(
    reformatter: VideoReformatter, frame: VideoFrame, width: int, height: int, matrix: int
) -> tuple[VideoFrame, int]:
    """Scale a frame to 8 bits 4:2:0, as it is stored, and say how many quarters it has to be turned by.

    Args:
        reformatter: kept from frame to frame, so that its tables are made once.
        width, height: of the picture once it is turned; even numbers.
        matrix: of the colours of what comes out (libavutil, ``AVColorSpace``).

    Raises:
        av.FFmpegError, ValueError: the frame is of a kind that cannot be scaled.
    """
    quarters = round(frame.rotation / 90) % 4
    if quarters % 2:
        width, height = height, width
    small = reformatter.reformat(
        frame,
        width,
        height,
        "yuv420p",
        src_colorspace=colorspace_of(frame),
        dst_colorspace=matrix,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.AREA,
        threads=1,
    )
    return small, quarters


def colorspace_of(frame: VideoFrame) -> int:
    """The matrix of a frame's colours. Untagged video of HD size is BT.709 by custom, smaller is BT.601."""
    if frame.colorspace != AVCOL_SPC_UNSPECIFIED:
        return int(frame.colorspace)
    return int(Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601)


def shown_size(frame: VideoFrame, aspect: float, *, most: int) -> tuple[int, int]:
    """Width and height, even, of a frame as it is shown: upright, at most ``most`` wide, and never enlarged.

    Args:
        aspect: width to height as the frame should be shown, before it is turned.
    """
    width, height = frame.height * aspect, float(frame.height)
    if round(frame.rotation / 90) % 2:
        width, height = height, width
    scale = min(1.0, most / width)
    return _even(width * scale), _even(height * scale)


def _even(side: float) -> int:
    return max(2, 2 * int(side / 2))
