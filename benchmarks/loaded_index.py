"""One index in memory, searched with search lists of several lengths and exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from anime_search.engine.descriptor import unit_length
from anime_search.engine.index.base import Labels, VectorIndex, Vectors
from anime_search.engine.index.flat import FlatIndex, search_ranges
from anime_search.engine.index.hnsw import HnswIndex
from anime_search.engine.index.manifest import SegmentManifest
from anime_search.engine.index.segment import GRAPH, MANIFEST, TIMES, Segment
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.index.store import IndexStore
from benchmarks.frame_set import Queries, is_part_of

#: A scene found this near to the query's time is the right one.
NEAR_MS = 2000
#: Queries that an exact search takes at a time.
_TOGETHER = 50


class LoadedIndex:
    """The generation in use, loaded once; a snapshot for another ``ef`` shares its graphs."""

    def __init__(self, store: IndexStore) -> None:
        self.manifest = store.manifest(store.current_number() or 0)
        self._parts: list[tuple[SegmentManifest, HnswIndex, NDArray[np.int64], NDArray[np.int32]]] = []
        for ref in self.manifest.segments:
            folder = store.root / "segments" / ref.segment
            tensors = load_file(folder / TIMES)
            segment = SegmentManifest.read(folder / MANIFEST)
            index = HnswIndex.load(folder / GRAPH, dim=segment.geometry.dim, count=segment.count, ef=16)
            self._parts.append((segment, index, tensors["starts"], tensors["times_ms"]))

    def snapshot(self, ef: int) -> Snapshot:
        """As the store loads it, with search lists of ``ef`` entries."""
        return Snapshot(
            self.manifest,
            [
                Segment(segment, index.with_ef(ef), starts, times_ms)
                for segment, index, starts, times_ms in self._parts
            ],
        )

    def exact(self) -> Snapshot:
        """The same frames, each of them compared, by the codes that the index stores."""
        return Snapshot(
            self.manifest,
            [
                Segment(segment, ExactIndex(index), starts, times_ms)
                for segment, index, starts, times_ms in self._parts
            ],
        )

    def unrounded(self, vectors: NDArray[np.float16]) -> Snapshot:
        """The same frames by the vectors that they were indexed with, each of them compared."""
        ends = np.cumsum([segment.count for segment, *_ in self._parts])
        parts = np.split(vectors, ends[:-1])
        return Snapshot(
            self.manifest,
            [
                Segment(
                    segment, ExactIndex(FlatIndex(unit_length(rows.astype(np.float32)))), starts, times_ms
                )
                for (segment, _, starts, times_ms), rows in zip(self._parts, parts, strict=True)
            ],
        )

    def scores(self, ef: int, queries: Vectors, k: int) -> Vectors:
        """The ``k`` highest cosines of each query that are found, (Q, k)."""
        found = self.snapshot(ef).search(queries, k)
        return np.array([[hit.score for hit in hits] for hits in found], np.float32)


class ExactIndex:
    """The vectors of another index, of which every search compares each."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self.count = index.count
        self.vectors, self.codes, self.cosines = index.vectors, index.codes, index.cosines

    def search(self, queries: Vectors, k: int) -> tuple[Labels, Vectors]:
        """See :meth:`VectorIndex.search`."""
        return search_ranges(self, queries, k, [(0, self.count)])


def right_scenes(snapshot: Snapshot, vectors: Vectors, queries: Queries) -> NDArray[np.bool_]:
    """Whether the best answer to each query is the video that it is from, at its time."""
    best = [
        hits[0]
        for start in range(0, len(vectors), _TOGETHER)
        for hits in snapshot.search(vectors[start : start + _TOGETHER], 1)
    ]
    return np.array(
        [
            is_part_of(hit.video, str(video)) and hit.from_ms - NEAR_MS <= at_ms <= hit.to_ms + NEAR_MS
            for hit, video, at_ms in zip(best, queries.videos, queries.at_ms, strict=True)
        ]
    )
