"""The way to another descriptor: tracks by it for all videos, out of their thumbnails or their files."""

from __future__ import annotations

import fcntl
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.db.models import Exists, OuterRef

from anime_search import runtime
from anime_search.engine.stamp import FileStamp
from anime_search.engine.thumbnails import ThumbnailError, thumbnail_times, thumbnails_path
from anime_search.engine.work import FileChanged, TrackReceipt, carry_out
from anime_search.ingest.intake import batches
from anime_search.ingest.work import DECODE_TIMEOUT_S, track_order
from anime_search.models import FrameTrackFile, Video, VideoFile
from video.decoders import DecoderFailed, DecoderPool
from video.reader import VideoError

GONE = "its file is gone, or was replaced since it was indexed: run anime_ingest on it"


class ReindexRunning(Exception):
    """Another process is at it."""


@dataclass(frozen=True, slots=True)
class VideoToDescribe:
    """A video that lacks something.

    Attributes:
        pk, sha256, name: of the video.
        has_track: by the descriptor wanted; only its thumbnails are missing then.
        has_thumbnails: then it may be that its file is not needed.
    """

    pk: int
    sha256: str
    name: str
    has_track: bool
    has_thumbnails: bool


@dataclass(slots=True)
class Reindexed:
    """What came of it.

    Attributes:
        decoded: videos whose file was decoded.
        from_thumbnails: videos that were described without that.
        failures: names of videos that have no track by the descriptor, each with the reason.
        without_thumbnails: the same of videos that have a track and still no thumbnails: found, but not verified.
    """

    decoded: int = 0
    from_thumbnails: int = 0
    failures: list[str] = field(default_factory=list)
    without_thumbnails: list[str] = field(default_factory=list)


def videos_to_describe() -> list[VideoToDescribe]:
    """Videos without a track by the descriptor of new videos, or without thumbnails; those that are gone not."""
    tracks = FrameTrackFile.objects.filter(video=OuterRef("pk"), descriptor=runtime.geometry().descriptor)
    rows = (
        Video.objects.filter(Exists(VideoFile.objects.filter(video=OuterRef("pk"))))
        .annotate(has_track=Exists(tracks))
        .order_by("pk")
        .values_list("pk", "sha256", "filename", "has_track")
    )
    root = runtime.thumbnails_dir()
    found = (
        VideoToDescribe(pk, sha256, name, has_track, _has_thumbnails(thumbnails_path(root, sha256)))
        for pk, sha256, name, has_track in rows.iterator()
    )
    return [video for video in found if not (video.has_track and video.has_thumbnails)]


def _has_thumbnails(path: Path) -> bool:
    try:
        thumbnail_times(path)
    except ThumbnailError:
        return False
    return True


def describe_videos(
    videos: list[VideoToDescribe], *, workers: int, on_video: Callable[[str], None] = lambda name: None
) -> Reindexed:
    """Give each video its track and thumbnails; what is done stays done if the process is killed.

    For a command's process: its decoding children are ended afterwards.

    Args:
        workers: videos at a time, each in a child process.
        on_video: called with the name of each video that is done, or failed.

    Raises:
        ReindexRunning: another process does the same.
    """
    result = Reindexed()
    with _alone():
        runtime.open_decoder_pools()
        pool = runtime.decoder_pool(workers)
        threads = ThreadPoolExecutor(workers)
        try:
            for part in batches(videos):
                places = _places(part)
                work = {threads.submit(_describe, pool, video, places[video.pk]): video for video in part}
                for future in as_completed(work):
                    _note(result, work[future], future)
                    on_video(work[future].name)
        finally:
            # When interrupted, the threads wait for their children: those end first.
            runtime.close_decoder_pools()
            threads.shutdown(cancel_futures=True)
    return result


@contextmanager
def _alone() -> Iterator[None]:
    folder = runtime.tracks_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".reindex.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ReindexRunning from error
        yield


def _places(videos: list[VideoToDescribe]) -> dict[int, list[tuple[Path, FileStamp]]]:
    """Where each video was last seen, and as what file."""
    places: dict[int, list[tuple[Path, FileStamp]]] = defaultdict(list)
    rows = VideoFile.objects.filter(video__in=[video.pk for video in videos]).order_by("pk")
    for pk, path, size, mtime_ns, inode in rows.values_list("video", "path", "size", "mtime_ns", "inode"):
        places[pk].append((Path(path), FileStamp(size, mtime_ns, inode)))
    return places


def _describe(
    pool: DecoderPool, video: VideoToDescribe, places: list[tuple[Path, FileStamp]]
) -> TrackReceipt:
    """In a child, from the first of its places that still holds it.

    Raises:
        FileChanged: none does.
    """
    for path, stamp in places:
        order = track_order(path, stamp, video.sha256)
        try:
            return pool.run(carry_out, order, timeout_s=DECODE_TIMEOUT_S)
        except FileChanged:
            continue
    raise FileChanged


def _note(result: Reindexed, video: VideoToDescribe, future: Future[TrackReceipt]) -> None:
    try:
        receipt = future.result()
    except FileChanged:
        _note_failure(result, video, GONE)
    except (VideoError, DecoderFailed) as error:
        _note_failure(result, video, str(error))
    except OSError as error:
        _note_failure(result, video, error.strerror or type(error).__name__)
    else:
        if receipt.decoded:
            result.decoded += 1
        else:
            result.from_thumbnails += 1
        FrameTrackFile.objects.update_or_create(
            video_id=video.pk,
            descriptor=runtime.geometry().descriptor,
            defaults={"frames": receipt.frames, "sha256": receipt.sha256},
        )


def _note_failure(result: Reindexed, video: VideoToDescribe, why: str) -> None:
    (result.without_thumbnails if video.has_track else result.failures).append(f"{video.name}: {why}")
