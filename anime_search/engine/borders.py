"""Borders around a picture: bars of one colour, and bars that hold a gradient or the picture's own blur."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

#: How far a pixel of a border may be from the border's colour (of 256), and how many of a line may be farther.
BORDER_NOISE = 24
BORDER_OUTLIERS = 0.02
#: Borders are looked for in a picture of at most this width and height: no less than queries are reduced to.
BORDER_SIDE = 640
#: No side loses more than this share of the picture: a dark scene is not all border.
BORDER_MOST = 0.4
#: Soft bars are looked for in a picture of this side; they lose their neighbours' sharpness in it, and so noise.
_SOFT_SIDE = 256
#: What is a change in a soft bar and what is one where it ends, in steps of luma.
_BUSY, _STEP = 6, 8
#: The share of a line that must be a step for a soft bar to end there, and of a bar's pixels that may change.
_LEAST_STEP, _MOST_BUSY = 0.5, 0.10
#: By how much of the picture's side a soft bar must be the wider one to be believed.
_NOTABLE = 0.015


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in a picture: rows ``top`` to ``bottom`` and columns ``left`` to ``right``, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @classmethod
    def whole(cls, rgb: NDArray[np.uint8]) -> Box:
        return cls(0, rgb.shape[0], 0, rgb.shape[1])

    def of(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of a picture that is in it, not copied."""
        return rgb[self.top : self.bottom, self.left : self.right]


def inside_borders(rgb: NDArray[np.uint8]) -> Box:
    """Where the picture is within its borders: plain ones, others within those, then soft ones.

    Returns:
        The whole picture where there is no border.
    """
    found = inside_plain_borders(rgb)
    if found != Box.whole(rgb):
        found = _within(found, inside_plain_borders(found.of(rgb)))
    # Asked of all of the picture: there, where plain bars end is the clearest end that soft ones could have.
    soft = inside_soft_bars(rgb)
    height, width = (_NOTABLE * side for side in rgb.shape[:2])
    # Soft bars are found to a few pixels only: where both end about alike, the plain one's end is the exact one.
    inner = Box(
        soft.top if soft.top > found.top + height else found.top,
        soft.bottom if soft.bottom < found.bottom - height else found.bottom,
        soft.left if soft.left > found.left + width else found.left,
        soft.right if soft.right < found.right - width else found.right,
    )
    return inner if inner.bottom > inner.top and inner.right > inner.left else found


