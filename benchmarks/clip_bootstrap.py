"""How sure a rate is that was counted on queries out of few clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_DRAWS = 2000
_SEED = 20261122


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of queries.

    Attributes:
        share: 0 to 1.
        count, of: queries.
        low, high: ends of the 95 % interval.
        clips: that there are, and by name those that any of the counted queries are of.
    """

    share: float
    count: int
    of: int
    low: float
    high: float
    clips: int
    from_clips: tuple[str, ...]


def rate_by_clip(counted: Sequence[bool], clips: Sequence[str]) -> Rate | None:
    """The share of queries that count, with the percentile interval of a bootstrap that draws whole clips.

    Queries of one clip rise and fall together: drawn one by one they would seem to be worth more than they are
    (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993). Where none counts, every draw is 0 however few
    clips there are: then the upper end is the share of clips that would leave none to be seen in 5 of 100 trials,
    ``1 - 0.05 ** (1 / clips)`` (Clopper and Pearson, 1934, one-sided).

    Args:
        counted: of each query.
        clips: what each query is of.

    Returns:
        None if there is no query.
    """
    if not len(counted):
        return None
    names, of = np.unique(np.asarray(clips), return_inverse=True)
    hits = np.bincount(of, weights=np.asarray(counted, np.float64), minlength=len(names))
    sizes = np.bincount(of, minlength=len(names))
    drawn = np.random.default_rng(_SEED).integers(len(names), size=(_DRAWS, len(names)))
    shares = hits[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(shares, [2.5, 97.5])
    if not hits.any():
        high = 1 - 0.05 ** (1 / len(names))
    return Rate(
        float(hits.sum() / sizes.sum()),
        int(hits.sum()),
        len(counted),
        float(low),
        float(high),
        len(names),
        tuple(str(name) for name in names[hits > 0]),
    )
