"""What readers search: one generation of the index, loaded and immutable."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

from anime_search.engine.index.base import Vectors
from anime_search.engine.index.manifest import GenerationManifest
from anime_search.engine.index.segment import FrameHit, Segment


class Snapshot:
    """A loaded generation. Any number of threads may search it while another one is loaded beside it."""

    def __init__(self, manifest: GenerationManifest, segments: Sequence[Segment]) -> None:
        self.manifest = manifest
        self.segments = tuple(segments)
        self._gone = frozenset(manifest.gone)
        self.videos = frozenset(
            video for segment in segments for video in segment.manifest.videos if video not in self._gone
        )
        self.count = sum(
            segment.video_count(video) for segment in segments for video in self._living(segment)
        )

    @property
    def number(self) -> int:
        return self.manifest.number

    def search(self, queries: Vectors, k: int, videos: frozenset[str] | None = None) -> list[list[FrameHit]]:
        """The ``k`` most similar runs of frames of each query, best first.

        Args:
            queries: (Q, dim) float32 of unit length.
            videos: content hashes of the only videos to look in; these are then searched exactly.
        """
        if videos is not None:
            allowed = videos - self._gone
            found = [segment.search_videos(queries, allowed, k) for segment in self.segments]
        else:
            found = [self._search_living(segment, queries, k) for segment in self.segments]
        return [
            heapq.nlargest(k, (hit for hits in found for hit in hits[row]), key=lambda hit: hit.score)
            for row in range(len(queries))
        ]

    def runs_around(self, video: str, at_ms: int, reach: int, within_ms: int) -> list[tuple[int, int, int]]:
        """See :meth:`.segment.Segment.runs_around`; none of a video that is gone."""
        if video in self._gone:
            return []
        return next(
            (
                runs
                for segment in self.segments
                if (runs := segment.runs_around(video, at_ms, reach, within_ms))
            ),
            [],
        )

    def _search_living(self, segment: Segment, queries: Vectors, k: int) -> list[list[FrameHit]]:
        living = tuple(self._living(segment))
        if len(living) == len(segment.manifest.videos):
            return segment.search(queries, k)
        found = [
            [hit for hit in hits if hit.video not in self._gone] for hits in segment.search(queries, 2 * k)
        ]
        # Where the gone are more like the query than the living, the living have to be looked at one by one.
        enough = min(k, sum(segment.video_count(video) for video in living))
        return found if min(map(len, found)) >= enough else segment.search_videos(queries, living, k)

    def _living(self, segment: Segment) -> Iterator[str]:
        return (video for video in segment.manifest.videos if video not in self._gone)
