"""``GET /api/anime/rankings``: the documented parameters, a golden body, and every way to ask wrongly."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from anime_search.models import Anime
from core.errors import DomainError
from core.surfaces import render_error
from rankings.api.errors import ERRORS
from rankings.errors import ParameterInvalid
from rankings.tallies import add_to_tallies
from tests.contracts.live import big_buck_bunny
from tests.contracts.whatanime.asking import refusal
from tests.rankings.made import set_clock

pytestmark = pytest.mark.django_db
PATH = "/api/anime/rankings"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

GOLDEN = {
    "period": "daily",
    "firstDay": "2026-11-22",
    "lastDay": "2026-11-22",
    "rankings": [
        {
            "rank": 1,
            "previousRank": 2,
            "count": 3,
            "anilistId": 98444,
            "malId": 34798,
            "title": "Yuru Camp△",
            "titles": {
                "native": "ゆるキャン△",
                "romaji": "Yuru Camp△",
                "english": "Laid-Back Camp",
                "chinese": "搖曳露營",
                "korean": "유루캠△",
            },
            "isAdult": False,
            "cover": "https://img.example/98444.jpg",
            "format": "TV",
            "season": "WINTER",
            "year": 2018,
            "link": "https://anilist.co/anime/98444",
        },
        {
            "rank": 2,
            "previousRank": None,
            "count": 1,
            "anilistId": 5,
            "malId": None,
            "title": "AniList 5",
            "titles": {"native": None, "romaji": None, "english": None, "chinese": None, "korean": None},
            "isAdult": False,
            "cover": None,
            "format": None,
            "season": None,
            "year": None,
            "link": "https://anilist.co/anime/5",
        },
    ],
}


def count(anilist_id: int, times: int = 1, *, ago: int = 0) -> None:
    for _ in range(times):
        add_to_tallies(anilist_id=anilist_id, day=NOW.date() - timedelta(days=ago))


@pytest.fixture(autouse=True)
def _searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Title 98444 three times today, a title without metadata once, an adult one twice; others before."""
    set_clock(monkeypatch, NOW)
    big_buck_bunny(cover_url="https://img.example/98444.jpg")
    Anime.objects.create(anilist_id=5)
    Anime.objects.create(anilist_id=6, title_romaji="Adult", is_adult=True)
    Anime.objects.create(anilist_id=7, title_romaji="Yesterday")
    count(98444, 3)
    count(5)
    count(6, 2)
    count(98444, 1, ago=1)
    count(7, 2, ago=1)


def ask(client: Client, query: str = "", **headers: str) -> Any:
    return client.get(f"{PATH}?{query}", headers=headers)


