"""The exact index: every vector is compared. The oracle that the others are held against."""

from __future__ import annotations

import numpy as np

from anime_search.engine.index.base import Labels, Vectors


class FlatIndex:
    """All vectors in one array; see :class:`anime_search.engine.index.base.VectorIndex`."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = np.ascontiguousarray(vectors, np.float32)

    @property
    def count(self) -> int:
        return len(self._vectors)

    def search(self, queries: Vectors, k: int) -> tuple[Labels, Vectors]:
        return top_k(queries @ self._vectors.T, k)

    def vectors(self, start: int, stop: int) -> Vectors:
        return self._vectors[start:stop]


def top_k(scores: Vectors, k: int) -> tuple[Labels, Vectors]:
    """Columns of the ``k`` highest of (Q, N) scores and the scores themselves, highest first."""
    k = min(k, scores.shape[1])
    if k == 0:
        return np.empty((len(scores), 0), np.int64), np.empty((len(scores), 0), np.float32)
    part = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, part, axis=1), axis=1, kind="stable")
    labels = np.take_along_axis(part, order, axis=1)
    return labels.astype(np.int64), np.take_along_axis(scores, labels, axis=1)
