"""``GET /api/anime/recent-searches``: the documented parameters, and nothing of who searched."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from anime_search.models import Anime, Video
from anime_search.previews import open_token
from rankings.services import record_search
from tests.contracts.live import big_buck_bunny
from tests.contracts.whatanime.asking import refusal
from tests.rankings.made import answer_of, guest, put_video, set_clock

pytestmark = pytest.mark.django_db
PATH = "/api/anime/recent-searches"
NOW = datetime(2026, 11, 22, 12, 34, 56, 789, tzinfo=UTC)

GOLDEN = {
    "limit": 5,
    "offset": 0,
    "searches": [
        {
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
            "cover": None,
            "format": "TV",
            "season": "WINTER",
            "year": 2018,
            "link": "https://anilist.co/anime/98444",
            "episode": 5,
            "at": 100.25,
            "similarity": 0.9877,
            "searchedAt": "2026-11-22T12:30:00Z",
        }
    ],
}


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, NOW)


def search(*titles: int, caller: int = 1, **of_video: Any) -> None:
    for title in titles:
        record_search(principal=guest(caller), answer=answer_of(put_video(title, **of_video), at_s=100.25))


def ask(client: Client, query: str = "", **headers: str) -> Any:
    return client.get(f"{PATH}?{query}", headers=headers)


def titles(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [each["anilistId"] for each in response.json()["searches"]]


@pytest.fixture
def numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty titles, of which the last was searched last."""
    for number in range(1, 31):
        set_clock(monkeypatch, NOW + timedelta(seconds=number))
        search(number)


def test_golden_body(client: Client) -> None:
    big_buck_bunny()
    search(98444)
    response = ask(client, "limit=5")
    body = json.loads(response.content)
    images = [each.pop("image") for each in body["searches"]]
    assert body == GOLDEN
    prefix = "http://testserver/image/"
    assert images[0].startswith(prefix)
    moment = open_token(images[0].removeprefix(prefix).partition("?")[0])
    assert (moment.video_id, moment.at_ms) == (Video.objects.get().pk, 100_250)


def test_nothing_searched_is_an_empty_list(client: Client) -> None:
    assert ask(client).json() == {"limit": 20, "offset": 0, "searches": []}


def test_nothing_tells_who_searched(client: Client) -> None:
    search(1)
    text = ask(client).content.decode()
    for private in ("caller", "198.51", "12:34", "confirmed", ".mkv", "filename"):
        assert private not in text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", list(range(30, 10, -1))),
        ("limit=2", [30, 29]),
        ("limit=2&offset=2", [28, 27]),
        ("offset=29", [1]),
        ("offset=30", []),
        ("offset=1000", []),
        ("limit=1000000&offset=28", [2, 1]),
    ],
)
def test_pages(client: Client, numbered: None, query: str, expected: list[int]) -> None:
    assert titles(ask(client, query)) == expected


def test_adult_titles_are_left_out_unless_asked_for(client: Client) -> None:
    search(1, is_adult=True)
    search(2)
    assert titles(ask(client)) == [2]
    assert sorted(titles(ask(client, "includeAdult=true"))) == [1, 2]


def test_title_without_metadata_is_called_what_the_path_says(client: Client) -> None:
    Anime.objects.create(anilist_id=1)
    search(1)
    assert ask(client).json()["searches"][0]["title"] == "read off"


@pytest.mark.parametrize("episode", [None, 1.5, 12.0])
def test_any_episode_can_be_told(client: Client, episode: float | None) -> None:
    search(1, episode=episode)
    assert ask(client).json()["searches"][0]["episode"] == episode


def test_what_was_deleted_is_left_out(client: Client) -> None:
    search(1, 2, 3)
    Anime.objects.get(anilist_id=1).delete()
    Video.objects.filter(anime__anilist_id=2).delete()
    Video.objects.filter(anime__anilist_id=3).update(anime=None)
    assert titles(ask(client)) == [3]


@pytest.mark.parametrize(
    "query",
    [
        "limit=", "limit=0", "limit=-1", "limit=1e3", "limit=%D9%A5", "limit=x", "limit=1%00", "limit=1&limit=1",
        "offset=", "offset=-1", "offset=1.5", "offset=x", "offset=1001", "offset=99999999999999999999",
        "offset=1&offset=1", "offset=%00", "includeAdult=maybe", "includeAdult=",
    ],
)  # fmt: skip
def test_parameter_that_is_none_is_refused(client: Client, query: str) -> None:
    assert refusal(ask(client, query), 400) == "INVALID_PARAMETER"


def test_other_methods_are_refused_and_head_is_answered(client: Client) -> None:
    assert refusal(client.post(PATH), 405) == "METHOD_NOT_ALLOWED"
    assert (client.head(PATH).status_code, client.head(PATH).content) == (200, b"")


def test_answer_is_sent_again_only_when_it_changed_or_its_pictures_grow_old(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    search(1)
    first = ask(client)
    assert first["ETag"].startswith('W/"')
    assert first["Cache-Control"] == "public, max-age=60"
    assert first["Access-Control-Allow-Origin"] == "*"
    asking = {"If-None-Match": first["ETag"]}
    set_clock(monkeypatch, NOW + timedelta(minutes=20))
    assert ask(client, **asking).status_code == 304
    set_clock(monkeypatch, NOW + timedelta(minutes=30))
    assert ask(client, **asking).status_code == 200
    set_clock(monkeypatch, NOW)
    search(2)
    assert ask(client, **asking).status_code == 200
