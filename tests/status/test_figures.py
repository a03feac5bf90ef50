"""The figures of the status page: counted exactly, and said as they are."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from kombu.exceptions import OperationalError as BrokerGone
from redis.exceptions import ConnectionError as RedisGone

from accounts.principal import Principal
from anime_search import runtime, services
from anime_search.errors import IndexUnavailable, SearchTimedOut
from anime_search.models import IngestJob
from core import queue_depths as queues
from status import selectors
from status.hours import FAILED, LAST_BUCKET, bucket_of, end_ms_of, percentile_ms
from status.models import ReadyHour, SearchDuration
from status.selectors import DAY, MONTH, WEEK, measure
from status.services import count_search, mark_search_ready, purge_figures
from tests.rankings.crowd import at_once
from tests.rankings.made import set_clock
from tests.rankings.shelf import put_indexed

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Index:
    """In the place of the process's index: there, or not."""

    is_there = True

    def snapshot(self) -> None:
        if not self.is_there:
            raise IndexUnavailable


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Index:
    index = Index()
    monkeypatch.setattr(runtime, "index", lambda: index)
    return index


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    set_clock(monkeypatch, NOON)


@given(st.floats(min_value=0, max_value=1e7))
def test_duration_is_in_the_bucket_that_holds_it(elapsed_ms: float) -> None:
    bucket = bucket_of(elapsed_ms)
    assert 0 <= bucket <= LAST_BUCKET
    if bucket < LAST_BUCKET:
        assert elapsed_ms <= end_ms_of(bucket) * 1.000_01
    if bucket:
        assert elapsed_ms > end_ms_of(bucket - 1) * 0.999_99


@given(
    st.lists(st.floats(min_value=1, max_value=50_000), min_size=1, max_size=200),
    st.sampled_from([0.5, 0.9, 0.99]),
)
def test_percentile_is_at_most_a_tenth_too_long(durations: list[float], share: float) -> None:
    counts: dict[int, int] = {}
    for each in durations:
        counts[bucket_of(each)] = counts.get(bucket_of(each), 0) + 1
    told = percentile_ms(counts, share)
    assert told is not None
    within = sum(each <= told * 1.000_01 for each in durations)
    assert within >= share * len(durations) - 1e-6
    exact = sorted(durations)[-(-int(round(share * len(durations), 6) * 1_000_000) // 1_000_000) - 1]
    assert exact * 0.999_99 <= told <= exact * 1.100_01


def test_nothing_counted_has_no_percentile() -> None:
    assert percentile_ms({}, 0.5) is None


@pytest.mark.django_db
def test_searches_of_a_day_and_of_a_week_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for days, elapsed_ms, answered in (
        (8, 9000, True),
        (3, 400, True),
        (0, 20, True),
        (0, 20, True),
        (0, 15_000, False),
    ):
        set_clock(monkeypatch, NOON - timedelta(days=days))
        count_search(elapsed_ms=elapsed_ms, answered=answered)
    set_clock(monkeypatch, NOON)
    figures = measure()
    assert (figures.day.searches, figures.day.failed) == (2, 1)
    assert (figures.week.searches, figures.week.failed) == (3, 1)
    assert figures.day.p99_ms == pytest.approx(20, rel=0.1)
    assert figures.week.p50_ms == pytest.approx(20, rel=0.1)
    assert figures.week.p99_ms == pytest.approx(400, rel=0.1)


@pytest.mark.django_db(transaction=True)
def test_searches_that_end_at_once_are_all_counted() -> None:
    def count() -> None:
        for _ in range(10):
            count_search(elapsed_ms=33, answered=True)
        connection.close()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.count for row in SearchDuration.objects.all()] == [80]


@pytest.mark.django_db(transaction=True)
def test_minutes_that_are_noted_at_once_are_all_kept(monkeypatch: pytest.MonkeyPatch, index: Index) -> None:
    minutes = iter(range(20))
    lock = threading.Lock()

    def now() -> datetime:
        with lock:
            return NOON + timedelta(minutes=next(minutes))

    monkeypatch.setattr("core.clock.now", now)
    assert all(at_once([mark_search_ready] * 20))
    (row,) = ReadyHour.objects.all()
    assert row.minutes == (1 << 20) - 1


@pytest.mark.django_db
def test_search_tells_how_long_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"scenes": [], "confident": False, "frames": 0, "timings_ms": {}}
    monkeypatch.setattr(services, "_found_by", lambda *_: said)
    services.ask_worker(
        None, services.Scene, principal=Principal.guest("198.51.100.1"), laid_down={}, decode_ms=50
    )
    (row,) = SearchDuration.objects.all()
    assert row.bucket >= bucket_of(50)

    def too_long(*_: object) -> None:
        raise SearchTimedOut

    monkeypatch.setattr(services, "_found_by", too_long)
    with pytest.raises(SearchTimedOut):
        services.ask_worker(
            None, services.Scene, principal=Principal.guest("198.51.100.1"), laid_down={}, decode_ms=50
        )
    assert SearchDuration.objects.get(bucket=FAILED).count == 1


