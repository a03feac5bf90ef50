"""Periods, places and movements in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from anime_search.models import Anime
from rankings.periods import Period, Span
from rankings.selectors import RankedTitle, Standing


class Direction(StrEnum):
    """Where a title went since the period before."""

    NEW = "new"
    UP = "up"
    DOWN = "down"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Movement:
    """How a title's place changed.

    Attributes:
        places: how many; 0 for a new title and one that stayed.
        words: all of it, for whoever does not see the arrow.
    """

    direction: Direction
    places: int
    words: str


def period_words(period: Period) -> str:
    """What a period's ranking is called."""
    return {
        Period.DAILY: _("Today"),
        Period.WEEKLY: _("This week"),
        Period.MONTHLY: _("This month"),
        Period.YEARLY: _("This year"),
        Period.ALL: _("All time"),
    }[period]


def span_words(span: Span) -> str:
    """Which day, week, month or year it is."""
    match span.period:
        case Period.DAILY:
            return date_format(span.first)
        case Period.WEEKLY:
            return _("%(first)s to %(last)s") % {
                "first": date_format(span.first),
                "last": date_format(span.last),
            }
        case Period.MONTHLY:
            return date_format(span.first, "YEAR_MONTH_FORMAT")
        case Period.YEARLY:
            return str(span.first.year)
        case Period.ALL:
            return _("since this site began to count")


def movement_of(ranked: RankedTitle, span: Span) -> Movement | None:
    """How a title's place changed since the period before; None where there is no such period."""
    if span.period is Period.ALL:
        return None
    if ranked.previous_rank is None:
        return Movement(Direction.NEW, 0, _("New in this list"))
    places = ranked.previous_rank - ranked.rank
    if places == 0:
        return Movement(Direction.SAME, 0, _("Same place as before"))
    if places > 0:
        return Movement(
            Direction.UP, places, ngettext("Up %(n)d place", "Up %(n)d places", places) % {"n": places}
        )
    return Movement(
        Direction.DOWN, -places, ngettext("Down %(n)d place", "Down %(n)d places", -places) % {"n": -places}
    )


def standing_words(standing: Standing) -> tuple[str, str, str]:
    """A period, how often a title was searched in it, and its place; that is empty where it has none."""
    place = ""
    if standing.rank is not None:
        place = _("place %(rank)s") % {"rank": number_format(standing.rank, force_grouping=True)}
    return period_words(standing.period), number_format(standing.count, force_grouping=True), place


def facts_words(anime: Anime) -> tuple[str, ...]:
    """How and when a title was published, as far as it is known."""
    when = ""
    if anime.season_year:
        when = (
            _("%(season)s %(year)d") % {"season": anime.get_season_display(), "year": anime.season_year}
            if anime.season
            else str(anime.season_year)
        )
    episodes = (
        ngettext("%(n)d episode", "%(n)d episodes", anime.episodes) % {"n": anime.episodes}
        if anime.episodes
        else ""
    )
    return tuple(part for part in (anime.get_format_display(), when, episodes) if part)
