"""The index and the database brought together: which videos' tracks the index holds."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from anime_search import runtime
from anime_search.engine.index.manifest import GenerationManifest
from anime_search.engine.index.segment import VideoFrames
from anime_search.engine.track import TrackError, load_track, track_path
from anime_search.models import FrameTrackFile

log = logging.getLogger(__name__)

#: Threads that insert into a graph.
BUILD_THREADS = os.cpu_count() or 1


def publish_tracks() -> GenerationManifest | None:
    """Bring the index up to date with the database: add the tracks it lacks, hide the videos that are gone.

    A video is gone when every file it was seen in holds other content now.

    Returns:
        The generation that is then in use; None before the first.
    """
    store = runtime.index_store()
    with store.writing():
        manifest = store.usable()
        present = store.videos(manifest) if manifest else frozenset()
        wanted = _wanted()
        if gone := present - set(wanted):
            manifest = store.remove(gone)
        if new := {video: frames for video, frames in wanted.items() if video not in present}:
            loaded = {video: frames for video, frames in new.items() if _track_file(video).is_file()}
            for video in new.keys() - loaded.keys():
                log.error("the frame track of video %s is missing: run anime_ingest on it again", video)
            if loaded:
                manifest = store.add(_frames(loaded), sum(loaded.values()), threads=BUILD_THREADS)
        return manifest


def rebuild_index(
    *, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> GenerationManifest:
    """Build the whole index anew out of the stored tracks, and use it.

    Args:
        on_progress: told how many frame runs are in, and of how many.
    """
    store = runtime.index_store()
    with store.writing():
        wanted = {video: frames for video, frames in _wanted().items() if _track_file(video).is_file()}
        total = sum(wanted.values())
        return store.build(
            _frames(wanted), total, threads=BUILD_THREADS, on_progress=lambda done: on_progress(done, total)
        )


def forget_lost_tracks() -> int:
    """Drop the rows of tracks whose files are missing or damaged, so that ingest makes them again."""
    lost = []
    for pk, video in FrameTrackFile.objects.filter(descriptor=runtime.descriptor().name).values_list(
        "pk", "video__sha256"
    ):
        try:
            load_track(_track_file(video))
        except TrackError:
            lost.append(pk)
    FrameTrackFile.objects.filter(pk__in=lost).delete()
    return len(lost)


def _wanted() -> dict[str, int]:
    """Content hash and frame runs of each video that should be searchable, in the order they were indexed."""
    rows = FrameTrackFile.objects.filter(descriptor=runtime.descriptor().name, video__files__isnull=False)
    return dict(rows.order_by("pk").values_list("video__sha256", "frames"))


def _track_file(video: str) -> Path:
    return track_path(runtime.tracks_dir(), runtime.descriptor().name, video)


def _frames(videos: dict[str, int]) -> Iterator[VideoFrames]:
    for video, frames in videos.items():
        track = load_track(_track_file(video))
        if len(track) != frames:
            raise TrackError(f"{video}: {len(track)} frames, not {frames}")
        yield VideoFrames(video, track.descriptors, np.stack([track.from_ms, track.at_ms, track.to_ms]))


def index_status() -> dict[str, object]:
    """What is in use, what could be gone back to, what waits to be added, and what is wrong."""
    store = runtime.index_store()
    snapshot, problems = store.load_best()
    present = snapshot.videos if snapshot else frozenset()
    return {
        "generation": snapshot.number if snapshot else None,
        "created": snapshot.manifest.created if snapshot else None,
        "descriptor": store.geometry.descriptor,
        "frames": snapshot.count if snapshot else 0,
        "videos": len(present),
        "segments": len(snapshot.segments) if snapshot else 0,
        "generations_on_disk": store.numbers(),
        "videos_waiting": len(_wanted().keys() - present),
        "problems": problems,
    }
