"""The answer of a search: the document's fields and types, in the order of the real service."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from django.test import Client

from anime_search.models import Anime
from tests.contracts.conftest import Library, Shelf
from tests.contracts.live import Clip, big_buck_bunny, put_video
from tests.contracts.pictures import noise, plain, saved
from tests.contracts.tracemoe_legacy.asking import post_json

KEYS = [
    "RawDocsCount", "RawDocsSearchTime", "ReRankSearchTime", "CacheHit", "trial", "docs",
    "limit", "limit_ttl", "quota", "quota_ttl",
]  # fmt: skip
DOC_KEYS = [
    "from", "to", "anilist_id", "at", "season", "anime", "filename", "episode", "tokenthumb", "similarity", "title",
    "title_native", "title_chinese", "title_english", "title_romaji", "mal_id", "synonyms", "synonyms_chinese", "is_adult",
]  # fmt: skip

#: "Example Response" of the document.
EXAMPLE: dict[str, Any] = {
    "RawDocsCount": 3555648,
    "RawDocsSearchTime": 14056,
    "ReRankSearchTime": 1182,
    "CacheHit": False,
    "trial": 1,
    "limit": 9,
    "limit_ttl": 60,
    "quota": 148,
    "quota_ttl": 85899,
}
EXAMPLE_DOC: dict[str, Any] = {
    "from": 663.17,
    "to": 665.42,
    "anilist_id": 98444,
    "at": 665.08,
    "season": "2018-01",
    "anime": "搖曳露營",
    "filename": "[Ohys-Raws] Yuru Camp - 05 (AT-X 1280x720 x264 AAC).mp4",
    "episode": 5,
    "tokenthumb": "bB-8KQuoc6u-1SfzuVnDMw",
    "similarity": 0.9563952960290518,
    "title": "ゆるキャン△",
    "title_native": "ゆるキャン△",
    "title_chinese": "搖曳露營",
    "title_english": "Laid-Back Camp",
    "title_romaji": "Yuru Camp△",
    "mal_id": 34798,
    "synonyms": ["Yurucamp", "Yurukyan△"],
    "synonyms_chinese": [],
    "is_adult": False,
}


def search(client: Client, picture: bytes, **fields: Any) -> dict[str, Any]:
    response = post_json(client, image=base64.b64encode(picture).decode(), **fields)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = json.loads(response.content)
    return body


def kind(value: object) -> type | None:
    """JavaScript's view of a value: a number is a number, whole or not."""
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)


def assert_documented(doc: dict[str, Any]) -> None:
    """Every field is there, of the type that the document's table says."""
    assert list(doc) == DOC_KEYS
    for name in ("from", "to", "at", "anilist_id", "similarity"):
        assert kind(doc[name]) is float, name
    for name in ("anime", "filename", "tokenthumb", "title", "title_native", "title_chinese", "title_english",
                 "title_romaji", "season"):  # fmt: skip
        assert isinstance(doc[name], str), name
    for name in ("synonyms", "synonyms_chinese"):
        assert isinstance(doc[name], list), name
        assert all(isinstance(synonym, str) for synonym in doc[name])
    assert doc["mal_id"] is None or kind(doc["mal_id"]) is float
    assert isinstance(doc["is_adult"], bool)
    assert kind(doc["episode"]) is float or doc["episode"] in ("OVA/OAD", "Special", "")
    assert 0 <= doc["similarity"] <= 1
    assert 0 <= doc["from"] <= doc["at"] <= doc["to"]
    for name in ("from", "to", "at"):
        assert doc[name] == round(doc[name], 2), name


def test_answer_has_the_fields_of_the_documents_example(
    client: Client, library: Library, screenshot: bytes
) -> None:
    body = search(client, screenshot)
    assert list(body) == KEYS
    assert {name: kind(value) for name, value in body.items() if name != "docs"} == {
        name: kind(value) for name, value in EXAMPLE.items()
    }
    doc = body["docs"][0]
    assert {name: kind(value) for name, value in doc.items()} == {
        name: kind(value) for name, value in EXAMPLE_DOC.items()
    }
    assert_documented(doc)


def test_answer_is_about_the_scene(client: Client, library: Library, screenshot: bytes) -> None:
    body = search(client, screenshot)
    doc = body["docs"][0]
    same = ("anilist_id", "mal_id", "season", "anime", "episode", "title", "title_native", "title_chinese",
            "title_english", "title_romaji", "synonyms", "synonyms_chinese", "is_adult")  # fmt: skip
    assert {name: doc[name] for name in same} == {name: EXAMPLE_DOC[name] for name in same}
    assert doc["filename"] == library.video.filename
    # The screenshot is taken at 45 % of the clip.
    assert doc["from"] <= 2.36 <= doc["to"]
    assert body["RawDocsCount"] > 0
    assert body["CacheHit"] is False
    assert body["trial"] == 1
    assert {name: body[name] for name in KEYS[-4:]} == {
        "limit": 9,
        "limit_ttl": 60,
        "quota": 149,
        "quota_ttl": 86400,
    }


def test_second_search_of_the_same_picture_is_a_cache_hit(
    client: Client, library: Library, screenshot: bytes
) -> None:
    first, second, third = (search(client, screenshot) for _ in range(3))
    assert [body["CacheHit"] for body in (first, second, third)] == [False, True, True]
    assert [body["trial"] for body in (first, second, third)] == [1, 2, 3]
    # Nothing was retrieved or compared the second time, and nothing else is another.
    assert (second["RawDocsSearchTime"], second["ReRankSearchTime"]) == (0, 0)
    assert second["docs"] == [doc | {"tokenthumb": again["tokenthumb"]} for doc, again in zip(
        first["docs"], second["docs"], strict=True)]  # fmt: skip
    assert second["RawDocsCount"] == first["RawDocsCount"]


