"""``anime_metadata``: what it asks for, what it keeps when it is stopped, what it says and how it ends."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from anime_search.management.commands.anime_metadata import CACHE_AGE
from anime_search.metadata.services import missing_ids
from anime_search.models import Anime
from tests.anime_search.metadata.fake_anilist import TOO_MANY, FakeAniList, FakeClock, Reply
from tests.anime_search.metadata.operator_run import name, run, titles
from tests.anime_search.metadata.sample_rows import CHINESE, KOREAN, media

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(60)]


def write(path: Path, content: object) -> str:
    path.write_text(json.dumps(content))
    return str(path)


def test_titles_without_metadata_are_filled(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    name(1, 2, 3)
    anilist.know(1, 2)
    summary = run(fake_clock)
    assert summary == {
        "asked_for": 3,
        "from_cache": 0,
        "requests": 1,
        "found": 2,
        "unknown_to_anilist": 1,
        "created": 0,
        "updated": 2,
        "unchanged": 0,
        "skipped": 0,
    }
    assert titles() == {1: "Daimei 1", 2: "Daimei 2"}
    assert Anime.objects.get(anilist_id=3).metadata_missing
    assert "Frameproof" in anilist.user_agents[0]
    assert "https://frames.example" in anilist.user_agents[0]


def test_done_and_unknown_titles_are_not_asked_for_again(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    name(1, 2)
    anilist.know(1)
    run(fake_clock)
    name(3)
    anilist.know(3)
    assert run(fake_clock)["asked_for"] == 1
    assert anilist.asked == [[1, 2], [3]]


def test_answers_on_disk_serve_a_new_database(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    name(1, 2)
    anilist.know(1)
    run(fake_clock)
    asked_at = fake_clock.at
    Anime.objects.all().delete()
    name(1, 2)
    fake_clock.at += timedelta(days=3)
    summary = run(fake_clock)
    assert (summary["from_cache"], summary["requests"]) == (2, 0)
    assert titles() == {1: "Daimei 1"}
    assert Anime.objects.get(anilist_id=1).metadata_at == asked_at
    assert Anime.objects.get(anilist_id=2).metadata_missing
    Anime.objects.all().delete()
    name(1)
    fake_clock.at += CACHE_AGE
    assert run(fake_clock)["requests"] == 1


def test_named_ids_are_asked_for_and_made_if_known(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    name(5)
    anilist.know(1)
    summary = run(fake_clock, "--ids", "1, 2,2")
    assert (summary["found"], summary["unknown_to_anilist"], summary["created"]) == (1, 1, 1)
    assert anilist.asked == [[1, 2]]
    assert set(Anime.objects.values_list("anilist_id", flat=True)) == {1, 5}


def test_old_metadata_are_refreshed(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    name(1)
    anilist.know(1)
    run(fake_clock)
    fake_clock.at += timedelta(days=5)
    name(2)
    anilist.know(2)
    run(fake_clock)
    fake_clock.at += timedelta(days=5)
    anilist.known[1]["episodes"] = 27
    assert run(fake_clock, "--refresh-older-than", "7")["found"] == 1
    assert anilist.asked == [[1], [2], [1]]
    assert Anime.objects.get(anilist_id=1).episodes == 27
    assert Anime.objects.get(anilist_id=1).metadata_at == fake_clock.at
    run(fake_clock, "--ids", "2", "--refresh-older-than", "7")
    assert len(anilist.asked) == 3
    run(fake_clock, "--ids", "2", "--refresh-older-than", "0")
    assert anilist.asked[3:] == [[2]]


def test_dry_run_asks_nothing_and_writes_nothing(
    anilist: FakeAniList, fake_clock: FakeClock, tmp_path: Path
) -> None:
    name(*range(1, 53))
    anilist.know(1)
    run(fake_clock, "--ids", "1")
    name(99)
    before = list(Anime.objects.values())
    file = write(tmp_path / "titles.json", [CHINESE | {"id": 200}])
    summary = run(fake_clock, "--dry-run", "--refresh-older-than", "1", "--from-json", file)
    assert summary["dry_run"] is True
    assert (summary["asked_for"], summary["requests"], summary["created"]) == (52, 2, 1)
    assert list(Anime.objects.values()) == before
    assert len(anilist.asked) == 1


def test_refusals_are_waited_out(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    name(*range(1, 61))
    anilist.know(*range(1, 61))
    anilist.script.extend([None, Reply(429, TOO_MANY, {"Retry-After": "42"}), Reply(500, b"")])
    summary = run(fake_clock, "--rate", "60")
    assert summary["requests"] == 4
    assert len(titles()) == 60
    assert fake_clock.naps[1] == pytest.approx(42.5, abs=0.5)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(403, {"errors": [{"message": "The API is disabled."}]}), "The API is disabled"),
        (Reply(429, TOO_MANY, {"Retry-After": "86400"}), "wait for 86400 seconds"),
    ],
)
def test_refusal_for_good_ends_the_run(
    anilist: FakeAniList, fake_clock: FakeClock, reply: Reply, said: str
) -> None:
    name(1)
    anilist.script.append(reply)
    with pytest.raises(CommandError, match=said):
        run(fake_clock)
    assert missing_ids() == [1]


def test_answer_that_is_no_graphql_marks_nothing_unknown(anilist: FakeAniList, fake_clock: FakeClock) -> None:
    name(1)
    anilist.script.extend([Reply(body=b"<html>login</html>")] * 6)
    with pytest.raises(CommandError, match="6 tries"):
        run(fake_clock)
    assert missing_ids() == [1]


def test_files_alone_ask_nobody(anilist: FakeAniList, fake_clock: FakeClock, tmp_path: Path) -> None:
    files = [
        write(tmp_path / "zh.json", [CHINESE, {"bad": 1}]),
        write(tmp_path / "ko.json", [KOREAN, media(2)]),
    ]
    summary = run(fake_clock, "--from-json", *files)
    assert summary == {
        "files": 2,
        "rows": 4,
        "formats": ["anilist-chinese: 1", "translated titles: 1", "anilist: 1"],
        "malformed": 1,
        "without_anilist_id": 0,
        "without_title": 0,
        "created": 2,
        "updated": 1,
        "unchanged": 0,
        "skipped": 0,
    }
    assert anilist.asked == []


@pytest.mark.parametrize(("option", "rows"), [("--create", 2), ("--existing-only", 1), ("--no-create", 1)])
def test_files_make_titles_unless_told_otherwise(
    anilist: FakeAniList, fake_clock: FakeClock, tmp_path: Path, option: str, rows: int
) -> None:
    name(1)
    run(fake_clock, option, "--from-json", write(tmp_path / "zh.json", [CHINESE, CHINESE | {"id": 2}]))
    assert Anime.objects.count() == rows
    assert Anime.objects.get(anilist_id=1).title_chinese == "星際牛仔"


@pytest.mark.parametrize(
    ("option", "asked"), [("--all-ids-from-json", [[1, 2]]), ("--missing", [[1, 2, 3]]), ("--ids=3", [[3]])]
)
def test_files_and_anilist_in_one_run(
    anilist: FakeAniList, fake_clock: FakeClock, tmp_path: Path, option: str, asked: list[list[int]]
) -> None:
    name(3)
    file = write(tmp_path / "zh.json", [CHINESE, CHINESE | {"id": 2}, media(4)])
    anilist.know(1, 2, 3)
    run(fake_clock, "--from-json", file, option)
    assert anilist.asked == asked


def test_ids_of_files_are_asked_for_without_rows(
    anilist: FakeAniList, fake_clock: FakeClock, tmp_path: Path
) -> None:
    file = write(tmp_path / "zh.json", [CHINESE])
    anilist.know(1)
    run(fake_clock, "--existing-only", "--from-json", file, "--all-ids-from-json")
    assert not Anime.objects.exists()


def test_malformed_rows_are_named_to_the_operator(
    anilist: FakeAniList, fake_clock: FakeClock, tmp_path: Path
) -> None:
    stderr = io.StringIO()
    file = write(tmp_path / "zh.json", [CHINESE, {"id": "x", "title": "y"}])
    call_command("anime_metadata", "--from-json", file, stdout=io.StringIO(), stderr=stderr)
    assert "zh.json: row 2: no AniList id" in stderr.getvalue()


@pytest.mark.parametrize("content", [b"<html>", b"", b"[1]"])
def test_file_that_is_no_list_of_titles_fails(
    anilist: FakeAniList, fake_clock: FakeClock, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "zh.json").write_bytes(content)
    with pytest.raises(CommandError, match=r"zh\.json"):
        run(fake_clock, "--from-json", str(tmp_path / "zh.json"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--ids", ""],
        ["--ids", "1,x"],
        ["--ids", "0"],
        ["--ids", "2147483648"],
        ["--ids", "٣"],
        ["--ids", "1", "--missing"],
        ["--rate", "0"],
        ["--rate", "91"],
        ["--rate", "1.5"],
        ["--refresh-older-than", "-1"],
        ["--refresh-older-than", "nan"],
        ["--refresh-older-than", "1e9"],
        ["--all-ids-from-json"],
        ["--from-json"],
    ],
    ids=" ".join,
)
def test_senseless_options_are_refused(
    anilist: FakeAniList, fake_clock: FakeClock, arguments: list[str]
) -> None:
    name(1)
    with pytest.raises(CommandError):
        run(fake_clock, *arguments)
    assert anilist.asked == []
