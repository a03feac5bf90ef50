"""The AniList client: what it asks, how fast, and what it makes of answers of every kind."""

from __future__ import annotations

from email.utils import format_datetime

import httpx
import pytest

from anime_search.metadata.anilist import AniListClient, AniListUnavailable, Answer
from tests.anime_search.metadata.fake_anilist import TOO_MANY, FakeAniList, FakeClock, Reply
from tests.anime_search.metadata.sample_rows import media, page

pytestmark = pytest.mark.timeout(30)

HTML = Reply(body=b"<!DOCTYPE html><title>Just a moment...</title>", headers={"Content-Type": "text/html"})


def client_of(anilist: FakeAniList, clock: FakeClock, **changes: object) -> AniListClient:
    arguments: dict[str, object] = {
        "user_agent": "Frameproof (test)",
        "now": clock.now,
        "sleep": clock.sleep,
        "jitter": lambda: 0.0,
        **changes,
    }
    return AniListClient(anilist.url, **arguments)


def ask(anilist: FakeAniList, clock: FakeClock, *ids: int, **changes: object) -> list[Answer]:
    with client_of(anilist, clock, **changes) as client:
        return list(client.answers(ids))


def found_in(answers: list[Answer]) -> set[int]:
    return {anilist_id for answer in answers for anilist_id in answer.found}


def unknown_in(answers: list[Answer]) -> set[int]:
    return {anilist_id for answer in answers for anilist_id in answer.unknown}


