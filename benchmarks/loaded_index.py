"""One index in memory, searched with search lists of several lengths and exactly."""

from __future__ import annotations

import hnswlib
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from anime_search.engine.index.base import Vectors
from anime_search.engine.index.flat import FlatIndex
from anime_search.engine.index.hnsw import HnswIndex
from anime_search.engine.index.manifest import SegmentManifest
from anime_search.engine.index.segment import GRAPH, MANIFEST, TIMES, Segment
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.index.store import IndexStore
from benchmarks.frame_set import Queries, is_part_of

#: A scene found this near to the query's time is the right one.
NEAR_MS = 2000


class LoadedIndex:
    """The generation in use, loaded once; a snapshot for another ``ef`` shares its graphs.

    Two snapshots cannot be searched at the same time: ``ef`` is the graph's, and the last one's holds.
    """

    def __init__(self, store: IndexStore) -> None:
        self.manifest = store.manifest(store.current_number() or 0)
        self._parts: list[tuple[SegmentManifest, hnswlib.Index, NDArray[np.int64], NDArray[np.int32]]] = []
        for ref in self.manifest.segments:
            folder = store.root / "segments" / ref.segment
            graph = hnswlib.Index(space="ip", dim=store.geometry.dim)
            graph.load_index(str(folder / GRAPH))
            tensors = load_file(folder / TIMES)
            segment = SegmentManifest.read(folder / MANIFEST)
            self._parts.append((segment, graph, tensors["starts"], tensors["times_ms"]))

    def snapshot(self, ef: int) -> Snapshot:
        """As the store loads it, with search lists of ``ef`` entries."""
        return Snapshot(
            self.manifest,
            [
                Segment(segment, HnswIndex(graph, ef), starts, times_ms)
                for segment, graph, starts, times_ms in self._parts
            ],
        )

    def exact(self) -> Snapshot:
        """The same frames, each of them compared."""
        return Snapshot(
            self.manifest,
            [
                Segment(segment, FlatIndex(_vectors(graph)), starts, times_ms)
                for segment, graph, starts, times_ms in self._parts
            ],
        )

    def vectors(self) -> Vectors:
        """All of them, in the order of the segments."""
        return np.concatenate([_vectors(graph) for _segment, graph, _starts, _times_ms in self._parts])

    def scores(self, ef: int, queries: Vectors, k: int) -> Vectors:
        """The ``k`` highest cosines of each query that are found, (Q, k)."""
        found = self.snapshot(ef).search(queries, k)
        return np.array([[hit.score for hit in hits] for hits in found], np.float32)


def _vectors(graph: hnswlib.Index) -> Vectors:
    whole = HnswIndex(graph, ef=16)
    return whole.vectors(0, whole.count)


def right_scenes(snapshot: Snapshot, vectors: Vectors, queries: Queries) -> NDArray[np.bool_]:
    """Whether the best answer to each query is the video that it is from, at its time."""
    best = [snapshot.search(vector[None], 1)[0][0] for vector in vectors]
    return np.array(
        [
            is_part_of(hit.video, str(video)) and hit.from_ms - NEAR_MS <= at_ms <= hit.to_ms + NEAR_MS
            for hit, video, at_ms in zip(best, queries.videos, queries.at_ms, strict=True)
        ]
    )
