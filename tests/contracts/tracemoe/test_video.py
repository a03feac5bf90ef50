"""``/video/{id}`` of today's trace.moe API."""

from __future__ import annotations

import io
from datetime import timedelta

import av
import pytest
from django.test import Client
from pytest_django import Settings

from anime_search.models import VideoFile
from anime_search.previews import TOKEN_LIFETIME_S, Moment, sign_moment
from core import clock
from tests.contracts.conftest import Library
from tests.contracts.tracemoe.asking import refusal

#: Nothing was cut before.
pytestmark = pytest.mark.usefixtures("preview_cache")


@pytest.fixture
def path(library: Library) -> str:
    return f"/video/{sign_moment(Moment(library.video.pk, 2680))}"


def size_of(content: bytes) -> tuple[int, int, int]:
    with av.open(io.BytesIO(content)) as container:
        video = container.streams.video[0]
        return video.width, video.height, len(container.streams.audio)


@pytest.mark.parametrize(("size", "width"), [("s", 160), ("m", 320), ("l", 640), (None, 320)])
def test_scene_comes_in_three_sizes(client: Client, path: str, size: str | None, width: int) -> None:
    response = client.get(path, {"size": size} if size else {})
    assert (response.status_code, response["Content-Type"]) == (200, "video/mp4")
    assert size_of(response.getvalue())[0] == width


def test_mute_has_no_sound(client: Client, path: str) -> None:
    with_sound, without = client.get(path), client.get(path, {"mute": ""})
    assert size_of(with_sound.getvalue())[2] == 1
    assert size_of(without.getvalue())[2] == 0


def test_headers_say_what_is_shown(client: Client, path: str, library: Library) -> None:
    response = client.head(path)
    start, end = float(response["x-video-start"]), float(response["x-video-end"])
    assert 0 <= start <= 2.68 <= end <= library.video.duration_ms / 1000
    assert end - start <= 10
    assert float(response["x-video-duration"]) == pytest.approx(library.video.duration_ms / 1000, abs=0.001)
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "X-Video-Start" in response["Access-Control-Expose-Headers"]


def test_ranges_and_revalidation(client: Client, path: str) -> None:
    whole = client.get(path)
    content = whole.getvalue()
    tail = client.get(path, headers={"range": "bytes=-100"})
    assert (tail.status_code, tail.content) == (206, content[-100:])
    beyond = client.get(path, headers={"range": f"bytes={len(content)}-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{len(content)}")
    assert client.get(path, headers={"if-none-match": whole["ETag"]}).status_code == 304


def test_headers_are_there_before_the_clip_is(client: Client, path: str) -> None:
    first = client.get(path)
    assert first.streaming
    first.getvalue()
    second = client.get(path)
    for name in (
        "x-video-start",
        "x-video-end",
        "x-video-duration",
        "ETag",
        "Cache-Control",
        "Accept-Ranges",
    ):
        assert first[name] == second[name]
    for response in (first, second):
        assert "X-RateLimit-Limit" in response


@pytest.mark.usefixtures("one_minute")
def test_too_many_cuts_are_too_many_requests(client: Client, path: str, settings: Settings) -> None:
    settings.PREVIEW_CUTS_PER_MINUTE = 1
    assert client.get(path).getvalue()
    refused = client.get(path, {"size": "l"})
    assert refusal(refused, 429) == "Too many requests"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("where", ["/image", "/video", "/image/", "/video/"])
def test_address_without_an_id_is_not_found_in_the_dialect(client: Client, where: str) -> None:
    for method in ("get", "post", "put"):
        assert refusal(getattr(client, method)(where), 404) == "Not found"


def test_refusals(client: Client, path: str, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(where: str, **query: str) -> tuple[int, object]:
        response = client.get(where, query)
        return response.status_code, response.json()

    assert refused(path, size="xl") == (400, {"error": "Invalid size"})
    assert refused(path[:-1] + "!") == (403, {"error": "Invalid signature"})
    assert refused("/video/x") == (403, {"error": "Invalid signature"})
    assert refused(f"/video/{sign_moment(Moment(10**9, 0))}") == (404, {"error": "Not found"})
    VideoFile.objects.all().delete()
    assert refused(path) == (404, {"error": "Not found"})
    later = clock.now() + timedelta(seconds=TOKEN_LIFETIME_S + 1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert refused(path) == (410, {"error": "Expired"})
