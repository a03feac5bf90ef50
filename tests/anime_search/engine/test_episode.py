"""What is read off the paths of videos, row by row, and that no path breaks the reading."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anime_search.engine.episode import ParsedPath, VideoKind, current_episode, legacy_episode, parse_path
from anime_search.engine.episode_rules import MAX_NAME_CHARS, fold, legible, read_number

GENEROUS_DEADLINE_MS = 2000
PROJECT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("path", "title", "episode"),
    [
        # the example of trace.moe's first API, and how fansub groups write
        ("[Ohys-Raws] Yuru Camp - 05 (AT-X 1280x720 x264 AAC).mp4", "Yuru Camp", 5),
        ("[SubsPlease] Yuru Camp - 05 (1080p) [F0F0F0F0].mkv", "Yuru Camp", 5),
        ("Yuru_Camp_-_05_[720p].mkv", "Yuru Camp", 5),
        ("[Grp] Yuru Camp 05 [1080p].mkv", "Yuru Camp", 5),
        ("[Grp] Yuru Camp - 12 END [1080p][Multiple Subtitle].mkv", "Yuru Camp", 12),
        (
            "[Nekomoe kissaten&LoliHouse] Yuru Camp - 05 [WebRip 1080p HEVC-10bit AAC ASSx2].mkv",
            "Yuru Camp",
            5,
        ),
        ("[Nekomoe kissaten][Yuru Camp][05][1080p][JPSC].mp4", "Yuru Camp", 5),
        ("★04月新番[Grp][Yuru Camp][05][1080p].mp4", "Yuru Camp", 5),
        ("【字幕组】【作品名】【05】【1080P】【简体】.mp4", "作品名", 5),
        ("[DBD-Raws][作品名][05][1080P][BDRip][HEVC-10bit][FLAC].mkv", "作品名", 5),
        ("[Grp] Yuru Camp 05 Some Subtitle 1080p.mkv", "Yuru Camp", 5),
        # episode counters of several languages
        ("ゆるキャン 第05話.mp4", "ゆるキャン", 5),
        ("ゆるキャン 第05話「第1回キャンプ大会」.mp4", "ゆるキャン", 5),
        ("ワンピース 第1000話 「麦わらの一味」.mp4", "ワンピース", 1000),
        ("作品名 第十二話 サブタイトル.mp4", "作品名", 12),
        ("作品名 第百五話.mp4", "作品名", 105),
        ("作品名 第九十九集.mp4", "作品名", 99),
        ("作品名 第5回.mp4", "作品名", 5),
        ("진격의 거인 11화.mp4", "진격의 거인", 11),
        ("진격의 거인 제3화.mp4", "진격의 거인", 3),
        ("Yuru Camp #05.mkv", "Yuru Camp", 5),
        ("Yuru Camp EP12.mkv", "Yuru Camp", 12),
        ("Yuru Camp E12.mkv", "Yuru Camp", 12),
        ("Yuru Camp Ep.03v2 [720p].mkv", "Yuru Camp", 3),
        ("Yuru Camp Episode 5 - Name.mkv", "Yuru Camp", 5),
        ("Yuru Camp EP05 - 12 Monkeys.mkv", "Yuru Camp", 5),
        ("Ｙｕｒｕ Ｃａｍｐ － ０５.mkv", "Ｙｕｒｕ Ｃａｍｐ", 5),
        # subtitles behind the number
        ("Yuru Camp - 05 - 100 Years of Love [720p].mkv", "Yuru Camp", 5),
        ("Yuru Camp - 05 Some Subtitle.mkv", "Yuru Camp", 5),
        # four digits, fractions
        ("One Piece - 1071.mkv", "One Piece", 1071),
        ("[Grp][One Piece][1071][1080p].mkv", "One Piece", 1071),
        ("Yuru Camp - 12.5 [x265 10bit].mkv", "Yuru Camp", 12.5),
        ("[Grp][Yuru Camp][12.5][1080p].mkv", "Yuru Camp", 12.5),
    ],
)
def test_title_and_episode_are_read_off_a_name(path: str, title: str, episode: float) -> None:
    parsed = parse_path(path)

    assert (parsed.title, parsed.episode, parsed.season) == (title, episode, None)
    assert parsed.kind is VideoKind.EPISODE


@pytest.mark.parametrize(
    ("path", "title", "episode"),
    [
        ("86 - 05.mkv", "86", 5),
        ("[Grp][86][05][1080P].mkv", "86", 5),
        ("Mob Psycho 100 - 07.mkv", "Mob Psycho 100", 7),
        ("[DBD-Raws][Mob Psycho 100][05][1080P].mkv", "Mob Psycho 100", 5),
        ("Steins;Gate 0 - 03.mkv", "Steins;Gate 0", 3),
        ("Steins;Gate 0.mkv", "Steins;Gate 0", None),
        ("Zom 100 - 02.mkv", "Zom 100", 2),
        ("22\uff0f7 - 04.mkv", "22\uff0f7", 4),
        ("22-7 - 04.mkv", "22-7", 4),
        ("91 Days - 05.mkv", "91 Days", 5),
        ("Kaguya-sama 3 - 02.mkv", "Kaguya-sama 3", 2),
        ("[Grp] Love Kome -WE LOVE RICE- 2 - 07 [1080p].mkv", "Love Kome -WE LOVE RICE- 2", 7),
        ("Love Kome -WE LOVE RICE- 2 - 07 - Subtitle.mkv", "Love Kome -WE LOVE RICE- 2", 7),
        ("Tantei Kageki SP 2018 - 07.mkv", "Tantei Kageki SP 2018", 7),
        ("Fruits Basket 2019 - 05.mkv", "Fruits Basket 2019", 5),
        ("Special A - 05.mkv", "Special A", 5),
        ("[Grp] Special 7 - 05.mkv", "Special 7", 5),
        ("Yumeiro Patissiere SP Professional - 05.mkv", "Yumeiro Patissiere SP Professional", 5),
        ("Yuru Camp Part 2 - 05.mkv", "Yuru Camp Part 2", 5),
        ("Yuru Camp Cour 2 - 05.mkv", "Yuru Camp Cour 2", 5),
        ("Yuru Camp Part 2.mkv", "Yuru Camp Part 2", None),
        ("100 Meters.mkv", "100 Meters", None),
        ("Apollo 13 (1995).mkv", "Apollo 13", None),
        ("未來都市NO.6 - 07.mkv", "未來都市NO.6", 7),
        ("[Grp] 鬼滅之刃 無限列車編 (TV) - 07.mkv", "鬼滅之刃 無限列車編 (TV)", 7),
        ("[Grp] ○ - 07 [1080p].mkv", "○", 7),
        ("[Grp] 攻殼機動隊 2.0 - 07.mkv", "攻殼機動隊 2.0", 7),
    ],
)
def test_numbers_and_words_of_a_title_stay_in_it(path: str, title: str, episode: float | None) -> None:
    parsed = parse_path(path)

    assert (parsed.title, parsed.episode) == (title, episode)
    assert parsed.kind is (VideoKind.UNKNOWN if episode is None else VideoKind.EPISODE)


@pytest.mark.parametrize(
    "tags",
    [
        "[1080p]",
        "[1080P][10bit]",
        "(1920x1080)",
        "[1080]",
        "1080p x265 10bit",
        "(2.0 AAC)",
        "[FLAC 5.1]",
        "[DDP5.1 H.264]",
        "[A1B2C3D4]",
        "[12345678]",
        "[2023.04.07]",
        "[20230407]",
        "(2019)",
        "(1)",
        "[23.976fps]",
        "[简体][1080P][完]",
    ],
)
def test_technical_numbers_are_no_episode(tags: str) -> None:
    without = parse_path(f"Yuru Camp {tags}.mkv")
    with_number = parse_path(f"[Grp] Yuru Camp - 05 {tags}.mkv")

    assert (without.episode, without.kind) == (None, VideoKind.UNKNOWN)
    assert (with_number.title, with_number.episode, with_number.episode_end) == ("Yuru Camp", 5, None)


def test_technical_terms_without_a_number_leave_the_title() -> None:
    assert parse_path("Yuru Camp [1080p] (x265 10bit).mkv").title == "Yuru Camp"
    assert parse_path("Yuru Camp 2023.04.07 05.mkv").title == "Yuru Camp"


@pytest.mark.parametrize(
    ("path", "season", "episode"),
    [
        ("Yuru Camp S2E05.mkv", 2, 5),
        ("Yuru Camp - S02E05 - A Subtitle with 3 Words.mkv", 2, 5),
        ("yuru.camp.s01e05.1080p.web.mkv", 1, 5),
        ("Yuru Camp 2x05.mkv", 2, 5),
        ("Yuru Camp S2 - 05.mkv", 2, 5),
        ("Yuru Camp Season 2 - 05.mkv", 2, 5),
        ("Yuru Camp Season 2 Episode 5.mkv", 2, 5),
        ("Yuru Camp 2nd Season - 05.mkv", 2, 5),
        ("Yuru Camp Second Season - 05.mkv", 2, 5),
        ("Yuru Camp 第2期 05.mp4", 2, 5),
        ("Yuru Camp 第二季 - 05.mp4", 2, 5),
        ("Yuru Camp 第2期 第5話.mp4", 2, 5),
        ("Yuru Camp シーズン2 第5話.mp4", 2, 5),
        ("Yuru Camp 2기 5화.mp4", 2, 5),
        ("[Grp][Yuru Camp][S2][05][1080p].mkv", 2, 5),
        ("[Grp][Yuru Camp 第二季][05][1080p].mkv", 2, 5),
        ("Yuru Camp (Season 2) - 05.mkv", 2, 5),
        ("Yuru Camp S21E1071.mkv", 21, 1071),
    ],
)
def test_season_is_told_apart_from_the_title(path: str, season: int, episode: float) -> None:
    parsed = parse_path(path)

    assert (parsed.title.casefold(), parsed.season, parsed.episode) == ("yuru camp", season, episode)


def test_a_season_inside_a_title_is_noted_and_stays() -> None:
    parsed = parse_path("[Grp] Fate 2nd Season - sunny day - 07 [1080p].mkv")

    assert (parsed.title, parsed.season, parsed.episode) == ("Fate 2nd Season - sunny day", 2, 7)


@pytest.mark.parametrize(
    ("path", "first", "last"),
    [
        ("[Grp] Yuru Camp - 01-03 [1080p].mkv", 1, 3),
        ("[Grp] Yuru Camp - 01~12 [1080p].mkv", 1, 12),
        ("[Grp] Yuru Camp - 01 - 12 [1080p].mkv", 1, 12),
        ("[Grp][Yuru Camp][01-12 Fin][1080p].mkv", 1, 12),
        ("Yuru Camp EP01-EP03.mkv", 1, 3),
        ("Yuru Camp 第01-03話.mp4", 1, 3),
        ("Yuru Camp S02E05-E07.mkv", 5, 7),
        ("Yuru Camp S02E05E06.mkv", 5, 6),
        ("Yuru Camp S02E05-07.mkv", 5, 7),
    ],
)
def test_range_gives_its_first_and_last_number(path: str, first: float, last: float) -> None:
    parsed = parse_path(path)

    assert (parsed.title, parsed.episode, parsed.episode_end) == ("Yuru Camp", first, last)


@pytest.mark.parametrize(
    ("path", "episode", "episode_end", "absolute"),
    [
        ("Yuru Camp S02E05 (30).mkv", 5, None, 30),
        ("Yuru Camp - S02E05 - 030 - Subtitle [1080p].mkv", 5, None, 30),
        ("[Grp] Yuru Camp - 11(10) (AT-X 1280x720 x264 AAC).mp4", 10, None, 11),
        ("[Grp][Yuru Camp][09.5(21.5)][1280X720].mp4", 9.5, None, 21.5),
        ("[Grp][Yuru Camp][226-227(06-07)][BIG5].mp4", 6, 7, 226),
        ("Yuru Camp - 05 (2019).mkv", 5, None, None),
        ("Yuru Camp - 05 (720).mkv", 5, None, None),
    ],
)
def test_second_number_is_the_absolute_one(
    path: str, episode: float, episode_end: float | None, absolute: float | None
) -> None:
    parsed = parse_path(path)

    assert (parsed.title, parsed.episode, parsed.episode_end) == ("Yuru Camp", episode, episode_end)
    assert parsed.absolute_episode == absolute


@pytest.mark.parametrize(
    ("path", "kind", "episode", "title"),
    [
        ("[Grp] Yuru Camp NCOP1 [BD 1080p].mkv", VideoKind.OPENING, 1, "Yuru Camp"),
        ("[Grp][Yuru Camp][NCOP][1080p].mkv", VideoKind.OPENING, None, "Yuru Camp"),
        ("Yuru Camp Creditless OP.mkv", VideoKind.OPENING, None, "Yuru Camp"),
        ("Yuru Camp ノンクレジットOP.mkv", VideoKind.OPENING, None, "Yuru Camp"),
        ("Yuru Camp - OP2.mkv", VideoKind.OPENING, 2, "Yuru Camp"),
        ("[Grp] Yuru Camp - NCED2v2.mkv", VideoKind.ENDING, 2, "Yuru Camp"),
        ("Yuru Camp ノンテロップエンディング.mkv", VideoKind.ENDING, None, "Yuru Camp"),
        ("[FLsnow][AIR][Ep12_Creditless_ED][DVDrip][x264_AAC].mp4", VideoKind.ENDING, 12, "AIR"),
        ("[Grp] Yuru Camp - OVA 2 [BD].mkv", VideoKind.OVA, 2, "Yuru Camp"),
        ("[Grp] Yuru Camp OVA - 07 [BD].mkv", VideoKind.OVA, 7, "Yuru Camp OVA"),
        ("[Grp] Yuru Camp - 13 OVA (AT-X 1280x720).mp4", VideoKind.OVA, 13, "Yuru Camp"),
        ("[Grp] Yuru Camp (2018) - OVA (BD 1280x720 x264 AAC).mp4", VideoKind.OVA, None, "Yuru Camp"),
        ("Yuru Camp OAD.mkv", VideoKind.OVA, None, "Yuru Camp"),
        ("Yuru Camp Special 1.mkv", VideoKind.SPECIAL, 1, "Yuru Camp"),
        ("Yuru Camp SP2.mkv", VideoKind.SPECIAL, 2, "Yuru Camp"),
        ("Yuru Camp - SP [720p].mkv", VideoKind.SPECIAL, None, "Yuru Camp"),
        ("ゆるキャン 特別編.mp4", VideoKind.SPECIAL, None, "ゆるキャン"),
        ("Yuru Camp S00E03.mkv", VideoKind.SPECIAL, 3, "Yuru Camp"),
        ("Yuru Camp PV2.mp4", VideoKind.PREVIEW, 2, "Yuru Camp"),
        ("Yuru Camp CM01.mp4", VideoKind.PREVIEW, 1, "Yuru Camp"),
        ("Yuru Camp Trailer.mp4", VideoKind.PREVIEW, None, "Yuru Camp"),
        ("[Grp] Yuru Camp - 01 Preview (AT-X 1280x720).mp4", VideoKind.PREVIEW, 1, "Yuru Camp"),
        ("Yuru Camp Movie.mkv", VideoKind.MOVIE, None, "Yuru Camp Movie"),
        ("Yuru Camp (Movie) [1080p].mkv", VideoKind.MOVIE, None, "Yuru Camp"),
        ("Yuru Camp The Movie 2.mkv", VideoKind.MOVIE, 2, "Yuru Camp The Movie 2"),
        ("劇場版 ゆるキャン.mkv", VideoKind.MOVIE, None, "劇場版 ゆるキャン"),
        ("剧场版 摇曳露营.mkv", VideoKind.MOVIE, None, "剧场版 摇曳露营"),
        ("Gekijouban Yuru Camp [1080p].mkv", VideoKind.MOVIE, None, "Gekijouban Yuru Camp"),
        ("劇場版 ゆるキャン 予告.mp4", VideoKind.PREVIEW, None, "劇場版 ゆるキャン"),
        ("clip.mp4", VideoKind.UNKNOWN, None, "clip"),
    ],
)
def test_kind_is_read_off_a_name(path: str, kind: VideoKind, episode: float | None, title: str) -> None:
    parsed = parse_path(path)

    assert (parsed.kind, parsed.episode, parsed.title) == (kind, episode, title)


@pytest.mark.parametrize(
    "path",
    ["Yuru Camp - 05 - The Movie.mkv", "Yuru Camp S01E05 - Special.mkv", "[OVA-Raws] Yuru Camp - 05.mkv"],
)
def test_words_of_a_subtitle_or_group_give_no_kind(path: str) -> None:
    assert parse_path(path).kind is VideoKind.EPISODE


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("[Grp] Yuru Camp - 05v2 [ABCD1234].mkv", 2),
        ("[Grp][Yuru Camp][05v3][1080p].mkv", 3),
        ("[Grp] Yuru Camp - 05 [v2][1080p].mkv", 2),
        ("[Grp] Yuru Camp - NCED2v2.mkv", 2),
        ("[Grp] Yuru Camp - 05.mkv", None),
    ],
)
def test_version_of_a_release(path: str, version: int | None) -> None:
    assert parse_path(path).version == version


@pytest.mark.parametrize(
    ("path", "group", "title"),
    [
        ("[Nekomoe kissaten&LoliHouse] Yuru Camp - 05.mkv", "Nekomoe kissaten&LoliHouse", "Yuru Camp"),
        ("【字幕组】【作品名】【05】.mp4", "字幕组", "作品名"),
        ("Yuru Camp - 05 [1080p][Grp].mkv", "Grp", "Yuru Camp"),
        ("Yuru.Camp.2016.1080p.BluRay.x264-GRP.mkv", "GRP", "Yuru Camp"),
        ("[Grp] Yuru Camp/05.mkv", "Grp", "Yuru Camp"),
        ("【推しの子】 第05話.mp4", None, "推しの子"),
        ("[Grp] 【推しの子】 - 05.mp4", "Grp", "推しの子"),
        ("Yuru Camp S02E05 (30).mkv", None, "Yuru Camp"),
    ],
)
def test_release_group_is_told_apart_from_the_title(path: str, group: str | None, title: str) -> None:
    parsed = parse_path(path)

    assert (parsed.release_group, parsed.title) == (group, title)


@pytest.mark.parametrize(
    "path",
    [
        "[Grp] 葬送的芙莉莲 \uff0f Sousou no Frieren - 05 [1080p].mkv",
        "[Grp] 葬送的芙莉莲 | Sousou no Frieren - 05 [1080p].mkv",
        "[Grp][葬送的芙莉莲][Sousou no Frieren][05][1080p][繁中].mkv",
    ],
)
def test_of_titles_in_two_languages_the_latin_one_counts(path: str) -> None:
    parsed = parse_path(path)

    assert (parsed.release_group, parsed.title, parsed.episode) == ("Grp", "Sousou no Frieren", 5)


@pytest.mark.parametrize(
    ("path", "title", "year"),
    [
        ("Dororo (2019) - 05.mkv", "Dororo", 2019),
        ("[YMDR][哥布林殺手][Goblin Slayer][2018][05][1080p].mp4", "Goblin Slayer", 2018),
        ("Kimi.no.Na.wa.2016.1080p.BluRay.x264-GRP.mkv", "Kimi no Na wa", 2016),
        ("Dororo (2019)/05.mkv", "Dororo", 2019),
        ("Dororo 2023.04.07 - 05.mkv", "Dororo", None),
    ],
)
def test_year_of_a_work(path: str, title: str, year: int | None) -> None:
    parsed = parse_path(path)

    assert (parsed.title, parsed.year) == (title, year)


@pytest.mark.parametrize(
    ("path", "title", "season", "episode", "kind"),
    [
        ("Yuru Camp/Season 1/05.mkv", "Yuru Camp", 1, 5, VideoKind.EPISODE),
        ("Yuru Camp/S02/05v2.mkv", "Yuru Camp", 2, 5, VideoKind.EPISODE),
        ("Yuru Camp/第2期/第05話 サブタイトル.mp4", "Yuru Camp", 2, 5, VideoKind.EPISODE),
        ("Yuru Camp/Season 2/Yuru Camp - 05.mkv", "Yuru Camp", 2, 5, VideoKind.EPISODE),
        ("Yuru Camp 2nd Season/05.mkv", "Yuru Camp", 2, 5, VideoKind.EPISODE),
        ("Yuru Camp/05 - Some Episode Title.mkv", "Yuru Camp", None, 5, VideoKind.EPISODE),
        ("Yuru Camp/05. Some Episode Title.mkv", "Yuru Camp", None, 5, VideoKind.EPISODE),
        ("[Grp] Yuru Camp [BD 1080p]/[05].mkv", "Yuru Camp", None, 5, VideoKind.EPISODE),
        ("Mob Psycho 100/05.mkv", "Mob Psycho 100", None, 5, VideoKind.EPISODE),
        ("Yuru Camp/Specials/01.mkv", "Yuru Camp", None, 1, VideoKind.SPECIAL),
        ("Yuru Camp/OVA/02.mkv", "Yuru Camp", None, 2, VideoKind.OVA),
        ("Yuru Camp/.mp4", "Yuru Camp", None, None, VideoKind.UNKNOWN),
        ("../Yuru Camp/05.mkv", "Yuru Camp", None, 5, VideoKind.EPISODE),
        ("05 - Some Episode Title.mkv", "Some Episode Title", None, 5, VideoKind.EPISODE),
        ("05.mkv", "05", None, 5, VideoKind.EPISODE),
        ("Season 1/05.mkv", "Season 1", 1, 5, VideoKind.EPISODE),
        (".mp4", ".mp4", None, None, VideoKind.UNKNOWN),
        ("", "untitled", None, None, VideoKind.UNKNOWN),
        ("/", "untitled", None, None, VideoKind.UNKNOWN),
        ("\x00\n", "untitled", None, None, VideoKind.UNKNOWN),
    ],
)
def test_folders_give_what_the_file_name_leaves_open(
    path: str, title: str, season: int | None, episode: float | None, kind: VideoKind
) -> None:
    parsed = parse_path(path)

    assert (parsed.title, parsed.season, parsed.episode, parsed.kind) == (title, season, episode, kind)


@pytest.mark.parametrize(
    ("path", "anilist_id", "title"),
    [
        ("98444/Yuru Camp - 05.mkv", 98444, "Yuru Camp"),
        ("21/ワンピース 第1000話.mp4", 21, "ワンピース"),
        ("９８４４４/Yuru Camp - 05.mkv", 98444, "Yuru Camp"),
        ("[98444]/Yuru Camp - 05.mkv", 98444, "Yuru Camp"),
        ("anilist-98444/Yuru Camp - 05.mkv", 98444, "Yuru Camp"),
        ("{anilist-98444}/Yuru Camp - 05.mkv", 98444, "Yuru Camp"),
        ("98444/Season 2/Yuru Camp - 05.mkv", 98444, "Yuru Camp"),
        ("1/98444/Yuru Camp - 05.mkv", 98444, "Yuru Camp"),
        ("library/98444/05.mkv", 98444, "98444"),
        ("12345678/Yuru Camp - 05.mkv", None, "Yuru Camp"),
        ("01/Yuru Camp - 05.mkv", None, "Yuru Camp"),
        ("0/Yuru Camp - 05.mkv", None, "Yuru Camp"),
        ("98444 Yuru Camp/Yuru Camp - 05.mkv", None, "Yuru Camp"),
        ("98444.mkv", None, "98444"),
    ],
)
def test_anilist_id_is_the_whole_name_of_the_nearest_such_folder(
    path: str, anilist_id: int | None, title: str
) -> None:
    parsed = parse_path(path)

    assert (parsed.anilist_id, parsed.title) == (anilist_id, title)


@pytest.mark.parametrize(
    ("path", "root", "anilist_id", "title"),
    [
        (PurePosixPath("/media/7/98444/05.mkv"), PurePosixPath("/media/7"), 98444, "98444"),
        (PurePosixPath("/media/7/Yuru Camp/05.mkv"), PurePosixPath("/media/7"), None, "Yuru Camp"),
        (PurePosixPath("/media/7/05.mkv"), PurePosixPath("/media/7"), None, "05"),
        (PurePosixPath("98444/05.mkv"), PurePosixPath("/media/7"), 98444, "98444"),
        (PurePosixPath("/other/98444/05.mkv"), PurePosixPath("/media/7"), None, "05"),
        (PurePosixPath("other/98444/05.mkv"), PurePosixPath("media"), None, "05"),
        (PurePosixPath("/media/7/05.mkv"), None, 7, "7"),
        (
            PureWindowsPath(r"D:\media\98444\Yuru Camp - 05.mkv"),
            PureWindowsPath("d:/media"),
            98444,
            "Yuru Camp",
        ),
    ],
)
def test_folders_above_or_outside_the_root_do_not_count(
    path: PurePath, root: PurePath | None, anilist_id: int | None, title: str
) -> None:
    parsed = parse_path(path, root)

    assert (parsed.anilist_id, parsed.title, parsed.episode) == (anilist_id, title, 5)


@pytest.mark.parametrize(
    ("path", "legacy", "current"),
    [
        ("[Ohys-Raws] Yuru Camp - 05 (AT-X 1280x720 x264 AAC).mp4", 5, 5),
        ("Yuru Camp - 06.5 RAW (ATX 1280x720).mp4", 6.5, 6.5),
        ("Yuru Camp - 01-03.mkv", 1, [1, 3]),
        ("Yuru Camp - 11(10) (AT-X 1280x720).mp4", 10, "10|11"),
        ("Yuru Camp - 13 OVA (AT-X 1280x720).mp4", "OVA/OAD", 13),
        ("Yuru Camp OAD.mkv", "OVA/OAD", None),
        ("Yuru Camp Special (SUN 1280x720).mp4", "Special", None),
        ("Yuru Camp SP2.mkv", "Special", 2),
        ("Yuru Camp - 01 Preview (AT-X 1280x720).mp4", "Special", 1),
        ("Yuru Camp NCOP1.mkv", "", None),
        ("Yuru Camp NCED2.mkv", "", None),
        ("劇場版 ゆるキャン.mkv", "", None),
        ("clip.mp4", "", None),
    ],
)
def test_episode_fields_of_the_two_trace_moe_interfaces(
    path: str, legacy: int | float | str, current: int | float | str | list[int] | None
) -> None:
    parsed = parse_path(path)

    assert (legacy_episode(parsed), current_episode(parsed)) == (legacy, current)
    assert type(legacy_episode(parsed)) is type(legacy)
    assert type(current_episode(parsed)) is type(current)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("12.5", 12.5),
        ("〇", 0),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("二五", 25),
        ("百", 100),
        ("三百二十一", 321),
    ],
)
def test_kanji_numerals(text: str, number: float) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize("title", ["ガンダムばけもの", "Café Épique", "한국어 제목"])
def test_decomposed_names_read_like_composed_ones(title: str) -> None:
    name = f"[Grp] {title} 第05話.mkv"
    parsed = parse_path(unicodedata.normalize("NFD", name))

    assert parsed == parse_path(unicodedata.normalize("NFC", name))
    assert (parsed.title, parsed.episode) == (unicodedata.normalize("NFC", title), 5)


def test_title_holds_nothing_that_cannot_be_stored() -> None:
    parsed = parse_path("Yuru\x00 Ca\ud800mp\n\u202e - 05\u200b.mkv")

    assert (parsed.title, parsed.episode) == ("Yuru Ca\ufffdmp", 5)


def test_only_the_first_255_characters_of_a_name_are_looked_at() -> None:
    start = "Yuru Camp " + "x" * (MAX_NAME_CHARS - 10)

    assert parse_path(start + " - 05.mkv").episode is None
    assert parse_path(start + " - 05.mkv") == parse_path(start)


def test_names_read_alike_in_many_threads() -> None:
    names = [f"[Group {i}] Title {'x' * (i % 7)} {i:03d} of things [tag {i}].mkv" for i in range(60)]
    expected = [parse_path(name) for name in names]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            read = list(pool.map(parse_path, names * 4))
    finally:
        sys.setswitchinterval(interval)

    assert read == expected * 4
    assert {parsed.episode for parsed in expected} == set(range(60))


HOSTILE = """
from anime_search.engine.episode import current_episode, legacy_episode, parse_path

