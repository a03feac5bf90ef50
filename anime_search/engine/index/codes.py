"""Unit vectors in 8-bit integers: how an index stores them, and what is computed from them there.

The numbers of a vector of length 1 are 1/sqrt(D) on the quadratic average. Codes reach to six times that (or to 1,
where that is less) in 127 equal steps each way, and a vector with a number beyond is first shortened as a whole until
there is none: its direction, which is all that a cosine asks for, is kept. Nothing is cut off, and nothing depends on
the other vectors: cosines of different segments compare, and codes move from segment to segment as they are.
`benchmarks/search.py` holds what is found against the vectors as they were before rounding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.index.base import Codes, Vectors

#: How far codes reach, in quadratic averages of a number.
REACH = 6.0
#: The largest code.
MOST = 127
#: Names this way of storing in an index's geometry.
STORAGE = "int8, reach 6"


def encode(vectors: NDArray[np.floating] | Codes) -> Codes:
    """(N, D) unit vectors as codes; what is encoded already comes back as it is."""
    if vectors.dtype == np.int8:
        return np.asarray(vectors, np.int8)
    reach = min(1.0, REACH / np.sqrt(vectors.shape[1]))
    steps = np.asarray(vectors, np.float32) * np.float32(MOST / reach)
    furthest = np.abs(steps).max(axis=1, initial=MOST, keepdims=True)
    return np.asarray(np.rint(steps * (MOST / furthest)), np.int8)


def decode(codes: Codes) -> Vectors:
    """The unit vectors of (N, D) codes; codes that are all zero stay zero."""
    vectors = codes.astype(np.float32)
    return vectors / _lengths(vectors)[:, None]


def cosines(queries: Vectors, codes: Codes) -> Vectors:
    """Cosines of (Q, D) unit vectors with (N, D) codes, (Q, N); those with codes that are all zero are 0."""
    vectors = codes.astype(np.float32)
    return np.asarray(queries @ vectors.T / _lengths(vectors), np.float32)


def cosines_of_each(queries: Vectors, codes: Codes) -> Vectors:
    """Cosines of (Q, D) unit vectors with (Q, K, D) codes of their own, (Q, K)."""
    vectors = codes.astype(np.float32)
    products = np.matmul(vectors, queries[:, :, None])[:, :, 0]
    return np.asarray(products / _lengths(vectors), np.float32)


def _lengths(vectors: Vectors) -> Vectors:
    # The squares of whole numbers this small add up exactly.
    lengths = np.sqrt(np.einsum("...d,...d->...", vectors, vectors))
    return np.asarray(np.maximum(lengths, 1.0), np.float32)
