"""Counting a day's use in the database, exactly under any number of simultaneous callers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F

from core import clock
from credits.models import Counted, DayCount
from credits.policies import DAY_S, DayEdge, Product


@dataclass(frozen=True, slots=True)
class DayState:
    """How a day stands.

    Attributes:
        limit: what the day allows.
        used: what was used of it.
        seconds_left: until it is renewed, 1 at least.
        resets_at: when it is renewed.
        length_s: of the day.
    """

    limit: int
    used: int
    seconds_left: int
    resets_at: datetime
    length_s: int = DAY_S

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class Day:
    """Whose day it is, of what, and where it begins."""

    product: Product
    subject: str
    counts: Counted
    edge: DayEdge

    def running(self, moment: datetime) -> DayCount | None:
        """The row of the day that ``moment`` is in, if anything was counted in it."""
        rows = DayCount.objects.filter(product=self.product, subject=self.subject, counts=self.counts)
        if self.edge is DayEdge.UTC:
            return rows.filter(serial=moment.date().toordinal()).first()
        last = rows.filter(serial__lt=_FIRST_ORDINAL).order_by("-serial").first()
        return last if last is not None and last.ends_at > moment else None

    def begin(self, moment: datetime) -> None:
        """Make the row of the day that ``moment`` is in, unless somebody else did."""
        rows = DayCount.objects.filter(product=self.product, subject=self.subject, counts=self.counts)
        if self.edge is DayEdge.UTC:
            serial, ends_at = moment.date().toordinal(), clock.next_day_starts(moment)
            starts_at = ends_at - timedelta(days=1)
        else:
            last = rows.filter(serial__lt=_FIRST_ORDINAL).order_by("-serial").first()
            serial = last.serial + 1 if last is not None else 1
            starts_at, ends_at = moment, moment + timedelta(seconds=DAY_S)
        row = DayCount(
            product=self.product,
            subject=self.subject,
            counts=self.counts,
            serial=serial,
            starts_at=starts_at,
            ends_at=ends_at,
        )
        DayCount.objects.bulk_create([row], ignore_conflicts=True)


#: Serials of days from midnight to midnight are ordinals of dates, which begin far above those that count up:
#: when staff change where a day begins, the rows of one kind are no days of the other.
_FIRST_ORDINAL = datetime(2000, 1, 1).toordinal()  # noqa: DTZ001 - a date's number has no zone


def count_in_day(*, day: Day, amount: int, limit: int, moment: datetime) -> DayCount | None:
    """Count ``amount`` in the day that ``moment`` is in, if the day has room for it.

    One conditional update decides, so that of any number of simultaneous calls exactly as many get in as the
    limit allows. To be called in the transaction that also writes what is counted.

    Returns:
        The day's row with what is used now; None where there is no room.
    """
    if amount > limit:
        return None
    while True:
        row = day.running(moment)
        if row is None:
            day.begin(moment)
            continue
        room = DayCount.objects.filter(pk=row.pk, used__lte=limit - amount)
        if not room.update(used=F("used") + amount):
            return None
        row.refresh_from_db(fields=["used"])
        return row


def give_back(*, row_id: int, amount: int) -> None:
    """Take ``amount`` off a day's row, whichever day it is now."""
    DayCount.objects.filter(pk=row_id, used__gte=amount).update(used=F("used") - amount)


def day_state(*, day: Day, limit: int, moment: datetime, row: DayCount | None = None) -> DayState:
    """How a day stands, by ``row`` where the caller has it."""
    row = row or day.running(moment)
    if row is None:
        renewed = (
            clock.next_day_starts(moment) if day.edge is DayEdge.UTC else moment + timedelta(seconds=DAY_S)
        )
        return DayState(limit, 0, _seconds(moment, renewed), renewed)
    return DayState(limit, row.used, _seconds(moment, row.ends_at), row.ends_at)


def _seconds(moment: datetime, until: datetime) -> int:
    return min(DAY_S, max(1, math.ceil((until - moment).total_seconds())))
