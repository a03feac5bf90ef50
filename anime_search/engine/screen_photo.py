"""Photos of a display: the four sides of what it shows, leaning as perspective has it.

Lines are found by a Hough transform (Duda and Hart, 1972) in which an edge pixel votes only for lines that lean as its
gradient says, over lines given by their place at the picture's middle and their lean.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.engine.quad_evidence import EVIDENCE, evidence
from anime_search.engine.quads import Floats, Lines, Quads, best_apart, likely_quads

#: The longest side of the picture that lines are looked for in; small enough to blur moiré and noise away.
SIDE = 320
#: The steepest lines looked for, in pixels down for each across (about 27 degrees), and the step between two.
LEAN, LEAN_STEP = 0.5, 0.02
#: A gradient that may be an edge, and one along a line that is no change, in steps of luma a pixel and in three.
FAINT, STILL = 2.5, 7
#: Edge pixels that vote, the strongest first; votes that make a line, for each pixel of the picture's width.
MOST_EDGES, LEAST_VOTES = 2500, 0.08
#: Lines of each direction, and regions made of them, that are looked at closely.
LINES, QUADS = 14, 250
#: Regions that overlap by more than this share of their union count as one; a bezel's two edges are apart.
ALIKE = 0.965
_LEANS = np.arange(-LEAN, LEAN + LEAN_STEP / 2, LEAN_STEP, dtype=np.float32)
#: What each kind of evidence counts; see ``screenshots.WEIGHTS``.
WEIGHTS = {
    "sides": 1.0,
    "weakest side": 0.3,
    "still outside": 2.0,
    "lines run on": 0.08,
    "lines across inside": -1.4,
    "shape": 0.6,
    "area": 0.45,
    "own edges above, below": -0.1,
    "own edges left, right": 0.4,
    "taper": -0.7,
    "detail": 1.2,
}
_WEIGHTS = np.array([WEIGHTS.get(name, 0.0) for name in EVIDENCE], np.float32)


def screens_in_photo(rgb: NDArray[np.uint8], most: int) -> list[tuple[float, Floats]]:
    """Quadrilaterals that may be what a display shows, or a picture that was turned.

    Args:
        rgb: (H, W, 3) uint8.
        most: regions to return.

    Returns:
        Score and (4, 2) corners, best first; corners may lie outside of the photo. Nothing for a picture that is
        more than eight times as long as wide.
    """
    scale = SIDE / max(rgb.shape[:2])
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    if min(size) < 40:
        return []
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    quads, found = _looked_at(np.asarray(small, np.uint8))
    scores = _WEIGHTS @ found
    back = np.array([rgb.shape[1] / size[0], rgb.shape[0] / size[1]], np.float32)
    return [
        (float(scores[n]), quads.corners[n] * back) for n in best_apart(quads.corners, scores, most, ALIKE)
    ]


def _looked_at(rgb: NDArray[np.uint8]) -> tuple[Quads, Floats]:
    soft = cv2.GaussianBlur(rgb, (3, 3), 0)
    luma = np.asarray(cv2.cvtColor(soft, cv2.COLOR_RGB2GRAY), np.uint8)
    gx = np.asarray(cv2.Scharr(luma, cv2.CV_32F, 1, 0, scale=1 / 32), np.float32)
    gy = np.asarray(cv2.Scharr(luma, cv2.CV_32F, 0, 1, scale=1 / 32), np.float32)
    level = _lines(luma, gy, gx)
    upright = _lines(np.ascontiguousarray(luma.T), np.ascontiguousarray(gx.T), np.ascontiguousarray(gy.T))
    quads = likely_quads(level, upright, (luma.shape[1], luma.shape[0]), QUADS)
    changes = np.asarray(cv2.convertScaleAbs(np.maximum(np.abs(gx), np.abs(gy))), np.uint8)
    return quads, evidence(quads, level, upright, changes)


def _lines(luma: NDArray[np.uint8], across: Floats, along: Floats) -> Lines:
    """Nearly level lines: by a Hough transform, each then fitted to its pixels.

    Args:
        luma: (H, W).
        across, along: (H, W) its gradients down and to the right.
    """
    edges = _edges(across, along)
    votes = _votes(edges, luma.shape)
    starts: list[float] = []
    leans: list[float] = []
    taken: list[tuple[float, float, bool]] = []
    width = luma.shape[1]
    of_sign = edges[:, edges[3] == 0], edges[:, edges[3] == 1]
    for middle, lean, rising in _peaks(votes, width):
        fitted = _fitted(middle, lean, of_sign[rising])
        ends = fitted[0] - fitted[1] * width / 2, fitted[0] + fitted[1] * width / 2
        # The two edges of a thin bezel lie close together, and one gets lighter where the other gets darker.
        if any(max(abs(ends[0] - a), abs(ends[1] - b)) < 3 and sign == rising for a, b, sign in taken):
            continue
        taken.append((*ends, rising))
        starts.append(ends[0])
        leans.append(fitted[1])
        if len(starts) == LINES:
            break
    order = np.argsort(
        [start + lean * width / 2 for start, lean in zip(starts, leans, strict=True)], kind="stable"
    )
    return _measured(
        luma, across, along, np.array(starts, np.float32)[order], np.array(leans, np.float32)[order]
    )


def _edges(across: Floats, along: Floats) -> Floats:
    """(5, E) x from the middle, y, lean, whether it gets lighter downwards, and weight of what may be on a line."""
    size = np.abs(across)
    crest = (
        (size >= cv2.dilate(size, np.ones((3, 1), np.uint8))) & (np.abs(along) <= 0.6 * size) & (size > FAINT)
    )
    y, x = np.nonzero(crest)
    down = across[y, x]
    if len(y) > MOST_EDGES:
        floor = np.partition(np.abs(down), len(y) - MOST_EDGES)[len(y) - MOST_EDGES]
        strong = np.abs(down) >= floor
        y, x, down = y[strong], x[strong], down[strong]
    lean = -along[y, x] / down
    weight = np.sqrt(np.minimum(np.abs(down), 20))
    return np.stack([x - across.shape[1] / 2, y, lean, down > 0, weight]).astype(np.float32)


def _votes(edges: Floats, size: tuple[int, int]) -> Floats:
    """(2, S, P) votes for lines that get darker and lighter downwards, by lean and by place at the middle."""
    height, width = size
    reach = int(LEAN * width / 2) + 2
    places = height + 2 * reach
    count = len(_LEANS)
    near = np.rint((edges[2] + LEAN) / LEAN_STEP).astype(np.intp)[:, None] + np.arange(-3, 4)
    near = np.clip(near, 0, count - 1)
    place = np.rint(edges[1, :, None] - _LEANS[near] * edges[0, :, None]).astype(np.intp) + reach
    cell = (edges[3, :, None].astype(np.intp) * count + near) * places + np.clip(place, 0, places - 1)
    weights = np.repeat(edges[4], near.shape[1])
    votes = np.bincount(cell.ravel(), weights=weights, minlength=2 * count * places)
    return votes.astype(np.float32).reshape(2, count, places)


def _peaks(votes: Floats, width: int) -> list[tuple[float, float, bool]]:
    """Place at the middle, lean and sign of the lines with most votes, best first."""
    reach = int(LEAN * width / 2) + 2
    found: list[tuple[float, float, float, bool]] = []
    for sign, of_sign in enumerate(votes):
        soft = np.asarray(cv2.blur(of_sign, (3, 1)), np.float32)
        crest = (soft >= cv2.dilate(soft, np.ones((7, 3), np.uint8))) & (soft > LEAST_VOTES * width)
        lean, place = np.nonzero(crest)
        found += [
            (float(soft[at]), float(at[1] - reach), float(_LEANS[at[0]]), bool(sign))
            for at in zip(lean.tolist(), place.tolist(), strict=True)
        ]
    found.sort(reverse=True)
    return [(place, lean, sign) for _, place, lean, sign in found[: 3 * LINES // 2]]


def _fitted(middle: float, lean: float, edges: Floats) -> tuple[float, float]:
    """Fit a line by least squares to the edge pixels near it that run as it does."""
    for reach in (2.5, 1.5):
        off = edges[1] - (middle + lean * edges[0])
        near = np.flatnonzero((np.abs(off) < reach) & (np.abs(edges[2] - lean) < 0.12))
        x, off = edges[0, near], off[near]
        if len(x) < 8:
            break
        mean_x, mean_off = float(x.sum()) / len(x), float(off.sum()) / len(x)
        spread = float(x @ x) / len(x) - mean_x**2
        if spread < 50:
            break
        more = (float(x @ off) / len(x) - mean_x * mean_off) / spread
        lean, middle = float(np.clip(lean + more, -0.9, 0.9)), middle + mean_off - more * mean_x
    return middle, lean


def _measured(luma: NDArray[np.uint8], across: Floats, along: Floats, start: Floats, lean: Floats) -> Lines:
    """What lies along lines: edges that lean as they do, and whether luma keeps still on either side of them."""
    height, width = luma.shape
    x = np.arange(width)
    row = np.rint(start[:, None] + lean[:, None] * x).astype(np.intp)
    within = (row >= 1) & (row < height - 1)
    row = np.clip(row, 4, height - 5)
    edge = np.zeros(row.shape, np.bool_)
    for off in (-1, 0, 1):
        down, right = across[row + off, x], along[row + off, x]
        through = np.abs(down - lean[:, None] * right)
        edge |= (through > np.abs(lean[:, None] * down + right)) & (through > FAINT)
    still = [_still(luma[row + off, x]) for off in (-4, -2, 2, 4)]
    before = np.asarray((still[0] + still[1]) / 2, np.float32)
    beyond = np.asarray((still[2] + still[3]) / 2, np.float32)
    # Gradients belong to the middles of pixels.
    middles = start + 0.5 - 0.5 * lean
    return Lines.of(
        middles, lean, height, edge.astype(np.float32), (before, beyond), within.astype(np.float32)
    )


def _still(luma: NDArray[np.uint8]) -> Floats:
    """1 where (K, W) is about as light as three pixels before."""
    still = np.zeros(luma.shape, np.float32)
    still[:, 3:] = cv2.absdiff(luma[:, 3:], luma[:, :-3]) < STILL if luma.size else 0
    return still
