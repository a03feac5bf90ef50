"""The index and the database brought together: which videos' tracks the index holds."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from anime_search import runtime
from anime_search.engine.index.manifest import GenerationManifest, ManifestError
from anime_search.engine.index.segment import VideoFrames
from anime_search.engine.index.store import IndexStore
from anime_search.engine.track import FrameTrack, TrackError, load_track, track_path
from anime_search.models import FrameTrackFile, Video

log = logging.getLogger(__name__)

#: Threads that insert into a graph.
BUILD_THREADS = os.cpu_count() or 1

_BATCH = 500


class _Lost(Exception):
    """The track of a video is missing or damaged: it has to be made again."""

    def __init__(self, video: str, why: str) -> None:
        super().__init__(f"the frame track of video {video} is lost ({why}): run anime_ingest on it again")


def publish_tracks() -> GenerationManifest | None:
    """Bring the index up to date with the database: add the tracks it lacks, hide the videos that are gone.

    A video is gone when every file it was seen in holds other content now. The row of a track that turns
    out to be lost is deleted, so that ingest makes it again.

    While another descriptor's generation is in use, nothing changes until every video that it answers with has
    a track by the new one (see :mod:`anime_search.ingest.reindex`); then the new index takes its place at once.
    Nor does anything if an operator went back to it from the new one.

    Returns:
        The generation that is then in use; None before the first.
    """
    store = runtime.index_store()
    with store.writing():
        while True:
            if (other := store.in_use_of_another()) is not None:
                if _is_kept(store, other):
                    return other
                wanted = _wanted()
                try:
                    return store.build(_frames(wanted), sum(wanted.values()), threads=BUILD_THREADS)
                except _Lost:
                    _forget_lost(wanted)
                    continue
            manifest = store.usable()
            present = store.videos(manifest) if manifest else frozenset()
            wanted = _wanted()
            if gone := present - set(wanted):
                manifest = store.remove(gone)
            new = {video: frames for video, frames in wanted.items() if video not in present}
            if not new:
                return manifest
            try:
                return store.add(_frames(new), sum(new.values()), threads=BUILD_THREADS)
            except _Lost:
                _forget_lost(new)


def is_published() -> bool:
    """Whether the index holds what the database says it should: then publishing would change nothing."""
    store = runtime.index_store()
    if (other := store.in_use_of_another()) is not None:
        return _is_kept(store, other)
    manifest = store.usable()
    return (store.videos(manifest) if manifest else frozenset()) == set(_wanted())


def rebuild_index(
    *, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> GenerationManifest:
    """Build the whole index anew out of the stored tracks, and use it.

    Lost tracks are treated as by :func:`publish_tracks`.

    Args:
        on_progress: told how many frame runs are in, and of how many.
    """
    store = runtime.index_store()
    with store.writing():
        while True:
            wanted = _wanted()
            total = sum(wanted.values())

            def tell(done: int, total: int = total) -> None:
                on_progress(done, total)

            try:
                return store.build(_frames(wanted), total, threads=BUILD_THREADS, on_progress=tell)
            except _Lost:
                _forget_lost(wanted)


def videos_without_track() -> frozenset[str]:
    """Content hashes of the videos that another descriptor's index answers with, and the new one's would not yet."""
    store = runtime.index_store()
    other = store.in_use_of_another()
    return frozenset() if other is None else _unfinished(store, other)


def _is_kept(store: IndexStore, other: GenerationManifest) -> bool:
    """Whether another descriptor's generation stays in use, although there are tracks by the new one."""
    return bool(_unfinished(store, other)) or _went_back(store, other)


def _went_back(store: IndexStore, other: GenerationManifest) -> bool:
    try:
        # If it is in use because the newer one is broken, nobody chose it.
        if store.current_number() != other.number:
            return False
    except ManifestError:
        return False
    for number in store.numbers():
        try:
            if number > other.number and store.manifest(number).geometry == store.geometry:
                return True
        except ManifestError:
            continue
    return False


def _unfinished(store: IndexStore, other: GenerationManifest) -> frozenset[str]:
    living = Video.objects.filter(files__isnull=False).values_list("sha256", flat=True)
    return store.videos(other).intersection(living.iterator()) - _wanted().keys()


def forget_lost_tracks() -> int:
    """Drop the rows of tracks whose files are missing or damaged, so that ingest makes them again.

    Returns:
        How many there were.
    """
    return _forget_lost(_wanted())


def _forget_lost(videos: dict[str, int]) -> int:
    lost = []
    for video, frames in videos.items():
        try:
            _load(video, frames)
        except _Lost as error:
            log.warning("%s", error)
            lost.append(video)
    rows = FrameTrackFile.objects.filter(descriptor=runtime.geometry().descriptor)
    for start in range(0, len(lost), _BATCH):
        rows.filter(video__sha256__in=lost[start : start + _BATCH]).delete()
    return len(lost)


def _wanted() -> dict[str, int]:
    """Content hash and frame runs of each video that should be searchable, in the order they were indexed."""
    rows = FrameTrackFile.objects.filter(descriptor=runtime.geometry().descriptor, video__files__isnull=False)
    return dict(rows.order_by("pk").values_list("video__sha256", "frames"))


def _track_file(video: str) -> Path:
    return track_path(runtime.tracks_dir(), runtime.geometry().descriptor, video)


def _load(video: str, frames: int) -> FrameTrack:
    try:
        track = load_track(_track_file(video))
    except TrackError as error:
        raise _Lost(video, str(error)) from error
    if track.video != video or track.descriptors.shape != (frames, runtime.geometry().dim):
        raise _Lost(video, "it is another video's, or of another size")
    return track


def _frames(videos: dict[str, int]) -> Iterator[VideoFrames]:
    for video, frames in videos.items():
        track = _load(video, frames)
        yield VideoFrames(video, track.descriptors, np.stack([track.from_ms, track.at_ms, track.to_ms]))


def index_status() -> dict[str, object]:
    """What is in use, what could be gone back to, what waits to be added, and what is wrong."""
    store = runtime.index_store()
    snapshot, problems = store.load_best()
    present = snapshot.videos if snapshot else frozenset()
    return {
        "generation": snapshot.number if snapshot else None,
        "created": snapshot.manifest.created if snapshot else None,
        "descriptor": (snapshot.manifest.geometry if snapshot else store.geometry).descriptor,
        "frames": snapshot.count if snapshot else 0,
        "videos": len(present),
        "segments": len(snapshot.segments) if snapshot else 0,
        "generations_on_disk": store.numbers(),
        "videos_waiting": len(_wanted().keys() - present),
        "videos_to_reindex": len(videos_without_track()),
        "problems": problems,
    }
