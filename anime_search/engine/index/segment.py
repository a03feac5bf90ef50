"""A segment: some videos' frames as one immutable graph with its frame times."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from anime_search.engine.descriptor import unit_length
from anime_search.engine.index.base import Codes, Labels, VectorIndex, Vectors
from anime_search.engine.index.codes import encode
from anime_search.engine.index.flat import search_ranges
from anime_search.engine.index.manifest import FileDigest, Geometry, ManifestError, SegmentManifest
from anime_search.engine.whole_file import sync, write_whole

GRAPH, TIMES, MANIFEST = "frames.hnsw", "times.safetensors", "segment.json"


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrames:
    """One video's part of a segment: (N, dim) vectors and (3, N) int32 from/at/to milliseconds.

    Vectors out of another segment are its codes, which are stored again as they are.
    """

    video: str
    vectors: NDArray[np.floating] | Codes
    times_ms: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class FrameHit:
    """A run of frames that an index found: video hash, times in milliseconds, cosine.

    Attributes:
        run: its position among the runs of its video, from 0.
    """

    video: str
    from_ms: int
    at_ms: int
    to_ms: int
    score: float
    run: int


class Segment:
    """A loaded segment. Immutable, so any number of threads may search it."""

    def __init__(
        self,
        manifest: SegmentManifest,
        index: VectorIndex,
        starts: NDArray[np.int64],
        times_ms: NDArray[np.int32],
    ) -> None:
        self.manifest = manifest
        self._index = index
        self._starts = starts
        self._times_ms = times_ms
        self._position = {video: position for position, video in enumerate(manifest.videos)}

    @classmethod
    def load(cls, folder: Path, *, geometry: Geometry, ef: int) -> Segment:
        """Verify every file of a segment against its manifest, then load it.

        Raises:
            ManifestError: a file is missing or altered, or the vectors are of another geometry.
        """
        # faiss takes long to load, and whoever only asks for names and numbers does without.
        from anime_search.engine.index.hnsw import HnswIndex, IndexFileError

        manifest = SegmentManifest.read(folder / MANIFEST)
        if manifest.geometry != geometry:
            raise ManifestError(f"segment {manifest.segment} was made by {manifest.geometry}, not {geometry}")
        if {file.name for file in manifest.files} != {GRAPH, TIMES}:
            raise ManifestError(f"segment {manifest.segment} does not list its two files")
        for file in manifest.files:
            file.verify(folder)
        try:
            tensors = load_file(folder / TIMES)
            starts, times_ms = tensors["starts"], tensors["times_ms"]
            index = HnswIndex.load(folder / GRAPH, dim=geometry.dim, count=manifest.count, ef=ef)
        except (SafetensorError, KeyError, OSError, IndexFileError) as error:
            raise ManifestError(f"segment {manifest.segment}: {error}") from error
        if len(starts) != len(manifest.videos) + 1 or times_ms.shape != (3, manifest.count):
            raise ManifestError(f"segment {manifest.segment}: its parts are of different lengths")
        return cls(manifest, index, starts, times_ms)

    def search(self, queries: Vectors, k: int) -> list[list[FrameHit]]:
        """The ``k`` most similar runs of each query, best first."""
        labels, scores = self._index.search(queries, k)
        return self._hits(labels, scores)

    def search_videos(self, queries: Vectors, videos: Iterable[str], k: int) -> list[list[FrameHit]]:
        """As :meth:`search`, exactly, over some videos only."""
        ranges = [
            (int(self._starts[position]), int(self._starts[position + 1]))
            for position in sorted(self._position[video] for video in videos if video in self._position)
        ]
        return self._hits(*search_ranges(self._index, queries, k, ranges))

    def frames(self, video: str) -> VideoFrames:
        """What the segment holds of one video, to build another segment from."""
        position = self._position[video]
        start, stop = int(self._starts[position]), int(self._starts[position + 1])
        return VideoFrames(video, self._index.codes(start, stop), self._times_ms[:, start:stop])

    def video_count(self, video: str) -> int:
        """Vectors of one video; 0 if it is not here."""
        position = self._position.get(video)
        return 0 if position is None else int(self._starts[position + 1] - self._starts[position])

    def runs_around(self, video: str, at_ms: int, reach: int, within_ms: int) -> list[tuple[int, int, int]]:
        """From, at and to in milliseconds of a video's runs about a time, in their order; none if it is not here.

        Args:
            reach: runs before, and as many after, the one that is nearest to the time.
            within_ms: how far from it they may be.
        """
        position = self._position.get(video)
        if position is None:
            return []
        start, stop = int(self._starts[position]), int(self._starts[position + 1])
        times = self._times_ms[:, start:stop]
        if not times.shape[1]:
            return []
        nearest = int(np.abs(times[1] - at_ms).argmin())
        around = times[:, max(0, nearest - reach) : nearest + reach + 1]
        return [
            (int(start_ms), int(middle_ms), int(end_ms))
            for start_ms, middle_ms, end_ms in around.T
            if abs(int(middle_ms) - at_ms) <= within_ms
        ]

    def _hits(self, labels: Labels, scores: Vectors) -> list[list[FrameHit]]:
        owners = np.searchsorted(self._starts, labels, side="right") - 1
        runs = labels - self._starts[owners]
        times = self._times_ms[:, labels]
        videos = self.manifest.videos
        return [
            [
                FrameHit(videos[owner], int(start), int(at), int(end), float(score), int(run))
                for owner, start, at, end, score, run in zip(
                    owners[row], *times[:, row], scores[row], runs[row], strict=True
                )
            ]
            for row in range(len(labels))
        ]


def build_segment(
    root: Path,
    videos: Iterable[VideoFrames],
    *,
    geometry: Geometry,
    count: int,
    threads: int,
    on_progress: Callable[[int], None] = lambda _: None,
) -> tuple[SegmentManifest, FileDigest]:
    """Build a segment below ``root`` so that it appears whole or not at all.

    Args:
        videos: each video once; read one at a time.
        count: vectors of all of them.
        threads: of the graph's building.

    Returns:
        Its manifest, and the digest of the manifest's file.

    Raises:
        IndexFileError: what was saved is not what was built (a full disk).
    """
    from anime_search.engine.index.hnsw import build_graph

    segment = uuid.uuid4().hex
    folder = root / f".{segment}.part"
    folder.mkdir(parents=True)
    names: list[str] = []
    starts: list[int] = [0]
    times: list[NDArray[np.int32]] = []

    def batches() -> Iterator[Codes]:
        for frames in videos:
            names.append(frames.video)
            starts.append(starts[-1] + len(frames.vectors))
            times.append(np.asarray(frames.times_ms, np.int32))
            if len(frames.vectors):
                yield _codes(frames)

    try:
        build_graph(
            folder / GRAPH, batches(), dim=geometry.dim, count=count, threads=threads, on_progress=on_progress
        )
        sync(folder / GRAPH)
        joined = np.concatenate(times, axis=1) if times else np.empty((3, 0), np.int32)
        write_whole(
            folder / TIMES,
            save({"starts": np.array(starts, np.int64), "times_ms": np.ascontiguousarray(joined)}),
        )
        manifest = SegmentManifest(
            segment=segment,
            geometry=geometry,
            count=count,
            videos=tuple(names),
            files=(FileDigest.of(folder / GRAPH), FileDigest.of(folder / TIMES)),
        )
        write_whole(folder / MANIFEST, manifest.encode())
        digest = FileDigest.of(folder / MANIFEST)
        sync(folder)
        folder.replace(root / segment)
        sync(root)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return manifest, digest


def _codes(frames: VideoFrames) -> Codes:
    if frames.vectors.dtype == np.int8:
        return encode(frames.vectors)
    return encode(unit_length(np.asarray(frames.vectors, np.float32)))
