"""The page's answer to a clip."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from anime_search import runtime
from anime_search.clip_search import ClipScene
from tests.anime_search.engine.clips import Clip, write_clip
from tests.anime_search.web.asking import FRAGMENT, png, scene, text_of

pytestmark = pytest.mark.django_db


def clip_scene(agreeing: int, **changes: Any) -> ClipScene:
    plain = scene(**changes)
    return ClipScene(
        plain.video, plain.from_s, plain.at_s, plain.to_s, plain.similarity, plain.probability, plain.view,
        agreeing=agreeing, speed=1.0,
    )  # fmt: skip


def gif() -> SimpleUploadedFile:
    file = io.BytesIO()
    frames = [Image.new("RGB", (64, 36), colour) for colour in ("red", "blue")]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100)
    return SimpleUploadedFile("a.gif", file.getvalue(), "image/gif")


@pytest.mark.parametrize(
    ("agreeing", "asked", "words"), [(9, 11, "9 of 11 frames agree"), (1, 1, "1 of 1 frame agrees")]
)
def test_card_says_how_many_frames_agree(
    client: Client, answer: dict[str, Any], agreeing: int, asked: int, words: str
) -> None:
    answer |= {"asked": asked, "scenes": [clip_scene(agreeing), clip_scene(0, at_s=400.0)]}
    html = client.post("/", {"image": gif()}).content.decode()
    said = text_of(html)
    assert words in said
    assert f"0 of {asked} frame" in said
    assert html.count("card-agreeing") == 2


def test_card_of_a_picture_says_nothing_of_frames(client: Client, answer: dict[str, Any]) -> None:
    assert "card-agreeing" not in client.post("/", {"image": png()}).content.decode()


def test_first_frame_of_a_video_is_shown_to_the_script_too(
    client: Client, answer: dict[str, Any], settings: Any, tmp_path: Path
) -> None:
    """Not every browser plays what is searched here."""
    settings.DATA_DIR = tmp_path
    video = write_clip(tmp_path / "a.mp4", Clip(frames=4)).read_bytes()
    runtime.open_decoder_pools()
    try:
        html = client.post(
            "/", {"image": SimpleUploadedFile("a.mp4", video, "video/mp4")}, headers=FRAGMENT
        ).content.decode()
    finally:
        runtime.close_decoder_pools()
        runtime.open_decoder_pools()
    assert 'data-asked="data:image/jpeg;base64,' in html


def test_video_that_cannot_be_shown_leaves_the_answer_as_it_is(
    client: Client, answer: dict[str, Any], settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    runtime.close_decoder_pools()
    try:
        response = client.post("/", {"image": SimpleUploadedFile("a.mp4", b"\0\0\0\x20ftypisom" + bytes(99))})
    finally:
        runtime.open_decoder_pools()
    html = response.content.decode()
    assert response.status_code == 200
    assert '<ol class="cards">' in html
    assert "data:image" not in html
