"""``thumbnail.php``: a token opens one moment of one file, and nothing else."""

from __future__ import annotations

import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from anime_search.api.tracemoe_legacy.responses import preview_context
from anime_search.models import Video
from anime_search.previews import TOKEN_LIFETIME_S, Moment, sign_moment
from core import clock
from tests.contracts.conftest import Library
from tests.contracts.live import Clip, big_buck_bunny, put_video
from tests.contracts.telling import assert_tells_nothing_internal
from tests.contracts.tracemoe_legacy.asking import post_json, quoted, thumbnail_path


@pytest.fixture
def doc(library: Library) -> dict[str, Any]:
    """What a search answers of the scene, as far as a preview needs it."""
    return doc_of(library.video)


def doc_of(video: Video, at_ms: int = 2680) -> dict[str, Any]:
    anilist_id = video.anime.anilist_id if video.anime else 0
    token = token_for(video, at_ms, anilist_id=anilist_id)
    return {"anilist_id": anilist_id, "filename": video.filename, "at": at_ms / 1000, "tokenthumb": token}


def token_for(video: Video, at_ms: int, *, filename: str | None = None, anilist_id: int = 98444) -> str:
    context = preview_context(str(anilist_id), video.filename if filename is None else filename)
    return sign_moment(Moment(video.pk, at_ms), context=context)


def assert_refused(response: Any, status: int) -> None:
    assert response.status_code == status, response.content
    assert_tells_nothing_internal(quoted(response))


def picture(response: Any) -> Image.Image:
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "image/jpeg"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "private" in response["Cache-Control"]
    return Image.open(io.BytesIO(response.content))


def test_address_of_the_document_shows_the_matched_frame(
    client: Client, library: Library, screenshot: bytes, encoded: str
) -> None:
    found = post_json(client, image=encoded).json()["docs"][0]
    still = picture(client.get(thumbnail_path(found)))
    assert (still.format, still.size) == ("JPEG", (320, 180))
    # The screenshot is the mirrored, cropped frame: its mean colour is that of the frame it was taken of.
    shot = Image.open(io.BytesIO(screenshot)).convert("RGB").resize((320, 180))
    assert (
        np.abs(np.asarray(still, int).mean(axis=(0, 1)) - np.asarray(shot, int).mean(axis=(0, 1))).max() < 12
    )


def test_head_has_the_headers_of_get(client: Client, doc: dict[str, Any]) -> None:
    response = client.head(thumbnail_path(doc))
    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
    assert response.content == b""


@pytest.mark.parametrize(
    "filename",
    [
        "搖曳露營 第05話「ゆるキャン△」 유루캠 05화.mp4",
        "#5 100%25 & more? = yes; +1  a/b 12:34:56.mp4",
        "%2e%2e%2f..\\..\\quote\"'`<script>.mp4",
        "emoji 🏕️👩‍👩‍👧 e\u0301 against \u00e9 \u202ertl\u202c.mp4",
        "tab\tnewline\n.mp4",
        "x" * 251 + ".mp4",
    ],
)
def test_any_file_name_makes_the_round_trip(
    client: Client, db: None, clip: Clip, index: object, encoded: str, filename: str
) -> None:
    put_video(clip, anime=big_buck_bunny(), filename=filename)
    found = post_json(client, image=encoded).json()["docs"][0]
    assert found["filename"] == filename
    assert picture(client.get(thumbnail_path(found))).width == 320


@pytest.mark.parametrize("at", ["2.68", "2.680", "02.68", "2.68e0", "+2.68"])
def test_time_may_be_spelled_otherwise(client: Client, doc: dict[str, Any], at: str) -> None:
    assert picture(client.get(thumbnail_path(doc, t=at))).width == 320


def test_token_with_any_character_changed_is_refused(client: Client, doc: dict[str, Any]) -> None:
    token = doc["tokenthumb"]
    for position, character in enumerate(token):
        for other in ("A", "_", "+", "", "é"):
            if other != character:
                changed = token[:position] + other + token[position + 1 :]
                response = client.get(thumbnail_path(doc, token=changed))
                assert (response.status_code, quoted(response)) == (403, "Invalid token"), changed


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: token[:4],
        lambda token: token[:-1],
        lambda token: token[:27],
        lambda token: token + "A",
        lambda token: token + "=",
        lambda token: token + "====",
        lambda token: token * 2,
        lambda token: token.lower(),
        lambda token: "A" * len(token),
        lambda token: "bB-8KQuoc6u-1SfzuVnDMw",
        lambda token: token.replace("-", "+").replace("_", "/") + "/",
        lambda token: "x" * 10_000,
    ],
)
def test_token_that_is_none_of_ours_is_refused(client: Client, doc: dict[str, Any], change: Any) -> None:
    assert_refused(client.get(thumbnail_path(doc, token=change(doc["tokenthumb"]))), 403)


def test_request_without_a_token_is_refused(client: Client, doc: dict[str, Any]) -> None:
    assert_refused(client.get(thumbnail_path(doc, token=None)), 403)


