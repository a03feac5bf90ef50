"""Every way in which clients of today's trace.moe API send a picture finds its scene."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.contracts.conftest import Library
from tests.contracts.live import Clip
from tests.contracts.pictures import animated_gif, noise, opened, plain, saved, with_gps
from tests.contracts.tracemoe.asking import FORM, by_url, found, post, refusal, upload, used
from tests.core.loopback_web import WebServer, answer, redirect


@pytest.fixture
def shot_url(host: WebServer, screenshot: bytes) -> str:
    host.replies["/shot.jpg"] = answer(screenshot, "Content-Type: text/plain")
    return host.url("/shot.jpg")


@pytest.fixture(scope="session")
def video(clip: Clip) -> bytes:
    return clip.path.read_bytes()


@pytest.mark.parametrize(
    "content_type",
    [
        "image/jpeg",
        "image/png",
        "image/whatever",
        "IMAGE/JPEG",
        "image/jpeg; charset=utf-8",
        "image/svg+xml",
        "video/mp4",
        "application/octet-stream",
        "application/octet-stream; charset=klingon",
        FORM,
        f"{FORM}; charset=utf-16",
    ],
)
def test_picture_may_be_the_body_itself(
    client: Client, library: Library, screenshot: bytes, content_type: str
) -> None:
    """Among them ``curl --data-binary``, which calls whatever it sends a form."""
    found(post(client, screenshot, content_type))


def test_body_that_looks_like_a_form_is_a_picture_all_the_same(
    client: Client, library: Library, screenshot: bytes
) -> None:
    found(post(client, screenshot + b"&url=http://127.0.0.1/&anilistID=7&anilistInfo=1", FORM))


@pytest.mark.parametrize("field", ["image", "file", "upload[]", "画像", "url"])
def test_upload_may_have_any_field_name(
    client: Client, library: Library, screenshot: bytes, field: str
) -> None:
    found(upload(client, screenshot, field=field))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("shot", "text/plain"),
        ("shot.svg", "image/svg+xml"),
        ("../../../etc/cron.d/x", ""),
        ("a\0b.jpg", "image/jpeg"),
        ("🏕️.jpg", "image/jpeg"),
        ("x" * 5000, "image/jpeg"),
        ("SECRET-NAME.php", "application/x-php"),
    ],
)
def test_name_and_type_of_an_upload_say_nothing(
    client: Client, library: Library, screenshot: bytes, name: str, kind: str
) -> None:
    response = upload(client, screenshot, name=name, kind=kind)
    found(response)
    assert b"SECRET" not in response.content


def test_first_of_several_files_counts(client: Client, library: Library, screenshot: bytes) -> None:
    shot, other = (SimpleUploadedFile("a.jpg", data) for data in (screenshot, saved(noise(), "JPEG")))
    found(client.post("/search", {"text": "first", "b": shot, "a": other}))
    shot.seek(0)
    other.seek(0)
    found(client.post("/search", {"image": [shot, other]}))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_picture_may_be_at_an_address(client: Client, library: Library, shot_url: str, method: str) -> None:
    found(client.generic(method, f"/search?{urlencode({'url': shot_url})}&cutBorders"))
    found(client.generic(method, f"/search?anilistInfo&anilistID=98444&{urlencode({'url': shot_url})}"))
    assert used(client) == 2


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{}", "application/json"),
        (b"not a form", "multipart/form-data; boundary=b"),
        (b"not a form", "multipart/form-data"),
        (b"\xff\xd8 broken", "image/jpeg"),
        (b"x=1", FORM),
    ],
)
def test_address_goes_before_any_body(
    client: Client, library: Library, shot_url: str, body: bytes, content_type: str
) -> None:
    found(post(client, body, content_type, query=urlencode({"url": shot_url})))


def test_address_goes_before_an_upload(
    client: Client, library: Library, shot_url: str, host: WebServer, screenshot: bytes
) -> None:
    found(upload(client, saved(noise(), "JPEG"), query=urlencode({"url": shot_url})))
    text = refusal(
        upload(client, screenshot, query=urlencode({"url": host.url("/none")})), 400, echoed=host.url("/none")
    )
    assert text == f"Failed to fetch image {host.url('/none')}"


@pytest.mark.parametrize("query", ["url=", "url=%20", "image=http://127.0.0.1/"])
def test_empty_address_is_none(client: Client, library: Library, screenshot: bytes, query: str) -> None:
    found(post(client, screenshot, query=query))


def test_picture_is_found_over_redirects(
    client: Client, library: Library, host: WebServer, shot_url: str
) -> None:
    host.replies["/1"] = redirect("/2")
    host.replies["/2"] = redirect("/shot.jpg")
    found(by_url(client, host.url("/1")))


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "WEBP"])
def test_picture_may_be_of_any_format(client: Client, library: Library, screenshot: bytes, kind: str) -> None:
    found(post(client, saved(opened(screenshot).resize((480, 270)), kind)))


def test_first_frame_of_an_animated_gif_counts(client: Client, library: Library, screenshot: bytes) -> None:
    shot = opened(screenshot).resize((320, 180))
    found(post(client, animated_gif(shot, plain((0, 0, 0), (320, 180)))))
    second = post(client, animated_gif(noise(), shot)).json()["result"]
    assert all(result["similarity"] < 0.87 for result in second)


def test_first_frame_of_a_video_counts(
    client: Client, library: Library, video: bytes, host: WebServer
) -> None:
    host.replies["/a.mp4"] = answer(video, "Content-Type: video/mp4")
    for response in (
        post(client, video, "video/mp4"),
        post(client, video, "application/octet-stream"),
        upload(client, video, name="a.mp4", kind="video/mp4"),
        by_url(client, host.url("/a.mp4")),
    ):
        assert found(response)["from"] == 0
    assert used(client) == 4


def test_picture_with_a_place_in_it_does_not_tell_it(
    client: Client, library: Library, screenshot: bytes
) -> None:
    response = post(client, with_gps(screenshot))
    found(response)
    assert b"SECRET-DESCRIPTION" not in response.content


@pytest.mark.parametrize("is_upload", [False, True])
def test_picture_may_have_25_megabytes_and_not_a_byte_more(
    client: Client, library: Library, screenshot: bytes, is_upload: bool
) -> None:
    largest = screenshot + bytes(25 * 1024 * 1024 - len(screenshot))
    send = upload if is_upload else post
    found(send(client, largest))
    assert refusal(send(client, largest + b"\0"), 413) == "Payload Too Large"
    assert used(client) == 1
