"""The work on one file, as a child process does it: plain values in, plain values out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.bundle import descriptor_named
from anime_search.engine.stamp import FileStamp
from anime_search.engine.thumbnails import (
    ThumbnailError,
    ThumbnailWriter,
    read_thumbnails,
    thumbnail_times,
    thumbnails_path,
    write_thumbnails,
)
from anime_search.engine.track import (
    FrameTrack,
    TrackError,
    describe_again,
    load_track,
    make_track,
    save_track,
    track_path,
)
from video.progress import Progress, no_progress
from video.reader import VideoError, VideoInfo, VideoLimits

_CHUNK = 1 << 20


class FileChanged(Exception):
    """The file was replaced, or was still being written, while it was read."""


@dataclass(frozen=True, slots=True)
class TrackOrder:
    """What to make: the track of a file's frames below ``tracks``, by the descriptor of that name.

    And their thumbnails below ``thumbnails``; none are made where that is None.
    """

    path: Path
    stamp: FileStamp
    video: str
    tracks: Path
    descriptor: str
    rate_hz: float
    limits: VideoLimits
    threads: int = 1
    thumbnails: Path | None = None


@dataclass(frozen=True, slots=True)
class TrackReceipt:
    """What was made: the digest of the track's file, its number of frame runs, and the video's properties.

    ``decoded`` is False where the video was not: all was there, or there were thumbnails to describe.
    """

    sha256: str
    frames: int
    info: VideoInfo
    decoded: bool = field(default=True, compare=False)


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
    """Make a track and its thumbnails, or take what an earlier, killed run left whole.

    Where another descriptor's track of the video and whole thumbnails are there, those are described, and the
    video's file is not read.

    Raises:
        VideoError: the file is broken.
        FileChanged: it was replaced while it was read.
    """
    path = track_path(order.tracks, order.descriptor, order.video)
    try:
        track = _load_finished(path, order)
    except TrackError:
        pass
    else:
        return TrackReceipt(hashlib.sha256(path.read_bytes()).hexdigest(), len(track), track.info, False)
    again = _describe_thumbnails(order, on_progress)
    track = again or _decode(order, on_progress)
    return TrackReceipt(save_track(track, path), len(track), track.info, again is None)


def _load_finished(path: Path, order: TrackOrder) -> FrameTrack:
    """A track with all that belongs to it.

    Raises:
        TrackError: something is missing or damaged.
    """
    track = load_track(path)
    if track.cuts_ms is None:
        raise TrackError(f"{path.name}: made before scenes were looked for")
    if order.thumbnails is not None:
        try:
            times = thumbnail_times(thumbnails_path(order.thumbnails, order.video))
        except ThumbnailError as error:
            raise TrackError(str(error)) from error
        if times.tolist() != track.from_ms.tolist():
            raise TrackError(f"{path.name}: its thumbnails are of other runs")
    return track


def _describe_thumbnails(order: TrackOrder, on_progress: Progress) -> FrameTrack | None:
    """The track out of the thumbnails, with the times of another descriptor's; None if either is missing."""
    if order.thumbnails is None:
        return None
    path = thumbnails_path(order.thumbnails, order.video)
    if not path.is_file():
        return None
    for known in sorted(order.tracks.glob(f"*/{order.video[:2]}/{order.video}.safetensors")):
        try:
            track = _load_finished(known, order)

            def pictures(track: FrameTrack = track) -> Iterator[NDArray[np.uint8]]:
                for from_ms, rgb in read_thumbnails(path):
                    yield rgb
                    on_progress(from_ms / 1000, track.info.duration_s)

            return describe_again(track, pictures(), descriptor_named(order.descriptor))
        except (TrackError, ThumbnailError, ValueError):
            continue
    return None


def _decode(order: TrackOrder, on_progress: Progress) -> FrameTrack:
    try:
        with _thumbnails(order) as writer:
            track = make_track(
                order.path,
                video=order.video,
                descriptor=descriptor_named(order.descriptor),
                rate_hz=order.rate_hz,
                limits=order.limits,
                threads=order.threads,
                on_progress=on_progress,
                **({} if writer is None else {"on_run": writer.add}),
            )
            _check(order.path, order.stamp)
    except VideoError:
        # A file that is still being copied looks cut.
        _check(order.path, order.stamp)
        raise
    return track


@contextmanager
def _thumbnails(order: TrackOrder) -> Iterator[ThumbnailWriter | None]:
    if order.thumbnails is None:
        yield None
        return
    with write_thumbnails(thumbnails_path(order.thumbnails, order.video), order.video) as writer:
        yield writer


def _check(path: Path, stamp: FileStamp) -> None:
    try:
        found = FileStamp.of(path)
    except OSError as error:
        raise FileChanged from error
    if found != stamp:
        raise FileChanged
