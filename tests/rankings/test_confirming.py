"""Matches that count on the word of whoever searched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rankings.errors import MatchUnknown
from rankings.models import SearchEvent, UnsureMatch
from rankings.periods import Period
from rankings.services import confirm_match, record_search
from tests.rankings.made import answer_of, counts, guest, put_video, set_clock

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def unsure(number: int = 1, *titles: int, at_s: float = 100.0) -> str:
    """The id of a search that was not sure of these titles."""
    answer = answer_of(*map(put_video, titles or (7, 8)), at_s=at_s, confident=False)
    record_search(principal=guest(number), answer=answer)
    return answer.search_id


@pytest.mark.parametrize(("position", "title"), [(0, 7), (1, 8)])
def test_confirmed_candidate_counts(position: int, title: int) -> None:
    assert confirm_match(principal=guest(), search_id=unsure(), position=position)
    assert counts(Period.ALL) == {title: 1}
    assert SearchEvent.objects.get().confirmed


def test_one_candidate_of_a_search_can_be_confirmed_once() -> None:
    search_id = unsure()
    confirm_match(principal=guest(), search_id=search_id)
    for position in (0, 1):
        with pytest.raises(MatchUnknown):
            confirm_match(principal=guest(), search_id=search_id, position=position)
    assert counts(Period.ALL) == {7: 1}


def test_somebody_else_cannot_confirm_it_and_takes_nothing_away() -> None:
    search_id = unsure(1)
    with pytest.raises(MatchUnknown):
        confirm_match(principal=guest(2), search_id=search_id)
    assert confirm_match(principal=guest(1), search_id=search_id)


@pytest.mark.parametrize(
    ("search_id", "position"),
    [("", 0), ("nobody-has-this", 0), ("a\0b", 0), ("'; --", 0), ("٥", 0), ("x" * 10_000, 0)],
)
def test_id_that_there_is_not_is_refused(search_id: str, position: int) -> None:
    with pytest.raises(MatchUnknown):
        confirm_match(principal=guest(), search_id=search_id, position=position)


@pytest.mark.parametrize("position", [-1, 2, 2**70])
def test_position_that_there_is_not_is_refused(position: int) -> None:
    with pytest.raises(MatchUnknown):
        confirm_match(principal=guest(), search_id=unsure(), position=position)


def test_scene_that_counted_already_is_not_counted_by_confirming_it() -> None:
    video = put_video(7)
    record_search(principal=guest(), answer=answer_of(video))
    again = answer_of(video, confident=False)
    record_search(principal=guest(), answer=again)
    assert not confirm_match(principal=guest(), search_id=again.search_id)
    assert counts(Period.ALL) == {7: 1}
    assert not UnsureMatch.objects.exists()


def test_after_midnight_it_counts_on_the_day_of_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, NOON)
    search_id = unsure()
    set_clock(monkeypatch, NOON + timedelta(hours=23))
    assert confirm_match(principal=guest(), search_id=search_id)
    assert SearchEvent.objects.get().day == NOON.date()


def test_after_a_day_it_is_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, NOON)
    search_id = unsure()
    set_clock(monkeypatch, NOON + timedelta(hours=24))
    with pytest.raises(MatchUnknown):
        confirm_match(principal=guest(), search_id=search_id)
