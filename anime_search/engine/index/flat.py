"""The exact index: every vector is compared. The oracle that the others are held against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from anime_search.engine.index.base import Codes, Labels, VectorIndex, Vectors
from anime_search.engine.index.codes import encode

#: Vectors that are compared at a time, so that an exact search of any size takes little memory.
BLOCK = 65_536


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

    def codes(self, start: int, stop: int) -> Codes:
        return encode(self._vectors[start:stop])

    def cosines(self, queries: Vectors, start: int, stop: int) -> Vectors:
        return queries @ self._vectors[start:stop].T


def search_ranges(
    index: VectorIndex, queries: Vectors, k: int, ranges: Iterable[tuple[int, int]]
) -> tuple[Labels, Vectors]:
    """As :meth:`VectorIndex.search`, exactly, among the labels of some ranges (start, stop) only."""
    labels, scores = np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)
    for block in _blocks(ranges):
        fresh_scores = [index.cosines(queries, start, stop) for start, stop in block]
        fresh = np.concatenate([np.arange(start, stop) for start, stop in block])
        labels = np.concatenate([labels, np.broadcast_to(fresh, (len(queries), len(fresh)))], axis=1)
        columns, scores = top_k(np.concatenate([scores, *fresh_scores], axis=1), k)
        labels = np.take_along_axis(labels, columns, axis=1)
    return labels, scores


def _blocks(ranges: Iterable[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    block: list[tuple[int, int]] = []
    room = BLOCK
    for first, last in ranges:
        start = first
        while start < last:
            stop = min(last, start + room)
            block.append((start, stop))
            room -= stop - start
            start = stop
            if not room:
                yield block
                block, room = [], BLOCK
    if block:
        yield block


def top_k(scores: Vectors, k: int) -> tuple[Labels, Vectors]:
    """Columns of the ``k`` highest of (Q, N) scores and the scores themselves, highest first."""
    k = min(k, scores.shape[1])
    if k == 0:
        return np.empty((len(scores), 0), np.int64), np.empty((len(scores), 0), np.float32)
    part = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, part, axis=1), axis=1, kind="stable")
    labels = np.take_along_axis(part, order, axis=1)
    return labels.astype(np.int64), np.take_along_axis(scores, labels, axis=1)
