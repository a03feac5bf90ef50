"""Four-sided regions put together from straight lines, and how well a picture bears each of them out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]

#: Stands in for how well a line is borne out where it is the picture's own edge, which shows nothing.
_OWN_EDGE = 0.5
#: Sides are at least this share of the picture's width and height.
_LEAST_WIDTH, _LEAST_HEIGHT = 0.18, 0.08
#: Film is shown from 4:3 to 2.4:1; a perspective and a crop may make it a little more or less.
_NARROWEST, _WIDEST = 1.25, 2.45


class Along(IntEnum):
    """What is summed up along a line; *before* is above a level line or left of an upright one, *beyond* the rest.

    ``FIRST`` and ``LAST`` say how well a place bears out a top (left) or a bottom (right) side: there is an edge,
    it is still outside of it, and it is not inside. ``WITHIN`` counts the places that lie in the picture at all.
    """

    WITHIN = 0
    FIRST = 1
    LAST = 2
    EDGE = 3
    STILL_BEFORE = 4
    STILL_BEYOND = 5


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Lines across a picture in the order in which they cross its middle; its own edges are the first and the last.

    Attributes:
        start: (K,) where each is at the beginning of the axis that it runs along, in pixels.
        lean: (K,) pixels that it moves for every pixel of that axis.
        sums: (K, N + 1, 6) float32, running sums along it of what :class:`Along` names.
    """

    start: Floats
    lean: Floats
    sums: Floats

    @classmethod
    def of(
        cls, start: Floats, lean: Floats, end: int, edge: Floats, still: tuple[Floats, Floats], within: Floats
    ) -> Lines:
        """Lines from what lies along them.

        Args:
            start, lean: (K,), in the order of the class.
            end: height of the picture for level lines, width for upright ones.
            edge: (K, N) 1 where the picture has an edge along the line.
            still: (K, N) each; 1 where nothing changes along the line a little before it, and beyond it.
            within: (K, N) 1 where the line is in the picture.
        """
        before, beyond = still
        sums = np.zeros((len(start) + 2, edge.shape[1] + 1, len(Along)), np.float32)
        first, last = (
            edge * (0.55 + 0.45 * before - 0.15 * beyond),
            edge * (0.55 + 0.45 * beyond - 0.15 * before),
        )
        for which, values in enumerate((within, first, last, edge, before, beyond)):
            np.cumsum(values * within, axis=1, out=sums[1:-1, 1:, which])
        ends = np.array([0, end], np.float32)
        starts = np.concatenate([ends[:1], start, ends[1:]]).astype(np.float32)
        return cls(starts, np.concatenate([[0], lean, [0]]).astype(np.float32), sums)

    def means(self, line: Indices, first: Floats, last: Floats, until: Along = Along.STILL_BEYOND) -> Floats:
        """Means between two places on some lines of what :class:`Along` names: one row of up to 6 for each.

        Of what lies outside of the picture nothing counts, as long as a fifth of it is inside.
        """
        end = self.sums.shape[1] - 1
        low = np.clip(np.rint(first), 0, end).astype(np.intp)
        high = np.maximum(np.clip(np.rint(last), 0, end).astype(np.intp), low)
        wanted = self.sums[..., : until + 1]
        sums = wanted[line, high] - wanted[line, low]
        count = np.maximum(sums[..., Along.WITHIN], 0.2 * (high - low) + 1)
        return np.asarray(sums / count[..., None], np.float32)

    def is_own_edge(self, line: Indices) -> NDArray[np.bool_]:
        """Whether a line is one of the picture's own two edges."""
        return np.asarray((line == 0) | (line == len(self.start) - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Quads:
    """Four-sided regions: which lines each is made of, its corners, and what lies along its sides.

    Attributes:
        top, bottom, left, right: (Q,) numbers of the lines.
        corners: (Q, 4, 2) x and y, clockwise from the upper left.
        sides: (4, Q, 6) means along the top, bottom, left and right side.
        own: (4, Q) whether that side is the picture's own edge.
    """

    top: Indices
    bottom: Indices
    left: Indices
    right: Indices
    corners: Floats
    sides: Floats
    own: NDArray[np.bool_]


def likely_quads(level: Lines, upright: Lines, size: tuple[int, int], most: int) -> Quads:
    """Put lines together, four by four, and keep the regions whose sides show best.

    Args:
        size: width and height of the picture.
        most: regions to keep.
    """
    width, height = size
    meet_x, meet_y = _crossings(level, upright)
    top, bottom = np.triu_indices(len(level.start), 1)
    left, right = np.triu_indices(len(upright.start), 1)
    middle_y, middle_x = level.start + level.lean * width / 2, upright.start + upright.lean * height / 2
    tall = middle_y[bottom] - middle_y[top] >= max(10, _LEAST_HEIGHT * height)
    wide = middle_x[right] - middle_x[left] >= max(10, _LEAST_WIDTH * width)
    top, bottom, left, right = top[tall], bottom[tall], left[wide], right[wide]
    of_level = _role_means(level, meet_x[:, left], meet_x[:, right])
    of_upright = _role_means(upright, meet_y[top].T, meet_y[bottom].T)
    score = _weighed(of_level[..., Along.FIRST])[top] + _weighed(of_level[..., Along.LAST])[bottom]
    score += _weighed(of_upright[..., Along.FIRST]).T[:, left]
    score += _weighed(of_upright[..., Along.LAST]).T[:, right]
    across = (middle_x[right] - middle_x[left])[None]
    down = (middle_y[bottom] - middle_y[top])[:, None]
    score += likely_shape(np.asarray(across / down, np.float32)) + np.log(across * down / (width * height))
    straight = (np.abs(level.lean[top]) + np.abs(level.lean[bottom]))[:, None] + (
        np.abs(upright.lean[left]) + np.abs(upright.lean[right])
    )
    # To be all of the picture is the full view's business.
    score[(across > 0.97 * width) & (down > 0.97 * height) & (straight < 0.03)] -= 100
    kept = min(most, score.size)
    best = np.argpartition(score, score.size - kept, axis=None)[score.size - kept :]
    row, column = np.unravel_index(best, score.shape)
    top, bottom, left, right = top[row], bottom[row], left[column], right[column]
    corners = [(top, left), (top, right), (bottom, right), (bottom, left)]
    x, y = (np.stack([meet[corner] for corner in corners], axis=1) for meet in (meet_x, meet_y))
    sides = [
        _side(level, top, x[:, 0], x[:, 1]),
        _side(level, bottom, x[:, 3], x[:, 2]),
        _side(upright, left, y[:, 0], y[:, 3]),
        _side(upright, right, y[:, 1], y[:, 2]),
    ]
    own = [
        level.is_own_edge(top),
        level.is_own_edge(bottom),
        upright.is_own_edge(left),
        upright.is_own_edge(right),
    ]
    return Quads(top, bottom, left, right, np.stack([x, y], axis=-1), np.stack(sides), np.stack(own))


def likely_shape(aspect: Floats) -> Floats:
    """0 for the widths to heights that film is shown in, and the lower the farther off."""
    off = np.maximum(0, np.log(_NARROWEST / aspect)) + np.maximum(0, np.log(aspect / _WIDEST))
    return np.asarray(-2.5 * off, np.float32)


def overlap(first: Floats, second: Floats) -> float:
    """Intersection over union of two convex quadrilaterals of (4, 2) corners; 0 where one has no area."""
    shared = float(cv2.intersectConvexConvex(first, second)[0])
    whole = abs(cv2.contourArea(first)) + abs(cv2.contourArea(second)) - shared
    return shared / whole if shared > 0 and whole > 0 else 0.0


def best_apart(corners: Floats, scores: Floats, most: int, alike: float) -> list[int]:
    """The best regions, best first, leaving out any whose overlap with a better one is ``alike`` or more."""
    chosen: list[int] = []
    for number in np.argsort(-scores, kind="stable"):
        if all(overlap(corners[number], corners[other]) < alike for other in chosen):
            chosen.append(int(number))
            if len(chosen) == most:
                break
    return chosen


def _crossings(level: Lines, upright: Lines) -> tuple[Floats, Floats]:
    """x and y, each (level, upright), where the lines meet. Leans are below 1, so that all of them do."""
    across = upright.lean[None]
    x = (upright.start[None] + across * level.start[:, None]) / (1 - across * level.lean[:, None])
    return x.astype(np.float32), (level.start[:, None] + level.lean[:, None] * x).astype(np.float32)


def _role_means(lines: Lines, first: Floats, last: Floats) -> Floats:
    means = lines.means(np.arange(len(lines.start))[:, None], first, last, Along.LAST)
    means[[0, -1]] = _OWN_EDGE
    return means


def _side(lines: Lines, line: Indices, first: Floats, last: Floats) -> Floats:
    means = lines.means(line, first, last)
    means[lines.is_own_edge(line)] = _OWN_EDGE
    return means


def _weighed(share: Floats) -> Floats:
    return np.asarray(np.log(0.06 + share), np.float32)
