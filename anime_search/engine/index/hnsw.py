"""The approximate index: a hierarchical navigable small world graph (Malkov and Yashunin, 2018) by hnswlib."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import hnswlib
import numpy as np

from anime_search.engine.index.base import Labels, Vectors
from anime_search.engine.index.flat import search_ranges

#: Neighbours a node keeps on each upper layer, and twice that on the lowest: memory against recall.
M = 16
#: Candidates while a node is inserted: building time against the graph's quality.
EF_CONSTRUCTION = 200


class IndexFileError(Exception):
    """An index file does not load, or holds something other than its manifest says."""


class HnswIndex:
    """A loaded graph; see :class:`anime_search.engine.index.base.VectorIndex`.

    It is never written to after it was built: hnswlib crashes when one thread searches while another adds.
    """

    def __init__(self, graph: hnswlib.Index, ef: int) -> None:
        self._graph = graph
        graph.set_num_threads(1)
        graph.set_ef(ef)

    @classmethod
    def load(cls, path: Path, *, dim: int, count: int, ef: int) -> HnswIndex:
        """Load a file whose bytes were verified already: hnswlib itself trusts its input.

        Raises:
            IndexFileError: the file does not load or holds another number of vectors.
        """
        graph = hnswlib.Index(space="ip", dim=dim)
        try:
            graph.load_index(str(path))
        except (RuntimeError, MemoryError) as error:
            raise IndexFileError(f"{path.name} does not load: {error}") from error
        if graph.element_count != count or graph.dim != dim:
            raise IndexFileError(f"{path.name} holds {graph.element_count} vectors, not {count}")
        return cls(graph, ef)

    @property
    def count(self) -> int:
        return int(self._graph.element_count)

    def search(self, queries: Vectors, k: int) -> tuple[Labels, Vectors]:
        k = min(k, self.count)
        if k == 0:
            return np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)
        try:
            labels, distances = self._graph.knn_query(queries, k=k)
        except RuntimeError:
            # Hundreds of equal vectors may be each other's only neighbours: from them the graph leads nowhere,
            # and hnswlib gives up where it finds fewer than k.
            return search_ranges(self, queries, k, [(0, self.count)])
        return labels.astype(np.int64), 1.0 - distances

    def vectors(self, start: int, stop: int) -> Vectors:
        if start == stop:
            return np.empty((0, self._graph.dim), np.float32)
        return np.asarray(self._graph.get_items(np.arange(start, stop), return_type="numpy"), np.float32)


def build_graph(
    path: Path,
    batches: Iterable[Vectors],
    *,
    dim: int,
    count: int,
    threads: int,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Insert ``count`` unit vectors, labelled in the order they come, and save the graph at ``path``.

    ``on_progress`` is told after each batch how many are in.

    Raises:
        IndexFileError: the batches hold another number of vectors, or what was saved does not load.
    """
    graph = hnswlib.Index(space="ip", dim=dim)
    graph.init_index(max_elements=count, M=M, ef_construction=EF_CONSTRUCTION, random_seed=7)
    done = 0
    for batch in batches:
        if done + len(batch) > count:
            raise IndexFileError(f"more than {count} vectors")
        graph.add_items(batch, np.arange(done, done + len(batch)), num_threads=threads)
        done += len(batch)
        on_progress(done)
    if done != count:
        raise IndexFileError(f"{done} vectors, not {count}")
    graph.save_index(str(path))
    del graph
    # Saving to a full disk reports success (hnswlib 0.8.0): only loading shows that all of it is there.
    HnswIndex.load(path, dim=dim, count=count, ef=16)
