"""Which searches count, and that a caller's scene counts once a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.principal import Principal
from anime_search.models import Anime
from anime_search.services import SearchAnswer
from rankings.models import SearchEvent, UnsureMatch
from rankings.periods import Period
from rankings.services import record_search
from tests.rankings.made import answer_of, counts, guest, put_video, set_clock, user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("period", Period)
def test_sure_search_counts_in_every_period(period: Period) -> None:
    assert record_search(principal=guest(), answer=answer_of(put_video(7), put_video(8)))
    assert counts(period) == {7: 1}


def test_unsure_search_is_not_counted_and_its_titled_candidates_are_kept() -> None:
    answer = answer_of(put_video(7), put_video(None), put_video(8), confident=False)
    assert not record_search(principal=guest(), answer=answer)
    assert counts(Period.ALL) == {}
    kept = UnsureMatch.objects.order_by("position").values_list("search_id", "position", "anime_id")
    assert list(kept) == [(answer.search_id, 0, 7), (answer.search_id, 2, 8)]


def test_sure_search_of_a_video_without_a_title_is_not_counted_nor_its_second_best() -> None:
    assert not record_search(principal=guest(), answer=answer_of(put_video(None), put_video(7)))
    assert not SearchEvent.objects.exists()
    assert not UnsureMatch.objects.exists()


def test_operators_searches_are_not_counted() -> None:
    for confident in (True, False):
        assert not record_search(
            principal=Principal.operator(), answer=answer_of(put_video(), confident=confident)
        )
    assert not SearchEvent.objects.exists()
    assert not UnsureMatch.objects.exists()


def test_nothing_found_counts_nothing() -> None:
    assert not record_search(principal=guest(), answer=SearchAnswer([], False, 0, {}, "x"))


def test_same_scene_counts_once_for_a_caller_and_again_for_another() -> None:
    video = put_video(7)
    assert record_search(principal=guest(1), answer=answer_of(video))
    assert not record_search(principal=guest(1), answer=answer_of(video))
    assert record_search(principal=guest(2), answer=answer_of(video))
    assert counts(Period.DAILY) == counts(Period.ALL) == {7: 2}


def test_same_answer_told_twice_counts_once() -> None:
    answer = answer_of(put_video(7))
    assert [record_search(principal=guest(), answer=answer) for _ in range(2)] == [True, False]
    assert counts(Period.ALL) == {7: 1}


def test_same_moment_of_another_video_of_the_title_counts() -> None:
    for video in (put_video(7), put_video(7)):
        assert record_search(principal=guest(), answer=answer_of(video))
    assert counts(Period.ALL) == {7: 2}


@pytest.mark.parametrize("edge_s", [10.0, 20.0, 30.0, 600.0])
def test_no_edge_of_a_bucket_lets_a_scene_count_twice(edge_s: float) -> None:
    video = put_video()
    assert record_search(principal=guest(), answer=answer_of(video, at_s=edge_s - 0.1))
    assert not record_search(principal=guest(), answer=answer_of(video, at_s=edge_s))
    assert not record_search(principal=guest(), answer=answer_of(video, at_s=edge_s + 0.1))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at_ms=st.integers(0, 3_600_000), apart_ms=st.integers(0, 60_000))
def test_moments_within_10_s_are_one_scene_and_those_20_s_apart_are_two(
    db: None, at_ms: int, apart_ms: int
) -> None:
    video = put_video()
    record_search(principal=guest(), answer=answer_of(video, at_s=at_ms / 1000))
    again = record_search(principal=guest(), answer=answer_of(video, at_s=(at_ms + apart_ms) / 1000))
    if apart_ms <= 10_000:
        assert not again
    if apart_ms >= 20_000:
        assert again


def test_same_scene_counts_again_on_the_next_day(monkeypatch: pytest.MonkeyPatch) -> None:
    video = put_video(7)
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    for at, counted in [
        (midnight - timedelta(microseconds=1), True),
        (midnight, True),
        (midnight + timedelta(hours=1), False),
    ]:
        set_clock(monkeypatch, at)
        assert record_search(principal=guest(), answer=answer_of(video)) is counted
    assert counts(Period.MONTHLY) == {7: 2}


def test_account_is_one_caller_wherever_it_is() -> None:
    video = put_video(7)
    assert record_search(principal=user(1, "198.51.100.1"), answer=answer_of(video))
    assert not record_search(principal=user(1, "198.51.100.2"), answer=answer_of(video))
    assert record_search(principal=user(2, "198.51.100.2"), answer=answer_of(video))
    assert record_search(principal=Principal.guest("198.51.100.1"), answer=answer_of(video))


def test_addresses_of_one_ipv6_network_are_one_caller() -> None:
    video = put_video(7)
    assert record_search(principal=Principal.guest("2001:db8::1"), answer=answer_of(video))
    assert not record_search(principal=Principal.guest("2001:db8::2"), answer=answer_of(video))
    assert record_search(principal=Principal.guest("2001:db8:0:1::1"), answer=answer_of(video))


def test_neither_address_nor_account_is_stored_and_days_cannot_be_strung_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    video = put_video(7)
    for day in (0, 1):
        set_clock(monkeypatch, NOW + timedelta(days=day))
        record_search(principal=user(987_654, "203.0.113.77"), answer=answer_of(video))
    record_search(principal=guest(), answer=answer_of(video, confident=False))
    callers = set(SearchEvent.objects.values_list("caller", flat=True))
    assert len(callers) == 2
    stored = str([*SearchEvent.objects.values(), *UnsureMatch.objects.values()])
    assert "203.0.113" not in stored
    assert "198.51" not in stored
    assert "987654" not in stored.replace("_", "")


def test_title_that_was_deleted_while_it_was_searched_does_no_harm() -> None:
    answer = answer_of(put_video(7))
    Anime.objects.all().delete()
    assert record_search(principal=guest(), answer=answer)
    assert counts(Period.ALL) == {7: 1}
