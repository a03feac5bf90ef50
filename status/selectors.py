"""Reads: the figures of the status page."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.cache import cache
from redis.exceptions import RedisError

from anime_search.catalogue import Totals, indexed_totals
from anime_search.models import IngestJob, JobStatus
from core import clock
from core.queue_depths import queue_depths
from deepfake.models import Analysis, AnalysisStatus
from status.hours import FAILED, MINUTES, hour_of, minute_of, percentile_ms
from status.models import ReadyHour, SearchDuration

log = logging.getLogger(__name__)

#: Seconds that figures are given again: anybody may ask for them, as often as he likes.
REMEMBERED_S: Final = 10
#: A search that was seen ready so many minutes ago is taken to be so still.
READY_MINUTES: Final = 2
DAY, WEEK, MONTH = timedelta(days=1), timedelta(days=7), timedelta(days=30)
_CACHE_KEY: Final = "status:figures"


@dataclass(frozen=True, slots=True)
class Durations:
    """How long the searches of the last hours took, from the picture to the answer.

    Attributes:
        searches: that had an answer.
        failed: that had none, because it took too long or a part was out of order.
        p50_ms, p90_ms, p99_ms: what 50, 90 and 99 of 100 did not exceed, at most 10 % too long; None without any.
    """

    searches: int
    failed: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for its turn.

    Attributes:
        searches: None where the broker does not say.
    """

    searches: int | None
    videos: int
    analyses: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How the site is doing.

    Attributes:
        is_ready: whether searches are answered now; None where nobody has looked yet.
        ready_since: the first minute that anybody looked, of those that are kept.
        uptime: share of the minutes of the last day, week and 30 days in which searches were answered, those before
            ``ready_since`` left out; None where nobody has looked.
    """

    measured_at: datetime
    totals: Totals
    day: Durations
    week: Durations
    waiting: Waiting
    is_ready: bool | None
    ready_since: datetime | None
    uptime: dict[timedelta, float | None]


def figures() -> Figures:
    """The figures of this moment, or of a few seconds ago."""
    try:
        known: Figures | None = cache.get(_CACHE_KEY)
    except RedisError as error:
        # This is the page that tells of such trouble.
        log.warning("figures are measured without the cache: %s", error)
        return measure()
    if known is None:
        known = measure()
        cache.set(_CACHE_KEY, known, timeout=REMEMBERED_S)
    return known


def measure() -> Figures:
    """The figures of this moment."""
    now = clock.now()
    oldest = hour_of(now - MONTH)
    ready = dict(ReadyHour.objects.filter(hour__gte=oldest).values_list("hour", "minutes"))
    first = _first_minute(ready)
    this_minute = minute_of(now)
    return Figures(
        measured_at=now,
        totals=indexed_totals(),
        day=_durations(now, DAY),
        week=_durations(now, WEEK),
        waiting=Waiting(
            searches=queue_depths(("search",))["search"],
            videos=IngestJob.objects.filter(status=JobStatus.QUEUED).count(),
            analyses=Analysis.objects.filter(status=AnalysisStatus.QUEUED).count(),
        ),
        is_ready=None
        if first is None
        else any(_is_ready(ready, this_minute - ago) for ago in range(READY_MINUTES + 1)),
        ready_since=None if first is None else datetime.fromtimestamp(first * MINUTES, now.tzinfo),
        uptime={
            window: _share(ready, first, this_minute, round(window.total_seconds()) // MINUTES)
            for window in (DAY, WEEK, MONTH)
        },
    )


def _durations(now: datetime, window: timedelta) -> Durations:
    counts: dict[int, int] = {}
    rows = SearchDuration.objects.filter(hour__gt=hour_of(now - window), hour__lte=hour_of(now))
    for bucket, count in rows.values_list("bucket", "count"):
        counts[bucket] = counts.get(bucket, 0) + count
    failed = counts.pop(FAILED, 0)
    p50, p90, p99 = (percentile_ms(counts, share) for share in (0.5, 0.9, 0.99))
    return Durations(sum(counts.values()), failed, p50, p90, p99)


def _first_minute(ready: dict[int, int]) -> int | None:
    hour = min((hour for hour, minutes in ready.items() if minutes), default=None)
    if hour is None:
        return None
    lowest_bit = ready[hour] & -ready[hour]
    return hour * MINUTES + lowest_bit.bit_length() - 1


def _is_ready(ready: dict[int, int], minute: int) -> bool:
    return bool(ready.get(minute // MINUTES, 0) >> (minute % MINUTES) & 1)


def _share(ready: dict[int, int], first: int | None, this_minute: int, length: int) -> float | None:
    """Of the minutes before the one that runs, which may yet be seen ready."""
    if first is None:
        return None
    begin = max(first, this_minute - length)
    if begin >= this_minute:
        return 1.0
    seen = sum(_is_ready(ready, minute) for minute in range(begin, this_minute))
    return seen / (this_minute - begin)
