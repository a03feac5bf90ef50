"""Settings made into engine objects; the process's index, and its hot reload."""

from __future__ import annotations

import logging
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from anime_search.engine.bundle import CURRENT, descriptor_named, known_geometries
from anime_search.engine.image import ImageLimits
from anime_search.engine.index.manifest import Geometry
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.index.store import IndexStore
from anime_search.engine.search import SceneSearcher
from anime_search.engine.similarity import CALIBRATIONS
from anime_search.engine.thumbnails import ThumbnailReader
from anime_search.errors import IndexUnavailable
from anime_search.file_cache import FileCache
from core import clock
from video.reader import VideoLimits

if TYPE_CHECKING:
    from video.decoders import DecoderPool

log = logging.getLogger(__name__)

VIDEO_LIMITS = VideoLimits()
#: A query is reduced to 640 pixels on its long side before it goes to a worker: its views need no more.
IMAGE_LIMITS = ImageLimits(working_side=640)


#: Seconds that the request which finds a newer generation waits for it.
RELOAD_WAIT_S = 0.5


class IndexHandle:
    """The process's view of the index: always a whole snapshot, replaced when a newer generation is in use.

    A request that finds a newer generation on disk starts one thread that loads it, and waits a moment for it:
    a small index is there by then, and whoever has just indexed a video finds it. Of a large one it is answered,
    like every other request meanwhile, from the snapshot at hand.
    """

    def __init__(self, store: IndexStore) -> None:
        self.store = store
        self._snapshot: Snapshot | None = None
        self._seen: tuple[int, int, int] | None = None
        self._loading = threading.Lock()
        self.problems: list[str] = []

    def snapshot(self) -> Snapshot:
        """The generation to search now.

        Raises:
            IndexUnavailable: there is none that is whole.
        """
        if self._snapshot is None:
            self.refresh()
        elif self._stamp() != self._seen and self._loading.acquire(blocking=False):
            try:
                reload = threading.Thread(target=self._reload_and_release, name="index-reload", daemon=True)
                reload.start()
                reload.join(RELOAD_WAIT_S)
            except RuntimeError:
                # The process has no thread to spare: this request has its answer, and a later one tries again.
                self._loading.release()
        if self._snapshot is None:
            raise IndexUnavailable
        return self._snapshot

    def refresh(self) -> None:
        """Load the generation in use, now, if it is not the one at hand."""
        with self._loading:
            if self._stamp() != self._seen:
                self._reload()

    def _reload_and_release(self) -> None:
        try:
            self._reload()
        finally:
            self._loading.release()

    def _reload(self) -> None:
        stamp = self._stamp()
        known = self._snapshot
        shared = (
            {}
            if known is None
            else {
                ref.sha256: segment
                for ref, segment in zip(known.manifest.segments, known.segments, strict=True)
            }
        )
        snapshot, problems = self.store.load_best(shared)
        for problem in problems:
            log.error("index: %s", problem)
        self.problems, self._seen = problems, stamp
        # A generation older than the one at hand is only taken if an operator went back to it on purpose.
        if snapshot is not None and (not problems or known is None):
            self._snapshot = snapshot
            log.info("index: generation %d with %d frames is in use", snapshot.number, snapshot.count)

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            stat = (self.store.root / "CURRENT").stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ino, stat.st_size


@cache
def index_store() -> IndexStore:
    """The index on disk. It is written by the current descriptor, and read by every one that is known."""
    known = known_geometries()
    return IndexStore(
        settings.DATA_DIR / "index",
        known[CURRENT],
        known=known.values(),
        ef=settings.ANIME_INDEX_EF,
        now=clock.now,
    )


def geometry() -> Geometry:
    """Of the vectors that new videos are described by; the children that decode make their descriptor themselves."""
    return index_store().geometry


def descriptor_in_use() -> str:
    """The name of the descriptor that searches are answered by: while videos are described anew, still the old one."""
    store = index_store()
    other = store.in_use_of_another()
    return (other.geometry if other else store.geometry).descriptor


@cache
def index() -> IndexHandle:
    """The process's handle on the index."""
    return IndexHandle(index_store())


@cache
def searcher(descriptor_name: str) -> SceneSearcher:
    """The search of an index that a descriptor made: while videos are described anew, that is still the old one."""
    return SceneSearcher(
        descriptor_named(descriptor_name),
        CALIBRATIONS[descriptor_name],
        thumbnails=ThumbnailReader(thumbnails_dir()),
    )


_pool_lock = threading.Lock()
#: By the number of their children; that of uploads under a number which no other has.
_pools: dict[int, DecoderPool] = {}
_UPLOADS = 0
_decoding_stopped = threading.Event()


def decoder_pool(workers: int) -> DecoderPool:
    """The process's decoding children, started when the first file comes.

    Raises:
        DecoderStopped: they were closed, and no worker has started since.
    """
    from video.decoders import DecoderPool, DecoderStopped

    with _pool_lock:
        if _decoding_stopped.is_set():
            raise DecoderStopped
        if workers not in _pools:
            _pools[workers] = DecoderPool(workers)
        return _pools[workers]


#: Address space of a child that decodes uploads; it takes 400 MB for a 4K frame, libraries included.
_UPLOAD_MEMORY_BYTES = 2 * 1024**3
#: Uploads of video that are decoded at a time.
_UPLOADS_AT_A_TIME = 1


def upload_decoder() -> DecoderPool:
    """The process's child for the videos that callers send, started when the first one comes.

    Raises:
        DecoderStopped: this process is stopping.
    """
    from video.decoders import DecoderPool, DecoderStopped

    with _pool_lock:
        if _decoding_stopped.is_set():
            raise DecoderStopped
        if _UPLOADS not in _pools:
            _pools[_UPLOADS] = DecoderPool(_UPLOADS_AT_A_TIME, memory_bytes=_UPLOAD_MEMORY_BYTES)
        return _pools[_UPLOADS]


def open_decoder_pools() -> None:
    """Let decoding children be started: a worker has begun."""
    _decoding_stopped.clear()


def close_decoder_pools() -> None:
    """End the decoding children at once, and start no more: the worker stops."""
    with _pool_lock:
        _decoding_stopped.set()
        while _pools:
            _pools.popitem()[1].close()


def tracks_dir() -> Path:
    """Where frame tracks are kept."""
    return Path(settings.DATA_DIR) / "tracks"


def thumbnails_dir() -> Path:
    """Where the pictures of their runs are kept."""
    return Path(settings.DATA_DIR) / "thumbnails"


def preview_cache() -> FileCache:
    """Clips and stills that were cut before."""
    return _preview_cache(Path(settings.DATA_DIR) / "previews", settings.PREVIEW_CACHE_BYTES)


@cache
def _preview_cache(root: Path, most_bytes: int) -> FileCache:
    return FileCache(root, most_bytes)


@cache
def preview_slots() -> threading.BoundedSemaphore:
    """How many clips this process may cut at a time."""
    return threading.BoundedSemaphore(settings.PREVIEW_WORKERS)
