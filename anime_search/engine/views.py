"""Views of a query picture: what its sender may have done to the frame, undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.regions import Region, first_regions, more_regions, rectified
from video.reader import FRAME_HEIGHT, FRAME_WIDTH

#: What the name of a view ends in that is flipped left to right.
MIRRORED = "+mirrored"


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One reading of the query: its name as answers show it, and (144, 256, 3) uint8 RGB."""

    name: str
    rgb: NDArray[np.uint8]


def first_views(rgb: NDArray[np.uint8]) -> list[View]:
    """The picture as it is, and without its borders where it has any.

    Borders are bars or a frame of one colour, and bars that hold a gradient or the picture's own blur.

    Args:
        rgb: (H, W, 3) uint8.

    Returns:
        One or two views, named ``full`` and ``borders_removed``.
    """
    return _seen(rgb, first_regions(rgb))


def more_views(rgb: NDArray[np.uint8]) -> list[View]:
    """What else the picture may be: for a query that is not found as it is.

    Args:
        rgb: (H, W, 3) uint8. Regions are looked for in at most 640 pixels of width and height.

    Returns:
        One to six views, the likeliest first. ``picture_in_screenshot`` is an upright rectangle among an app's or
        page's paper and text, ``photo_of_screen`` a quadrilateral made upright; there may be several of each.
        ``padded`` is the picture with 12 % of itself put back on each side, as if that had been cropped, and
        ``widened`` the picture put back to 16:9 from something narrower, as if its sides had been.
    """
    return _seen(rgb, more_regions(rgb))


def mirrored(views: Iterable[View]) -> list[View]:
    """Views flipped left to right, with ``+mirrored`` behind their names."""
    return [View(view.name + MIRRORED, np.ascontiguousarray(view.rgb[:, ::-1])) for view in views]


def query_views(rgb: NDArray[np.uint8]) -> list[View]:
    """All views of a picture: the first ones, those mirrored, the others, those mirrored.

    Args:
        rgb: (H, W, 3) uint8.

    Returns:
        Four to sixteen views. Whoever asks in two stages uses :func:`first_views` and :func:`more_views`.
    """
    first, more = first_views(rgb), more_views(rgb)
    return [*first, *mirrored(first), *more, *mirrored(more)]


def _seen(rgb: NDArray[np.uint8], regions: Iterable[Region]) -> list[View]:
    return [View(region.name, rectified(rgb, region, (FRAME_WIDTH, FRAME_HEIGHT))) for region in regions]
