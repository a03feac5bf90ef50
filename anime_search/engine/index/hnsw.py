"""The approximate index: a hierarchical navigable small world graph (Malkov and Yashunin, 2018) by faiss.

Vectors are stored as :mod:`anime_search.engine.index.codes` says, with links of 4 bytes: a frame of 160 numbers takes
about 305 bytes. A small index has no graph: comparing all of it is as quick, and exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from anime_search.engine.index.base import Codes, Labels, Vectors
from anime_search.engine.index.codes import MOST, cosines, cosines_of_each, decode, encode
from anime_search.engine.index.copies import Copies
from anime_search.engine.index.flat import search_ranges

#: Neighbours a node keeps on each upper layer, and twice that on the lowest: memory against recall.
M = 16
#: Candidates while a node is inserted: building time against the graph's quality.
EF_CONSTRUCTION = 200
#: From this many vectors on there is a graph.
GRAPH_FROM = 10_000
#: Vectors that are inserted at a time: progress is told between, and so many are in memory as float32.
INSERTED_AT_A_TIME = 50_000
#: Nodes that are asked of the graph at least: its order is that of the codes' inner products, and not of cosines.
_REORDERED = 32
#: A code plus 128 in a byte: whole numbers of an int8's range are stored as they are.
_QUANTIZER = faiss.ScalarQuantizer.QT_8bit_direct_signed


class IndexFileError(Exception):
    """An index file does not load, or holds something other than its manifest says."""


class HnswIndex:
    """A loaded index; see :class:`anime_search.engine.index.base.VectorIndex`.

    It is never written to after it was built, so any number of threads may search it.

    Args:
        index: ``faiss.IndexHNSWSQ`` of one node for each different vector, or ``faiss.IndexScalarQuantizer`` of all.
        ef: candidates that a search of the graph keeps: recall against time.
    """

    def __init__(self, index: faiss.Index, copies: Copies, ef: int) -> None:
        self._index = index
        self._copies = copies
        self._parameters = faiss.SearchParametersHNSW(efSearch=ef)
        self._stored = _stored_bytes(index)

    @classmethod
    def load(cls, path: Path, *, dim: int, count: int, ef: int) -> HnswIndex:
        """Load a file whose bytes were verified already: faiss itself trusts most of its input.

        Raises:
            IndexFileError: the file does not load or holds something other than ``count`` vectors of ``dim`` numbers.
        """
        try:
            index = faiss.read_index(str(path))
            copies = Copies.read_after(path)
        except (RuntimeError, MemoryError, OSError, ValueError) as error:
            raise IndexFileError(f"{path.name} does not load: {_first_line(error)}") from error
        if not isinstance(index, faiss.IndexHNSWSQ | faiss.IndexScalarQuantizer):
            raise IndexFileError(f"{path.name} holds an index of another kind")
        found = index.ntotal + len(copies)
        if found != count or index.d != dim or _quantizer(index) != _QUANTIZER:
            raise IndexFileError(
                f"{path.name} holds {found} vectors of {index.d} numbers, not {count} of {dim}"
            )
        return cls(index, copies, ef)

    def with_ef(self, ef: int) -> HnswIndex:
        """The same index, shared and not copied, searched with another ``ef``."""
        return HnswIndex(self._index, self._copies, ef)

    @property
    def count(self) -> int:
        return int(self._index.ntotal) + len(self._copies)

    @property
    def has_graph(self) -> bool:
        """Whether searches go through a graph; without one they are exact."""
        return isinstance(self._index, faiss.IndexHNSWSQ)

    def search(self, queries: Vectors, k: int) -> tuple[Labels, Vectors]:
        k = min(k, self.count)
        if k == 0 or not self.has_graph:
            return search_ranges(self, queries, k, [(0, self.count)])
        nodes = self._nodes_near(queries, min(max(k, _REORDERED), self._index.ntotal))
        if nodes.min(initial=0) < 0:
            # The graph led to fewer nodes than were asked for.
            return search_ranges(self, queries, k, [(0, self.count)])
        scores = cosines_of_each(queries, self._codes_of(nodes))
        order = np.argsort(-scores, axis=1, kind="stable")
        return self._copies.spread(
            np.take_along_axis(nodes, order, axis=1), np.take_along_axis(scores, order, axis=1), k
        )

    def _nodes_near(self, queries: Vectors, wanted: int) -> Labels:
        # Of the calling thread alone. One core for one search; and a process in which OpenMP has threads of its own
        # must not fork.
        faiss.omp_set_num_threads(1)
        # faiss rounds a query to whole numbers too. Its length does not matter: as long as fits is the finest.
        longest = np.abs(queries).max(axis=1, initial=1e-6, keepdims=True)
        asked = np.ascontiguousarray(np.rint(queries * (MOST / longest)), np.float32)
        return np.asarray(self._index.search(asked, wanted, params=self._parameters)[1], np.int64)

    def vectors(self, start: int, stop: int) -> Vectors:
        return decode(self.codes(start, stop))

    def codes(self, start: int, stop: int) -> Codes:
        if not len(self._copies):
            return _as_codes(self._stored[start:stop])
        return self._codes_of(self._copies.nodes(start, stop))

    def cosines(self, queries: Vectors, start: int, stop: int) -> Vectors:
        return cosines(queries, self.codes(start, stop))

    def _codes_of(self, nodes: Labels) -> Codes:
        return _as_codes(self._stored[nodes])


def build_graph(
    path: Path,
    batches: Iterable[Vectors | Codes],
    *,
    dim: int,
    count: int,
    threads: int,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Insert ``count`` unit vectors (or codes), labelled in the order they come, and save the index at ``path``.

    The same vectors give the same file, however many threads there are. ``on_progress`` is told how many are in.

    Raises:
        IndexFileError: the batches hold another number of vectors or others than of ``dim`` numbers, or what was
            saved does not load.
    """
    codes = np.empty((count, dim), np.int8)
    done = 0
    for batch in batches:
        if done + len(batch) > count:
            raise IndexFileError(f"more than {count} vectors")
        if batch.shape[1] != dim:
            raise IndexFileError(f"vectors of {batch.shape[1]} numbers, not {dim}")
        codes[done : done + len(batch)] = encode(batch)
        done += len(batch)
        if count < GRAPH_FROM:
            on_progress(done)
    if done != count:
        raise IndexFileError(f"{done} vectors, not {count}")
    if count < GRAPH_FROM:
        index, copies = _plain(codes), Copies.none()
    else:
        copies = Copies.among(codes)
        index = _linked(
            codes[copies.originals(count)], threads, lambda nodes: on_progress(nodes + len(copies))
        )
    _save(index, copies, path)
    del index
    # Saving to a full disk may report success: only loading shows that all of it is there.
    HnswIndex.load(path, dim=dim, count=count, ef=16)


