"""Views of a query picture: what its sender may have done to the frame, undone."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.engine.descriptor import at_frame_size

#: How far a pixel of a border may be from the border's colour (of 256), and how many of a line may be farther.
BORDER_NOISE = 24
BORDER_OUTLIERS = 0.02
#: Borders are looked for in a picture of at most this width and height: no less than queries are reduced to.
BORDER_SIDE = 640
#: No side loses more than this share of the picture: a dark scene is not all border.
BORDER_MOST = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One reading of the query: its name as answers show it, and (144, 256, 3) uint8 RGB."""

    name: str
    rgb: NDArray[np.uint8]


def query_views(rgb: NDArray[np.uint8]) -> list[View]:
    """The picture as it is, without plain borders, and both of them mirrored.

    Args:
        rgb: (H, W, 3) uint8.

    Returns:
        Two or four views; each ``name`` is ``full`` or ``borders_removed``, with ``+mirrored`` behind it
        where the view is flipped left to right.
    """
    views = [View("full", at_frame_size(rgb))]
    inner = without_borders(rgb)
    if inner.shape != rgb.shape:
        views.append(View("borders_removed", at_frame_size(inner)))
    mirrored = [View(f"{view.name}+mirrored", np.ascontiguousarray(view.rgb[:, ::-1])) for view in views]
    return views + mirrored


def without_borders(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut letterbox and pillarbox bars of any one colour off (H, W, 3); a picture without bars is returned whole."""
    height, width = rgb.shape[:2]
    scale = max(1.0, max(height, width) / BORDER_SIDE)
    small = rgb if scale == 1.0 else _reduced(rgb, scale)
    top, bottom = _bars(small, axis=0)
    left, right = _bars(small[top : len(small) - bottom], axis=1)
    if max(top, bottom, left, right) < 2:
        return rgb
    # The line where picture and bar meet is a mixture of both once reduced: it goes with the bar.
    top, bottom, left, right = (
        int(np.ceil((lines + (scale > 1)) * scale)) if lines else 0 for lines in (top, bottom, left, right)
    )
    if height - top - bottom < 0.3 * height or width - left - right < 0.3 * width:
        return rgb
    return rgb[top : height - bottom, left : width - right]


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
