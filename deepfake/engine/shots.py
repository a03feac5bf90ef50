"""Which pictures of a video are worth a look: some of every shot, none that holds nothing or repeats another."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deepfake.engine.scan import Glimpse

#: Standard deviation of luma below which a picture is flat: a fade's black, a plain colour.
FLAT_SPREAD = 4.0
#: Mean difference of two thumbs, in steps of luma, up to which the pictures are the same, and the largest one.
SAME_MEAN, SAME_MOST = 0.15, 2.0

#: A cut: this much of the picture's colours is replaced, from one picture of the grid to the next, ...
_CUT_COLOURS = 0.35
#: ... its thumb changes by this many steps, and both this many times as much as what is usual around it.
_CUT_LUMA = 14.0
_CUT_TIMES = 3.0
#: Pictures to either side that say what is usual.
_AROUND = 4


def shots_of(glimpses: Sequence[Glimpse]) -> NDArray[np.intp]:
    """Number of the shot that each picture belongs to, from 0, ascending; (n,).

    A new shot begins at a cut, and with every passage: what lies between two passages was not seen.
    """
    colours, luma = _changes(glimpses)
    shots = np.zeros(len(glimpses), np.intp)
    for at, (before, after) in enumerate(pairwise(glimpses)):
        new = before.passage != after.passage or _is_cut(colours, luma, at)
        shots[at + 1] = shots[at] + new
    return shots


def motion_of(glimpses: Sequence[Glimpse]) -> float:
    """Mean difference, in steps of luma, of pictures that follow each other inside a shot; 0 for a single picture."""
    shots = shots_of(glimpses)
    _, luma = _changes(glimpses)
    inside = luma[shots[1:] == shots[:-1]]
    return float(inside.mean()) if len(inside) else 0.0


def _changes(glimpses: Sequence[Glimpse]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What changes from each picture to the next: the share of its colours, and its thumb in steps of luma."""
    colours = [float(np.abs(one.colours - other.colours).sum() / 2) for one, other in pairwise(glimpses)]
    luma = [float(np.abs(one.thumb - other.thumb).mean()) for one, other in pairwise(glimpses)]
    return np.array(colours), np.array(luma)


def _is_cut(colours: NDArray[np.float64], luma: NDArray[np.float64], at: int) -> bool:
    if colours[at] < _CUT_COLOURS or luma[at] < _CUT_LUMA:
        return False
    around = [other for other in range(max(0, at - _AROUND), min(len(luma), at + _AROUND + 1)) if other != at]
    if not around:
        return True
    return bool(
        colours[at] >= _CUT_TIMES * np.median(colours[around])
        and luma[at] >= _CUT_TIMES * np.median(luma[around])
    )


def is_flat(glimpse: Glimpse) -> bool:
    """Whether a picture holds next to nothing."""
    return glimpse.spread < FLAT_SPREAD


def distinct(glimpses: Sequence[Glimpse]) -> list[int]:
    """Which pictures differ from the last one that was kept before them."""
    kept: list[int] = []
    for number, glimpse in enumerate(glimpses):
        if kept:
            difference = np.abs(glimpse.thumb - glimpses[kept[-1]].thumb)
            if difference.mean() <= SAME_MEAN and difference.max() <= SAME_MOST:
                continue
        kept.append(number)
    return kept


def choose(glimpses: Sequence[Glimpse], count: int) -> list[int]:
    """Choose at most ``count`` pictures: from every shot as many as its length deserves, evenly spread inside it.

    Flat pictures are chosen only where there are no others, repeated ones where there are too few others.
    """
    telling = [number for number, glimpse in enumerate(glimpses) if not is_flat(glimpse)]
    telling = telling or list(range(len(glimpses)))
    different = [telling[place] for place in distinct([glimpses[number] for number in telling])]
    usable = different if len(different) >= count else telling
    if len(usable) <= count:
        return usable
    shots = shots_of(glimpses)
    by_shot: dict[int, list[int]] = {}
    for number in usable:
        by_shot.setdefault(int(shots[number]), []).append(number)
    chosen: list[int] = []
    for shot, seats in _seats({shot: len(members) for shot, members in by_shot.items()}, count).items():
        members = by_shot[shot]
        chosen += [members[int((place + 0.5) * len(members) / seats)] for place in range(seats)]
    return sorted(chosen)


def _seats(sizes: dict[int, int], count: int) -> dict[int, int]:
    """Share ``count`` seats among shots by their sizes (D'Hondt's way): the longest come first where all cannot."""
    seats = dict.fromkeys(sizes, 0)
    claims = [(-float(size), shot) for shot, size in sizes.items()]
    heapq.heapify(claims)
    for _ in range(count):
        _, shot = heapq.heappop(claims)
        seats[shot] += 1
        heapq.heappush(claims, (-sizes[shot] / (seats[shot] + 1), shot))
    return {shot: taken for shot, taken in seats.items() if taken}
