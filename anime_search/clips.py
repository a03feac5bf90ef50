"""Clips and stills of indexed videos, cut when they are asked for and kept for the next time."""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av

from anime_search import runtime
from anime_search.engine.clip import LONGEST_S, clip_pieces
from anime_search.engine.clip_encode import ENCODER_VERSION
from anime_search.engine.cuts import scene_around
from anime_search.engine.stills import STILL_VERSION, still_at
from anime_search.errors import PreviewGone
from anime_search.file_cache import Busy, Making
from anime_search.models import Video
from anime_search.previews import Moment, video_at
from anime_search.selectors import playable_file
from anime_search.shots import cuts_of
from core.errors import Unavailable
from video.reader import VideoError

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

#: What made the bytes of a clip, as far as they depend on it: with the same, the same clip is the same bytes.
_MADE_BY = (ENCODER_VERSION, av.__version__, sorted(av.library_versions.items()), platform.machine())


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A picture or a clip as a file.

    Attributes:
        path: whole, and there for at least a minute.
        etag: what its bytes, and no others, are known by, without quotes.
        bytes: its length.
        start_s, end_s: what it shows, in seconds of the video; the same for a still.
    """

    path: Path
    etag: str
    bytes: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A clip that can be had, whether or not it was cut before.

    Attributes:
        source: the video's file.
        start_s, end_s: what it shows, in seconds of the video.
        width: of the picture in pixels, at most.
        key: its name in the cache.
        etag: of the clip's bytes, without quotes; known before they are.
    """

    source: Path
    start_s: float
    end_s: float
    width: int
    mute: bool
    key: str
    etag: str


class LiveClip:
    """The bytes of a clip, once and in order, while it is being cut and kept.

    Closing it before its end ends the cutting, and nothing is kept.
    """

    def __init__(self, pieces: Generator[bytes, None, None]) -> None:
        self._pieces = pieces
        # What can go wrong mostly goes wrong by now, while there is still time to say so.
        self._first = next(pieces)

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        yield from self._pieces

    def close(self) -> None:
        self._pieces.close()


@contextmanager
def preview_turn() -> Iterator[None]:
    """A place among the few requests that may wait for previews: the server's other threads stay free.

    Raises:
        Unavailable: there is none.
    """
    turns = _TURNS
    if not turns.acquire(blocking=False):
        raise Unavailable
    try:
        yield
    finally:
        turns.release()


def scene_of(moment: Moment) -> tuple[float, float]:
    """Seconds at which the scene around a moment begins and ends, at most 5 s to either side.

    The boundaries were found when the video was indexed. A video that was indexed before they were looked for
    has none: then it is 5 s to either side.

    Raises:
        PreviewGone: the video is not there any more, or ends before that time.
    """
    at_s = moment.at_ms / 1000
    video = video_at(moment.video_id, at_s)
    duration_s = video.duration_ms / 1000
    start_s, end_s = scene_around(cuts_of(video), min(at_s, duration_s), duration_s)
    return start_s, max(end_s, start_s + _LEAST_S)


def passage_of(*, video_id: int, start_s: float, end_s: float, width: int, mute: bool) -> Passage:
    """A passage of a video, at most ``width`` pixels wide.

    A start before the video's beginning is its beginning, and what would lie beyond its end is left out.

    Raises:
        PreviewGone: the video, or its file, is not there any more, or ends before ``start_s``.
    """
    start_s = max(0.0, start_s)
    video = video_at(video_id, start_s)
    duration_s = video.duration_ms / 1000
    start_s = max(0.0, min(start_s, duration_s - _LEAST_S))
    end_s = max(min(end_s, start_s + LONGEST_S, duration_s), start_s + _LEAST_S)
    start_ms, end_ms = round(start_s * 1000), round(end_s * 1000)
    source = _source(video)
    key = _key("clip", ENCODER_VERSION, video.sha256, start_ms, end_ms, width, mute)
    etag = _key(key, *_MADE_BY)[:32]
    return Passage(source, start_ms / 1000, end_ms / 1000, width, mute, key + ".mp4", etag)


def live_clip(passage: Passage, *, on_cut: Callable[[], None] = lambda: None) -> CachedFile | LiveClip:
    """The clip of a passage: as a file if it was cut before, else piece by piece while it is cut.

    The same clip is cut once, however many ask for it at the same time: the others wait for the file.

    Args:
        on_cut: called where the clip has to be cut, before it is; what it raises leaves everything as it was.

    Raises:
        PreviewGone: the video's file is broken.
        Unavailable: too many clips are being cut or waited for, or the disk is full. While the pieces come,
            both may still be raised.
    """
    if (path := runtime.preview_cache().get(passage.key)) is not None:
        return _clip_file(path, passage)
    until = time.monotonic() + WAIT_S
    with ExitStack() as held, _translated():
        held.enter_context(preview_turn())
        begun = runtime.preview_cache().get_or_begin(passage.key, wait_s=WAIT_S)
        if not isinstance(begun, Making):
            return _clip_file(begun, passage)
        held.callback(begun.abandon)
        on_cut()
        held.enter_context(_slot(until))
        pieces = _cut(passage, begun, held.pop_all())
    return LiveClip(pieces)


def whole_clip(passage: Passage, *, on_cut: Callable[[], None] = lambda: None) -> CachedFile:
    """The clip of a passage as a file; cut, if it was not before.

    Args:
        on_cut: as for :func:`live_clip`.

    Raises:
        PreviewGone, Unavailable: as :func:`live_clip`.
    """
    clip = live_clip(passage, on_cut=on_cut)
    if isinstance(clip, CachedFile):
        return clip
    for _piece in clip:
        pass
    return _clip_file(runtime.preview_cache().path_of(passage.key), passage)


def _cut(passage: Passage, making: Making, held: ExitStack) -> Generator[bytes, None, None]:
    """Cut a clip, and keep it; ``held`` is let go at the end, whichever it is."""
    until = time.monotonic() + CUTTING_S

    def check_time() -> None:
        if time.monotonic() > until:
            raise Unavailable

    with held, _translated():
        pieces = clip_pieces(
            passage.source,
            start_s=passage.start_s,
            end_s=passage.end_s,
            width=passage.width,
            mute=passage.mute,
            limits=runtime.VIDEO_LIMITS,
            threads=DECODER_THREADS,
            on_frame=check_time,
        )
        with closing(pieces), making.part.open("wb") as file:
            for piece in pieces:
                file.write(piece)
                yield piece
        making.finish()


def _clip_file(path: Path, passage: Passage) -> CachedFile:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise Unavailable from error
    return CachedFile(path, passage.etag, size, passage.start_s, passage.end_s)


def still_file_of(moment: Moment, *, width: int) -> CachedFile:
    """The frame of a moment as JPEG, at most ``width`` pixels wide.

    Raises:
        PreviewGone, Unavailable: as :func:`live_clip`.
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
        with _slot(until):
            make(out)

    with _translated():
        return runtime.preview_cache().get_or_make(key, make_in_turn, wait_s=WAIT_S)


@contextmanager
def _slot(until: float) -> Iterator[None]:
    """One of the process's places to cut in.

    Args:
        until: when to stop waiting for it, on the monotonic clock.

    Raises:
        Unavailable: none was free in time.
    """
    slots = runtime.preview_slots()
    if not slots.acquire(timeout=max(0.0, until - time.monotonic())):
        raise Unavailable
    try:
        yield
    finally:
        slots.release()


@contextmanager
def _translated() -> Iterator[None]:
    """What goes wrong below, in words of the domain."""
    try:
        yield
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
