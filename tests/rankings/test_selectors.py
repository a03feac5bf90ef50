"""What was searched most, and last, in the periods that run now."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from anime_search.models import Anime, Video
from rankings.models import SearchEvent
from rankings.periods import Period
from rankings.selectors import PREVIOUS_PLACES, Ranking, ranking_of, recent_searches
from rankings.services import record_search
from rankings.tallies import add_to_tallies
from tests.rankings.made import answer_of, guest, put_video, set_clock

pytestmark = pytest.mark.django_db
SUNDAY = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)


def put_counts(day: date, **by_title: int) -> None:
    """Count titles: ``a=3`` is three searches of title 1."""
    for letter, number in by_title.items():
        title = ord(letter) - ord("a") + 1
        Anime.objects.get_or_create(anilist_id=title, defaults={"title_romaji": letter})
        for _ in range(number):
            add_to_tallies(anilist_id=title, day=day)


def read(period: Period, *, limit: int = 50, adult: bool = False) -> Ranking:
    return ranking_of(period=period, limit=limit, include_adult=adult)


def shown(period: Period, **how: int) -> list[tuple[int, str, int]]:
    return [
        (each.rank, str(each.anime), each.count)
        for each in read(period, adult=bool(how.pop("adult", 0)), **how).titles
    ]


def test_nothing_searched_ranks_nothing() -> None:
    assert [read(period).titles for period in Period] == [[]] * 5


def test_titles_with_the_same_count_share_a_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, SUNDAY)
    put_counts(SUNDAY.date(), d=1, b=2, c=2, a=5)
    assert shown(Period.DAILY) == [(1, "a", 5), (2, "b", 2), (2, "c", 2), (4, "d", 1)]
    assert shown(Period.DAILY, limit=2) == [(1, "a", 5), (2, "b", 2)]


@pytest.mark.parametrize(
    ("seconds", "begun"),
    [(0, set()), (1, {Period.DAILY, Period.WEEKLY})],
)
def test_day_and_week_end_at_midnight_of_sunday_utc(
    monkeypatch: pytest.MonkeyPatch, seconds: int, begun: set[Period]
) -> None:
    put_counts(SUNDAY.date(), a=1)
    set_clock(monkeypatch, SUNDAY + timedelta(seconds=seconds))
    assert {period for period in Period if not shown(period)} == begun


def test_month_and_year_end_with_december(monkeypatch: pytest.MonkeyPatch) -> None:
    put_counts(date(2026, 12, 31), a=1)
    set_clock(monkeypatch, datetime(2027, 1, 1, tzinfo=UTC))
    # The first of January 2027 is a Friday: its week began in the old year.
    assert {period for period in Period if shown(period)} == {Period.WEEKLY, Period.ALL}


def test_rank_in_the_period_before(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, SUNDAY)
    put_counts(SUNDAY.date() - timedelta(days=1), a=3, b=2, c=2, e=1)
    put_counts(SUNDAY.date(), e=9, c=8, d=7, a=6)
    ranks = {str(each.anime): each.previous_rank for each in read(Period.DAILY).titles}
    assert ranks == {"e": 4, "c": 2, "d": None, "a": 1}
    assert {each.previous_rank for each in read(Period.ALL).titles} == {None}


def test_places_far_down_in_the_period_before_are_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, SUNDAY)
    monkeypatch.setattr("rankings.selectors.PREVIOUS_PLACES", 2)
    assert PREVIOUS_PLACES >= 100
    put_counts(SUNDAY.date() - timedelta(days=1), a=3, b=2, c=1)
    put_counts(SUNDAY.date(), a=1, b=1, c=1)
    assert [each.previous_rank for each in read(Period.DAILY).titles] == [1, 2, None]


def test_adult_titles_are_shown_and_counted_among_the_ranks_if_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_clock(monkeypatch, SUNDAY)
    Anime.objects.create(anilist_id=1, title_romaji="a", is_adult=True)
    for ago in (0, 1):
        put_counts(SUNDAY.date() - timedelta(days=ago), a=3, b=1)
    assert shown(Period.DAILY) == [(1, "b", 1)]
    assert shown(Period.DAILY, adult=1) == [(1, "a", 3), (2, "b", 1)]
    assert [each.previous_rank for each in read(Period.DAILY).titles] == [1]
    assert [each.previous_rank for each in read(Period.DAILY, adult=True).titles] == [1, 2]


@pytest.mark.parametrize("adult", [0, 1])
def test_deleted_title_leaves_no_gap_and_has_its_count_when_it_comes_back(adult: int) -> None:
    put_counts(date(2026, 1, 1), a=3, b=1)
    Anime.objects.get(anilist_id=1).delete()
    assert shown(Period.ALL, adult=adult) == [(1, "b", 1)]
    Anime.objects.create(anilist_id=1, title_romaji="back")
    assert shown(Period.ALL, adult=adult) == [(1, "back", 3), (2, "b", 1)]


def test_ranking_is_two_queries(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    set_clock(monkeypatch, SUNDAY)
    put_counts(SUNDAY.date(), a=1, b=1, c=1, d=1)
    with django_assert_num_queries(2):
        read(Period.YEARLY)
    with django_assert_num_queries(1):
        read(Period.ALL)


def test_recent_searches_are_those_that_counted_newest_first(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    videos = [put_video(number) for number in (1, 2, 3)]
    for minute, video in enumerate(videos):
        set_clock(monkeypatch, SUNDAY + timedelta(minutes=minute))
        for _ in range(2):
            record_search(principal=guest(), answer=answer_of(video))
    with django_assert_num_queries(1):
        found = recent_searches(limit=2, offset=0, include_adult=False)
        assert [(each.anime.anilist_id, each.video.episode) for each in found] == [(3, 5), (2, 5)]
    assert [each.anime_id for each in recent_searches(limit=2, offset=2, include_adult=False)] == [1]
    assert recent_searches(limit=2, offset=3, include_adult=False) == []


def test_recent_searches_leave_out_adult_titles_and_what_was_deleted() -> None:
    adult, gone, titleless, whole = put_video(1, is_adult=True), put_video(2), put_video(3), put_video(4)
    for video in (adult, gone, titleless, whole):
        record_search(principal=guest(), answer=answer_of(video))
    Video.objects.filter(pk=gone.pk).delete()
    Anime.objects.filter(anilist_id=3).delete()
    assert SearchEvent.objects.count() == 4
    assert [each.anime_id for each in recent_searches(limit=9, offset=0, include_adult=False)] == [4]
    assert {each.anime_id for each in recent_searches(limit=9, offset=0, include_adult=True)} == {1, 4}
