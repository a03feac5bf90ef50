"""``POST /api/anime/search`` with an animation or a short video: the documented answer, and how many frames agree."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from django.test import Client
from PIL import Image
from pytest_django import Settings

from anime_search import runtime
from anime_search.clip_search import ClipScene
from anime_search.signals import scene_found
from credits.policies import Product
from tests.contracts.conftest import Library
from tests.contracts.live import FILENAME
from tests.contracts.live import Clip as IndexedClip
from tests.contracts.pictures import animated_gif, noise, saved
from tests.contracts.whatanime.asking import by_url, credits_of, refusal, upload
from tests.contracts.whatanime.test_search import CANDIDATE_KEYS, KEYS
from tests.core.loopback_web import WebServer, answer
from tests.policies import set_policy

START_S, EVERY_S, COUNT = 1.6, 0.32, 6


@pytest.fixture(scope="session")
def moments(clip: IndexedClip) -> list[Image.Image]:
    """Frames of the indexed clip, a third of a second apart, small."""
    taken: list[Image.Image] = []
    with av.open(str(clip.path)) as container:
        for shown in container.decode(video=0):
            if shown.time >= START_S + EVERY_S * len(taken) - 0.01:
                taken.append(shown.to_image(width=320, height=180))
            if len(taken) == COUNT:
                break
    return taken


@pytest.fixture(scope="module", autouse=True)
def _child() -> Iterator[None]:
    runtime.open_decoder_pools()
    yield
    runtime.close_decoder_pools()
    runtime.open_decoder_pools()


@pytest.fixture(autouse=True)
def _uploads(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"


def video_of(moments: list[Image.Image], form: str, codec: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 320, 180, "yuv420p", 1_000_000
        for number, picture in enumerate(moments):
            shown = av.VideoFrame.from_image(picture)
            shown.pts, shown.time_base = 8 * number, Fraction(1, 25)
            container.mux(stream.encode(shown))
        container.mux(stream.encode())
    return file.getvalue()


def gif_of(moments: list[Image.Image]) -> bytes:
    return saved(moments[0], "GIF", save_all=True, append_images=moments[1:], duration=round(1000 * EVERY_S))


def found(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    body: dict[str, Any] = json.loads(response.content)
    assert list(body) == [*KEYS, "frames"]
    assert list(body["frames"]) == ["asked", "agreeing"]
    assert 0 <= body["frames"]["agreeing"] <= body["frames"]["asked"] <= 12
    # What others add to a candidate is not for this test to say.
    assert all(set(CANDIDATE_KEYS) <= set(candidate) for candidate in body["candidates"])
    return body


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "mp4", "webm"])
def test_clip_is_found_by_its_frames(
    client: Client, library: Library, moments: list[Image.Image], kind: str
) -> None:
    if kind in ("mp4", "webm"):
        media = video_of(moments, kind, {"webm": "libvpx"}.get(kind, "libx264"))
    else:
        media = saved(moments[0], kind, save_all=True, append_images=moments[1:], duration=320)
    body = found(upload(client, media, name="clip", kind="application/octet-stream"))
    assert body["confident"] is True
    best = body["candidates"][0]
    assert best["filename"] == FILENAME
    assert best["at"] == best["from"] == pytest.approx(START_S, abs=0.5)
    assert best["to"] == pytest.approx(START_S + EVERY_S * COUNT, abs=0.8)
    assert best["similarity"] > 0.87
    assert body["frames"]["asked"] >= 3
    assert body["frames"]["agreeing"] >= body["frames"]["asked"] - 1


def test_gif_behind_a_url_is_found(
    client: Client, library: Library, moments: list[Image.Image], settings: Settings
) -> None:
    settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.1/32",)
    server = WebServer()
    try:
        server.replies["/a.mp4"] = answer(video_of(moments, "mp4", "libx264"), "Content-Type: video/mp4")
        server.replies["/page"] = answer(b"<!doctype html><video src=a.mp4>")
        assert found(by_url(client, server.url("/a.mp4")))["confident"] is True
        assert refusal(by_url(client, server.url("/page")), 400) == "DOWNLOAD_FAILED"
    finally:
        server.close()


def test_gif_that_stands_still_is_a_picture(
    client: Client, library: Library, moments: list[Image.Image]
) -> None:
    response = upload(client, saved(moments[0], "GIF"), name="a.gif", kind="image/gif")
    assert list(response.json()) == KEYS
    assert response.json()["candidates"][0]["filename"] == FILENAME


def test_clip_that_is_nowhere_is_no_match(client: Client, library: Library) -> None:
    gif = animated_gif(*(noise(seed=seed) for seed in range(3)))
    body = found(upload(client, gif, name="a.gif", kind="image/gif"))
    assert body["confident"] is False
    assert all(candidate["probability"] < 0.5 for candidate in body["candidates"])


def test_flat_animation_is_no_match(client: Client, library: Library) -> None:
    frames = [Image.new("RGB", (64, 36), (0, 0, level)) for level in (0, 1, 2)]
    body = found(
        upload(client, saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))
    )
    assert body == body | {"confident": False, "frames": {"asked": 1, "agreeing": 0}}


def test_clip_costs_one_search(signed_in: Client, library: Library, moments: list[Image.Image]) -> None:
    set_policy(Product.WHAT_ANIME, "free", daily=10)
    before = credits_of(signed_in)["dailyUsed"]
    found(upload(signed_in, gif_of(moments), name="a.gif", kind="image/gif"))
    assert credits_of(signed_in)["dailyUsed"] == before + 1


def test_broken_video_is_refused_and_costs_nothing(
    signed_in: Client, library: Library, moments: list[Image.Image]
) -> None:
    video = video_of(moments, "mp4", "libx264")
    for media in (video[: len(video) // 2], video[:40] + bytes(4000), b"\x1a\x45\xdf\xa3" + bytes(4000)):
        response = upload(signed_in, media, name="a.mp4", kind="video/mp4")
        assert refusal(response, 400) == "IMAGE_UNDECODABLE"
    assert credits_of(signed_in)["dailyUsed"] == 0
    assert not list((runtime.settings.DATA_DIR / "uploads").iterdir())


def test_those_who_listen_are_told_of_a_clip_as_of_a_picture(
    client: Client, library: Library, moments: list[Image.Image]
) -> None:
    told: list[Any] = []

    def listen(**said: Any) -> None:
        told.append(said["answer"])

    scene_found.connect(listen)
    try:
        for _ in range(2):
            found(upload(client, gif_of(moments), name="a.gif", kind="image/gif"))
    finally:
        scene_found.disconnect(listen)
    assert [each.times_asked for each in told] == [1, 1]
    assert len({each.search_id for each in told}) == 2
    assert isinstance(told[0].candidates[0].scene, ClipScene)
    assert told[0].candidates[0].scene.speed == pytest.approx(1.0, abs=0.2)