def test_same_picture_in_another_format_is_a_cache_hit(client: Client, library: Library, clip: Clip) -> None:
    picture = noise()
    search(client, saved(picture, "PNG"))
    assert search(client, saved(picture, "BMP"))["CacheHit"] is True
    assert search(client, saved(noise(seed=1), "PNG"))["CacheHit"] is False


def test_other_questions_are_no_cache_hit(client: Client, library: Library, screenshot: bytes) -> None:
    search(client, screenshot)
    for anilist_id in (library.anime.anilist_id, 999_999):
        body = search(client, screenshot, filter=anilist_id)
        assert (body["CacheHit"], body["trial"]) == (False, 1)
        assert search(client, screenshot, filter=anilist_id)["CacheHit"] is True
    assert search(client, screenshot, filter=999_999)["docs"] == []
    assert search(client, screenshot)["docs"]


def test_text_is_sent_as_utf_8_and_not_escaped(client: Client, library: Library, encoded: str) -> None:
    response = post_json(client, image=encoded)
    assert response["Content-Type"] == "application/json"
    assert "搖曳露營" in response.content.decode("utf-8")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"title_chinese": ""}, {"anime": "Yuru Camp△", "title_chinese": "Yuru Camp△"}),
        ({"title_native": ""}, {"title": "Yuru Camp△", "title_native": "Yuru Camp△"}),
        ({"title_english": ""}, {"title_english": "Yuru Camp△"}),
        ({"title_romaji": ""}, {"title_romaji": "Laid-Back Camp", "title": "ゆるキャン△"}),
        ({"mal_id": None}, {"mal_id": None}),
        ({"synonyms": [], "synonyms_chinese": ["搖曳"]}, {"synonyms": [], "synonyms_chinese": ["搖曳"]}),
        ({"season_year": None}, {"season": ""}),
        ({"start_month": None}, {"season": "2018-01"}),
        ({"start_month": 10}, {"season": "2018-10"}),
        ({"is_adult": True}, {"is_adult": True}),
    ],
)
def test_missing_metadata_is_filled_as_the_real_service_did(
    client: Client, library: Library, screenshot: bytes, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    Anime.objects.filter(pk=library.anime.pk).update(**fields)
    doc = search(client, screenshot)["docs"][0]
    assert_documented(doc)
    assert {name: doc[name] for name in expected} == expected


def test_title_of_which_only_the_number_is_known_has_every_type(
    client: Client, db: None, clip: Clip, index: object, screenshot: bytes
) -> None:
    put_video(clip, anime=Anime.objects.create(anilist_id=7))
    doc = search(client, screenshot)["docs"][0]
    assert_documented(doc)
    assert doc["anilist_id"] == 7
    assert doc["title"] == doc["title_romaji"] == doc["anime"] == "Big Buck Bunny"


def test_video_without_a_title_has_every_type(
    client: Client, db: None, clip: Clip, index: object, screenshot: bytes
) -> None:
    put_video(clip, anime=None, title="")
    doc = search(client, screenshot)["docs"][0]
    assert_documented(doc)
    assert (doc["anilist_id"], doc["mal_id"], doc["season"]) == (0, None, "")
    assert doc["title"] == doc["filename"]


@pytest.mark.parametrize(
    ("fields", "episode"),
    [
        ({"episode": 5.0}, 5),
        ({"episode": 12.5}, 12.5),
        ({"episode": 1.0, "episode_end": 3.0}, 1),
        ({"episode": None}, ""),
        ({"episode": 2.0, "kind": "ova"}, "OVA/OAD"),
        ({"episode": None, "kind": "special"}, "Special"),
        ({"episode": 1.0, "kind": "opening"}, ""),
        ({"episode": None, "kind": "unknown"}, ""),
    ],
)
def test_episode_is_a_number_or_one_of_the_documents_words(
    client: Client,
    db: None,
    clip: Clip,
    index: object,
    screenshot: bytes,
    fields: dict[str, Any],
    episode: object,
) -> None:
    put_video(clip, anime=big_buck_bunny(), **fields)
    doc = search(client, screenshot)["docs"][0]
    assert_documented(doc)
    assert doc["episode"] == episode
    assert type(doc["episode"]) is type(episode)


def test_results_are_sorted_by_similarity_and_at_most_ten(client: Client, shelf: Shelf) -> None:
    body = search(client, shelf.screenshot)
    similarities = [doc["similarity"] for doc in body["docs"]]
    assert len(similarities) == 10
    assert similarities == sorted(similarities, reverse=True)
    assert len(set(similarities)) > 5
    for doc in body["docs"]:
        assert_documented(doc)


def test_filter_looks_in_all_videos_of_one_title(client: Client, shelf: Shelf) -> None:
    wanted = shelf.videos[-1]
    assert wanted.anime is not None
    image = base64.b64encode(shelf.screenshot).decode()
    docs = post_json(client, image=image, filter=wanted.anime.anilist_id).json()["docs"]
    assert {doc["filename"] for doc in docs} == {wanted.filename}


def test_video_that_was_deleted_since_is_left_out(
    client: Client, library: Library, screenshot: bytes
) -> None:
    library.video.delete()
    assert search(client, screenshot)["docs"] == []


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (120, 80, 30)])
def test_plain_picture_is_no_match(client: Client, library: Library, colour: tuple[int, int, int]) -> None:
    """The document: below 87 % it is "probably incorrect"."""
    assert all(doc["similarity"] < 0.87 for doc in search(client, saved(plain(colour), "JPEG"))["docs"])
