"""Every way in which clients of the old trace.moe API send a picture finds its scene."""

from __future__ import annotations

import base64
import json
import textwrap
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from tests.contracts.conftest import Library
from tests.contracts.live import FILENAME
from tests.contracts.pictures import animated_gif, noise, opened, plain, saved
from tests.contracts.tracemoe_legacy.asking import FORM, post_json, post_raw, spent
from tests.core.loopback_web import WebServer, answer

DATA_URI = "data:image/jpeg;base64,"


def in_lines(encoded: str, indent: str = "") -> str:
    return textwrap.fill(encoded, 76, subsequent_indent=indent)


def as_json(**fields: Any) -> str:
    return json.dumps(fields)


BODIES: list[tuple[str, str, Callable[[str], str | bytes]]] = [
    ("curl -d", FORM, lambda b64: f"image={b64}"),
    ("curl -d of a data URI", FORM, lambda b64: f"image={DATA_URI}{b64}"),
    ("curl -d with newlines", FORM, lambda b64: f"image={in_lines(b64)}"),
    ("escaped form", FORM, lambda b64: f"image={quote_plus(b64)}"),
    ("escaped form in lines", FORM, lambda b64: f"image={quote_plus(in_lines(b64, '  '))}"),
    ("form without padding", FORM, lambda b64: f"image={b64.rstrip('=')}"),
    ("form, url-safe", FORM, lambda b64: f"image={b64.replace('+', '-').replace('/', '_')}"),
    ("form with a charset", f"{FORM}; charset=Shift_JIS", lambda b64: f"image={b64}"),
    ("form with a charset that is none", f"{FORM}; charset=hex", lambda b64: f"image={b64}"),
    ("form without a type", "", lambda b64: f"image={b64}"),
    ("form, last of two", FORM, lambda b64: f"image=AAAA&image={b64}"),
    ("JSON", "application/json", lambda b64: as_json(image=b64)),
    ("JSON, data URI", "application/json", lambda b64: as_json(image=DATA_URI + b64)),
    ("JSON with a charset", "application/json; charset=utf-8", lambda b64: as_json(image=b64)),
    ("JSON as plain text", "text/plain;charset=UTF-8", lambda b64: as_json(image=b64)),
    ("JSON without a type", "", lambda b64: as_json(image=b64)),
    ("JSON under a form's type", FORM, lambda b64: as_json(image=b64)),
    ("JSON as bytes", "application/octet-stream", lambda b64: as_json(image=b64)),
    ("JSON of an unknown charset", "application/json; charset=klingon", lambda b64: as_json(image=b64)),
    ("JSON under a form-data type", "multipart/form-data", lambda b64: as_json(image=b64)),
    ("JSON in lines", "application/json", lambda b64: as_json(image=in_lines(b64))),
    ("JSON in lines, indented", "application/json", lambda b64: as_json(image=in_lines(b64, "    "))),
    ("JSON, plus turned to space", "application/json", lambda b64: as_json(image=b64.replace("+", " "))),
    ("JSON without padding", "application/json", lambda b64: as_json(image=b64.rstrip("="))),
    ("JSON with too much padding", "application/json", lambda b64: as_json(image=b64 + "====")),
    ("JSON, url-safe", "application/json", lambda b64: as_json(image=b64.replace("+", "-").replace("/", "_"))),
    ("JSON with stray characters", "application/json", lambda b64: as_json(image=f"\0\ufeff{b64}\0é")),
    ("JSON after white space", "application/json", lambda b64: " \r\n\t" + as_json(image=b64)),
    ("JSON after a byte order mark", "application/json", lambda b64: b"\xef\xbb\xbf" + as_json(image=b64).encode()),
    ("JSON in UTF-16", "application/json", lambda b64: as_json(image=b64).encode("utf-16")),
    ("JSON in UTF-16LE", "application/json", lambda b64: as_json(image=b64).encode("utf-16-le")),
    ("JSON in UTF-32", "application/json", lambda b64: as_json(image=b64).encode("utf-32")),
    ("JSON, last of two keys", "application/json", lambda b64: f'{{"image": "AAAA", "image": "{b64}"}}'),
    ("JSON with more keys", "application/json", lambda b64: as_json(trial=4, image=b64, other={"image": "x"})),
]  # fmt: skip


def assert_found(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    doc: dict[str, Any] = response.json()["docs"][0]
    assert doc["filename"] == FILENAME
    assert doc["similarity"] > 0.9
    return doc


@pytest.mark.parametrize(
    ("content_type", "body"), [(kind, body) for _, kind, body in BODIES], ids=[name for name, *_ in BODIES]
)
def test_picture_is_read_from(
    client: Client, library: Library, encoded: str, content_type: str, body: Callable[[str], str | bytes]
) -> None:
    assert "+" in encoded
    assert "/" in encoded
    assert_found(post_raw(client, body(encoded), content_type))


@pytest.mark.parametrize("tail", range(4))
def test_padding_may_be_missing_for_any_length(
    client: Client, library: Library, screenshot: bytes, tail: int
) -> None:
    assert_found(post_json(client, image=base64.b64encode(screenshot + bytes(tail)).decode().rstrip("=")))


@pytest.mark.parametrize("field", ["image", "file", "anything"])
def test_picture_may_be_an_uploaded_file(
    client: Client, library: Library, screenshot: bytes, field: str
) -> None:
    assert_found(
        client.post("/api/search", {field: SimpleUploadedFile("shot.jpg", screenshot, "image/jpeg")})
    )


def test_picture_may_be_base64_in_a_multipart_field(client: Client, library: Library, encoded: str) -> None:
    assert_found(client.post("/api/search", {"image": encoded}))


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "WEBP"])
def test_picture_may_be_of_any_documented_format(
    client: Client, library: Library, screenshot: bytes, kind: str
) -> None:
    smaller = opened(screenshot).resize((480, 270))
    assert_found(post_json(client, image=base64.b64encode(saved(smaller, kind)).decode()))


