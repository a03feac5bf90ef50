"""Clips and stills of indexed videos, cut when they are asked for and kept for the next time."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from anime_search import runtime
from anime_search.engine.clip import LONGEST_S, cut_clip
from anime_search.engine.clip_encode import ENCODER_VERSION
from anime_search.engine.cuts import scene_around
from anime_search.engine.stills import STILL_VERSION, still_at
from anime_search.engine.track import load_cuts, track_path
from anime_search.engine.video import VideoError
from anime_search.errors import PreviewGone
from anime_search.file_cache import Busy
from anime_search.models import Video
from anime_search.previews import Moment, video_at
from anime_search.selectors import playable_file
from core.errors import Unavailable

log = logging.getLogger(__name__)

#: Requests of one process that cut a clip or wait for one; a browser opens six connections to a host.
TURNS = 6
_TURNS = threading.BoundedSemaphore(TURNS)

#: Seconds that a request waits while others are cut, or somebody else cuts the same.
WAIT_S = 10.0
#: Seconds that cutting one clip may take: far beyond any usual one.
CUTTING_S = 30.0

#: For one clip. A second thread decodes while the first frames are encoded; more would only take turns.
DECODER_THREADS = min(2, os.cpu_count() or 1)

#: A clip's end is not moved for less, nor is anything shorter cut: a frame, about.
_LEAST_S = 0.04


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A picture or a clip as a file.

    Attributes:
        path: whole, and there for at least a minute.
        etag: a digest of its bytes, without quotes.
        bytes: its length.
        start_s, end_s: what it shows, in seconds of the video; the same for a still.
    """

    path: Path
    etag: str
    bytes: int
    start_s: float
    end_s: float


@contextmanager
def preview_turn() -> Iterator[None]:
    """A place among the few requests that may wait for previews: the server's other threads stay free.

    Raises:
        Unavailable: there is none.
    """
    if not _TURNS.acquire(blocking=False):
        raise Unavailable
    try:
        yield
    finally:
        _TURNS.release()


def scene_of(moment: Moment) -> tuple[float, float]:
    """Seconds at which the scene around a moment begins and ends, at most 5 s to either side.

    The boundaries were found when the video was indexed. A video that was indexed before they were looked for
    has none: then it is 5 s to either side.

    Raises:
        PreviewGone: the video is not there any more, or ends before that time.
    """
    at_s = moment.at_ms / 1000
    video = video_at(moment.video_id, at_s)
    cuts = load_cuts(track_path(runtime.tracks_dir(), runtime.descriptor().name, video.sha256))
    duration_s = video.duration_ms / 1000
    start_s, end_s = scene_around(cuts, min(at_s, duration_s), duration_s)
    return start_s, max(end_s, start_s + _LEAST_S)


def clip_of(*, video_id: int, start_s: float, end_s: float, width: int, mute: bool) -> CachedFile:
    """A passage of a video as MP4, at most ``width`` pixels wide.

    A start before the video's beginning is its beginning, and what would lie beyond its end is left out. The
    same clip is cut once, however many ask for it at the same time.

    Raises:
        PreviewGone: the video, or its file, is not there any more, is broken, or ends before ``start_s``.
        Unavailable: too many clips are being cut, or the disk is full.
    """
    start_s = max(0.0, start_s)
    video = video_at(video_id, start_s)
    duration_s = video.duration_ms / 1000
    start_s = max(0.0, min(start_s, duration_s - _LEAST_S))
    end_s = max(min(end_s, start_s + LONGEST_S, duration_s), start_s + _LEAST_S)
    start_ms, end_ms = round(start_s * 1000), round(end_s * 1000)
    source = _source(video)

    def cut(out: Path) -> None:
        until = time.monotonic() + CUTTING_S

        def check_time() -> None:
            if time.monotonic() > until:
                raise Unavailable

        cut_clip(
            source,
            start_s=start_ms / 1000,
            end_s=end_ms / 1000,
            width=width,
            mute=mute,
            limits=runtime.VIDEO_LIMITS,
            out=out,
            threads=DECODER_THREADS,
            on_frame=check_time,
        )

    key = _key("clip", ENCODER_VERSION, video.sha256, start_ms, end_ms, width, mute) + ".mp4"
    return _described(_made(key, cut), start_ms / 1000, end_ms / 1000)


def still_file_of(moment: Moment, *, width: int) -> CachedFile:
    """The frame of a moment as JPEG, at most ``width`` pixels wide.

    Raises:
        PreviewGone, Unavailable: as :func:`clip_of`.
    """
    at_s = moment.at_ms / 1000
    video = video_at(moment.video_id, at_s)
    source = _source(video)

    def take(out: Path) -> None:
        out.write_bytes(still_at(source, at_s, width=width, limits=runtime.VIDEO_LIMITS))

    key = _key("still", STILL_VERSION, video.sha256, moment.at_ms, width) + ".jpg"
    return _described(_made(key, take), at_s, at_s)


def _source(video: Video) -> Path:
    if (path := playable_file(video)) is None:
        raise PreviewGone
    return path


def _key(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def _made(key: str, make: Callable[[Path], None]) -> Path:
    """The cached file of a key; made, if it is missing, in one of the process's slots."""
    until = time.monotonic() + WAIT_S

    def make_in_turn(out: Path) -> None:
        slots = runtime.preview_slots()
        if not slots.acquire(timeout=max(0.0, until - time.monotonic())):
            raise Unavailable
        try:
            make(out)
        finally:
            slots.release()

    try:
        return runtime.preview_cache().get_or_make(key, make_in_turn, wait_s=WAIT_S)
    except Busy as error:
        raise Unavailable from error
    except VideoError as error:
        raise PreviewGone from error
    except OSError as error:
        log.warning("preview cache: %s", error.strerror or error)
        raise Unavailable from error


def _described(path: Path, start_s: float, end_s: float) -> CachedFile:
    try:
        stat = path.stat()
        etag = _digest(path, stat.st_ino, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise Unavailable from error
    return CachedFile(path, etag, stat.st_size, start_s, end_s)


@lru_cache(maxsize=4096)
def _digest(path: Path, _inode: int, _mtime_ns: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]
