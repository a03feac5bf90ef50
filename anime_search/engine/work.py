"""The work on one file, as a child process does it: plain values in, plain values out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anime_search.engine.descriptor import DctDescriptor, Descriptor
from anime_search.engine.stamp import FileStamp
from anime_search.engine.track import (
    FrameTrack,
    TrackError,
    load_track,
    make_track,
    save_track,
    track_path,
)
from anime_search.engine.video import VideoError, VideoInfo, VideoLimits

#: Told how much is done, and of how much: seconds of video while decoding, zeros while only reading.
Progress = Callable[[float, float], None]


def no_progress(_done_s: float, _total_s: float) -> None:
    """For callers that do not watch."""


_CHUNK = 1 << 20


class FileChanged(Exception):
    """The file was replaced, or was still being written, while it was read."""


@dataclass(frozen=True, slots=True)
class TrackOrder:
    """What to make: the track of a file's frames below ``tracks``, by the descriptor of that name."""

    path: Path
    stamp: FileStamp
    video: str
    tracks: Path
    descriptor: str
    rate_hz: float
    limits: VideoLimits
    threads: int = 1


@dataclass(frozen=True, slots=True)
class TrackReceipt:
    """What was made: the digest of the track's file, its number of frame runs, and the video's properties."""

    sha256: str
    frames: int
    info: VideoInfo


def descriptor_named(name: str) -> Descriptor:
    """The descriptor of a name.

    Raises:
        KeyError: there is none.
    """
    return {DctDescriptor.name: DctDescriptor}[name]()


def digest_file(path: Path, stamp: FileStamp, on_progress: Progress = no_progress) -> str:
    """SHA-256 of a file in hex.

    Raises:
        FileChanged: it is not, or no longer, the file of that stamp.
        OSError: it cannot be read.
    """
    _check(path, stamp)
    digest, left = hashlib.sha256(), stamp.size
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            left -= len(chunk)
            # A download would be followed for as long as it grows.
            if left < 0:
                raise FileChanged
            on_progress(0.0, 0.0)
    _check(path, stamp)
    return digest.hexdigest()


def carry_out(order: TrackOrder, on_progress: Progress = no_progress) -> TrackReceipt:
    """Make a track, or take the one that an earlier, killed run left whole.

    Raises:
        VideoError: the file is broken.
        FileChanged: it was replaced while it was read.
    """
    path = track_path(order.tracks, order.descriptor, order.video)
    try:
        track = _load_finished(path)
    except TrackError:
        try:
            track = make_track(
                order.path,
                video=order.video,
                descriptor=descriptor_named(order.descriptor),
                rate_hz=order.rate_hz,
                limits=order.limits,
                threads=order.threads,
                on_progress=on_progress,
            )
        except VideoError:
            # A file that is still being copied looks cut.
            _check(order.path, order.stamp)
            raise
        _check(order.path, order.stamp)
        return TrackReceipt(save_track(track, path), len(track), track.info)
    return TrackReceipt(hashlib.sha256(path.read_bytes()).hexdigest(), len(track), track.info)


def _load_finished(path: Path) -> FrameTrack:
    track = load_track(path)
    if track.cuts_ms is None:
        raise TrackError(f"{path.name}: made before scenes were looked for")
    return track


def _check(path: Path, stamp: FileStamp) -> None:
    try:
        found = FileStamp.of(path)
    except OSError as error:
        raise FileChanged from error
    if found != stamp:
        raise FileChanged


def keep_single_threaded() -> None:
    """Stop the libraries of a child process from starting threads of their own: the files are the parallelism."""
    import cv2

    cv2.setNumThreads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