def test_first_frame_of_an_animated_gif_counts(client: Client, library: Library, screenshot: bytes) -> None:
    shot = opened(screenshot).resize((320, 180))
    first = animated_gif(shot, plain((0, 0, 0), (320, 180)))
    assert_found(post_json(client, image=base64.b64encode(first).decode()))
    second = animated_gif(noise(), shot)
    docs = post_json(client, image=base64.b64encode(second).decode()).json()["docs"]
    assert all(doc["similarity"] < 0.87 for doc in docs)


@pytest.fixture
def image_host(settings: Settings) -> Iterator[WebServer]:
    settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.1/32",)
    server = WebServer()
    yield server
    server.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_picture_may_be_at_a_url_in_the_query(
    client: Client, library: Library, screenshot: bytes, image_host: WebServer, method: str
) -> None:
    image_host.replies["/shot.jpg"] = answer(screenshot, "Content-Type: text/plain")
    url = image_host.url("/shot.jpg")
    assert_found(client.generic(method, "/api/search", query_params={"url": url}))
    assert spent(client) == (1, 1)


def test_url_is_fetched_for_those_only_who_are_let_in(
    client: Client, library: Library, screenshot: bytes, image_host: WebServer
) -> None:
    image_host.replies["/shot.jpg"] = answer(screenshot)
    query = {"url": image_host.url("/shot.jpg")}
    assert client.get("/api/search", {**query, "token": "unknown"}).status_code == 403
    statuses = [client.get("/api/search", query).status_code for _ in range(12)]
    assert statuses == [200] * 10 + [429] * 2
    assert len(image_host.requests) == 10


@pytest.mark.parametrize(
    "value",
    ["0", '""', '"0"', '"abc"', '"98445abc"', "null", "true", "false", "[]", "{}", "0.0", "-0", '"-0"', "NaN", "0.4",
     '"１２"'],
)  # fmt: skip
def test_filter_is_off_when_it_is_zero_or_no_number(
    client: Client, library: Library, encoded: str, value: str
) -> None:
    assert_found(post_raw(client, f'{{"image": "{encoded}", "filter": {value}}}', "application/json"))


@pytest.mark.parametrize("value", ["98444", '"98444"', "98444.0", '" 98444 "', '"98444.0"', "9.8444e4"])
def test_filter_keeps_the_title_it_names(client: Client, library: Library, encoded: str, value: str) -> None:
    assert_found(post_raw(client, f'{{"image": "{encoded}", "filter": {value}}}', "application/json"))


@pytest.mark.parametrize(
    "value",
    ["98445", '"1"', "-1", '"-1"', "-98444", "2147483647", "9223372036854775807", "9223372036854775808", "1e309", "-1e309",
     '"1e309"', '"9223372036854775808"', "Infinity", "1" + "0" * 300, '"' + "9" * 300 + '"'],
)  # fmt: skip
def test_filter_of_another_number_finds_nothing(
    client: Client, library: Library, encoded: str, value: str
) -> None:
    response = post_raw(client, f'{{"image": "{encoded}", "filter": {value}}}', "application/json")
    assert response.status_code == 200, response.content
    assert response.json()["docs"] == []


def test_filter_is_read_from_a_form_and_never_from_the_query(
    client: Client, library: Library, screenshot: bytes, encoded: str
) -> None:
    assert post_raw(client, f"filter=98445&image={encoded}").json()["docs"] == []
    upload = SimpleUploadedFile("shot.jpg", screenshot)
    assert client.post("/api/search", {"image": upload, "filter": "98445"}).json()["docs"] == []
    assert_found(
        client.generic(
            "POST", "/api/search", f"image={encoded}", content_type=FORM, query_params={"filter": "98445"}
        )
    )


@pytest.mark.parametrize("over", [0, 1])
def test_body_may_have_exactly_one_mebibyte(
    client: Client, library: Library, encoded: str, over: int
) -> None:
    body = as_json(image=encoded)
    response = post_raw(client, body + " " * (1024 * 1024 - len(body) + over), "application/json")
    if over:
        assert response.status_code == 413
        assert response.content == b'"Request Entity Too Large"'
    else:
        assert_found(response)


def test_uploaded_file_over_a_mebibyte_is_refused(client: Client) -> None:
    response = client.post("/api/search", {"image": SimpleUploadedFile("big.jpg", bytes(1024 * 1024))})
    assert response.status_code == 413
    assert response.content == b'"Request Entity Too Large"'
    assert spent(client) == (0, 0)
