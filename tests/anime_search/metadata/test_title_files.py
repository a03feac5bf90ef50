"""Offline files: told apart by their content, read row by row, refused as a whole only if nothing fits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anime_search.metadata.importing import TitleFile, TitleFileError, read_title_file
from tests.anime_search.metadata.sample_rows import CHINESE, KOREAN, OFFLINE, media, page


def read(tmp_path: Path, content: object) -> TitleFile:
    path = tmp_path / "titles.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return read_title_file(path)


def facts_in(file: TitleFile) -> list[tuple[int, dict[str, Any]]]:
    return [(fact.anilist_id, dict(fact.values)) for fact in file.facts]


def test_chinese_titles(tmp_path: Path) -> None:
    file = read(tmp_path, [CHINESE, {"id": 6, "title": "Trigun", "synonyms": []}])
    assert facts_in(file) == [
        (1, {"title_chinese": "星際牛仔", "synonyms_chinese": ["惡男傑特"]}),
        (6, {"title_chinese": "Trigun"}),
    ]
    assert file.formats == {"anilist-chinese": 2}
    assert not any(fact.complete or fact.fills_gaps for fact in file.facts)


def test_korean_titles(tmp_path: Path) -> None:
    file = read(
        tmp_path, [KOREAN, {"id": 2, "title_chinese": "二", "synonyms_chinese": ["貳"], "title": "Two"}]
    )
    assert facts_in(file) == [
        (1, {"title_korean": "카우보이 비밥"}),
        (2, {"title_chinese": "二", "synonyms_chinese": ["貳"]}),
    ]
    assert file.formats == {"translated titles": 2}


@pytest.mark.parametrize(
    "content",
    [
        [media(1), media(2)],
        page(media(1), media(2)),
        {"data": [media(1), media(2)]},
        f"{json.dumps(media(1))}\n\n{json.dumps(media(2))}\n".encode(),
        f"{json.dumps(page(media(1)))}\r\n{json.dumps({'data': {'Media': media(2)}})}\r\n".encode(),
        "\n".join(
            json.dumps({"fetched_at": "2026-01-01T00:00:00+00:00", "media": media(i)}) for i in (1, 2)
        ).encode(),
        b"\xef\xbb\xbf" + json.dumps([media(1), media(2)]).encode(),
    ],
    ids=["list", "API answer", "data", "NDJSON", "NDJSON of answers", "our cache", "byte order mark"],
)
def test_anilist_media_in_any_wrapping(tmp_path: Path, content: object) -> None:
    file = read(tmp_path, content)
    assert [fact.anilist_id for fact in file.facts] == [1, 2]
    assert file.formats == {"anilist": 2}
    assert file.malformed == 0
    assert all(fact.complete for fact in file.facts)


def test_single_media_object_is_a_file(tmp_path: Path) -> None:
    assert [fact.anilist_id for fact in read(tmp_path, media(1)).facts] == [1]


def test_offline_database(tmp_path: Path) -> None:
    file = read(tmp_path, {"license": {}, "repository": "x", "data": [OFFLINE]})
    assert facts_in(file) == [
        (
            1,
            {
                "mal_id": 1,
                "title_romaji": "Cowboy Bebop",
                "synonyms": ["COWBOY BEBOP", "Kowboj Bibop"],
                "season": "SPRING",
                "season_year": 1998,
                "format": "TV",
                "episodes": 26,
                "cover_url": "https://img.example/19644.jpg",
            },
        )
    ]
    assert file.facts[0].fills_gaps
    assert not file.facts[0].complete


@pytest.mark.parametrize(
    ("changes", "ids", "absent"),
    [
        ({"sources": ["https://anidb.net/anime/23"]}, [], set()),
        ({"sources": [*OFFLINE["sources"], "https://anilist.co/anime/2"]}, [1, 2], {"mal_id"}),
        ({"sources": [*OFFLINE["sources"], "https://myanimelist.net/anime/2"]}, [1], {"mal_id"}),
        (
            {"sources": ["https://anilist.co/manga/1", "https://evil.example/https://anilist.co/anime/1", 3]},
            [],
            set(),
        ),
        ({"sources": [f"https://anilist.co/anime/{2**31}"]}, [], set()),
        ({"type": "UNKNOWN", "episodes": 0}, [1], {"format", "episodes"}),
        ({"animeSeason": {"season": "UNDEFINED", "year": 1998}}, [1], {"season"}),
        ({"animeSeason": {"season": "FALL", "year": None}}, [1], {"season", "season_year"}),
        ({"animeSeason": None, "picture": "http://img.example/1.jpg"}, [1], {"season", "cover_url"}),
    ],
)
def test_offline_database_rows_keep_what_is_certain(
    tmp_path: Path, changes: dict[str, Any], ids: list[int], absent: set[str]
) -> None:
    file = read(tmp_path, {"data": [OFFLINE | changes]})
    assert [fact.anilist_id for fact in file.facts] == ids
    assert file.without_id == (not ids)
    assert file.malformed == 0
    assert not any(absent & fact.values.keys() for fact in file.facts)


def test_malformed_rows_are_counted_and_the_rest_read(tmp_path: Path) -> None:
    bad: list[object] = [
        None,
        7,
        "x",
        [],
        {},
        {"id": "1", "title": "x"},
        {"id": 2**31, "title": "x"},
        {"id": True, "title": "x"},
        {"id": 3, "title": None, "synonyms": None},
        {"id": 4, "title": 4, "synonyms": "no"},
        media(5, title={"romaji": None}),
        OFFLINE | {"title": None},
    ]
    file = read(tmp_path, [*bad, CHINESE])
    assert file.rows == len(bad) + 1
    assert file.malformed == len(bad)
    assert [fact.anilist_id for fact in file.facts] == [1]
    assert len(file.problems) == 10
    assert file.problems[0] == "row 1: not an object"


def test_broken_lines_of_ndjson_are_malformed_rows(tmp_path: Path) -> None:
    lines = [json.dumps(media(1)), json.dumps(media(2)), '{"id": 3, "ti']
    file = read(tmp_path, "\n".join(lines).encode())
    assert [fact.anilist_id for fact in file.facts] == [1, 2]
    assert file.malformed == 1


def test_line_separators_inside_titles_do_not_break_lines(tmp_path: Path) -> None:
    rows = [media(1, synonyms=["a\u2028b"]), media(2)]
    file = read(tmp_path, "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode())
    assert file.malformed == 0
    assert len(file.facts) == 2


def test_manga_is_passed_over(tmp_path: Path) -> None:
    file = read(tmp_path, [media(1, type="MANGA"), media(2)])
    assert [fact.anilist_id for fact in file.facts] == [2]
    assert (file.without_id, file.malformed) == (1, 0)


def test_rows_that_name_nothing_are_no_damage(tmp_path: Path) -> None:
    rows = [CHINESE, {"id": 2, "title": "", "synonyms": []}, {"id": 3, "title_korean": " "}]
    file = read(tmp_path, rows)
    assert [fact.anilist_id for fact in file.facts] == [1]
    assert (file.without_title, file.malformed) == (2, 0)


def test_empty_list_is_a_file_without_rows(tmp_path: Path) -> None:
    assert read(tmp_path, []).rows == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"<html></html>", "is not JSON"),
        (b'[{"id": 1, "title": "x"}', "is not JSON"),
        (b'[\n{"id": 1, "title": "x"},\n{"id": 2, "title": "y"},\n', "is not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"data":' * 200_000, "nested too deeply"),
        (b"\xff\xfe[\x00]\x00", "not UTF-8"),
        (b"[" + b"9" * 10_000 + b"]", "is not JSON"),
        (b"7", "no titles in a known format"),
        (b"[1, 2]", "no titles in a known format"),
        (b'{"name": "package", "version": "1"}', "no titles in a known format"),
    ],
    ids=[
        "empty",
        "HTML",
        "cut",
        "cut lines",
        "deep",
        "deep wrappers",
        "UTF-16",
        "digits",
        "number",
        "list",
        "other",
    ],
)
def test_files_of_another_kind_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(TitleFileError, match=said) as caught:
        read(tmp_path, content)
    assert caught.value.message.startswith("titles.json ")


@pytest.mark.parametrize("name", ["absent.json", "."])
def test_path_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(TitleFileError, match="cannot be read"):
        read_title_file(tmp_path / name)
