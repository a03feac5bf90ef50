"""The page of a title: what is indexed of it, and how often it is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from anime_search.models import Anime, VideoFile
from rankings.tallies import add_to_tallies
from tests.anime_search.web.asking import text_of
from tests.rankings.made import put_video
from tests.rankings.shelf import put_indexed

pytestmark = pytest.mark.django_db
SUNDAY = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def read(client: Client, address: str = "/anime/7") -> str:
    response = client.get(address)
    assert response.status_code == 200
    return text_of(response.content.decode())


def test_episodes_are_listed_in_their_order_with_length_and_frames(client: Client) -> None:
    put_indexed(7, episode=10.0, season=2, duration_ms=1_420_000, frames=3210, filename="b10.mkv")
    put_indexed(7, episode=2.0, season=2, duration_ms=3_725_000, frames=9, filename="b2.mkv")
    put_indexed(7, episode=1.0, season=1, duration_ms=42_000, frames=1, filename="a1.mkv")
    put_indexed(7, episode=None, season=2, kind="movie", filename="m.mkv")
    put_indexed(8, filename="another.mkv")
    words = read(client)
    assert "4 videos, 1 h 50 min, 3,720 frames" in words
    listed = words[words.index("Video Length Frames") :]
    assert listed.startswith(
        "Video Length Frames Season 1 · Episode 1 a1.mkv 42 s 1 Season 2 · Episode 2 b2.mkv 1 h 02 min 9 "
        "Season 2 · Episode 10 b10.mkv 24 min 3,210 Season 2 · Movie m.mkv 24 min 500"
    )
    assert "another.mkv" not in words


def test_video_that_no_search_can_come_to_is_not_listed(client: Client) -> None:
    put_video(7, filename="never described.mkv")
    put_indexed(7, descriptor="another", filename="by another descriptor.mkv")
    VideoFile.objects.filter(video=put_indexed(7, filename="gone.mkv")).delete()
    words = read(client)
    assert "Nothing of this anime is indexed now" in words
    assert ".mkv" not in words
    assert "Search only in this anime" not in words


def test_searches_of_each_period_are_told_with_the_place(client: Client) -> None:
    for title, days in ((7, (0, 0, 1)), (8, (0, 0, 0)), (9, (30,))):
        put_indexed(title)
        for ago in days:
            add_to_tallies(anilist_id=title, day=(SUNDAY - timedelta(days=ago)).date())
    words = read(client)
    assert (
        "Today 2 place 2 This week 3 place 1 This month 3 place 1 This year 3 place 1 All time 3 place 1"
        in words
    )
    assert "Today 0 This week 0 This month 0 This year 1 place 3 All time 1 place 3" in read(
        client, "/anime/9"
    )


def test_adult_title_takes_no_place_from_others_but_has_its_own(client: Client) -> None:
    put_indexed(7, is_adult=True)
    put_indexed(8)
    for _ in range(2):
        add_to_tallies(anilist_id=7, day=SUNDAY.date())
    add_to_tallies(anilist_id=8, day=SUNDAY.date())
    assert "Today 1 place 1" in read(client, "/anime/8")
    assert "Today 2 place 1" in read(client)
    assert "Adult content" in read(client)


def test_page_leads_to_the_databases_and_to_a_search_in_it_alone(client: Client) -> None:
    put_indexed(7)
    Anime.objects.filter(anilist_id=7).update(mal_id=1234567)
    html = client.get("/anime/7").content.decode()
    for address in ("https://anilist.co/anime/7", "https://myanimelist.net/anime/1234567", "/?anime=7"):
        assert f'href="{address}"' in html


@pytest.mark.parametrize("address", ["/anime/6", "/anime/99999999999999999999", "/anime/x", "/anime/-1"])
def test_title_that_is_not_known_is_a_page_that_is_not_there(client: Client, address: str) -> None:
    put_indexed(7)
    assert client.get(address).status_code == 404


def test_many_episodes_are_many_pages(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(1, 103):
        put_indexed(7, episode=float(number), filename=f"e{number:03d}.mkv")
    with django_assert_num_queries(5):
        first = read(client)
    assert "e100.mkv" in first
    assert "e101.mkv" not in first
    assert "Page 1 of 2" in first
    second = read(client, "/anime/7?page=2")
    assert "e101.mkv" in second
    assert "102 videos" in second
    # Beyond the last and what is no number are the nearest page.
    assert "e102.mkv" in read(client, "/anime/7?page=99")
    assert "e001.mkv" in read(client, "/anime/7?page=x")
