"""The indexed videos of a title as its page lists them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from anime_search.models import Video
from anime_search.web.cards import episode_text


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """An indexed video.

    Attributes:
        name: season, kind and number in words; empty where nothing is known.
        frames: as the reader's language writes numbers.
    """

    name: str
    filename: str
    length: str
    frames: str


def episode_rows(videos: Iterable[Video]) -> list[EpisodeRow]:
    """The rows of videos that :func:`anime_search.catalogue.videos_of` gave."""
    return [
        EpisodeRow(
            name=episode_text(video),
            filename=video.filename,
            length=minutes_words(video.duration_ms),
            frames=number_format(getattr(video, "frames", 0), force_grouping=True),
        )
        for video in videos
    ]


def minutes_words(duration_ms: int) -> str:
    """A length in hours and minutes, rounded; in seconds where it is below one minute."""
    seconds = round(duration_ms / 1000)
    if seconds < 60:
        return ngettext("%(n)d s", "%(n)d s", seconds) % {"n": seconds}
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return ngettext("%(n)d min", "%(n)d min", minutes) % {"n": minutes}
    return _("%(hours)s h %(minutes)02d min") % {
        "hours": number_format(hours, force_grouping=True),
        "minutes": minutes,
    }
