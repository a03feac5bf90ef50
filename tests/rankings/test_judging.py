"""What searchers say of matches: counted, uncounted, and kept without them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from accounts.principal import Principal
from anime_search import services
from anime_search.errors import MatchRefused
from anime_search.matches import sign_match
from anime_search.services import DescribedQuery, SearchAnswer
from core import clock
from rankings.judging import judge_match
from rankings.models import MatchFeedback, SearchEvent, UnsureMatch
from rankings.periods import Period
from rankings.rebuild import rebuild_tallies
from rankings.services import confirm_match, record_search
from rankings.web.requests import FRAGMENT_HEADER
from tests.rankings.crowd import at_once
from tests.rankings.made import answer_of, counts, guest, put_video, set_clock, user

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def searched(*videos: Any, who: Principal | None = None, **how: Any) -> SearchAnswer:
    answer = answer_of(*videos, **how)
    record_search(principal=who or guest(), answer=answer)
    return answer


def say(answer: SearchAnswer, position: int, *, right: bool, who: Principal | None = None) -> None:
    who = who or guest()
    token = sign_match(principal=who, answer=answer, position=position)
    judge_match(principal=who, token=token, is_right=right)


def ranked() -> dict[int, int]:
    every = [dict(counts(period)) for period in Period]
    assert all(each == every[0] for each in every)
    return every[0]


@pytest.mark.django_db
def test_right_match_that_the_search_was_not_sure_of_counts() -> None:
    answer = searched(put_video(7), put_video(8), confident=False)
    assert ranked() == {}
    say(answer, 1, right=True)
    assert ranked() == {8: 1}
    assert [event.confirmed for event in SearchEvent.objects.all()] == [True]
    assert not UnsureMatch.objects.exists()
    # Saying it again changes nothing.
    say(answer, 1, right=True)
    assert ranked() == {8: 1}
    assert MatchFeedback.objects.count() == 1


@pytest.mark.django_db
def test_right_match_that_counted_already_counts_once_and_is_confirmed() -> None:
    say(searched(put_video(7)), 0, right=True)
    assert ranked() == {7: 1}
    assert SearchEvent.objects.get().confirmed is True


@pytest.mark.django_db
def test_wrong_match_counts_no_more_and_the_last_word_holds() -> None:
    video = put_video(7)
    searched(video, who=guest(2))
    answer = searched(video)
    assert ranked() == {7: 2}
    say(answer, 0, right=False)
    say(answer, 0, right=False)
    assert ranked() == {7: 1}
    assert rebuild_tallies().rows_corrected == 0
    say(answer, 0, right=True)
    assert ranked() == {7: 2}
    assert [row.is_right for row in MatchFeedback.objects.all()] == [True]


@pytest.mark.django_db
def test_sum_of_nothing_is_no_row() -> None:
    say(searched(put_video(7)), 0, right=False)
    assert ranked() == {}
    assert not SearchEvent.objects.exists()


@pytest.mark.django_db
def test_one_match_of_a_search_is_right() -> None:
    answer = searched(put_video(7), put_video(8), put_video(9), confident=False)
    say(answer, 0, right=True)
    say(answer, 2, right=True)
    say(answer, 1, right=False)
    assert ranked() == {9: 1}
    assert list(MatchFeedback.objects.order_by("position").values_list("position", "is_right")) == [
        (1, False),
        (2, True),
    ]


@pytest.mark.django_db
def test_candidate_that_was_called_wrong_is_not_confirmed_elsewhere() -> None:
    answer = searched(put_video(7), put_video(8), confident=False)
    say(answer, 0, right=False)
    assert confirm_match(principal=guest(), search_id=answer.search_id, position=1)


@pytest.mark.django_db
def test_video_without_a_title_is_kept_to_measure_with_and_counts_nowhere() -> None:
    say(searched(put_video(None)), 0, right=True)
    assert ranked() == {}
    assert MatchFeedback.objects.get().anime_id is None


@pytest.mark.django_db
def test_only_whoever_searched_has_a_word_and_only_for_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = searched(put_video(7))
    token = sign_match(principal=guest(), answer=answer, position=0)
    for other in (guest(2), user(1, address=guest().address)):
        with pytest.raises(MatchRefused):
            judge_match(principal=other, token=token, is_right=False)
    for changed in ("", "x", token[:-1], token + "x", "\0", token.replace(":", ".", 1)):
        with pytest.raises(MatchRefused):
            judge_match(principal=guest(), token=changed, is_right=False)
    set_clock(monkeypatch, NOON + timedelta(hours=24, seconds=1))
    with pytest.raises(MatchRefused):
        judge_match(principal=guest(), token=token, is_right=False)
    set_clock(monkeypatch, NOON + timedelta(hours=23))
    # The day that it counted in, not the one that has begun.
    judge_match(principal=guest(), token=token, is_right=False)
    assert ranked() == {}


@pytest.mark.django_db
def test_token_says_nothing_of_who_searched() -> None:
    answer = searched(put_video(7))
    from django.core import signing

    token = sign_match(principal=guest(), answer=answer, position=0)
    body = signing.b64_decode(token.split(":")[0].encode()).decode()
    assert "198.51" not in body
    assert "ip:" not in body
    assert answer.search_id in body


@pytest.mark.django_db(transaction=True)
def test_words_that_are_said_at_once_count_once() -> None:
    answer = searched(put_video(7), put_video(8), confident=False)

    def speak(position: int) -> bool:
        try:
            say(answer, position, right=True)
        except MatchRefused:
            return False
        return True

    assert any(at_once([partial(speak, number % 2) for number in range(8)]))
    assert sum(ranked().values()) == 1
    assert MatchFeedback.objects.filter(is_right=True).count() == 1


@pytest.mark.django_db
def test_what_the_picture_was_described_by_is_kept_and_given_to_staff(tmp_path: Path) -> None:
    video = put_video(7)
    answer = searched(video, put_video(None), confident=False)
    vector = np.arange(4, dtype="<f2").tobytes()
    cache.set(f"query:{answer.search_id}", DescribedQuery("lite0-2", vector))
    say(answer, 0, right=True)
    # Forgotten by now: what was kept stays.
    cache.delete(f"query:{answer.search_id}")
    say(answer, 0, right=True)
    say(answer, 1, right=False)
    file = tmp_path / "feedback.jsonl"
    call_command("rankings_feedback", str(file), "--json")
    first, second = (json.loads(line) for line in file.read_text().splitlines())
    assert first == {
        "search": answer.search_id,
        "position": 0,
        "right": True,
        "judged_at": clock.as_javascript(NOON),
        "video": video.sha256,
        "anilist_id": 7,
        "at_s": 100.0,
        "similarity": 0.98765,
        "probability": 0.9,
        "view": "full",
        "confident": False,
        "asked_frames": 0,
        "descriptor": "lite0-2",
        "vector_f16": vector.hex(),
    }
    assert (second["right"], second["descriptor"], second["vector_f16"]) == (False, None, None)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.django_db
def test_export_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="cannot be written: No such file or directory"):
        call_command("rankings_feedback", str(tmp_path / "missing" / "feedback.jsonl"))


def test_worker_keeps_what_it_described_the_picture_by(monkeypatch: pytest.MonkeyPatch) -> None:
    class Told:
        vectors = np.array([[0.5, -0.25], [1, 2]], np.float32)
        feature = "f"
        timings_ms: ClassVar[dict[str, float]] = {}

    class Searcher:
        def describe(self, *_: object, **__: object) -> Told:
            return Told()

        def find(self, *_: object, **__: object) -> Any:
            from anime_search.engine.search import SearchOutcome

            return SearchOutcome((), False, 0, {})

    class Snapshot:
        number = 1

        class manifest:  # noqa: N801
            class geometry:  # noqa: N801
                descriptor = "lite0-2"

    monkeypatch.setattr(services, "_at_hand", lambda: (Snapshot, Searcher()))
    pixels = np.zeros((2, 2, 3), np.uint8)
    services._find_or_remember(pixels, flat=False, limit=5, videos=None, search_id="s")
    known = services.described_query(search_id="s")
    assert known is not None
    assert known.descriptor == "lite0-2"
    assert np.frombuffer(known.vector, "<f2").tolist() == [0.5, -0.25]
    assert services.described_query(search_id="t") is None


@pytest.mark.django_db
def test_form_is_answered_with_a_page_and_with_a_line_for_the_script(client: Client) -> None:
    who = Principal.guest("127.0.0.1")
    answer = searched(put_video(7), who=who)
    body = {"match": sign_match(principal=who, answer=answer, position=0), "verdict": "wrong"}
    page = client.post("/searches/judge", body)
    assert page.status_code == 200
    assert "<title>Your word on a result – Frameproof</title>" in page.content.decode()
    assert "It does not count in the rankings." in page.content.decode()
    line = client.post("/searches/judge", body | {"verdict": "right"}, headers={FRAGMENT_HEADER: "judged"})
    assert re.fullmatch(r'<p class="judged judged-right">[^<]*</p>\n', line.content.decode())
    assert ranked() == {7: 1}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"verdict": "maybe"}, 400),
        ({"verdict": "right"}, 410),
        ({"verdict": "wrong", "match": "x:y:z"}, 410),
        ({"verdict": "wrong", "match": "\0"}, 410),
    ],
)
def test_word_on_nothing_is_refused_in_words(client: Client, body: dict[str, str], status: int) -> None:
    response = client.post("/searches/judge", body)
    assert response.status_code == status
    assert "too old to be judged" in response.content.decode()
    assert client.get("/searches/judge").status_code == 405


@pytest.mark.django_db
def test_word_needs_the_page_that_it_is_said_on() -> None:
    assert Client(enforce_csrf_checks=True).post("/searches/judge", {"verdict": "right"}).status_code == 403
