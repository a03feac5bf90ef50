"""Small indexes for tests: videos of vectors that look like those of real frames."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.index.manifest import GenerationManifest, Geometry
from anime_search.engine.index.segment import VideoFrames
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.index.store import IndexStore

Vectors = NDArray[np.float32]

DIM = 16
GEOMETRY = Geometry("made-1", DIM)


def unit(rows: NDArray[np.floating]) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def clustered(count: int, dim: int = DIM, *, seed: int = 0, scenes: int = 0) -> Vectors:
    """Unit vectors as frames have them: drifting slowly inside a scene, and on few of the dimensions.

    Args:
        scenes: how many; one for every ten vectors by default.
    """
    random = np.random.default_rng(seed)
    scenes = scenes or max(1, count // 10)
    inner = min(dim, 12)
    basis = np.random.default_rng(42).normal(size=(inner, dim))
    centres = random.normal(size=(scenes, inner))
    drift = np.cumsum(0.05 * random.normal(size=(count, inner)), axis=0)
    which = np.sort(random.integers(0, scenes, count))
    return unit(
        (centres[which] + drift - drift[np.searchsorted(which, which)]) @ basis
        + 0.02 * random.normal(size=(count, dim))
    )


def frames(video: str, count: int = 30, *, seed: int | None = None, dim: int = DIM) -> VideoFrames:
    """A video of ``count`` runs of half a second; its vectors depend on its name, or on ``seed``."""
    number = zlib.crc32(video.encode()) if seed is None else seed
    vectors = clustered(count, dim, seed=number) if count else np.empty((0, dim), np.float32)
    start = 500 * np.arange(count, dtype=np.int32)
    return VideoFrames(
        video, vectors.astype(np.float16), np.stack([start, start + 200, start + 400]).astype(np.int32)
    )


def store_at(
    root: Path, *, ef: int = 64, geometry: Geometry = GEOMETRY, known: Iterable[Geometry] = ()
) -> IndexStore:
    return IndexStore(root, geometry, ef=ef, known=known)


def added(store: IndexStore, *videos: VideoFrames) -> GenerationManifest:
    with store.writing():
        return store.add(iter(videos), sum(len(video.vectors) for video in videos), threads=1)


def built(store: IndexStore, *videos: VideoFrames) -> GenerationManifest:
    with store.writing():
        return store.build(iter(videos), sum(len(video.vectors) for video in videos), threads=1)


def loaded(store: IndexStore) -> Snapshot:
    """The generation in use, which must be whole."""
    snapshot, problems = store.load_best()
    assert problems == []
    assert snapshot is not None
    return snapshot


def found(snapshot: Snapshot, video: VideoFrames, row: int = 0, k: int = 5) -> list[tuple[str, int]]:
    """Video and time of what is most like one frame of a video."""
    query = video.vectors[row : row + 1].astype(np.float32)
    return [(hit.video, hit.from_ms) for hit in snapshot.search(query, k)[0]]


def finds(snapshot: Snapshot, videos: Iterable[VideoFrames]) -> Iterator[bool]:
    """Whether the first and the last frame of each video are found as their own best matches."""
    for video in videos:
        for row in {0, len(video.vectors) - 1}:
            yield found(snapshot, video, row, 1) == [(video.video, int(video.times_ms[0, row]))]


def files_of(root: Path) -> list[Path]:
    """Every file of an index, but its lock."""
    return sorted(path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
