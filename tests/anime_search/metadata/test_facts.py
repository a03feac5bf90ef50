"""What is kept of a Media object, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from anime_search.metadata.facts import COVER_LENGTH, MAX_SYNONYMS, facts_of_media
from anime_search.models import NAME_LENGTH, Anime
from tests.anime_search.metadata.sample_rows import media


def values_of(**changes: Any) -> dict[str, Any]:
    facts = facts_of_media(media(1, **changes))
    assert facts is not None
    return dict(facts.values)


def test_every_field_of_a_whole_media_object_is_kept() -> None:
    facts = facts_of_media(media(5))
    assert facts is not None
    assert facts.anilist_id == 5
    assert facts.complete
    assert facts.values == {
        "mal_id": 1005,
        "title_native": "題名5",
        "title_romaji": "Daimei 5",
        "title_english": "Title 5",
        "synonyms": ["T5"],
        "season": "SPRING",
        "season_year": 1998,
        "start_month": 4,
        "format": "TV",
        "episodes": 26,
        "is_adult": False,
        "cover_url": "https://img.example/large/5.jpg",
    }


def test_limits_are_those_of_the_columns() -> None:
    assert Anime._meta.get_field("cover_url").max_length == COVER_LENGTH
    assert Anime._meta.get_field("title_native").max_length == NAME_LENGTH


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("  Cowboy\n  Bebop ", "Cowboy Bebop"),
        ("あ" * 300, "あ" * NAME_LENGTH),
        ("a" * (NAME_LENGTH - 1) + " b", "a" * (NAME_LENGTH - 1)),
        ("nul\x00 and \ud83d surrogate", "nul and surrogate"),
        ("family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧"),
        ("", None),
        ("\x00", None),
        (None, None),
        (7, None),
        (["x"], None),
    ],
)
def test_titles_become_one_line_that_fits(title: object, kept: str | None) -> None:
    assert values_of(title={"romaji": title}).get("title_romaji") == kept


@pytest.mark.parametrize("title", [None, "Cowboy Bebop", [], 7])
def test_title_of_another_type_leaves_the_rest(title: object) -> None:
    values = values_of(title=title)
    assert not [name for name in values if name.startswith("title_")]
    assert values["episodes"] == 26


@pytest.mark.parametrize(
    ("synonyms", "kept"),
    [
        (["a", " a ", "b", "", None, 3, "x" * 999], ["a", "b", "x" * NAME_LENGTH]),
        ([str(number) for number in range(1000)], [str(number) for number in range(MAX_SYNONYMS)]),
        ([], None),
        (None, None),
        ("a", None),
        ({"a": 1}, None),
    ],
    ids=["mixed", "many", "none", "null", "text", "object"],
)
def test_synonyms_are_distinct_texts(synonyms: object, kept: list[str] | None) -> None:
    assert values_of(synonyms=synonyms).get("synonyms") == kept


@pytest.mark.parametrize(
    ("changes", "field", "kept"),
    [
        ({"seasonYear": None}, "season_year", 1998),
        ({"seasonYear": None, "startDate": None}, "season_year", None),
        ({"seasonYear": 99999}, "season_year", 1998),
        ({"seasonYear": "1999"}, "season_year", 1998),
        ({"startDate": {"month": 13}}, "start_month", None),
        ({"startDate": {"month": True}}, "start_month", None),
        ({"season": "MONSOON"}, "season", None),
        ({"season": {}}, "season", None),
        ({"format": "LASERDISC"}, "format", None),
        ({"episodes": 0}, "episodes", None),
        ({"episodes": -1}, "episodes", None),
        ({"episodes": 2**40}, "episodes", None),
        ({"episodes": 12.5}, "episodes", None),
        ({"idMal": "1"}, "mal_id", None),
        ({"isAdult": True}, "is_adult", True),
        ({"isAdult": "yes"}, "is_adult", None),
        ({"title": {"chinese": "星際牛仔"}}, "title_chinese", "星際牛仔"),
        ({"title": {"korean": "카우보이 비밥"}}, "title_korean", "카우보이 비밥"),
        ({"synonyms_chinese": ["惡男傑特"]}, "synonyms_chinese", ["惡男傑特"]),
    ],
)
def test_values_out_of_range_are_taken_as_not_said(changes: dict[str, Any], field: str, kept: object) -> None:
    assert values_of(**changes).get(field) == kept


@pytest.mark.parametrize(
    ("cover", "kept"),
    [
        ({"extraLarge": None, "large": "https://a.example/l.jpg"}, "https://a.example/l.jpg"),
        (
            {"extraLarge": "http://a.example/x.jpg", "large": "https://a.example/l.jpg"},
            "https://a.example/l.jpg",
        ),
        ({"extraLarge": "https://a.example/x.jpg?a=1"}, "https://a.example/x.jpg?a=1"),
        ({"extraLarge": "javascript:alert(1)"}, None),
        ({"extraLarge": "//a.example/x.jpg"}, None),
        ({"extraLarge": "https://user:secret@a.example/x.jpg"}, None),
        ({"extraLarge": "https://a.example/x y.jpg"}, None),
        ({"extraLarge": "https://a.example/x.jpg\n"}, None),
        ({"extraLarge": "https://"}, None),
        ({"extraLarge": "https://a.example/" + "x" * COVER_LENGTH}, None),
        ({"extraLarge": ["https://a.example/x.jpg"]}, None),
        ("https://a.example/x.jpg", None),
        (None, None),
    ],
)
def test_only_https_covers_are_kept(cover: object, kept: str | None) -> None:
    assert values_of(coverImage=cover).get("cover_url") == kept


@pytest.mark.parametrize(
    "other",
    [{"id": "1"}, {"id": 0}, {"id": -1}, {"id": True}, {"id": 2**31}, {"id": None}, {"type": "MANGA"}],
)
def test_what_is_no_anime_has_no_facts(other: dict[str, Any]) -> None:
    assert facts_of_media(media(1) | other) is None


def test_partial_object_is_not_complete() -> None:
    facts = facts_of_media({"id": 1, "title": {"romaji": "x"}})
    assert facts is not None
    assert not facts.complete
