"""Reads: what was searched most, and last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import QuerySet

from anime_search.models import Anime
from core import clock
from rankings.models import SearchEvent, Tally
from rankings.periods import Period, Span, previous_span, span_of

#: Places of the period before that are looked at for where a title was.
PREVIOUS_PLACES: Final = 500

#: What no answer tells of a title, and need not be read.
_UNTOLD: Final = ("anime__synonyms", "anime__synonyms_chinese")


@dataclass(frozen=True, slots=True)
class RankedTitle:
    """A title in a ranking.

    Attributes:
        rank: from 1; titles with the same count share one, and the next have as many places less.
        previous_rank: in the whole period before; None if it was not among its first 500.
        count: searches.
    """

    rank: int
    previous_rank: int | None
    count: int
    anime: Anime


@dataclass(frozen=True, slots=True)
class Ranking:
    """The titles that were searched most in a period, most first."""

    span: Span
    titles: list[RankedTitle]


def ranking_of(*, period: Period, limit: int, include_adult: bool, today: date | None = None) -> Ranking:
    """The titles that were searched most in the day, week, month or year that runs now, or ever.

    Titles that were deleted have no place, and no place is left empty for them.
    """
    span = span_of(period, today or clock.today())
    rows = list(_tallies(span, include_adult=include_adult).select_related("anime").defer(*_UNTOLD)[:limit])
    before = _previous_ranks(span, include_adult=include_adult) if rows else {}
    ranks = _ranks(row.count for row in rows)
    return Ranking(
        span,
        [
            RankedTitle(rank, before.get(row.anime_id), row.count, row.anime)
            for rank, row in zip(ranks, rows, strict=True)
        ],
    )


def recent_searches(*, limit: int, offset: int, include_adult: bool) -> list[SearchEvent]:
    """Searches that counted, the newest first, with their titles and videos; without what was deleted since."""
    return list(
        SearchEvent.objects.filter(anime__is_adult__in=_shown(include_adult=include_adult))
        .select_related("anime", "video")
        .defer(*_UNTOLD)
        .order_by("-found_at", "pk")[offset : offset + limit]
    )


def _previous_ranks(span: Span, *, include_adult: bool) -> dict[int, int]:
    before = previous_span(span)
    if before is None:
        return {}
    rows = list(
        _tallies(before, include_adult=include_adult).values_list("anime_id", "count")[:PREVIOUS_PLACES]
    )
    return dict(zip((title for title, _ in rows), _ranks(count for _, count in rows), strict=True))


def _tallies(span: Span, *, include_adult: bool) -> QuerySet[Tally]:
    return Tally.objects.filter(
        period=span.period, start=span.first, anime__is_adult__in=_shown(include_adult=include_adult)
    ).order_by("-count", "anime_id")


def _shown(*, include_adult: bool) -> tuple[bool, ...]:
    """Values of ``is_adult``; asking for both still joins the title, and leaves out one that is not there."""
    return (False, True) if include_adult else (False,)


def _ranks(counts: Iterable[int]) -> list[int]:
    """Ranks of counts that do not rise: 1, 2, 2, 4."""
    ranks: list[int] = []
    last: int | None = None
    for place, count in enumerate(counts, start=1):
        ranks.append(ranks[-1] if count == last else place)
        last = count
    return ranks


@dataclass(frozen=True, slots=True)
class Standing:
    """How a title stands in one period.

    Attributes:
        rank: among the titles that such a ranking shows; None while it was not searched.
    """

    period: Period
    count: int
    rank: int | None


def standings_of(*, anime: Anime, today: date | None = None) -> list[Standing]:
    """How often a title was searched in the day, week, month and year that run now, and ever."""
    today = today or clock.today()
    spans = {period: span_of(period, today) for period in Period}
    own = Tally.objects.filter(anime_id=anime.anilist_id, period__in=spans).values_list(
        "period", "start", "count"
    )
    counts = {period: count for period, start, count in own if start == spans[Period(period)].first}
    return [
        Standing(
            period,
            counts.get(period, 0),
            None
            if period not in counts
            else 1
            + _tallies(span, include_adult=anime.is_adult)
            .filter(count__gt=counts[period])
            .order_by()
            .count(),
        )
        for period, span in spans.items()
    ]
