"""Where in a query the picture may be: within borders, in a screenshot, on a photographed screen, cut from a larger one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.engine.borders import Box, inside_borders
from anime_search.engine.quads import Floats, overlap
from anime_search.engine.screen_photo import screens_in_photo
from anime_search.engine.screenshots import pictures_in_screenshot

FULL, BORDERS_REMOVED = "full", "borders_removed"
PICTURE_IN_SCREENSHOT, PHOTO_OF_SCREEN = "picture_in_screenshot", "photo_of_screen"
PADDED, WIDENED = "padded", "widened"

#: Regions are looked for in a picture of at most this width and height.
SIDE = 640
#: Regions of one kind that are looked at, and what a query is read as besides all of it, at most.
_EACH, MOST = 4, 6
#: Of two regions that overlap by more than this share of their union, one says it all.
_ALIKE = 0.96
#: Slope and offset from a finder's score to the logarithm of the odds that its region is right, fitted on the tune
#: part of ``benchmarks/regions.py``.
_SCREENSHOT_ODDS, _PHOTO_ODDS = (1.52, -0.96), (1.75, -0.85)
#: Such odds of a rectangle in a screenshot that no photo is looked for, and those below which no region is given;
#: what a crop has, of which nothing can be seen.
_SURE, _HOPELESS, _CROP_ODDS = 1.0, -3.5, -1.0
#: What a cropped picture is given back on each side, as a share of itself.
_MARGIN = 0.12
_SHOWN_ASPECT = 16 / 9


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A part of a query, or a larger frame about it, that may be the picture.

    Attributes:
        name: as answers show it.
        corners: (4, 2) float32 x and y, clockwise from the upper left; pixels of the query, its upper left corner
            being (0, 0). They may lie outside of it.
    """

    name: str
    corners: Floats


def first_regions(rgb: NDArray[np.uint8]) -> list[Region]:
    """All of an (H, W, 3) picture, and what is left of it without borders, where it has any."""
    whole, inner = Box.whole(rgb), inside_borders(rgb)
    found = [Region(FULL, _corners(whole))]
    if inner != whole:
        found.append(Region(BORDERS_REMOVED, _corners(inner)))
    return found


def more_regions(rgb: NDArray[np.uint8]) -> list[Region]:
    """Where else the picture may be in an (H, W, 3) query: at most six regions, the likeliest first."""
    height, width = rgb.shape[:2]
    scale = max(1.0, max(height, width) / SIDE)
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    small = rgb if scale == 1.0 else np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    back = np.array([width / size[0], height / size[1]], np.float32)
    beside = _beside(_roughly_inside(rgb))
    found = [(odds, Region(name, corners * back)) for odds, name, corners in _likely(small)]
    found = found[: MOST - len(beside)] + [
        (_CROP_ODDS - number, region) for number, region in enumerate(beside)
    ]
    return [region for _odds, region in sorted(found, key=lambda each: -each[0])]


def rectified(rgb: NDArray[np.uint8], region: Region, size: tuple[int, int]) -> NDArray[np.uint8]:
    """What a query shows in a region, seen from the front; what lies outside of the query repeats its edge.

    Args:
        rgb: (H, W, 3), the query.
        size: width and height of the result.
    """
    left, top = (float(side) for side in region.corners.min(axis=0))
    right, bottom = (float(side) for side in region.corners.max(axis=0))
    upright = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
    if np.abs(upright - region.corners).max() < 0.5:
        return _cut_out(rgb, (left, top, right, bottom), size)
    # Twice as large and then reduced: a warp alone would leave pixels out.
    double = (2 * size[0], 2 * size[1])
    target = np.array([(0, 0), (double[0], 0), double, (0, double[1])], np.float32)
    # Corners are edges of pixels; OpenCV counts from their middles.
    matrix = cv2.getPerspectiveTransform(region.corners - 0.5, target - 0.5)
    seen = cv2.warpPerspective(
        np.ascontiguousarray(rgb), matrix, double, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cv2.resize(seen, size, interpolation=cv2.INTER_AREA), np.uint8)


def _cut_out(
    rgb: NDArray[np.uint8], sides: tuple[float, float, float, float], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """An upright region (left, top, right, bottom), scaled; what of it lies outside of the picture repeats its edge."""
    x0, x1, left, right = _visible(sides[0], sides[2], rgb.shape[1], size[0])
    y0, y1, above, below = _visible(sides[1], sides[3], rgb.shape[0], size[1])
    inner = (size[0] - left - right, size[1] - above - below)
    part = cv2.resize(rgb[y0:y1, x0:x1], inner, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.copyMakeBorder(part, above, below, left, right, cv2.BORDER_REPLICATE), np.uint8)


def _visible(first: float, last: float, count: int, size: int) -> tuple[int, int, int, int]:
    """Of a side of a region: the picture's pixels that it shows, from and to, and how many it repeats at both ends.

    Args:
        count: pixels that the picture has.
        size: pixels that the region is scaled to.
    """
    low = min(max(round(first), 0), count - 1)
    high = max(min(round(last), count), low + 1)
    scale = size / max(last - first, 1.0)
    before, behind = round(max(0.0, -first) * scale), round(max(0.0, last - count) * scale)
    return (low, high, before, behind) if before + behind < size else (low, high, 0, 0)


def _likely(rgb: NDArray[np.uint8]) -> list[tuple[float, str, Floats]]:
    """Logarithm of the odds, name and corners of regions in a screenshot or photo, the likeliest first."""
    found = [
        (_SCREENSHOT_ODDS[0] * score + _SCREENSHOT_ODDS[1], PICTURE_IN_SCREENSHOT, corners)
        for score, corners in pictures_in_screenshot(rgb, _EACH)
    ]
    if not found or found[0][0] < _SURE:
        upright = list(found)
        for score, corners in screens_in_photo(rgb, _EACH):
            odds = _PHOTO_ODDS[0] * score + _PHOTO_ODDS[1]
            same = [each for each in upright if overlap(each[2], corners) >= _ALIKE]
            if same:
                # What both finders mean is worth the better opinion, and the first one's corners are exact.
                found = [(max(each[0], odds), *each[1:]) if each is same[0] else each for each in found]
            else:
                found.append((odds, PHOTO_OF_SCREEN, corners))
    return sorted((each for each in found if each[0] > _HOPELESS), key=lambda each: -each[0])


def _roughly_inside(rgb: NDArray[np.uint8]) -> Box:
    """Where the picture is within its borders, to a pixel or two, at a quarter of the cost."""
    if min(rgb.shape[:2]) < 64:
        return inside_borders(rgb)
    half = inside_borders(np.ascontiguousarray(rgb[::2, ::2]))
    return Box(2 * half.top, min(2 * half.bottom, len(rgb)), 2 * half.left, min(2 * half.right, rgb.shape[1]))


def _beside(box: Box) -> list[Region]:
    """Larger pictures that what is in a box may have been cut from: on all sides, or from 16:9 to something narrower."""
    corners = _corners(box)
    outwards = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float32)
    width, height = box.right - box.left, box.bottom - box.top
    padded = corners + outwards * np.array([_MARGIN * width, _MARGIN * height], np.float32)
    found = [Region(PADDED, np.asarray(padded, np.float32))]
    if 0.7 * height < width < 0.9 * _SHOWN_ASPECT * height:
        more = np.array([(_SHOWN_ASPECT * height - width) / 2, 0], np.float32)
        found.append(Region(WIDENED, np.asarray(corners + outwards * more, np.float32)))
    return found


def _corners(box: Box) -> Floats:
    return np.array(
        [(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)],
        np.float32,
    )
