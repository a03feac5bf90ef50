"""Which groups of a collection may be fitted on."""

from __future__ import annotations

import hashlib

#: Share of the groups that is fitted on; the others check and measure.
FIT_SHARE = 0.5
RULE = "a group is fitted on if the first 4 bytes of the SHA-256 of its name, over 2^32, are below 0.5"


def is_fitted_on(group: str) -> bool:
    """Whether a group of near-duplicates belongs to the part for fitting.

    The benchmarks part a collection by the same rule (``benchmarks.collection``), so that they measure on nothing
    that a network has seen; a test holds the two together, since neither may import the other.
    """
    share = int.from_bytes(hashlib.sha256(group.encode()).digest()[:4]) / 2**32
    return share < FIT_SHARE