@pytest.mark.django_db
def test_uptime_is_the_share_of_minutes_that_were_noted(
    monkeypatch: pytest.MonkeyPatch, index: Index
) -> None:
    first = NOON - timedelta(hours=40)
    for minute in range(40 * 60):
        # Away for six hours of the last day.
        if not 39 * 60 - 6 * 60 <= minute < 39 * 60 and minute % 60 in (0, 59):
            hour = int((first + timedelta(minutes=minute)).timestamp()) // 3600
            ReadyHour.objects.update_or_create(hour=hour, defaults={"minutes": (1 << 60) - 1})
    figures = measure()
    assert figures.is_ready is True
    assert figures.ready_since == first
    assert figures.uptime[DAY] == pytest.approx(18 / 24)
    assert figures.uptime[WEEK] == figures.uptime[MONTH] == pytest.approx(34 / 40)


@pytest.mark.django_db
def test_search_that_is_not_noted_any_more_is_down(monkeypatch: pytest.MonkeyPatch, index: Index) -> None:
    assert measure().is_ready is None
    assert mark_search_ready() is True
    assert measure().is_ready is True
    assert measure().uptime[DAY] == 1.0
    set_clock(monkeypatch, NOON + timedelta(minutes=2))
    assert measure().is_ready is True
    set_clock(monkeypatch, NOON + timedelta(minutes=3))
    assert measure().is_ready is False
    assert measure().uptime[DAY] == pytest.approx(1 / 3)
    index.is_there = False
    assert mark_search_ready() is False
    assert measure().is_ready is False


@pytest.mark.django_db
def test_figures_are_kept_as_long_as_the_page_speaks_of_them(
    monkeypatch: pytest.MonkeyPatch, index: Index
) -> None:
    for days in (0, 30, 32):
        set_clock(monkeypatch, NOON - timedelta(days=days))
        count_search(elapsed_ms=1, answered=True)
        mark_search_ready()
    set_clock(monkeypatch, NOON)
    assert purge_figures() == 2
    assert SearchDuration.objects.count() == ReadyHour.objects.count() == 2


@pytest.mark.django_db
def test_what_can_be_found_and_what_waits_is_counted(client: Client) -> None:
    put_indexed(7, duration_ms=3_600_000, frames=100)
    put_indexed(None, duration_ms=1_800_000, frames=11)
    put_indexed(8, descriptor="another")
    for status in ("queued", "queued", "done"):
        IngestJob.objects.create(
            path="/x",
            path_sha256=f"{IngestJob.objects.count()}",
            root="/",
            size=1,
            mtime_ns=1,
            inode="1",
            status=status,
        )
    body = client.get("/status.json").json()
    assert body["index"] == {"titles": 1, "videos": 2, "hours": 1.5, "frames": 111}
    assert (body["waiting"]["videos"], body["waiting"]["analyses"]) == (2, 0)
    html = client.get("/status").content.decode()
    for name, value in (("Hours of video", "1.5"), ("Frames", "111"), ("Videos to be indexed", "2")):
        assert f'<span class="figure-name">{name}</span><b>{value}</b>' in html


@pytest.mark.django_db
def test_document_says_what_the_page_says(client: Client, index: Index) -> None:
    for _ in range(2):
        count_search(elapsed_ms=100, answered=True)
    response = client.get("/status.json")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Cache-Control"] == "public, max-age=10"
    body = response.json()
    assert (body["status"], body["measuredAt"]) == ("unknown", "2026-11-22T12:00:00.000Z")
    assert body["searches"]["last24Hours"] == {
        "answered": 2,
        "failed": 0,
        "p50Ms": 107,
        "p90Ms": 107,
        "p99Ms": 107,
    }
    assert body["uptime"] == {"since": None, "last24Hours": None, "last7Days": None, "last30Days": None}
    # What was measured is given again for some seconds.
    mark_search_ready()
    assert client.get("/status.json").json() == body
    cache.clear()
    assert client.get("/status.json").json()["uptime"] == {
        "since": "2026-11-22T12:00:00.000Z", "last24Hours": 100.0, "last7Days": 100.0, "last30Days": 100.0,
    }  # fmt: skip


@pytest.mark.django_db
def test_page_is_there_when_broker_and_cache_are_not(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise BrokerGone

    def no_cache(*_: object, **__: object) -> None:
        raise RedisGone

    monkeypatch.setattr(queues, "backlog", gone)
    monkeypatch.setattr(selectors.cache, "get", no_cache)
    assert client.get("/status.json").json()["waiting"]["searches"] is None
    assert "not known" in client.get("/status").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("share", "words"), [(1.0, "100.00%"), (0.999_999, "99.99%"), (0.5, "50.00%"), (None, "–")]
)
def test_share_is_rounded_down(
    client: Client, monkeypatch: pytest.MonkeyPatch, share: float | None, words: str
) -> None:
    monkeypatch.setattr(selectors, "_share", lambda *_: share)
    html = client.get("/status").content.decode()
    assert html.count(f"<b>{words}</b>") == 3
