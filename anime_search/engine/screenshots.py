"""Pictures inside screenshots: upright rectangles among an app's or page's plain paper, text and other pictures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.engine.quad_evidence import EVIDENCE, evidence, share_inside
from anime_search.engine.quads import Floats, Lines, Quads, best_apart, likely_quads

#: A change of colour (of 256) from one pixel to the next that may be a picture's edge; paper has smaller ones.
STEP, STILL = 8, 5
#: How far from its colour paper may be.
PAPER = 3
#: Lines of each direction, and rectangles made of them, that are looked at closely.
LINES, QUADS = 22, 400
#: Rectangles that overlap by more than this share of their union count as one.
ALIKE = 0.9
#: What each kind of evidence counts: fitted (a softmax over the rectangles of a screenshot) on the tune part of
#: ``benchmarks/regions.py``, and rounded.
WEIGHTS = {
    "sides": 1.0,
    "weakest side": 1.0,
    "still outside": 2.8,
    "lines run on": -0.12,
    "lines across inside": -1.55,
    "shape": 1.2,
    "area": 0.7,
    "own edges above, below": -0.15,
    "own edges left, right": 0.3,
    "detail": 1.6,
    "plain rows": -0.75,
    "paper": -1.1,
}
_WEIGHTS = np.array([WEIGHTS.get(name, 0.0) for name in (*EVIDENCE, "plain rows", "paper")], np.float32)


def pictures_in_screenshot(rgb: NDArray[np.uint8], most: int) -> list[tuple[float, Floats]]:
    """Rectangles that may hold a picture.

    Args:
        rgb: (H, W, 3) uint8, of a few hundred pixels: it is looked at pixel by pixel.
        most: rectangles to return.

    Returns:
        Score and (4, 2) corners, best first; nothing for a picture of less than 24 pixels in height or width.
    """
    height, width = rgb.shape[:2]
    if min(height, width) < 24:
        return []
    quads, found = _looked_at(rgb)
    scores = _WEIGHTS @ found
    return [(float(scores[n]), quads.corners[n]) for n in best_apart(quads.corners, scores, most, ALIKE)]


def _looked_at(rgb: NDArray[np.uint8]) -> tuple[Quads, Floats]:
    height, width = rgb.shape[:2]
    down, across = _steps(rgb, 0), _steps(rgb, 1)
    paper = _paper(rgb)
    level = _lines(down, across, paper)
    upright = _lines(_turned(across), _turned(down), _turned(paper))
    quads = likely_quads(level, upright, (width, height), QUADS)
    plain = _plain(across, quads.corners[:, 0], quads.corners[:, 2])[None]
    return quads, np.concatenate(
        [
            evidence(quads, level, upright, np.asarray(cv2.max(down, across), np.uint8)),
            plain,
            share_inside(paper, quads)[None],
        ]
    )


def _paper(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) 1 where the picture has its most frequent colour, as next to exactly as JPEG leaves it."""
    sample = np.ascontiguousarray(rgb[1::4, 1::4]).reshape(-1, 3)
    coarse = (sample >> 4).astype(np.int32) @ np.array([256, 16, 1], np.int32)
    usual = sample[coarse == np.bincount(coarse).argmax()]
    colour = np.median(usual, axis=0)
    lowest, highest = (tuple(float(value) for value in colour + off) for off in (-PAPER, PAPER))
    return np.asarray(cv2.inRange(rgb, lowest, highest), np.uint8) & np.uint8(1)


def _turned(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.transpose(plane), np.uint8)


def _steps(rgb: NDArray[np.uint8], axis: int) -> NDArray[np.uint8]:
    """(H, W) uint8: by how much a pixel differs from the one before it along an axis, in the channel where most."""
    moved = np.zeros_like(rgb)
    if axis == 0:
        moved[1:] = cv2.absdiff(rgb[1:], rgb[:-1])
    else:
        moved[:, 1:] = cv2.absdiff(rgb[:, 1:], rgb[:, :-1])
    red, green, blue = cv2.split(moved)
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def _lines(step: NDArray[np.uint8], along: NDArray[np.uint8], paper: NDArray[np.uint8]) -> Lines:
    """Level lines of a picture, given its steps down and along the rows."""
    height, width = step.shape
    edge = _between(step, STEP, 255)
    # A dark frame on dark paper: no step to speak of, but paper is of exactly one colour, and a picture is not.
    edge[1:] |= paper[1:] ^ paper[:-1]
    still = _between(along, 0, STILL - 1)
    joined = cv2.morphologyEx(edge, cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))
    opened = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, max(12, width // 10)), np.uint8))
    runs = np.asarray(opened, np.uint8)
    beside = np.zeros_like(still)
    beside[2:-1] = still[:-3] | still[3:]
    strength = np.asarray(
        cv2.reduce(runs * (2 + 3 * beside), 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F), np.float32
    )
    strength[:3] = strength[-3:] = 0
    peak = (strength >= cv2.dilate(strength, np.ones((5, 1), np.uint8)))[:, 0]
    places = np.flatnonzero(peak & (strength[:, 0] > 0))
    places = np.sort(places[np.argsort(-strength[places, 0], kind="stable")[:LINES]])
    # An edge between two pixels of the original lies within one of the reduced picture, in part on either side.
    near = edge[places - 1] | edge[places] | edge[np.minimum(places + 1, height - 1)]
    still_before, still_beyond = still[places - 2], still[np.minimum(places + 1, height - 1)]
    return Lines.of(
        places.astype(np.float32),
        np.zeros(len(places), np.float32),
        height,
        near.astype(np.float32),
        (still_before.astype(np.float32), still_beyond.astype(np.float32)),
        np.ones(near.shape, np.float32),
    )


def _between(plane: NDArray[np.uint8], low: int, high: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.inRange(plane, (float(low),), (float(high),)), np.uint8) & np.uint8(1)


def _plain(along: NDArray[np.uint8], first: Floats, last: Floats) -> Floats:
    """Share of a rectangle's rows that are plain from side to side, as an app's paper is."""
    busy = _between(along[::3], STILL, 255)
    sums = cv2.integral(busy, sdepth=cv2.CV_32S)
    rows = np.diff(sums, axis=0)
    left, right = (np.rint(x).astype(np.intp) for x in (first[:, 0], last[:, 0]))
    plain = (rows[:, right] - rows[:, left]) <= 2 + 0.02 * (right - left)[None]
    number = np.arange(len(rows))[:, None] * 3
    within = (number >= first[:, 1][None]) & (number < last[:, 1][None])
    return np.asarray((plain & within).sum(axis=0) / np.maximum(within.sum(axis=0), 1), np.float32)