def titles(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [each["anilistId"] for each in response.json()["rankings"]]


def test_golden_body(client: Client) -> None:
    response = ask(client, "period=daily&limit=10")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert json.loads(response.content) == GOLDEN
    assert "ゆるキャン△" in response.content.decode()


def test_everything_there_ever_was_is_ranked_by_default(client: Client) -> None:
    response = ask(client)
    assert titles(response) == [98444, 7, 5]
    body = response.json()
    assert (body["period"], body["firstDay"], body["lastDay"]) == ("all", None, None)
    assert {each["previousRank"] for each in body["rankings"]} == {None}


@pytest.mark.parametrize(
    ("period", "first", "last", "expected"),
    [
        ("daily", "2026-11-22", "2026-11-22", [98444, 5]),
        ("weekly", "2026-11-16", "2026-11-22", [98444, 7, 5]),
        ("monthly", "2026-11-01", "2026-11-30", [98444, 7, 5]),
        ("yearly", "2026-01-01", "2026-12-31", [98444, 7, 5]),
    ],
)
def test_every_period(client: Client, period: str, first: str, last: str, expected: list[int]) -> None:
    response = ask(client, f"period={period}")
    assert titles(response) == expected
    assert (response.json()["firstDay"], response.json()["lastDay"]) == (first, last)


@pytest.mark.parametrize(("limit", "number"), [("1", 1), ("2", 2), ("002", 2), ("50", 3), ("1000000", 3)])
def test_limit(client: Client, limit: str, number: int) -> None:
    assert len(titles(ask(client, f"limit={limit}"))) == number


@pytest.mark.parametrize(("query", "number"), [("", 50), ("limit=1000000", 100)])
def test_answer_has_50_titles_by_default_and_never_more_than_100(
    client: Client, query: str, number: int
) -> None:
    for anilist_id in range(1000, 1120):
        Anime.objects.create(anilist_id=anilist_id)
        count(anilist_id)
    assert len(titles(ask(client, query))) == number


@pytest.mark.parametrize("flag", ["true", "1"])
def test_adult_titles_are_in_it_if_asked_for(client: Client, flag: str) -> None:
    assert titles(ask(client, f"period=daily&includeAdult={flag}")) == [98444, 6, 5]


@pytest.mark.parametrize("query", ["", "includeAdult=false", "includeAdult=0"])
def test_adult_titles_are_left_out_by_default(client: Client, query: str) -> None:
    assert 6 not in titles(ask(client, query))


@pytest.mark.parametrize(
    "query",
    [
        "period=hourly", "period=", "period=Daily", "period=daily%00", "period=daily&period=all",
        "period[]=daily&period=x", "limit=", "limit=0", "limit=-1", "limit=1e3", "limit=%205%20", "limit=1.5",
        "limit=%D9%A5", "limit=1_0", "limit=%2B5", "limit=0x10", "limit=abc", "limit=5%00", "limit=null",
        "limit=99999999999999999999", f"limit={'9' * 5000}", "limit=1&limit=2", "limit=%FF",
        "includeAdult=maybe", "includeAdult=", "includeAdult=TRUE", "includeAdult=yes", "includeAdult=2",
        "includeAdult=true&includeAdult=false", "limit=1%27%20OR%201=1",
    ],
)  # fmt: skip
def test_parameter_that_is_none_is_refused(client: Client, query: str) -> None:
    assert refusal(ask(client, query), 400) == "INVALID_PARAMETER"


def test_refusal_names_the_parameter(client: Client) -> None:
    assert ask(client, "period=hourly").json() == {
        "error": "The parameter period must be daily, weekly, monthly, yearly or all.",
        "code": "INVALID_PARAMETER",
    }


def test_more_parameters_than_anybody_has_are_refused(client: Client) -> None:
    assert refusal(ask(client, "&".join(f"a{n}=1" for n in range(5000))), 400) == "INVALID_REQUEST"


def test_unknown_parameters_are_passed_over(client: Client) -> None:
    assert len(titles(ask(client, "_=1700000000&format=xml&key=%00"))) == 3


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    response = getattr(client, method)(PATH)
    assert refusal(response, 405) == "METHOD_NOT_ALLOWED"
    assert "GET" in response["Allow"]


def test_head_answers_without_a_body(client: Client) -> None:
    response = client.head(PATH)
    assert (response.status_code, response.content) == (200, b"")
    assert response["ETag"] == ask(client)["ETag"]


@pytest.mark.parametrize("path", [f"{PATH}/", f"{PATH}/daily", f"{PATH}x"])
def test_addresses_beside_it_are_not_found(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")


def test_pages_of_other_sites_may_read_it_and_it_may_be_kept_for_a_minute(client: Client) -> None:
    for response in (ask(client), ask(client, "limit=0")):
        assert response["Access-Control-Allow-Origin"] == "*"
        assert "Set-Cookie" not in response
        assert "Cookie" not in response.get("Vary", "")
    assert ask(client)["Cache-Control"] == "public, max-age=60"


def test_who_has_the_answer_already_is_not_sent_it_again(client: Client) -> None:
    etag = ask(client)["ETag"]
    assert etag.startswith('"')
    for asked in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = ask(client, **{"If-None-Match": asked})
        assert (again.status_code, again.content) == (304, b"")
        assert (again["ETag"], again["Cache-Control"]) == (etag, "public, max-age=60")
        assert again["Access-Control-Allow-Origin"] == "*"
    for asked in ('"other"', etag.strip('"'), "", "\x7f"):
        assert ask(client, **{"If-None-Match": asked}).status_code == 200
    assert ask(client, "period=daily")["ETag"] != etag
    count(7)
    assert ask(client, **{"If-None-Match": etag}).status_code == 200


def test_session_changes_nothing(admin_client: Client, client: Client) -> None:
    assert ask(admin_client).content == ask(client).content


def test_database_that_is_away_is_no_fault_of_the_caller(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def fail(**_: object) -> None:
        raise OperationalError("could not connect to SECRET-host")

    monkeypatch.setattr("rankings.api.views.ranking_of", fail)
    response = ask(client)
    assert refusal(response, 503) == "UNAVAILABLE"
    assert int(response["Retry-After"]) > 0


def test_every_error_has_words() -> None:
    for error in (ParameterInvalid(), DomainError()):
        assert set(json.loads(render_error(ERRORS, error).content)) == {"error", "code"}