def _plain(codes: Codes) -> faiss.IndexScalarQuantizer:
    index = faiss.IndexScalarQuantizer(codes.shape[1], _QUANTIZER, faiss.METRIC_INNER_PRODUCT)
    index.add(codes.astype(np.float32))
    return index


def _linked(codes: Codes, threads: int, on_progress: Callable[[int], None]) -> faiss.IndexHNSWSQ:
    index = faiss.IndexHNSWSQ(codes.shape[1], _QUANTIZER, M, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    faiss.omp_set_num_threads(threads)
    for start in range(0, len(codes), INSERTED_AT_A_TIME):
        batch = codes[start : start + INSERTED_AT_A_TIME]
        index.add(batch.astype(np.float32))
        on_progress(start + len(batch))
    return index


def _save(index: faiss.Index, copies: Copies, path: Path) -> None:
    try:
        faiss.write_index(index, str(path))
        copies.write_after(path)
    except (RuntimeError, OSError) as error:
        raise IndexFileError(f"{path.name} cannot be saved: {_first_line(error)}") from error


def _storage(index: faiss.Index) -> faiss.IndexScalarQuantizer:
    return faiss.downcast_index(index.storage) if isinstance(index, faiss.IndexHNSWSQ) else index


def _quantizer(index: faiss.Index) -> int:
    return int(_storage(index).sq.qtype)


def _stored_bytes(index: faiss.Index) -> NDArray[np.uint8]:
    """The memory in which an index keeps its codes, (N, dim): valid as long as the index is."""
    if not index.ntotal:
        return np.empty((0, index.d), np.uint8)
    data = faiss.rev_swig_ptr(_storage(index).codes.data(), index.ntotal * index.d)
    return np.asarray(data, np.uint8).reshape(index.ntotal, index.d)


def _as_codes(stored: NDArray[np.uint8]) -> Codes:
    return (stored ^ np.uint8(128)).view(np.int8)


def _first_line(error: Exception) -> str:
    """faiss adds where in its source, line by line."""
    return next(iter(str(error).splitlines()), type(error).__name__)
