"""What an index of unit vectors does, whatever is behind it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]
#: Vectors as an index stores them, see :mod:`anime_search.engine.index.codes`.
Codes = NDArray[np.int8]


class VectorIndex(Protocol):
    """Unit vectors labelled 0 … count-1, searched by inner product (the cosine of their angle)."""

    @property
    def count(self) -> int: ...

    def search(self, queries: Vectors, k: int) -> tuple[Labels, Vectors]:
        """The ``k`` most similar vectors of each query.

        Args:
            queries: (Q, dim) float32 of unit length.

        Returns:
            Labels and cosines, both (Q, min(k, count)), most similar first.
        """
        ...

    def vectors(self, start: int, stop: int) -> Vectors:
        """The stored vectors of the labels ``start`` to ``stop - 1``, (stop - start, dim)."""
        ...

    def codes(self, start: int, stop: int) -> Codes:
        """The same in the form in which they are stored, (stop - start, dim) int8."""
        ...

    def cosines(self, queries: Vectors, start: int, stop: int) -> Vectors:
        """The cosines of (Q, dim) unit vectors with the labels ``start`` to ``stop - 1``, (Q, stop - start)."""
        ...