def test_ids_are_asked_for_once_each_in_batches_of_fifty(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    anilist.know(*range(1, 121))
    answers = ask(anilist, fake_clock, *range(1, 121), 1, 2)
    assert [len(ids) for ids in anilist.asked] == [50, 50, 20]
    assert found_in(answers) == set(range(1, 121))
    assert not unknown_in(answers)
    assert set(anilist.user_agents) == {"Frameproof (test)"}


def test_query_asks_for_every_field_that_is_kept(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    anilist.know(1)
    ask(anilist, fake_clock, 1)
    (query,) = anilist.queries
    assert {name for name in media(1) if name not in query} == set()
    assert "id_in: $ids, type: ANIME" in query
    assert query.count("{") == query.count("}")


def test_ids_that_anilist_does_not_know_are_told(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    anilist.know(1, 3)
    answers = ask(anilist, fake_clock, 1, 2, 3, 2**31, 0)
    assert found_in(answers) == {1, 3}
    assert unknown_in(answers) == {2, 2**31, 0}
    assert anilist.asked == [[1, 2, 3]]


def test_nothing_is_asked_for_no_ids(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    assert ask(anilist, fake_clock) == []
    assert anilist.asked == []


def test_page_that_is_not_the_last_is_followed_by_the_rest(
    anilist: FakeAniList, fake_clock: FakeClock
) -> None:
    anilist.know(*range(1, 8))
    anilist.page_size = 3
    answers = ask(anilist, fake_clock, *range(1, 9))
    assert anilist.asked == [[1, 2, 3, 4, 5, 6, 7, 8], [4, 5, 6, 7, 8], [7, 8]]
    assert found_in(answers) == set(range(1, 8))
    assert unknown_in(answers) == {8}


@pytest.mark.parametrize(("rate", "nap_s"), [(25, 2.4), (60, 1.0), (1, 60.0)])
def test_requests_are_spread_over_the_minute(
    anilist: FakeAniList, fake_clock: FakeClock, rate: int, nap_s: float
) -> None:
    ask(anilist, fake_clock, *range(1, 151), rate_per_minute=rate)
    assert fake_clock.naps == [pytest.approx(nap_s)] * 2


@pytest.mark.parametrize(
    ("headers", "nap_s"),
    [
        ({"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "9"}, 6.0),
        ({"X-RateLimit-Limit": "90", "X-RateLimit-Remaining": "89"}, 2.4),
        ({"X-RateLimit-Remaining": "0"}, 60.0),
        ({"X-RateLimit-Limit": "0", "X-RateLimit-Remaining": "many"}, 2.4),
        ({"X-RateLimit-Limit": "9" * 5000}, 2.4),
    ],
    ids=["slower", "not faster", "window used up", "garbage", "absurd"],
)
def test_rate_limit_headers_slow_the_next_batch(
    anilist: FakeAniList, fake_clock: FakeClock, headers: dict[str, str], nap_s: float
) -> None:
    anilist.script.append(Reply(body=page(), headers=headers))
    ask(anilist, fake_clock, *range(1, 101))
    assert fake_clock.naps == [pytest.approx(nap_s)]


def test_server_limit_below_ours_holds_for_the_run(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    anilist.script.append(Reply(body=page(), headers={"X-RateLimit-Limit": "10"}))
    ask(anilist, fake_clock, *range(1, 201))
    assert fake_clock.naps == [pytest.approx(6.0)] * 3


def test_refusal_is_waited_out_as_long_as_it_says(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    anilist.know(1)
    http_date = format_datetime(fake_clock.at.replace(microsecond=0), usegmt=True)
    reset = str(int(fake_clock.at.timestamp()) + 50)
    for headers, least_s, most_s in [
        ({"Retry-After": "30"}, 30, 30),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}, 49, 50),
        ({"Retry-After": http_date}, 0, 2.4),
        ({"Retry-After": "soon"}, 1, 2.4),
        ({}, 1, 2.4),
    ]:
        clock = FakeClock()
        clock.at = fake_clock.at
        anilist.script.append(Reply(429, TOO_MANY, headers))
        assert found_in(ask(anilist, clock, 1)) == {1}
        assert least_s <= sum(clock.naps) <= most_s + 0.01, headers


def test_long_pause_is_not_sat_out(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    anilist.script.append(Reply(429, TOO_MANY, {"Retry-After": "3600"}))
    with pytest.raises(AniListUnavailable, match="wait for 3600 seconds") as caught:
        ask(anilist, fake_clock, 1)
    assert caught.value.retry_after_s == 3600
    assert fake_clock.naps == []


@pytest.mark.parametrize(
    "bad",
    [
        Reply(500, b"oops"),
        Reply(503, b"<html>busy</html>", {"Retry-After": "3"}),
        Reply(429, TOO_MANY),
        HTML,
        Reply(body=b'{"data": {"Page": {"media": [{"id": 1'),
        Reply(body=b"[" * 100_000),
        Reply(body=b""),
        Reply(body=b"\xff\xfe\x00"),
        Reply(body=[1, 2]),
        Reply(body={"data": None, "errors": [{"message": "Internal Server Error", "status": 500}]}),
        Reply(body={"data": None, "errors": "yes"}),
        Reply(body={"data": {"Page": None}}),
        Reply(body={"data": {"Page": {"media": {"1": {}}}}}),
        Reply(body=page(None, 7, {"id": "1"}, {"id": True}, {})),
        Reply(body=page(has_next=True)),
        Reply(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
        Reply(body=b"short", headers={"Content-Length": "500"}),
    ],
    ids=lambda reply: f"{reply.status} {reply.content()[:40]!r}",
)
def test_bad_answers_are_asked_again_and_believed_in_nothing(
    anilist: FakeAniList, fake_clock: FakeClock, bad: Reply
) -> None:
    anilist.know(1)
    anilist.script.extend([bad, bad])
    answers = ask(anilist, fake_clock, 1, 2)
    assert anilist.asked == [[1, 2]] * 3
    assert found_in(answers) == {1}
    assert unknown_in(answers) == {2}
    assert len(answers) == 1


def test_good_part_of_a_partial_answer_is_used_and_only_the_rest_asked_again(
    anilist: FakeAniList, fake_clock: FakeClock
) -> None:
    anilist.know(1, 2, 3)
    error = {"message": "Internal Server Error", "path": ["Page", "media", 1]}
    anilist.script.append(Reply(body=page(media(1), None, media(77), errors=[error])))
    first, second = ask(anilist, fake_clock, 1, 2, 3, 4, rate_per_minute=90)
    assert set(first.found) == {1}
    assert not first.unknown
    assert set(second.found) == {2, 3}
    assert second.unknown == {4}
    assert anilist.asked == [[1, 2, 3, 4], [2, 3, 4]]
    assert fake_clock.naps == [pytest.approx(1.0)]


def test_error_beside_all_that_was_asked_for_is_no_failure(
    anilist: FakeAniList, fake_clock: FakeClock
) -> None:
    anilist.script.append(Reply(body=page(media(1), errors=[{"message": "deprecated"}])))
    assert found_in(ask(anilist, fake_clock, 1, max_tries=1)) == {1}


@pytest.mark.parametrize("reply", [Reply(500, b""), Reply(429, TOO_MANY, {"Retry-After": "0"})])
def test_back_off_doubles_with_jitter_and_ends(
    anilist: FakeAniList, fake_clock: FakeClock, reply: Reply
) -> None:
    anilist.script.extend([reply] * 20)
    said = rf"in 5 tries \(the last: HTTP status {reply.status}\)"
    with pytest.raises(AniListUnavailable, match=said):
        ask(anilist, fake_clock, 1, rate_per_minute=90, max_tries=5, jitter=lambda: 0.5)
    assert len(anilist.asked) == 5
    assert fake_clock.naps == [pytest.approx(seconds) for seconds in (1.5, 3.0, 6.0, 12.0)]


def test_what_came_before_the_end_is_given(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    anilist.know(*range(1, 101))
    anilist.script.extend([None, *[Reply(502, b"")] * 3])
    answers: list[Answer] = []
    with client_of(anilist, fake_clock, max_tries=3) as client, pytest.raises(AniListUnavailable):
        answers.extend(client.answers(range(1, 101)))
    assert found_in(answers) == set(range(1, 51))
    assert client.requests == 4


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            Reply(400, {"errors": [{"message": "Syntax\n Error", "status": 400}]}),
            "HTTP status 400, Syntax Error.",
        ),
        (
            Reply(403, {"errors": [{"message": "The API is disabled."}]}),
            "HTTP status 403, The API is disabled.",
        ),
        (Reply(403, b"<html>"), "HTTP status 403."),
        (Reply(302, b"", {"Location": "https://elsewhere.example/"}), "HTTP status 302."),
        (Reply(404, b""), "HTTP status 404."),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Reply) else "",
)
def test_plain_refusal_ends_at_once(
    anilist: FakeAniList, fake_clock: FakeClock, reply: Reply, said: str
) -> None:
    anilist.script.append(reply)
    with pytest.raises(AniListUnavailable) as caught:
        ask(anilist, fake_clock, 1)
    assert caught.value.message == f"AniList refuses requests: {said}"
    assert len(anilist.asked) == 1


def test_slow_answer_is_given_up_and_asked_again(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    anilist.know(1)
    anilist.script.append(Reply(body=page(media(1)), delay_s=1.0))
    answers = ask(anilist, fake_clock, 1, timeout=httpx.Timeout(0.2))
    assert found_in(answers) == {1}
    assert len(anilist.asked) == 2


def test_dripping_answer_meets_the_deadline(
    anilist: FakeAniList, fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anime_search.metadata.anilist._DEADLINE_S", -1.0)
    with pytest.raises(AniListUnavailable, match="ReadTimeout"):
        ask(anilist, fake_clock, 1, max_tries=2)


def test_endless_answer_is_cut(
    anilist: FakeAniList, fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anime_search.metadata.anilist._MAX_BODY_BYTES", 10)
    with pytest.raises(AniListUnavailable, match="DecodingError"):
        ask(anilist, fake_clock, 1, max_tries=2)


def test_unreachable_server_ends_politely(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    anilist.url = "http://127.0.0.1:1/"
    with pytest.raises(AniListUnavailable, match=r"in 6 tries .*ConnectError"):
        ask(anilist, fake_clock, 1)


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/", "http://a:port/", "graphql.anilist.co"])
def test_malformed_address_is_told_at_once(anilist: FakeAniList, fake_clock: FakeClock, url: str) -> None:
    anilist.url = url
    with pytest.raises(AniListUnavailable, match="not an http or https URL"):
        ask(anilist, fake_clock, 1)
    assert fake_clock.naps == []


def test_proxies_of_the_environment_take_no_part(
    anilist: FakeAniList, fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    anilist.know(1)
    assert found_in(ask(anilist, fake_clock, 1)) == {1}


def test_clock_that_was_set_back_does_not_stop_the_client(
    anilist: FakeAniList, fake_clock: FakeClock
) -> None:
    with client_of(anilist, fake_clock, max_wait_s=10.0) as client:
        answers = client.answers(range(1, 101))
        next(answers)
        fake_clock.at = fake_clock.at.replace(year=fake_clock.at.year - 1)
        list(answers)
    assert sum(fake_clock.naps) <= 20
