"""Rows of titles: made once, filled by every source, emptied by none."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from anime_search.metadata.cache import AnswerCache, CachedAnswer
from anime_search.metadata.facts import TitleFacts
from anime_search.metadata.services import (
    anime_for_id,
    apply_facts,
    apply_media,
    import_titles,
    mark_unknown,
    missing_ids,
    outdated_ids,
    without_known,
)
from anime_search.models import Anime, Video
from tests.anime_search.metadata.fake_anilist import FakeClock
from tests.anime_search.metadata.sample_rows import CHINESE, KOREAN, OFFLINE, media

pytestmark = pytest.mark.django_db

THEN = datetime(2026, 1, 1, tzinfo=UTC)


def row(anilist_id: int = 1) -> Anime:
    return Anime.objects.get(anilist_id=anilist_id)


def imported(tmp_path: Path, rows: list[Any], **options: Any) -> Any:
    path = tmp_path / "titles.json"
    path.write_text(json.dumps(rows))
    return import_titles(path=path, **{"create": True, **options}).applied


def add_video(anime: Anime) -> None:
    Video.objects.create(
        sha256=f"{anime.anilist_id:064}", size=1, anime=anime, filename="a.mkv", title="a", kind="episode",
        duration_ms=1, width=1, height=1, fps=1, codec="h264",
    )  # fmt: skip


def test_title_is_made_once() -> None:
    first = anime_for_id(anilist_id=7)
    assert anime_for_id(anilist_id=7) == first
    assert Anime.objects.count() == 1
    assert first.metadata_at is None
    assert missing_ids() == [7]


@pytest.mark.parametrize("anilist_id", [0, -1, 2**31])
def test_impossible_ids_make_no_title(anilist_id: int) -> None:
    with pytest.raises(ValueError, match="not an AniList id"):
        anime_for_id(anilist_id=anilist_id)


@pytest.mark.django_db(transaction=True)
def test_title_named_in_parallel_is_made_once() -> None:
    together = threading.Barrier(6)
    made: list[int] = []

    def name_it() -> None:
        together.wait()
        try:
            made.append(anime_for_id(anilist_id=7).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=name_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    assert len(set(made)) == 1
    assert Anime.objects.count() == 1


def test_media_fill_a_title_and_its_date() -> None:
    anime_for_id(anilist_id=1)
    applied = apply_media(media=[media(1)], fetched_at=THEN)
    assert (applied.created, applied.updated) == (0, 1)
    anime = row()
    assert anime.title_native == "題名1"
    assert anime.synonyms == ["T1"]
    assert (anime.season, anime.season_year, anime.start_month, anime.format) == ("SPRING", 1998, 4, "TV")
    assert anime.cover_url == "https://img.example/large/1.jpg"
    assert anime.metadata_at == THEN
    assert missing_ids() == []


def test_newer_media_replace_and_never_empty() -> None:
    apply_media(media=[media(1, isAdult=True)], fetched_at=THEN)
    later = THEN + timedelta(days=1)
    changed = media(1, title={"romaji": "New", "english": None}, synonyms=[], episodes=None, coverImage={})
    apply_media(media=[changed], fetched_at=later)
    anime = row()
    assert (anime.title_romaji, anime.title_english, anime.synonyms) == ("New", "Title 1", ["T1"])
    assert (anime.episodes, anime.cover_url) == (26, "https://img.example/large/1.jpg")
    assert anime.is_adult is False
    assert anime.metadata_at == later


def test_media_that_say_nothing_make_no_title() -> None:
    applied = apply_media(
        media=[{"id": 1, "title": None, "isAdult": False}, {"id": "x"}, media(2, type="MANGA")]
    )
    assert (applied.created, applied.skipped) == (0, 1)
    assert not Anime.objects.exists()


def test_titles_without_rows_are_made_only_if_wanted(tmp_path: Path) -> None:
    assert imported(tmp_path, [CHINESE], create=False).skipped == 1
    assert not Anime.objects.exists()
    assert imported(tmp_path, [CHINESE]).created == 1
    assert row().title_chinese == "星際牛仔"
    assert row().display_title == "星際牛仔"


def test_import_twice_changes_nothing(tmp_path: Path) -> None:
    rows = [media(1), CHINESE, KOREAN, OFFLINE, {"id": 2, "title": "二", "synonyms": []}]
    assert imported(tmp_path, rows).created == 2
    before = list(Anime.objects.order_by("pk").values())
    again = imported(tmp_path, rows)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    assert list(Anime.objects.order_by("pk").values()) == before


def test_sources_add_up_in_either_order(tmp_path: Path) -> None:
    rows = [media(1), CHINESE, KOREAN, OFFLINE]
    imported(tmp_path, rows)
    imported(tmp_path, [KOREAN | {"id": 2}, CHINESE | {"id": 2}, media(2)])
    first, second = row(1), row(2)
    for anime in (first, second):
        assert anime.title_chinese == "星際牛仔"
        assert anime.title_korean == "카우보이 비밥"
        assert anime.title_english == f"Title {anime.anilist_id}"
        assert anime.metadata_at is not None


def test_translated_titles_leave_the_rest_to_anilist(tmp_path: Path) -> None:
    imported(tmp_path, [CHINESE, KOREAN | {"id": 2}, OFFLINE | {"sources": ["https://anilist.co/anime/3"]}])
    assert missing_ids() == [1, 2, 3]


def test_partial_media_leave_the_rest_to_anilist(tmp_path: Path) -> None:
    imported(tmp_path, [{"id": 1, "title": {"romaji": "x"}}, media(2)])
    assert missing_ids() == [1]


def test_lesser_source_fills_gaps_only(tmp_path: Path) -> None:
    Anime.objects.create(anilist_id=1, title_romaji="Kept", episodes=13, metadata_at=THEN)
    imported(tmp_path, [OFFLINE])
    anime = row()
    assert (anime.title_romaji, anime.episodes) == ("Kept", 13)
    assert (anime.mal_id, anime.season_year, anime.synonyms) == (1, 1998, ["COWBOY BEBOP", "Kowboj Bibop"])
    assert anime.metadata_at == THEN


def test_empty_values_never_replace(tmp_path: Path) -> None:
    imported(tmp_path, [CHINESE])
    imported(tmp_path, [{"id": 1, "title": "", "synonyms": []}, {"id": 1, "title": "新", "synonyms": []}])
    assert (row().title_chinese, row().synonyms_chinese) == ("新", ["惡男傑特"])


def test_file_does_not_renew_the_date_of_a_fetch(tmp_path: Path) -> None:
    apply_media(media=[media(1)], fetched_at=THEN)
    imported(tmp_path, [media(1, episodes=99)])
    assert (row().metadata_at, row().episodes) == (THEN, 99)


def test_other_columns_survive_an_import(tmp_path: Path) -> None:
    mark = Anime.objects.create(
        anilist_id=1, title_english="By hand", metadata_missing=True, metadata_at=THEN
    )
    imported(tmp_path, [CHINESE])
    anime = row()
    assert anime.pk == mark.pk
    assert (anime.title_english, anime.metadata_missing, anime.metadata_at) == ("By hand", True, THEN)


def test_dry_run_counts_and_writes_nothing(tmp_path: Path) -> None:
    anime_for_id(anilist_id=1)
    applied = imported(tmp_path, [CHINESE, KOREAN | {"id": 2}], dry_run=True)
    assert (applied.created, applied.updated) == (1, 1)
    assert row().title_chinese == ""
    assert Anime.objects.count() == 1


def test_many_rows_cross_the_chunks(tmp_path: Path, django_assert_max_num_queries: Any) -> None:
    rows = [{"id": number, "title": f"題{number}", "synonyms": []} for number in range(1, 1202)]
    with django_assert_max_num_queries(120):
        assert imported(tmp_path, rows).created == 1201
    with django_assert_max_num_queries(12):
        assert imported(tmp_path, rows).unchanged == 1201


def test_row_that_appears_during_an_import_is_updated(monkeypatch: pytest.MonkeyPatch) -> None:
    bulk_create = Anime.objects.bulk_create

    def after_another(rows: list[Anime], **options: Any) -> list[Anime]:
        anime_for_id(anilist_id=1)
        return bulk_create(rows, **options)

    monkeypatch.setattr(Anime.objects, "bulk_create", after_another)
    apply_facts(facts=[TitleFacts(1, {"title_korean": "가"})], create=True)
    assert row().title_korean == "가"
    assert Anime.objects.count() == 1


def test_texts_that_databases_refuse_are_cleaned(tmp_path: Path) -> None:
    imported(tmp_path, [{"id": 1, "title": "a\x00b\ud800c", "synonyms": ["\udfff", "d\x00"]}])
    assert (row().title_chinese, row().synonyms_chinese) == ("abc", ["d"])


def test_unknown_titles_keep_what_they_have_and_are_not_missing() -> None:
    apply_media(media=[media(1)], fetched_at=THEN)
    anime_for_id(anilist_id=2)
    mark_unknown(anilist_ids=[1, 2, 3], asked_at=THEN)
    assert row(1).title_english == "Title 1"
    assert row(1).metadata_missing
    assert row(2).metadata_missing
    assert missing_ids() == []
    apply_media(media=[media(2)], fetched_at=THEN)
    assert not row(2).metadata_missing


def test_titles_with_videos_come_first() -> None:
    for anilist_id in (1, 2, 3):
        anime_for_id(anilist_id=anilist_id)
    add_video(row(3))
    assert missing_ids() == [3, 1, 2]


def test_outdated_titles_are_those_asked_for_long_ago_or_never() -> None:
    for anilist_id, days in {1: 0, 2: 10, 3: 20}.items():
        apply_media(media=[media(anilist_id)], fetched_at=THEN - timedelta(days=days))
    mark_unknown(anilist_ids=[3], asked_at=THEN - timedelta(days=20))
    anime_for_id(anilist_id=4)
    assert outdated_ids(before=THEN - timedelta(days=15)) == [3, 4]
    assert without_known(ids=[5, 2, 3, 5]) == [5]
    assert without_known(ids=[5, 2, 3], since=THEN - timedelta(days=15)) == [5, 3]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff",
        b"[]",
        b'{"media": null}',
        b'{"media": {"id": 2}, "fetched_at": "2026-01-01T00:00:00+00:00"}',
        b'{"media": [], "fetched_at": "2026-01-01T00:00:00+00:00"}',
        b'{"media": null, "fetched_at": "2026-01-01T00:00:00"}',
        b'{"media": null, "fetched_at": 5}',
        b'{"media": null, "fetched_at": "2999-01-01T00:00:00+00:00"}',
    ],
)
def test_damaged_answers_on_disk_are_no_answers(
    tmp_path: Path, fake_clock: FakeClock, content: bytes
) -> None:
    cache = AnswerCache(tmp_path, max_age=timedelta(days=9000), now=fake_clock.now)
    (tmp_path / "1.json").write_bytes(content)
    assert cache.get(1) is None


def test_answers_on_disk_are_given_until_they_are_old(tmp_path: Path, fake_clock: FakeClock) -> None:
    cache = AnswerCache(tmp_path / "cache", max_age=timedelta(days=2), now=fake_clock.now)
    kept = CachedAnswer(media(1), fake_clock.at)
    cache.put(1, kept)
    cache.put(2, CachedAnswer(None, fake_clock.at))
    fake_clock.at += timedelta(days=1)
    assert cache.get(1) == kept
    assert cache.get(2) == CachedAnswer(None, kept.fetched_at)
    assert cache.get(3) is None
    assert sorted(path.name for path in cache.root.iterdir()) == ["1.json", "2.json"]
    fake_clock.at += timedelta(days=1)
    assert cache.get(1) is None


def test_disk_that_takes_nothing_is_survived(tmp_path: Path, fake_clock: FakeClock) -> None:
    (tmp_path / "file").touch()
    cache = AnswerCache(tmp_path / "file", max_age=timedelta(days=2), now=fake_clock.now)
    cache.put(1, CachedAnswer(None, fake_clock.at))
    assert cache.get(1) is None
