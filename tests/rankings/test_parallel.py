"""Exact under parallel calls: real threads on SQLite, as the embedded profile has them."""

from __future__ import annotations

from functools import partial

import pytest

from rankings.errors import MatchUnknown
from rankings.models import SearchEvent
from rankings.periods import Period
from rankings.services import confirm_match, record_search
from tests.rankings.crowd import at_once
from tests.rankings.made import answer_of, counts, guest, put_video

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 20


def test_scene_of_one_caller_counts_once_however_many_ask_at_once() -> None:
    video = put_video(7)
    # All within 10 s, on either side of an edge of each kind of bucket.
    answers = [answer_of(video, at_s=95.1 + number / 2) for number in range(THREADS)]
    counted = at_once([partial(record_search, principal=guest(), answer=answer) for answer in answers])
    assert sum(counted) == 1
    assert SearchEvent.objects.count() == 1
    assert all(counts(period) == {7: 1} for period in Period)


def test_callers_that_ask_at_once_are_all_counted() -> None:
    videos = [put_video(7), put_video(8)]
    counted = at_once(
        [
            partial(record_search, principal=guest(number), answer=answer_of(videos[number % 2]))
            for number in range(THREADS)
        ]
    )
    assert all(counted)
    assert all(counts(period) == {7: THREADS // 2, 8: THREADS // 2} for period in Period)


def test_match_that_is_confirmed_many_times_at_once_counts_once() -> None:
    answer = answer_of(put_video(7), put_video(8), confident=False)
    record_search(principal=guest(), answer=answer)

    def confirm(position: int) -> bool:
        try:
            return confirm_match(principal=guest(), search_id=answer.search_id, position=position)
        except MatchUnknown:
            return False

    assert sum(at_once([partial(confirm, number % 2) for number in range(THREADS)])) == 1
    assert sum(counts(Period.ALL).values()) == 1