@pytest.mark.parametrize(
    "changes",
    [
        {"anilist_id": 98445},
        {"anilist_id": "098444"},
        {"anilist_id": ""},
        {"anilist_id": None},
        {"file": "another.mp4"},
        {"file": ""},
        {"file": None},
        {"file": "../../../etc/passwd"},
        {"file": "/etc/passwd"},
        {"file": "\0"},
        {"t": 2.69},
        {"t": 2.67},
        {"t": 2.681},
        {"t": 2.6800001},
        {"t": 0},
    ],
    ids=str,
)
def test_token_opens_no_other_address(client: Client, doc: dict[str, Any], changes: dict[str, Any]) -> None:
    assert doc["at"] == 2.68
    assert_refused(client.get(thumbnail_path(doc, **changes)), 403)


def test_token_of_another_file_is_refused(client: Client, library: Library, doc: dict[str, Any]) -> None:
    other = Video.objects.create(
        sha256="0" * 64, size=1, filename="other.mp4", title="", kind="episode", duration_ms=5000, width=1, height=1,
        fps=1, codec="",
    )  # fmt: skip
    assert_refused(client.get(thumbnail_path(doc, token=token_for(other, 2680))), 403)


@pytest.mark.parametrize(
    "at",
    ["-1", "-0.01", "NaN", "nan", "inf", "-inf", "Infinity", "1e308", "1e309", "a", "", "1,5", "0x10", "1 2", None, "9" * 80,
     "4294967.296"],
)  # fmt: skip
def test_time_that_is_none_is_a_bad_request(client: Client, doc: dict[str, Any], at: str | None) -> None:
    assert_refused(client.get(thumbnail_path(doc, t=at)), 400)


@pytest.mark.parametrize("at_ms", [6_400, 10_000, 86_400_000, 2**32 - 1])
def test_time_beyond_the_end_is_not_found(
    client: Client, library: Library, doc: dict[str, Any], at_ms: int
) -> None:
    signed = thumbnail_path(doc, t=at_ms / 1000, token=token_for(library.video, at_ms))
    assert_refused(client.get(signed), 404)
    assert_refused(client.get(thumbnail_path(doc, t=at_ms / 1000)), 404)


def test_file_that_is_gone_is_not_found(client: Client, db: None, clip: Clip, tmp_path: Path) -> None:
    path = tmp_path / "copy.mp4"
    shutil.copyfile(clip.path, path)
    doc = doc_of(put_video(clip, path=path))
    assert picture(client.get(thumbnail_path(doc))).width == 320
    path.unlink()
    assert_refused(client.get(thumbnail_path(doc)), 404)


def test_file_that_was_replaced_is_not_shown(client: Client, db: None, clip: Clip, tmp_path: Path) -> None:
    path = tmp_path / "copy.mp4"
    shutil.copyfile(clip.path, path)
    doc = doc_of(put_video(clip, path=path))
    path.write_bytes(b"something private")
    assert_refused(client.get(thumbnail_path(doc)), 404)


def test_video_that_was_deleted_or_renamed_is_not_found(
    client: Client, library: Library, doc: dict[str, Any]
) -> None:
    Video.objects.filter(pk=library.video.pk).update(filename="renamed.mp4")
    assert_refused(client.get(thumbnail_path(doc)), 404)
    library.video.delete()
    assert_refused(client.get(thumbnail_path(doc)), 404)


def test_path_with_a_right_token_is_no_file_of_ours(
    client: Client, library: Library, doc: dict[str, Any]
) -> None:
    for filename in ("../../../etc/passwd", "/etc/passwd", str(library.clip.path)):
        token = token_for(library.video, 2680, filename=filename)
        assert_refused(client.get(thumbnail_path(doc, file=filename, token=token)), 404)


@pytest.mark.parametrize(("after_s", "status"), [(TOKEN_LIFETIME_S - 60, 200), (TOKEN_LIFETIME_S + 1, 403)])
def test_token_expires(
    client: Client, doc: dict[str, Any], monkeypatch: pytest.MonkeyPatch, after_s: int, status: int
) -> None:
    later = clock.now() + timedelta(seconds=after_s)
    monkeypatch.setattr(clock, "now", lambda: later)
    response = client.get(thumbnail_path(doc))
    assert response.status_code == status
    if status == 403:
        assert quoted(response) == "Invalid token"


def test_token_of_the_other_dialect_is_refused(client: Client, library: Library, doc: dict[str, Any]) -> None:
    bare = sign_moment(Moment(library.video.pk, 2680))
    assert_refused(client.get(thumbnail_path(doc, token=bare)), 403)
    assert client.get(f"/image/{doc['tokenthumb']}").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_many_previews_at_a_time_are_all_shown(clip: Clip, client: Client) -> None:
    path = thumbnail_path(doc_of(put_video(clip, anime=big_buck_bunny())))
    expected = client.get(path).content
    with ThreadPoolExecutor(8) as pool:
        stills = pool.map(lambda _: Client().get(path).content, range(8))
    assert list(stills) == [expected] * 8
