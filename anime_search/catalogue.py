"""Reads: what is indexed, in all and of one title."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, QuerySet, Subquery, Sum

from anime_search import runtime
from anime_search.models import Anime, FrameTrackFile, Video, VideoFile


@dataclass(frozen=True, slots=True)
class Totals:
    """What can be found.

    Attributes:
        titles: that have a video; videos whose title is not known are of none.
        duration_ms: of all videos together.
        frames: runs of frames that are told apart.
    """

    titles: int
    videos: int
    duration_ms: int
    frames: int


def indexed_totals() -> Totals:
    """What can be found in all."""
    return _totals(_tracks())


def totals_of(anime: Anime) -> Totals:
    """What can be found of a title."""
    return _totals(_tracks().filter(video__anime=anime))


def videos_of(anime: Anime) -> QuerySet[Video]:
    """The indexed videos of a title in the order of its episodes, each with its ``frames``."""
    track = _tracks().filter(video=OuterRef("pk"))
    return (
        Video.objects.filter(anime=anime)
        .annotate(frames=Subquery(track.values("frames")[:1]))
        .filter(frames__isnull=False)
        .order_by(
            F("season").asc(nulls_first=True), F("episode").asc(nulls_last=True), "kind", "filename", "pk"
        )
    )


def _tracks() -> QuerySet[FrameTrackFile]:
    """Of the descriptor that answers now, and of videos that lie somewhere still."""
    files = VideoFile.objects.filter(video=OuterRef("video"))
    return FrameTrackFile.objects.filter(Exists(files), descriptor=runtime.descriptor_in_use())


def _totals(tracks: QuerySet[FrameTrackFile]) -> Totals:
    sums = tracks.aggregate(
        titles=Count("video__anime", distinct=True),
        videos=Count("pk"),
        duration_ms=Sum("video__duration_ms"),
        frames=Sum("frames"),
    )
    return Totals(**{name: count or 0 for name, count in sums.items()})
