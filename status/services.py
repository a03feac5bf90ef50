"""Figures that are recorded as they come up."""

from __future__ import annotations

from typing import Final

from django.db import connection, transaction
from django.db.models import F

from anime_search import runtime
from anime_search.errors import IndexUnavailable
from core import clock
from status.hours import FAILED, MINUTES, bucket_of, hour_of, minute_of
from status.models import ReadyHour, SearchDuration

#: Days of figures that are kept: the longest time that the page speaks of, and the day that runs.
KEPT_DAYS: Final = 31

# Django has no ON CONFLICT DO UPDATE that adds. PostgreSQL and SQLite understand the same words.
_COUNT: Final = """
    INSERT INTO status_searchduration (hour, bucket, count) VALUES (%s, %s, 1)
    ON CONFLICT (hour, bucket) DO UPDATE SET count = status_searchduration.count + 1
"""


def count_search(*, elapsed_ms: float, answered: bool) -> None:
    """Count a search that ended; exact however many processes do so at the same time.

    Args:
        elapsed_ms: from its picture to its answer, or to the end of its caller's patience.
        answered: whether there was one.
    """
    bucket = bucket_of(elapsed_ms) if answered else FAILED
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, (hour_of(clock.now()), bucket))


def mark_search_ready() -> bool:
    """Note that in this minute a search would have been answered, if that is so.

    Called by a worker of the searches' own queue: that it is called at all says that broker and worker are there.
    Once a minute is enough; more often does no harm.

    Returns:
        Whether it is: False where there is no index that is whole.
    """
    try:
        runtime.index().snapshot()
    except IndexUnavailable:
        return False
    now = clock.now()
    hour, bit = hour_of(now), 1 << (minute_of(now) % MINUTES)
    with transaction.atomic():
        ReadyHour.objects.bulk_create([ReadyHour(hour=hour)], ignore_conflicts=True)
        ReadyHour.objects.filter(hour=hour).update(minutes=F("minutes").bitor(bit))
    return True


def purge_figures() -> int:
    """Forget what is older than the page speaks of; how many rows."""
    oldest = hour_of(clock.now()) - 24 * KEPT_DAYS
    return (
        SearchDuration.objects.filter(hour__lt=oldest).delete()[0]
        + ReadyHour.objects.filter(hour__lt=oldest).delete()[0]
    )
