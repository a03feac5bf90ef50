"""The answer of a search: fields, types and order of today's trace.moe."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from PIL import Image
from pytest_django import Settings

from anime_search.models import Anime, Video
from core import clock
from tests.contracts.conftest import Library, Shelf
from tests.contracts.live import FILENAME, Clip, big_buck_bunny, put_video
from tests.contracts.pictures import plain, saved
from tests.contracts.tracemoe.asking import assert_framed, found, post, used

KEYS = ["quota", "quotaUsed", "frameCount", "error", "result"]
RESULT_KEYS = [
    "anilist", "filename", "episode", "from", "to", "at", "duration", "similarity", "video", "image",
]  # fmt: skip
ANILIST = {
    "id": 98444,
    "idMal": 34798,
    "title": {"native": "ゆるキャン△", "romaji": "Yuru Camp△", "english": "Laid-Back Camp"},
    "synonyms": ["Yurucamp", "Yurukyan△"],
    "isAdult": False,
}


def ordered(value: Any) -> str:
    """Text in which the order of keys counts."""
    return json.dumps(value, ensure_ascii=False)


def results(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.content
    listed: list[dict[str, Any]] = response.json()["result"]
    return listed


def assert_documented(result: dict[str, Any]) -> None:
    """Every field is there, of the type that the document says."""
    assert list(result) == RESULT_KEYS
    assert isinstance(result["anilist"], int | dict)
    assert isinstance(result["filename"], str)
    assert result["episode"] is None or isinstance(result["episode"], int | float | str | list)
    for name in ("from", "to", "at", "duration", "similarity"):
        assert isinstance(result[name], int | float), name
    assert 0 <= result["from"] <= result["at"] <= result["to"] <= result["duration"] + 1
    assert 0 <= result["similarity"] <= 1
    for kind in ("video", "image"):
        assert urlsplit(result[kind]).path.startswith(f"/{kind}/")


def test_answer_has_the_documented_fields_in_order(
    client: Client, library: Library, screenshot: bytes
) -> None:
    response = post(client, screenshot)
    body = response.json()
    assert list(body) == KEYS
    assert (body["quota"], body["quotaUsed"], body["error"]) == (150, 1, "")
    assert body["frameCount"] == len(library.clip.track)
    assert 1 <= len(body["result"]) <= 10
    for result in body["result"]:
        assert_documented(result)
    best = found(response)
    assert (best["anilist"], best["episode"]) == (98444, 5)
    # The screenshot is taken at 45 % of the clip.
    assert best["from"] <= 2.36 <= best["to"]
    assert best["duration"] == pytest.approx(library.clip.track.info.duration_s, abs=0.01)


def test_every_answer_says_what_is_left_and_may_be_read_by_other_sites(
    client: Client, library: Library, screenshot: bytes
) -> None:
    for number in range(1, 4):
        response = post(client, screenshot)
        assert_framed(response)
        assert (response["X-RateLimit-Limit"], response["X-RateLimit-Remaining"]) == ("10", str(10 - number))
        assert response.json()["quotaUsed"] == used(client) == number
        assert response["Cache-Control"] == "no-store"
        assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "flag", ["anilistInfo", "anilistInfo=", "anilistInfo=false", "cutBorders&anilistInfo=0"]
)
def test_title_is_told_where_the_flag_is_there_whatever_its_value(
    client: Client, library: Library, screenshot: bytes, flag: str
) -> None:
    best = found(post(client, screenshot, query=flag))
    assert_documented(best)
    assert ordered(best["anilist"]) == ordered(ANILIST)


@pytest.mark.parametrize("query", ["", "anilistinfo", "info=anilistInfo", "cutBorders", "cutBorders=0"])
def test_title_is_a_number_without_the_flag(
    client: Client, library: Library, screenshot: bytes, query: str
) -> None:
    assert found(post(client, screenshot, query=query))["anilist"] == 98444


def test_text_is_sent_as_utf_8_and_not_escaped(client: Client, library: Library, screenshot: bytes) -> None:
    response = post(client, screenshot, query="anilistInfo")
    assert response["Content-Type"] == "application/json"
    assert "ゆるキャン△" in response.content.decode("utf-8")


def test_titles_that_are_missing_are_null(client: Client, library: Library, screenshot: bytes) -> None:
    Anime.objects.filter(pk=library.anime.pk).update(
        title_native="", title_english="", mal_id=None, synonyms=[], is_adult=True
    )
    assert found(post(client, screenshot, query="anilistInfo"))["anilist"] == {
        "id": 98444,
        "idMal": None,
        "title": {"native": None, "romaji": "Yuru Camp△", "english": None},
        "synonyms": [],
        "isAdult": True,
    }


@pytest.mark.parametrize(("named", "romaji"), [("Big Buck Bunny", "Big Buck Bunny"), ("", FILENAME)])
def test_title_that_is_not_known_is_number_0_and_called_like_the_file(
    client: Client, db: None, clip: Clip, index: object, screenshot: bytes, named: str, romaji: str
) -> None:
    """The document has a number or an object there, and no null: clients refuse the whole answer for one."""
    put_video(clip, anime=None, title=named)
    assert found(post(client, screenshot))["anilist"] == 0
    assert found(post(client, screenshot, query="anilistInfo"))["anilist"] == {
        "id": 0,
        "idMal": None,
        "title": {"native": None, "romaji": romaji, "english": None},
        "synonyms": [],
        "isAdult": False,
    }


@pytest.mark.parametrize(
    ("fields", "episode"),
    [
        ({"episode": 5.0}, 5),
        ({"episode": 12.5}, 12.5),
        ({"episode": 1.0, "episode_end": 3.0}, [1, 3]),
        ({"episode": 10.0, "absolute_episode": 11.0}, "10|11"),
        ({"episode": None}, None),
        ({"episode": 2.0, "kind": "ova"}, 2),
        ({"episode": None, "kind": "special"}, None),
        ({"episode": 1.0, "kind": "opening"}, None),
    ],
)
def test_episode_is_a_number_a_range_a_text_or_null(
    client: Client,
    db: None,
    clip: Clip,
    index: object,
    screenshot: bytes,
    fields: dict[str, Any],
    episode: object,
) -> None:
    put_video(clip, anime=big_buck_bunny(), **fields)
    result = found(post(client, screenshot))
    assert_documented(result)
    assert ordered(result["episode"]) == ordered(episode)


def test_previews_are_on_the_host_that_was_asked(client: Client, library: Library, screenshot: bytes) -> None:
    best = found(post(client, screenshot, headers={"Host": "localhost:8123"}))
    for kind in ("video", "image"):
        assert best[kind].startswith(f"http://localhost:8123/{kind}/")


def test_previews_are_on_the_sites_own_address_where_it_has_one(
    client: Client, library: Library, screenshot: bytes, settings: Settings
) -> None:
    settings.SITE_URL = "https://frames.example"
    best = found(post(client, screenshot))
    for kind in ("video", "image"):
        assert best[kind].startswith(f"https://frames.example/{kind}/")


def test_image_shows_the_frame_without_a_key_in_three_sizes(
    client: Client, library: Library, screenshot: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = urlsplit(found(post(client, screenshot))["image"]).path
    for query, width in (("", 320), ("?size=s", 160), ("?size=m", 320), ("?size=l", 640)):
        response = Client().get(path + query)
        assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
        assert_framed(response)
        assert Image.open(io.BytesIO(response.content)).width == width
    later = clock.now() + timedelta(minutes=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert Client().get(path).status_code == 200


def test_results_are_sorted_by_similarity_and_at_most_ten(client: Client, shelf: Shelf) -> None:
    listed = results(post(client, shelf.screenshot))
    similarities = [result["similarity"] for result in listed]
    assert len(similarities) == 10
    assert similarities == sorted(similarities, reverse=True)
    for result in listed:
        assert_documented(result)


def test_search_can_be_narrowed_to_one_title(client: Client, shelf: Shelf) -> None:
    wanted = shelf.videos[-1]
    assert wanted.anime is not None
    listed = results(post(client, shelf.screenshot, query=f"anilistID={wanted.anime.anilist_id}"))
    assert {result["filename"] for result in listed} == {wanted.filename}


@pytest.mark.parametrize("unknown", ["7", "999999999", "9" * 30, "9" * 5000])
def test_title_that_is_not_there_has_no_results(
    client: Client, library: Library, screenshot: bytes, unknown: str
) -> None:
    assert results(post(client, screenshot, query=f"anilistID={unknown}")) == []


@pytest.mark.parametrize(
    "ignored",
    ["", "0", "0" * 5000, "x", "-7", "7.5", "7e3", "0x7", " 7", "7,8", "%EF%BC%97", "%D9%A7", "null", "%00"],
)
def test_title_that_is_no_number_above_0_is_ignored(
    client: Client, library: Library, screenshot: bytes, ignored: str
) -> None:
    found(post(client, screenshot, query=f"anilistID={ignored}"))


def test_video_that_was_deleted_since_is_left_out(
    client: Client, library: Library, screenshot: bytes
) -> None:
    Video.objects.all().delete()
    assert results(post(client, screenshot)) == []


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255)])
def test_plain_picture_is_no_match(client: Client, library: Library, colour: tuple[int, int, int]) -> None:
    """The document: below 90 % it is most likely incorrect."""
    assert all(result["similarity"] < 0.87 for result in results(post(client, saved(plain(colour), "JPEG"))))
