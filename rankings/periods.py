"""Periods of the calendar, in UTC, over which searches are counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

_DAY: Final = timedelta(days=1)


class Period(models.TextChoices):
    """How long a ranking counts; each but the first is a sum of a shorter one (see :data:`MADE_OF`)."""

    DAILY = "daily", _("day")
    WEEKLY = "weekly", _("week")
    MONTHLY = "monthly", _("month")
    YEARLY = "yearly", _("year")
    ALL = "all", _("all time")


#: Of which shorter period each is the sum: weeks do not fit into months, months fit into years.
MADE_OF: Final = {
    Period.WEEKLY: Period.DAILY,
    Period.MONTHLY: Period.DAILY,
    Period.YEARLY: Period.MONTHLY,
    Period.ALL: Period.YEARLY,
}

#: Where the period without a beginning begins in the database; no search is older.
BEGINNING: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Span:
    """One period of the calendar: that day, week, month or year; both of its ends belong to it."""

    period: Period
    first: date
    last: date


def span_of(period: Period, day: date) -> Span:
    """The day, week (from Monday, as in ISO 8601), month or year that a day lies in."""
    match period:
        case Period.DAILY:
            return Span(period, day, day)
        case Period.WEEKLY:
            monday = day - timedelta(days=day.weekday())
            return Span(period, monday, monday + timedelta(days=6))
        case Period.MONTHLY:
            first = day.replace(day=1)
            # The 28th and four days more is in the next month, whatever the month.
            following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
            return Span(period, first, following - _DAY)
        case Period.YEARLY:
            return Span(period, date(day.year, 1, 1), date(day.year, 12, 31))
        case Period.ALL:
            return Span(period, BEGINNING, date.max)


def previous_span(span: Span) -> Span | None:
    """The period before this one; None where there is none."""
    return None if span.period is Period.ALL else span_of(span.period, span.first - _DAY)
