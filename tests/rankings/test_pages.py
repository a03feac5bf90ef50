"""The pages of rankings and recent searches, as a browser without scripts gets them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from anime_search.models import Anime
from rankings.services import record_search
from rankings.tallies import add_to_tallies
from rankings.web.requests import FRAGMENT_HEADER
from tests.anime_search.web.asking import text_of
from tests.rankings.made import answer_of, guest, put_video, set_clock

pytestmark = pytest.mark.django_db
SUNDAY = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def count(day: datetime, **by_title: int) -> None:
    """``a=3`` is three searches of title 1, which is called A."""
    for letter, number in by_title.items():
        title = ord(letter) - ord("a") + 1
        Anime.objects.get_or_create(anilist_id=title, defaults={"title_romaji": letter.upper()})
        for _ in range(number):
            add_to_tallies(anilist_id=title, day=day.date())


def read(client: Client, address: str = "/rankings") -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def rows(html: str) -> list[str]:
    return [text_of(row) for row in html.split('<li class="rank">')[1:]]


@pytest.mark.parametrize("period", ["daily", "weekly", "monthly", "yearly", "all"])
def test_empty_ranking_says_so_and_leads_on(client: Client, period: str) -> None:
    html = read(client, f"/rankings?period={period}")
    assert "Nothing was found in this time yet." in html
    assert '<a class="button" href="/">Find a scene</a>' in html
    assert '<ol class="ranks">' not in html
    assert html.count('aria-current="page"') == 2
    assert f'href="/rankings?period={period}" aria-current="page"' in html


def test_titles_are_ranked_with_how_their_place_changed(client: Client) -> None:
    count(SUNDAY - timedelta(days=1), a=5, b=4, c=3)
    count(SUNDAY, a=1, b=2, c=1, d=1200)
    first, second, *tied = rows(read(client, "/rankings?period=daily"))
    assert first.startswith("Place 1 D 1,200 searches new")
    assert second.startswith("Place 2 B 2 searches Same place as before")
    assert tied[0].startswith("Place 3 A 1 search 2 Down 2 places")
    assert tied[1].startswith("Place 3 C 1 search Same place as before")


def test_place_that_was_won_is_told(client: Client) -> None:
    count(SUNDAY - timedelta(days=1), a=5, b=4)
    count(SUNDAY, b=1)
    assert "1 search 1 Up 1 place" in rows(read(client, "/rankings?period=daily"))[0]


def test_ranking_of_all_time_knows_no_period_before(client: Client) -> None:
    count(SUNDAY, a=1)
    html = read(client, "/rankings?period=all")
    assert 'class="move' not in html
    assert "since this site began to count" in html


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ("daily", "Nov. 22, 2026"),
        ("weekly", "Nov. 16, 2026 to Nov. 22, 2026"),
        ("monthly", "November 2026"),
        ("yearly", "2026"),
    ],
)
def test_page_says_which_period_it_is(client: Client, period: str, words: str) -> None:
    assert f'<p class="hint">{words}</p>' in read(client, f"/rankings?period={period}")


def test_week_is_what_is_shown_first(client: Client) -> None:
    count(SUNDAY - timedelta(days=1), a=1)
    html = read(client)
    assert "<title>Most searched: This week – Frameproof</title>" in html
    assert len(rows(html)) == 1


@pytest.mark.parametrize("period", ["hourly", "", "DAILY", "daily'", "\0"])
def test_period_that_is_none_is_a_page_that_is_not_there(client: Client, period: str) -> None:
    response = client.get("/rankings", {"period": period})
    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()


def test_adult_titles_are_shown_on_request_and_without_their_covers(client: Client) -> None:
    count(SUNDAY, a=2, b=1)
    Anime.objects.filter(anilist_id=1).update(is_adult=True, cover_url="https://img.example/1.png")
    html = read(client)
    assert [row.split()[2] for row in rows(html)] == ["B"]
    assert 'href="/rankings?period=weekly&amp;adult=1"' in html
    html = read(client, "/rankings?period=weekly&adult=1")
    assert [row.split()[2] for row in rows(html)] == ["Adult", "B"]
    assert "<img" not in html
    # The other periods are asked for in the same way.
    assert 'href="/rankings?period=daily&amp;adult=1"' in html


def test_title_is_in_the_language_of_the_reader() -> None:
    from anime_search.titles import other_titles, reader_title

    anime = Anime(
        anilist_id=7,
        title_romaji="Sousou no Frieren",
        title_native="葬送のフリーレン",
        title_english="Frieren",
        title_korean="장송의 프리렌",
    )
    said = {code: reader_title(anime, code) for code in ("en", "ko", "ja", "zh-hant", "zh-hans", "de")}
    assert said == {
        "en": "Frieren",
        "ko": "장송의 프리렌",
        "ja": "葬送のフリーレン",
        "zh-hant": "葬送のフリーレン",
        "zh-hans": "葬送のフリーレン",
        "de": "Sousou no Frieren",
    }
    with translation.override("ko"):
        assert reader_title(anime) == "장송의 프리렌"
    assert other_titles(anime, "Frieren") == ("Sousou no Frieren", "葬送のフリーレン")
    assert reader_title(Anime(anilist_id=7), "ja") == "AniList 7"


def test_ranking_costs_as_many_queries_for_many_titles(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    count(SUNDAY, **dict.fromkeys("abcdefghij", 1))
    with django_assert_num_queries(2):
        assert len(rows(read(client))) == 10


def test_recent_searches_are_told_without_who_and_when_exactly(client: Client) -> None:
    video = put_video(7)
    record_search(principal=guest(), answer=answer_of(video, at_s=83.4))
    html = read(client, "/recent")
    words = text_of(html[html.index('<ul class="scenes">') :])
    assert words.startswith("Title 7 Episode 5 At 1:23.40 a few minutes ago")
    assert 'href="/anime/7"' in html
    assert re.search(r'<img src="/image/[\w-]+\?size=m" srcset="/image/[\w-]+\?size=s 160w, ', html)
    assert 'datetime="2026-11-22T12:00:00+00:00"' in html
    assert "198.51" not in html


@pytest.mark.parametrize(
    ("minutes", "words"), [(9, "a few minutes ago"), (47, "47 minutes ago"), (300, "5 hours ago")]
)
def test_time_of_a_search_is_told_from_now(
    client: Client, monkeypatch: pytest.MonkeyPatch, minutes: int, words: str
) -> None:
    record_search(principal=guest(), answer=answer_of(put_video(7)))
    set_clock(monkeypatch, SUNDAY + timedelta(minutes=minutes))
    assert words in text_of(read(client, "/recent")).replace("\xa0", " ")


def test_search_that_nobody_was_sure_of_is_not_shown(client: Client) -> None:
    record_search(principal=guest(), answer=answer_of(put_video(7), confident=False))
    assert "Nothing was found lately." in read(client, "/recent")


def test_adult_scenes_are_shown_on_request_and_behind_a_switch(client: Client) -> None:
    record_search(principal=guest(), answer=answer_of(put_video(7, is_adult=True)))
    assert "Title 7" not in read(client, "/recent")
    html = read(client, "/recent?adult=1")
    assert html.index('class="veil-switch" type="checkbox"') < html.index("<img")


def test_script_gets_the_list_alone_and_the_same(client: Client) -> None:
    record_search(principal=guest(), answer=answer_of(put_video(7)))
    page = read(client, "/recent")
    response = client.get("/recent", headers={FRAGMENT_HEADER: "searches"})
    fragment = response.content.decode()
    assert response[FRAGMENT_HEADER] == "searches"
    assert response["Cache-Control"] == "no-store"
    assert fragment.startswith('<ul class="scenes">')
    assert re.findall(r'data-key="(\w{32})"', page) == re.findall(r'data-key="(\w{32})"', fragment) != []


def test_names_are_escaped(client: Client) -> None:
    video = put_video(7)
    Anime.objects.update(title_romaji="<script>alert(1)</script>")
    record_search(principal=guest(), answer=answer_of(video))
    for address in ("/rankings", "/recent", "/anime/7"):
        assert "<script>alert" not in read(client, address)


def test_pages_need_no_exception_from_the_content_policy(client: Client) -> None:
    record_search(principal=guest(), answer=answer_of(put_video(7, is_adult=True)))
    for address in ("/rankings?adult=1", "/recent?adult=1", "/anime/7", "/status"):
        html = read(client, address)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
        assert all(" src=" in tag for tag in re.findall(r"<script[^>]*>", html))
        assert not re.search(r'(?:src|href)="(?:https?:)?//(?!anilist\.co/|myanimelist\.net/)', html)


@pytest.mark.parametrize("address", ["/rankings", "/recent", "/anime/7", "/status", "/status.json"])
def test_pages_are_read_only(client: Client, address: str) -> None:
    put_video(7)
    assert client.post(address).status_code == 405
    assert client.head(address).content == b""
