"""Reads: the videos and titles behind scenes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from anime_search.engine.search import Place, Scene
from anime_search.models import Anime, Video


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another place that shows the very same as a scene, with the video it is in."""

    place: Place
    video: Video


@dataclass(frozen=True, slots=True)
class Candidate:
    """A scene with the video it is in, that video's title where it is known, and where else the same is shown."""

    scene: Scene
    video: Video
    anime: Anime | None
    also: tuple[Elsewhere, ...] = ()

    @property
    def title(self) -> str:
        """What to call it: the title, else what the path says, never empty."""
        return (self.anime.display_title if self.anime else "") or self.video.title or self.video.filename


def candidates_of(scenes: Iterable[Scene]) -> list[Candidate]:
    """Look up the videos of scenes; a scene, or another place of it, whose video has been deleted is left out."""
    scenes = list(scenes)
    wanted = {scene.video for scene in scenes} | {place.video for scene in scenes for place in scene.also}
    videos = {
        video.sha256: video for video in Video.objects.filter(sha256__in=wanted).select_related("anime")
    }
    return [
        Candidate(
            scene,
            videos[scene.video],
            videos[scene.video].anime,
            tuple(Elsewhere(place, videos[place.video]) for place in scene.also if place.video in videos),
        )
        for scene in scenes
        if scene.video in videos
    ]


def videos_of_anime(*, anilist_id: int) -> frozenset[str]:
    """Content hashes of the videos of a title."""
    return frozenset(Video.objects.filter(anime__anilist_id=anilist_id).values_list("sha256", flat=True))


def file_of(video: Video) -> str:
    """Where the video was last seen, for an operator; a visitor is told the file's name only."""
    file = video.files.order_by("-seen_at").first()
    return file.path if file else video.filename


def playable_file(video: Video) -> Path | None:
    """A place where the video's file still lies as it was indexed."""
    for file in video.files.order_by("-seen_at"):
        path = Path(file.path)
        try:
            stat = path.stat()
        except OSError:
            continue
        if stat.st_size == file.size and stat.st_mtime_ns == file.mtime_ns:
            return path
    return None
