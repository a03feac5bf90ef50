"""What the pages show of titles and searches: everything in words, nothing left for a template to compute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from anime_search.covers import cover_file
from anime_search.models import Anime
from anime_search.previews import WIDTHS, Moment
from anime_search.titles import other_titles, reader_title
from anime_search.web.cards import episode_text, image_addresses, picture_height, time_text
from core import clock
from rankings.models import SearchEvent
from rankings.selectors import Ranking
from rankings.web.words import Movement, facts_words, movement_of

#: Minutes to which the time of a search is rounded down, lest somebody's visit be read off it.
ROUNDED_TO_MINUTES = 10


@dataclass(frozen=True, slots=True)
class TitleRow:
    """A title in a ranking.

    Attributes:
        cover: an address of ours; empty where there is no cover, or one that not everybody wants to see.
        count: as the reader's language writes numbers.
    """

    rank: int
    title: str
    other: str
    facts: tuple[str, ...]
    url: str
    cover: str
    is_adult: bool
    count: str
    searches: int
    movement: Movement | None


@dataclass(frozen=True, slots=True)
class SearchRow:
    """A search that came to a scene.

    Attributes:
        key: what the page's script knows it by.
        searched_at: rounded down to ten minutes.
        ago: the same in words.
        images: width in pixels and address of the scene, narrowest first.
        image_height: at the second of these widths.
    """

    key: str
    title: str
    url: str
    is_adult: bool
    episode: str
    at: str
    searched_at: datetime
    ago: str
    images: tuple[tuple[int, str], ...]
    image_height: int


def title_rows(ranking: Ranking) -> list[TitleRow]:
    """The rows of a ranking."""
    rows = []
    for ranked in ranking.titles:
        title = reader_title(ranked.anime)
        rows.append(
            TitleRow(
                rank=ranked.rank,
                title=title,
                other=next(iter(other_titles(ranked.anime, title)), ""),
                facts=facts_words(ranked.anime),
                url=title_address(ranked.anime),
                cover="" if ranked.anime.is_adult else cover_address(ranked.anime),
                is_adult=ranked.anime.is_adult,
                count=number_format(ranked.count, force_grouping=True),
                searches=ranked.count,
                movement=movement_of(ranked, ranking.span),
            )
        )
    return rows


def search_rows(searches: list[SearchEvent]) -> list[SearchRow]:
    """The rows of recent searches."""
    rows = []
    for search in searches:
        video = search.video
        rows.append(
            SearchRow(
                key=search.pk.hex,
                title=reader_title(search.anime),
                url=title_address(search.anime),
                is_adult=search.anime.is_adult,
                episode=episode_text(video),
                at=time_text(search.at_ms / 1000),
                searched_at=(searched_at := _rounded(search.found_at)),
                ago=_ago(searched_at),
                images=image_addresses(Moment(search.video_id, search.at_ms)),
                image_height=picture_height(video, WIDTHS["m"]),
            )
        )
    return rows


def title_address(anime: Anime) -> str:
    """The address of a title's page."""
    return reverse("anime", args=[anime.anilist_id])


def cover_address(anime: Anime) -> str:
    """Our address of a title's cover, another one for another picture; empty where there is none."""
    path = cover_file(anime)
    return "" if path is None else reverse("cover", args=[anime.anilist_id, path.stem.rpartition("-")[2]])


def _ago(time: datetime) -> str:
    now = clock.now()
    if now - time < timedelta(minutes=2 * ROUNDED_TO_MINUTES):
        return _("a few minutes ago")
    return _("%(time)s ago") % {"time": timesince(time, now, depth=1)}


def _rounded(time: datetime) -> datetime:
    time = time.astimezone(UTC)
    return time.replace(minute=time.minute - time.minute % ROUNDED_TO_MINUTES, second=0, microsecond=0)
