"""What speaks for a four-sided region being a picture: along its sides, past its corners, around and inside it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.engine.quads import Along, Floats, Lines, Quads, likely_shape

#: Names of what :func:`evidence` returns, in order.
EVIDENCE = (
    "sides",
    "weakest side",
    "still outside",
    "lines run on",
    "lines across inside",
    "shape",
    "area",
    "own edges above, below",
    "own edges left, right",
    "taper",
    "detail",
)


def evidence(quads: Quads, level: Lines, upright: Lines, changes: NDArray[np.uint8]) -> Floats:
    """(11, Q) float32 of what :data:`EVIDENCE` names.

    Args:
        changes: (H, W) uint8: by how much neighbouring pixels differ. Detail is where they do so slightly, as in a
            picture: paper does not, and text does strongly.
    """
    height, width = changes.shape
    x, y = quads.corners[..., 0], quads.corners[..., 1]
    shown = [quads.sides[side, :, role] for side, role in enumerate((Along.FIRST, Along.LAST) * 2)]
    logs = np.log(0.06 + np.stack(shown))
    outside = [
        quads.sides[side, :, role] for side, role in enumerate((Along.STILL_BEFORE, Along.STILL_BEYOND) * 2)
    ]
    seen = ~quads.own
    top, bottom = np.maximum(x[:, 1] - x[:, 0], 1), np.maximum(x[:, 2] - x[:, 3], 1)
    left, right = np.maximum(y[:, 3] - y[:, 0], 1), np.maximum(y[:, 2] - y[:, 1], 1)
    following = [1, 2, 3, 0]
    area = 0.5 * (x * y[:, following] - x[:, following] * y).sum(axis=1)
    return np.stack(
        [
            logs.sum(axis=0),
            logs.min(axis=0),
            (np.stack(outside) * seen).sum(axis=0) / np.maximum(seen.sum(axis=0), 1),
            _run_on(level, (quads.top, quads.bottom), (x[:, [0, 3]], x[:, [1, 2]]))
            + _run_on(upright, (quads.left, quads.right), (y[:, [0, 1]], y[:, [3, 2]])),
            np.maximum(
                _across(level, quads.top, quads.bottom, x.min(axis=1), x.max(axis=1)),
                _across(upright, quads.left, quads.right, y.min(axis=1), y.max(axis=1)),
            ),
            likely_shape((top + bottom) / (left + right)),
            np.log(np.maximum(area, 1) / (width * height)),
            quads.own[:2].sum(axis=0),
            quads.own[2:].sum(axis=0),
            np.abs(np.log(top / bottom)) + np.abs(np.log(left / right)),
            share_inside(np.asarray(cv2.inRange(changes, (2.0,), (14.0,)), np.uint8) & np.uint8(1), quads),
        ]
    ).astype(np.float32)


def _run_on(
    lines: Lines, of: tuple[NDArray[np.intp], NDArray[np.intp]], between: tuple[Floats, Floats]
) -> Floats:
    """How much of an edge there still is behind the corners: a picture's sides end there."""
    first, last = between
    total = np.zeros(len(of[0]), np.float32)
    for number, line in enumerate(of):
        low, high = first[:, number], last[:, number]
        reach = np.maximum(6, 0.07 * (high - low))
        more = lines.means(line, low - reach, low - 2) + lines.means(line, high + 2, high + reach)
        total += np.where(lines.is_own_edge(line), 0, more[:, Along.EDGE])
    return total


def _across(
    lines: Lines, first: NDArray[np.intp], last: NDArray[np.intp], low: Floats, high: Floats
) -> Floats:
    """How well the best of the lines within a region crosses all of it: a gap between two pictures does."""
    every = np.arange(len(lines.start))[:, None]
    shown = lines.means(every, low[None], high[None], Along.LAST)[..., Along.FIRST :].max(axis=-1)
    within = (every > first) & (every < last)
    return np.asarray(np.where(within, shown, 0).max(axis=0), np.float32)


def share_inside(mask: NDArray[np.uint8], quads: Quads) -> Floats:
    """(Q,) mean of an (H, W) mask of 0 and 1 over the upright rectangle about each region."""
    height, width = mask.shape
    sums = np.asarray(cv2.integral(mask, sdepth=cv2.CV_32S))
    low = np.rint(quads.corners.min(axis=1)).astype(np.intp)
    high = np.rint(quads.corners.max(axis=1)).astype(np.intp)
    left, right = np.clip(low[:, 0], 0, width), np.clip(high[:, 0], 0, width)
    top, bottom = np.clip(low[:, 1], 0, height), np.clip(high[:, 1], 0, height)
    count = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return np.asarray(count / np.maximum((right - left) * (bottom - top), 1), np.float32)