for unit, times in [
    ("[", 5000), ("(", 10000), (" - ", 6000), ("S01E", 5000), ("1", 5000), ("[ ]", 5000), ("[a b]", 5000),
    ("1-1~1&", 5000), ("第一", 5000), ("OVA ", 5000), (". ", 5000), ("\\ufb2c", 5000), ("\\ufdfa", 5000),
    ("a/", 20000),
]:
    parsed = parse_path(unit * times)
    assert parsed.title
    legacy_episode(parsed), current_episode(parsed)
"""

FORKED = """
import os, signal
from anime_search.engine import episode_anitopy
from anime_search.engine.episode import parse_path

with episode_anitopy._anitopy.lock:
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(0 if parse_path("[Grp] Title - 05.mkv").episode == 5 else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_hostile_names_take_no_time() -> None:
    # All fourteen take 0.3 s together on one slow core; what is quadratic in the length takes minutes.
    subprocess.run([sys.executable, "-c", HOSTILE], check=True, timeout=30, cwd=PROJECT)


def test_child_forked_during_a_reading_can_read() -> None:
    subprocess.run([sys.executable, "-c", FORKED], check=True, timeout=30, cwd=PROJECT)


any_text = st.text(st.characters(exclude_categories=()), max_size=400)
PIECES = (
    "[ ] ( ) { } 【 】 - ~ & . _ / # 1 05 12.5 ２ 第 話 回 화 기 期 十 百 EP E S01 S2 2x05 OVA NCOP ED PV SP"
    " v2 1080p x264 (2019) (30) [05] [Grp] Movie Special Season 2nd タイトル END \x01 \x00 \ud800 e\u0301"
)
pieces = st.sampled_from(PIECES.split(" "))
name_like = st.lists(pieces, max_size=60).flatmap(
    lambda chosen: st.lists(st.sampled_from(["", " "]), min_size=len(chosen), max_size=len(chosen)).map(
        lambda gaps: "".join(piece + gap for piece, gap in zip(chosen, gaps, strict=True))
    )
)


def assert_is_sound(parsed: ParsedPath) -> None:
    assert parsed.title == parsed.title.strip() != ""
    for text in (parsed.title, parsed.release_group or ""):
        assert text == unicodedata.normalize("NFC", text)
        assert "\x00" not in text.encode().decode()
    for number in (parsed.episode, parsed.episode_end, parsed.absolute_episode):
        assert number is None or 0 <= number < 10_000
    if parsed.episode_end is not None:
        assert parsed.episode is not None
        assert parsed.episode_end > parsed.episode
    assert parsed.season is None or parsed.season >= 0
    assert parsed.anilist_id is None or 0 < parsed.anilist_id < 10_000_000


@settings(deadline=GENEROUS_DEADLINE_MS, max_examples=150)
@given(any_text | name_like)
def test_no_path_makes_the_reading_raise(path: str) -> None:
    parsed = parse_path(path)

    assert_is_sound(parsed)
    assert legacy_episode(parsed) is not None
    current_episode(parsed)


@settings(deadline=GENEROUS_DEADLINE_MS, max_examples=100)
@given(any_text | name_like)
def test_cutting_and_cleaning_a_name_twice_changes_nothing(name: str) -> None:
    once = legible(name)

    assert legible(once) == once
    assert len(once) <= MAX_NAME_CHARS
    assert len(fold(once)) == len(once)
    if "/" not in name:
        assert parse_path(name[:MAX_NAME_CHARS]) == parse_path(name)


@settings(deadline=GENEROUS_DEADLINE_MS, max_examples=100)
@given(st.from_regex(r"\A[A-Za-z]{3,12}( [A-Za-z]{3,12}){0,3}\Z"), st.integers(1, 1899))
def test_any_plain_title_and_number_are_found(title: str, episode: int) -> None:
    parsed = parse_path(f"[Some Group] {title} - {episode:02d} [1080p].mkv")

    assert parsed.episode == episode
    assert parsed.release_group == "Some Group"
