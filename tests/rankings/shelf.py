"""Videos that are indexed, as far as the database knows."""

from __future__ import annotations

from typing import Any

from anime_search import runtime
from anime_search.models import FrameTrackFile, Video, VideoFile
from core import clock
from tests.rankings.made import put_video


def put_indexed(
    anilist_id: int | None = 1, *, frames: int = 500, descriptor: str = "", **changes: Any
) -> Video:
    """A video with a file and a track by the descriptor that answers now."""
    video = put_video(anilist_id, **changes)
    VideoFile.objects.create(
        video=video,
        path=f"/{video.pk}",
        path_sha256=video.sha256,
        size=1,
        mtime_ns=1,
        inode="1",
        seen_at=clock.now(),
    )
    FrameTrackFile.objects.create(
        video=video, descriptor=descriptor or runtime.geometry().descriptor, frames=frames, sha256="a" * 64
    )
    return video
