"""``POST /api/anime/search``: the documented ways to ask, and an answer that a page can be made of."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import Settings

from anime_search.models import Anime, Video
from anime_search.previews import Moment, sign_moment
from credits.policies import Product
from tests.contracts.conftest import Library, Shelf
from tests.contracts.live import FILENAME, Clip, put_video
from tests.contracts.pictures import noise, opened, plain, saved
from tests.contracts.telling import assert_tells_nothing_internal
from tests.contracts.whatanime.asking import PATH, by_url, refusal, upload
from tests.core.loopback_web import WebServer, answer
from tests.policies import set_policy

KEYS = ["confident", "candidates", "searchedFrames", "timingsMs"]
CANDIDATE_KEYS = [
    "anilistId", "malId", "title", "titles", "isAdult", "filename", "season", "episode", "kind",
    "from", "at", "to", "duration", "similarity", "probability", "view", "also", "image",
    "link",
]  # fmt: skip


@pytest.fixture
def image_host(settings: Settings) -> Iterator[WebServer]:
    settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.1/32",)
    server = WebServer()
    yield server
    server.close()


def found(response: Any) -> dict[str, Any]:
    """The best candidate of an answer, whose every field has its type."""
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "application/json"
    body = json.loads(response.content)
    assert list(body) == KEYS
    for candidate in body["candidates"]:
        assert list(candidate) == CANDIDATE_KEYS
        assert 0 <= candidate["from"] <= candidate["at"] <= candidate["to"] <= candidate["duration"] + 1
        assert 0 <= candidate["probability"] <= 1
        assert 0 <= candidate["similarity"] <= 1
        assert isinstance(candidate["title"], str)
        assert candidate["title"]
        assert isinstance(candidate["isAdult"], bool)
        assert set(candidate["titles"]) == {"native", "romaji", "english", "chinese", "korean"}
    assert all(isinstance(ms, int | float) and ms >= 0 for ms in body["timingsMs"].values())
    best: dict[str, Any] = body["candidates"][0]
    return {**best, "confident": body["confident"]}


def test_uploaded_file_is_found(client: Client, library: Library, screenshot: bytes) -> None:
    best = found(upload(client, screenshot))
    assert best["confident"] is True
    assert {name: best[name] for name in CANDIDATE_KEYS[:9]} == {
        "anilistId": 98444,
        "malId": 34798,
        "title": "Yuru Camp△",
        "titles": {
            "native": "ゆるキャン△",
            "romaji": "Yuru Camp△",
            "english": "Laid-Back Camp",
            "chinese": "搖曳露營",
            "korean": "유루캠△",
        },
        "isAdult": False,
        "filename": FILENAME,
        "season": None,
        "episode": 5,
        "kind": "episode",
    }
    assert best["from"] <= 2.36 <= best["to"]
    assert best["view"].endswith("mirrored")
    assert best["link"] == "https://anilist.co/anime/98444"


@pytest.mark.parametrize("as_json", [True, False])
def test_picture_behind_a_url_is_found(
    client: Client, library: Library, screenshot: bytes, image_host: WebServer, as_json: bool
) -> None:
    image_host.replies["/shot.jpg"] = answer(screenshot, "Content-Type: image/jpeg")
    url = f" {image_host.url('/shot.jpg')}\n"
    response = by_url(client, url) if as_json else client.post(PATH, {"url": url})
    assert found(response)["filename"] == FILENAME


def test_url_in_a_plain_form_is_found(
    client: Client, library: Library, screenshot: bytes, image_host: WebServer
) -> None:
    image_host.replies["/shot.jpg"] = answer(screenshot)
    response = client.post(
        PATH, f"url={image_host.url('/shot.jpg')}", content_type="application/x-www-form-urlencoded"
    )
    assert found(response)["filename"] == FILENAME


def test_file_goes_before_a_url(
    client: Client, library: Library, screenshot: bytes, image_host: WebServer
) -> None:
    assert found(upload(client, screenshot, url=image_host.url("/shot.jpg")))["filename"] == FILENAME
    assert image_host.requests == []


def test_field_without_a_chosen_file_leaves_the_url(
    client: Client, library: Library, screenshot: bytes, image_host: WebServer
) -> None:
    """What a browser sends of a form whose file field was left empty."""
    image_host.replies["/shot.jpg"] = answer(screenshot)
    body = (
        '--b\r\nContent-Disposition: form-data; name="image"; filename=""\r\n'
        "Content-Type: application/octet-stream\r\n\r\n\r\n"
        f'--b\r\nContent-Disposition: form-data; name="url"\r\n\r\n{image_host.url("/shot.jpg")}\r\n--b--\r\n'
    )
    response = client.generic("POST", PATH, body, content_type="multipart/form-data; boundary=b")
    assert found(response)["filename"] == FILENAME


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("JPEG", "image/svg+xml"),
        ("PNG", "image/svg+xml"),
        ("GIF", "text/html"),
        ("BMP", "application/pdf"),
        ("WEBP", "image/jpeg"),
    ],
)
def test_content_decides_and_not_what_is_said_of_it(
    client: Client, library: Library, screenshot: bytes, kind: str, said: str
) -> None:
    picture = saved(opened(screenshot).resize((480, 270)), kind)
    assert found(upload(client, picture, name="shot.svg", kind=said))["filename"] == FILENAME


def test_candidates_are_the_best_five(client: Client, shelf: Shelf) -> None:
    candidates = upload(client, shelf.screenshot).json()["candidates"]
    assert len(candidates) == 5
    similarities = [candidate["similarity"] for candidate in candidates]
    assert similarities == sorted(similarities, reverse=True)
    found(upload(client, shelf.screenshot))


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (128, 60, 10)])
def test_plain_picture_is_never_a_confident_match(
    client: Client, library: Library, colour: tuple[int, int, int]
) -> None:
    response = upload(client, saved(plain(colour), "PNG"))
    assert response.status_code == 200
    assert response.json()["confident"] is False


def test_picture_of_something_else_is_no_match(client: Client, library: Library) -> None:
    assert upload(client, saved(noise(), "PNG")).json()["confident"] is False


def test_deleted_video_gives_an_answer_without_candidates(
    client: Client, library: Library, screenshot: bytes
) -> None:
    library.video.delete()
    body = upload(client, screenshot).json()
    assert (body["candidates"], body["confident"]) == ([], False)


def test_match_whose_video_was_deleted_makes_no_other_one_confident(client: Client, shelf: Shelf) -> None:
    body = upload(client, shelf.screenshot).json()
    first, second = (candidate["filename"] for candidate in body["candidates"][:2])
    assert body["confident"] is True
    Video.objects.get(filename=first).delete()
    body = upload(client, shelf.screenshot).json()
    assert body["candidates"][0]["filename"] == second
    assert body["confident"] is False


@pytest.mark.parametrize("known", ["nothing", "a number"])
def test_missing_metadata_is_null(
    client: Client, db: None, clip: Clip, index: object, screenshot: bytes, known: str
) -> None:
    put_video(clip, anime=Anime.objects.create(anilist_id=7) if known == "a number" else None)
    best = found(upload(client, screenshot))
    assert best["anilistId"] == (7 if known == "a number" else None)
    assert best["malId"] is None
    assert best["title"] == "Big Buck Bunny"
    assert set(best["titles"].values()) == {None}
    assert best["link"] == ("https://anilist.co/anime/7" if known == "a number" else None)


def test_address_of_the_image_shows_the_matched_frame(
    client: Client, library: Library, screenshot: bytes
) -> None:
    address = urlsplit(found(upload(client, screenshot))["image"])
    assert (address.scheme, address.netloc) == ("http", "testserver")
    sizes = {}
    for size in ("s", "m", "l"):
        response = client.get(address.path, {"size": size})
        assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
        sizes[size] = Image.open(io.BytesIO(response.content)).width
    assert sizes == {"s": 160, "m": 320, "l": 640}
    assert client.get(address.path).content == client.get(address.path, {"size": "m"}).content


def test_address_of_the_image_is_on_the_sites_own_host(
    client: Client, library: Library, screenshot: bytes, settings: Settings
) -> None:
    settings.SITE_URL = "https://frames.example"
    assert found(upload(client, screenshot))["image"].startswith("https://frames.example/image/")


def test_name_of_a_file_is_never_echoed_or_used(client: Client, library: Library, screenshot: bytes) -> None:
    set_policy(Product.WHAT_ANIME, daily=None)
    for name in (
        "../../../etc/cron.d/x",
        "a\0b.jpg",
        "🏕️.jpg",
        "x" * 800 + ".jpg",
        "SECRET-NAME.php",
        "C:\\x.jpg",
    ):
        response = upload(client, screenshot, name=name)
        assert response.status_code == 200, name
        assert_tells_nothing_internal(response.content.decode())


def test_answer_is_nobodys_to_keep(client: Client, library: Library, screenshot: bytes) -> None:
    response = upload(client, screenshot)
    assert response["Cache-Control"] == "no-store"
    assert "Cookie" in response["Vary"]
    assert not response.cookies
    assert response["X-Content-Type-Options"] == "nosniff"


def test_metadata_of_the_picture_is_not_echoed(client: Client, library: Library, screenshot: bytes) -> None:
    from tests.contracts.pictures import with_gps

    response = upload(client, with_gps(screenshot))
    assert found(response)["filename"] == FILENAME
    assert b"SECRET-DESCRIPTION" not in response.content


@pytest.mark.parametrize("size", ["xl", "../../", "", "S", "0", "160"])
def test_size_that_is_none_is_a_bad_request(client: Client, library: Library, size: str) -> None:
    token = sign_moment(Moment(library.video.pk, 1000))
    response = client.get(f"/image/{token}", {"size": size})
    assert (response.status_code, response.json()) == (400, {"error": "Invalid size"})


def test_image_tokens_are_refused_expired_or_gone_in_the_current_dialect(
    client: Client, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from core import clock

    token = sign_moment(Moment(library.video.pk, 1000))
    for changed in (
        token[:-1],
        token[:4],
        token + "A",
        token.swapcase(),
        "x",
        base64.urlsafe_b64encode(b"x" * 52).decode(),
    ):
        response = client.get(f"/image/{changed}")
        assert (response.status_code, response.json()) == (403, {"error": "Invalid signature"})
    for moment in (Moment(library.video.pk, 60_000), Moment(10**9, 1000)):
        response = client.get(f"/image/{sign_moment(moment)}")
        assert (response.status_code, response.json()) == (404, {"error": "Not found"})
    for path in ("/image/", "/image/a/b", "/image/%0A"):
        response = client.get(path)
        assert response.status_code in (403, 404)
        assert set(response.json()) == {"error"}
    later = clock.now() + timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    response = client.get(f"/image/{token}")
    assert (response.status_code, response.json()) == (410, {"error": "Expired"})


def test_empty_file_beside_other_files_is_still_the_image(client: Client) -> None:
    response = client.post(
        PATH, {"image": SimpleUploadedFile("a.jpg", b""), "other": SimpleUploadedFile("b.jpg", b"x")}
    )
    assert refusal(response, 400) == "IMAGE_EMPTY"