def without_borders(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut letterbox and pillarbox bars of any one colour off (H, W, 3); a picture without bars is returned whole."""
    box = inside_plain_borders(rgb)
    return rgb if box == Box.whole(rgb) else box.of(rgb)


def inside_plain_borders(rgb: NDArray[np.uint8]) -> Box:
    """Where the picture is within bars that are each of one colour; the whole of it where there are none."""
    height, width = rgb.shape[:2]
    whole = Box(0, height, 0, width)
    scale = max(1.0, max(height, width) / BORDER_SIDE)
    small = rgb if scale == 1.0 else _reduced(rgb, scale)
    top, bottom = _bars(small, axis=0)
    left, right = _bars(small[top : len(small) - bottom], axis=1)
    if max(top, bottom, left, right) < 2:
        return whole
    # The line where picture and bar meet is a mixture of both once reduced: it goes with the bar.
    top, bottom, left, right = (
        int(np.ceil((lines + (scale > 1)) * scale)) if lines else 0 for lines in (top, bottom, left, right)
    )
    if height - top - bottom < 0.3 * height or width - left - right < 0.3 * width:
        return whole
    return Box(top, height - bottom, left, width - right)


def inside_soft_bars(rgb: NDArray[np.uint8]) -> Box:
    """Where the picture is within bars that change only softly: gradients, shadows, its own blown-up blur.

    Such a bar is a run of lines from the picture's edge on which next to nothing changes from pixel to pixel,
    and it ends in a line along which most pixels change at once. The whole picture where there is none.
    """
    height, width = rgb.shape[:2]
    whole = Box(0, height, 0, width)
    if min(height, width) < 32:
        return whole
    scale = max(1.0, max(height, width) / _SOFT_SIDE)
    luma = np.asarray(cv2.cvtColor(_reduced(rgb, scale), cv2.COLOR_RGB2GRAY), np.uint8)
    if min(luma.shape) < 16:
        return whole
    top, bottom = _soft_bars(luma)
    left, right = _soft_bars(np.asarray(cv2.transpose(luma[top : len(luma) - bottom]), np.uint8))
    if max(top, bottom, left, right) == 0:
        return whole
    top, bottom, left, right = (int(np.ceil(lines * scale)) for lines in (top, bottom, left, right))
    if height - top - bottom < 0.2 * height or width - left - right < 0.3 * width:
        return whole
    return Box(top, height - bottom, left, width - right)


def _soft_bars(luma: NDArray[np.uint8]) -> tuple[int, int]:
    """How many rows at the top and at the bottom are a soft bar each."""
    changes = cv2.absdiff(luma[:, 1:], luma[:, :-1]) > _BUSY
    steps = cv2.absdiff(luma[2:], luma[:-2]) > _STEP
    busy, step = changes.mean(axis=1), np.concatenate([[0.0], steps.mean(axis=1), [0.0]])
    first, last = _soft_bar(busy, step), _soft_bar(busy[::-1], step[::-1])
    # A picture may well have a soft edge by itself; two alike, opposite each other, are bars.
    return (first, last) if max(first, last) <= 2 * min(first, last) else (0, 0)


def _soft_bar(busy: NDArray[np.float64], step: NDArray[np.float64]) -> int:
    count = len(busy)
    most = int(0.42 * count)
    # Lines 0 to n - 1 before line n; the two on which bar and picture mix are left out.
    before = np.concatenate([[0.0], np.cumsum(busy)])
    lines = np.arange(4, most)
    outside = before[lines - 1] / (lines - 1)
    inside = (before[count - most] - before[lines + 1]) / np.maximum(count - most - lines - 1, 1)
    ends = (step[lines] >= _LEAST_STEP) & (outside <= _MOST_BUSY) & (outside <= 0.35 * inside)
    if not ends.any():
        return 0
    return int(lines[np.argmax(np.where(ends, step[lines] - 2 * outside, -1.0))]) + 1


def _within(outer: Box, inner: Box) -> Box:
    return Box(
        outer.top + inner.top, outer.top + inner.bottom, outer.left + inner.left, outer.left + inner.right
    )


def _reduced(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    size = (max(1, round(rgb.shape[1] / scale)), max(1, round(rgb.shape[0] / scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _bars(rgb: NDArray[np.uint8], *, axis: int) -> tuple[int, int]:
    """How many lines along an axis are of the first line's colour at the beginning, of the last one's at the end."""
    most = int(rgb.shape[axis] * BORDER_MOST)
    if not most:
        return 0, 0
    first, last = (rgb[:most], rgb[-most:]) if axis == 0 else (rgb[:, :most], rgb[:, -most:])
    return _lines_alike(first, 0, axis=axis), _lines_alike(last, -1, axis=axis)


def _lines_alike(rgb: NDArray[np.uint8], outermost: int, *, axis: int) -> int:
    colour = np.median(rgb.take(outermost, axis), axis=0).astype(np.int16)
    # OpenCV tells near from far in one pass; the same in numpy takes twenty times as long.
    near = cv2.inRange(
        rgb, tuple(map(float, colour - BORDER_NOISE)), tuple(map(float, colour + BORDER_NOISE))
    )
    foreign = (near == 0).mean(axis=1 - axis) > BORDER_OUTLIERS
    inwards = foreign if outermost == 0 else foreign[::-1]
    return int(inwards.argmax()) if inwards.any() else 0
