"""All sums made anew out of what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from core import clock
from rankings.models import Tally
from rankings.periods import MADE_OF, Period, Span, span_of
from rankings.services import KEPT_DAYS, first_kept_day
from rankings.tallies import recount_day, resum

#: Days that can be recounted: one less than are kept, lest the oldest be purged while it is counted.
MOST_DAYS: Final = KEPT_DAYS - 1


@dataclass(slots=True)
class Rebuilt:
    """What was made anew.

    Attributes:
        days_recounted: out of single searches.
        periods_summed: weeks, months, years, and all time, out of shorter periods.
        rows_corrected: those that were wrong, missing or too many.
    """

    days_recounted: int = 0
    periods_summed: int = 0
    rows_corrected: int = 0


def rebuild_tallies(
    *, days: int = MOST_DAYS, dry_run: bool = False, on_progress: Callable[[int, int], None] = lambda *_: None
) -> Rebuilt:
    """Recount the last days out of the searches that are kept, then sum every longer period anew.

    Each period is a transaction of its own, right as soon as it is done, and may be done again: a run that was
    stopped is run once more. Searches go on being counted meanwhile, and none is lost.

    Args:
        days: recounted, today among them, 0 to :data:`MOST_DAYS`; older days are taken as they are, since the
            searches of which they are the sums are gone.
        dry_run: change nothing, and count what is wrong; a sum that is right by what it is made of now, which
            itself is wrong, is not seen.
        on_progress: told how many periods of how many are done.

    Raises:
        ValueError: more days than are kept.
    """
    today = clock.today()
    recounted = [today - timedelta(days=ago) for ago in range(days)]
    if not first_kept_day(today) < min(recounted, default=today):
        raise ValueError(f"at most {MOST_DAYS} days can be recounted")
    spans = _spans({*_starts(Period.DAILY), *recounted})
    result = Rebuilt()
    total = len(recounted) + len(spans)
    for day in recounted:
        result.rows_corrected += recount_day(day=day, dry_run=dry_run)
        result.days_recounted += 1
        on_progress(result.days_recounted, total)
    for span in spans:
        result.rows_corrected += resum(span=span, dry_run=dry_run)
        result.periods_summed += 1
        on_progress(len(recounted) + result.periods_summed, total)
    return result


def _spans(days: Iterable[date]) -> list[Span]:
    """Every longer period that has a day in it or a sum of its own, the parts before their sums."""
    days = set(days)
    return [
        span_of(period, start)
        for period in MADE_OF
        for start in sorted({span_of(period, day).first for day in days} | _starts(period))
    ]


def _starts(period: Period) -> set[date]:
    return set(Tally.objects.filter(period=period).order_by().values_list("start", flat=True).distinct())
