"""Equal vectors in one index: a graph holds one of them, and the others are told apart from it again."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.index.base import Codes, Labels, Vectors

Numbers = NDArray[np.int32]

#: Ends the file: a mark, and how many pairs of numbers stand before it.
_END = struct.Struct("<4sI")
_MARK = b"FPC1"


class Copies:
    """Which labels are copies of which nodes.

    In a graph, hundreds of equal vectors are each other's nearest neighbours: their links lead nowhere else, a search
    that comes among them finds nothing more, and what is inserted later is linked to them instead of to its like. So
    each vector is one *node*, numbered in the order in which they first come, and a label that brings the same vector
    again is a copy of that node.

    Args:
        labels: (C,) int32, ascending: the labels that are copies.
        nodes: (C,) int32: what each is a copy of.
    """

    def __init__(self, labels: Numbers, nodes: Numbers) -> None:
        self._labels = labels
        self._nodes = nodes
        #: A node is the label of the same number, moved by as many copies as came before it.
        self._moved_at = labels - np.arange(len(labels), dtype=np.int32)
        self._by_node = np.argsort(nodes, kind="stable").astype(np.int32)
        self._sorted_nodes = nodes[self._by_node]

    def __len__(self) -> int:
        return len(self._labels)

    @classmethod
    def none(cls) -> Copies:
        """Every vector is a node."""
        return cls(np.empty(0, np.int32), np.empty(0, np.int32))

    @classmethod
    def among(cls, codes: Codes) -> Copies:
        """Find the equal rows of (N, D) codes."""
        rows = np.ascontiguousarray(codes).view(np.dtype((np.void, codes.shape[1]))).ravel()
        _, firsts, which = np.unique(rows, return_index=True, return_inverse=True)
        first = firsts[which.ravel()]
        (labels,) = np.nonzero(first != np.arange(len(codes)))
        originals = first[labels]
        return cls(labels.astype(np.int32), (originals - np.searchsorted(labels, originals)).astype(np.int32))

    def originals(self, count: int) -> NDArray[np.bool_]:
        """Which of the labels 0 … count-1 are no copies, (count,)."""
        original = np.ones(count, np.bool_)
        original[self._labels] = False
        return original

    def nodes(self, start: int, stop: int) -> Labels:
        """The nodes of the labels ``start`` to ``stop - 1``."""
        labels = np.arange(start, stop)
        if not len(self):
            return labels
        before = np.searchsorted(self._labels, labels)
        nodes = labels - before
        is_copy = self._labels[np.minimum(before, len(self) - 1)] == labels
        nodes[is_copy] = self._nodes[before[is_copy]]
        return nodes

    def first_labels(self, nodes: Labels) -> Labels:
        """The label that each node came with."""
        return np.asarray(nodes + np.searchsorted(self._moved_at, nodes, side="right"), np.int64)

    def spread(self, nodes: Labels, scores: Vectors, k: int) -> tuple[Labels, Vectors]:
        """The first ``k`` labels of each query's nodes, copies beside their originals.

        Args:
            nodes: (Q, W), most similar first, with (Q, W) scores; W is at least ``k``, or they are all there are.
        """
        if not len(self):
            return nodes[:, :k], scores[:, :k]
        labels = np.empty((len(nodes), k), np.int64)
        spread_scores = np.empty((len(nodes), k), np.float32)
        for row, of_query in enumerate(nodes):
            starts = np.searchsorted(self._sorted_nodes, of_query, side="left")
            counts = np.searchsorted(self._sorted_nodes, of_query, side="right") - starts
            # Each node's place among the labels, and after it those of its copies.
            position = np.repeat(np.arange(len(of_query)), counts + 1)[:k]
            nth = np.arange(len(position)) - np.searchsorted(position, position)
            copies = self._by_node[np.minimum(starts[position] + nth - 1, len(self) - 1)]
            labels[row] = np.where(nth == 0, self.first_labels(of_query[position]), self._labels[copies])
            spread_scores[row] = scores[row, position]
        return labels, spread_scores

    def write_after(self, path: Path) -> None:
        """Add them to the end of a file."""
        with path.open("ab") as file:
            file.write(self._labels.astype("<i4").tobytes())
            file.write(self._nodes.astype("<i4").tobytes())
            file.write(_END.pack(_MARK, len(self)))

    @classmethod
    def read_after(cls, path: Path) -> Copies:
        """Read them from the end of a file.

        Raises:
            ValueError: the file does not end in them.
        """
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size < _END.size:
                raise ValueError("it is too short")
            file.seek(-_END.size, 2)
            mark, count = _END.unpack(file.read())
            if mark != _MARK or size < _END.size + 8 * count:
                raise ValueError("it has no end")
            file.seek(-_END.size - 8 * count, 2)
            numbers = np.frombuffer(file.read(8 * count), "<i4").astype(np.int32)
        return cls(numbers[:count], numbers[count:])
