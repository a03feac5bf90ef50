"""Sums made anew, and searches forgotten."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config.settings.queues import BEAT, ROUTES
from rankings import services, tasks
from rankings.models import SearchEvent, Tally, UnsureMatch
from rankings.periods import Period
from rankings.rebuild import MOST_DAYS, rebuild_tallies
from rankings.services import KEPT_DAYS, record_search
from rankings.tallies import add_to_tallies
from tests.command_line import CommandLine
from tests.rankings.made import answer_of, counts, guest, put_video, set_clock

pytestmark = pytest.mark.django_db
TODAY = datetime(2027, 1, 3, 12, 0, tzinfo=UTC)

Rows = set[tuple[str, date, int, int]]


def rows() -> Rows:
    return set(Tally.objects.values_list("period", "start", "anime_id", "count"))


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> Rows:
    """Searches of the last 20 days, over the edge of a year, and their sums as they were added up."""
    dice = random.Random(5)
    videos = [put_video(number) for number in range(1, 6)]
    for ago in range(20, -1, -1):
        set_clock(monkeypatch, TODAY - timedelta(days=ago))
        for _ in range(8):
            answer = answer_of(dice.choice(videos), at_s=dice.randrange(1400))
            record_search(principal=guest(dice.randrange(3)), answer=answer)
        services.purge_searches()
    return rows()


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("rankings_rebuild", "--json", *arguments, stdout=out)
    summary: dict[str, Any] = json.loads(out.getvalue())
    return summary


def test_rebuilt_sums_are_those_that_were_added_up(searched: Rows) -> None:
    assert len({start for period, start, _, _ in searched if period == Period.DAILY}) == 21
    # Weeks 51 to 53 of 2026, two months, two years, and all time.
    assert run() == {"days_recounted": 7, "periods_summed": 3 + 2 + 2 + 1, "rows_corrected": 0}
    assert rows() == searched


def test_sums_that_went_wrong_are_put_right(searched: Rows) -> None:
    Tally.objects.exclude(period=Period.DAILY).filter(anime=1).delete()
    Tally.objects.exclude(period=Period.DAILY).filter(anime=2).update(count=1000)
    Tally.objects.create(period=Period.YEARLY, start=date(2026, 1, 1), anime_id=99, count=5)
    Tally.objects.create(period=Period.MONTHLY, start=date(1999, 1, 1), anime_id=99, count=5)
    lately = Tally.objects.filter(
        period=Period.DAILY, start__gte=TODAY.date() - timedelta(days=MOST_DAYS - 1)
    )
    lately.filter(anime=3).update(count=77)
    lately.filter(anime=4).delete()
    Tally.objects.create(period=Period.DAILY, start=TODAY.date(), anime_id=99, count=5)
    assert rebuild_tallies().rows_corrected > 10
    assert rows() == searched
    assert rebuild_tallies().rows_corrected == 0


def test_days_whose_searches_are_gone_are_taken_as_they_are(searched: Rows) -> None:
    old = TODAY.date() - timedelta(days=MOST_DAYS)
    add_to_tallies(anilist_id=50, day=old)
    expected = rows()
    assert run()["rows_corrected"] == 0
    assert rows() == expected


def test_days_can_be_taken_as_they_are(searched: Rows) -> None:
    add_to_tallies(anilist_id=50, day=TODAY.date())
    expected = rows()
    assert run("--days", "0")["days_recounted"] == 0
    assert rows() == expected
    assert run("--days", "1")["rows_corrected"] == 5
    assert rows() == searched


def test_dry_run_counts_what_is_wrong_and_changes_nothing(searched: Rows) -> None:
    Tally.objects.filter(period=Period.ALL, anime=1).delete()
    Tally.objects.filter(period=Period.WEEKLY, anime=2).update(count=99)
    wrong = rows()
    summary = run("--dry-run")
    assert summary["dry_run"] is True
    assert summary["rows_corrected"] == len(searched - wrong) > 1
    assert rows() == wrong


def test_nothing_to_rebuild_is_no_failure() -> None:
    assert run()["rows_corrected"] == 0
    assert rows() == set()


@pytest.mark.parametrize("days", ["-1", "8", "1e3", "٣", "", "9999999"])
def test_number_of_days_that_cannot_be_recounted_is_refused(days: str) -> None:
    with pytest.raises(CommandError, match="number of days"):
        call_command("rankings_rebuild", f"--days={days}")


def test_more_days_than_are_kept_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 7"):
        rebuild_tallies(days=KEPT_DAYS)


def test_command_of_an_operator_says_what_it_did(command_line: CommandLine) -> None:
    done = command_line.run("rankings_rebuild")
    assert done.returncode == 0, done.stderr
    assert "rows corrected: 0" in done.stdout


def test_searches_of_old_days_are_forgotten_and_their_sums_stay(searched: Rows) -> None:
    kept = SearchEvent.objects.order_by("day").values_list("day", flat=True).distinct()
    assert list(kept) == [TODAY.date() - timedelta(days=ago) for ago in range(KEPT_DAYS - 1, -1, -1)]
    assert sum(counts(Period.DAILY).values()) > SearchEvent.objects.count()


def test_searches_are_forgotten_at_midnight_and_in_parts(
    searched: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "PURGE_BATCH", 2)
    oldest = TODAY.date() - timedelta(days=KEPT_DAYS - 1)
    number = SearchEvent.objects.filter(day=oldest).count()
    midnight = datetime(2027, 1, 4, tzinfo=UTC)
    set_clock(monkeypatch, midnight - timedelta(microseconds=1))
    assert services.purge_searches() == 0
    set_clock(monkeypatch, midnight)
    assert services.purge_searches() == number > 2
    assert rows() == searched


def test_unsure_matches_are_forgotten_when_they_cannot_be_confirmed_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_clock(monkeypatch, TODAY)
    record_search(principal=guest(), answer=answer_of(put_video(), confident=False))
    set_clock(monkeypatch, TODAY + timedelta(hours=23, minutes=59))
    tasks.purge_searches()
    assert UnsureMatch.objects.count() == 1
    set_clock(monkeypatch, TODAY + timedelta(hours=24))
    tasks.purge_searches()
    assert not UnsureMatch.objects.exists()


def test_forgetting_is_a_periodic_task_of_the_housekeeping_queue() -> None:
    assert BEAT["purge-searches"][0] == tasks.purge_searches.name
    assert ROUTES["rankings.tasks.*"] == {"queue": "housekeeping"}
