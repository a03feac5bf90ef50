"""Covers: fetched by a worker, shown from here, never asked for by a visitor."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from PIL import Image
from pytest_django import Settings

from anime_search import covers
from anime_search.covers import MOST_A_RUN, MOST_FAILURES, cover_file, fetch_covers
from anime_search.models import Anime
from core.fetch_errors import FetchFailed
from core.safe_http import Fetched, FetchPolicy
from rankings.web.rows import cover_address
from tests.rankings.made import put_video

pytestmark = pytest.mark.django_db


def png(width: int = 460, height: int = 650) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "#2b45c9").save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Host:
    """What answers in the place of AniList's: bytes by address; what it has not, cannot be had."""

    has: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def fetch(self, url: str, *, policy: FetchPolicy) -> Fetched:
        self.asked.append(url)
        if url not in self.has:
            raise FetchFailed(reason="network")
        return Fetched(self.has[url], url, "image/png")


@pytest.fixture
def host(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    settings.DATA_DIR = tmp_path
    cache.clear()
    host = Host()
    monkeypatch.setattr(covers, "fetch", host.fetch)
    yield host
    cache.clear()


def put_title(anilist_id: int, host: Host | None = None, body: bytes | None = None) -> Anime:
    url = f"https://img.example/{anilist_id}.png"
    anime = put_video(anilist_id, cover_url=url).anime
    assert anime is not None
    if host is not None:
        host.has[url] = png() if body is None else body
    return anime


def test_cover_is_fetched_once_made_small_and_shown_from_here(client: Client, host: Host) -> None:
    anime = put_title(7, host)
    assert cover_address(anime) == ""
    assert fetch_covers() == 1
    assert fetch_covers() == 0
    assert host.asked == ["https://img.example/7.png"]
    response = client.get(cover_address(anime))
    assert (response.status_code, response["Content-Type"]) == (200, "image/webp")
    assert "immutable" in response["Cache-Control"]
    with Image.open(io.BytesIO(response.content)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (340, 480))
    again = client.get(cover_address(anime), headers={"if-none-match": response["ETag"]})
    assert again.status_code == 304


def test_nothing_is_fetched_for_a_visitor(client: Client, host: Host) -> None:
    anime = put_title(7, host)
    for address in ("/rankings", "/anime/7", "/cover/7/0123456789abcdef"):
        client.get(address)
    assert host.asked == []
    assert cover_file(anime) is None


def test_cover_that_was_replaced_is_fetched_anew_and_the_old_one_removed(client: Client, host: Host) -> None:
    anime = put_title(7, host)
    fetch_covers()
    old = cover_address(anime)
    anime.cover_url = "https://img.example/new.png"
    anime.save()
    host.has[anime.cover_url] = png(100, 150)
    fetch_covers()
    assert client.get(cover_address(anime)).status_code == 200
    assert client.get(old).status_code == 404
    assert len(list((covers._folder()).iterdir())) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", png()[:200], png(3000, 20)])
def test_what_is_no_picture_is_not_kept(host: Host, body: bytes) -> None:
    anime = put_title(7, host, body)
    assert fetch_covers() == 0
    assert cover_file(anime) is None
    # Nor asked for at every run.
    fetch_covers()
    assert len(host.asked) == 1


def test_run_ends_when_the_network_is_away_and_others_wait(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 3 * MOST_FAILURES):
        put_title(number)
    assert [fetch_covers(), fetch_covers()] == [0, 0]
    assert len(host.asked) == MOST_FAILURES


def test_covers_come_some_at_a_time(host: Host) -> None:
    for number in range(1, MOST_A_RUN + 4):
        put_title(number, host)
    assert [fetch_covers(), fetch_covers(), fetch_covers()] == [MOST_A_RUN, 3, 0]


def test_titles_without_videos_and_a_site_without_covers_fetch_nothing(
    host: Host, settings: Settings
) -> None:
    Anime.objects.create(anilist_id=8, cover_url="https://img.example/8.png")
    assert fetch_covers() == 0
    put_title(7, host)
    settings.ANIME_COVERS = False
    assert fetch_covers() == 0
    assert host.asked == []


@pytest.mark.parametrize("address", ["/cover/7/../../x", "/cover/7/0123456789abcde", "/cover/7/0123456789abcdeg",
                                     "/cover/99999999999/0123456789abcdef", "/cover/8/0123456789abcdef"])  # fmt: skip
def test_address_that_names_no_cover_is_not_found(client: Client, host: Host, address: str) -> None:
    put_title(7, host)
    fetch_covers()
    assert client.get(address).status_code == 404
