"""What cannot be searched is told in the page, in words and with the right status."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from anime_search.errors import ImageFetchFailed, ImageTooLarge, IndexUnavailable, SearchTimedOut
from core.errors import Unavailable
from credits.policies import Product
from tests.anime_search.web.asking import FRAGMENT, png, text_of
from tests.policies import set_policy

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ImageTooLarge(), 413, "too large Pictures may have up to 25 MB and 64 megapixels"),
        (ImageFetchFailed(url="https://a.example/"), 400, "could not be fetched from that address"),
        (IndexUnavailable(), 503, "nothing to search in yet"),
        (SearchTimedOut(retry_after_s=7), 503, "took too long You can try again in 7 seconds."),
        (Unavailable(), 503, "busy right now You can try again in 5 seconds."),
        (RuntimeError("a secret"), 500, "went wrong on our side"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_error_is_told_in_the_page(
    client: Client, answer: dict[str, Any], error: Exception, status: int, words: str
) -> None:
    answer["error"] = error
    for headers in ({}, FRAGMENT):
        response = client.post("/", {"image": png(), "url": ""}, headers=headers)
        said = text_of(response.content.decode())
        assert response.status_code == status
        assert words in said
        assert "a secret" not in said
        assert ("Retry-After" in response) == (status == 503)
    assert '<div class="notice" role="alert">' in response.content.decode()


def test_too_many_searches_are_told_how_long_to_wait(client: Client, answer: dict[str, Any]) -> None:
    set_policy(Product.WHAT_ANIME, rate=1, rate_s=3600, daily=None)
    assert client.post("/", {"image": png()}).status_code == 200
    response = client.post("/", {"image": png()})
    assert response.status_code == 429
    assert 3590 <= int(response["Retry-After"]) <= 3600
    assert re.search(
        r"Too many searches in a short time You can try again in (1 hour|59 minutes \d+ seconds?)\.",
        text_of(response.content.decode()),
    )


def test_failed_search_is_refunded(client: Client, answer: dict[str, Any]) -> None:
    set_policy(Product.WHAT_ANIME, rate=100, rate_s=3600, daily=1)
    answer["error"] = SearchTimedOut()
    assert client.post("/", {"image": png()}).status_code == 503
    answer["error"] = None
    assert client.post("/", {"image": png()}).status_code == 200
    assert client.post("/", {"image": png()}).status_code == 429


def test_form_without_a_picture_is_not_counted(client: Client, answer: dict[str, Any]) -> None:
    set_policy(Product.WHAT_ANIME, rate=1, rate_s=3600, daily=None)
    assert client.post("/", {}).status_code == 400
    assert client.post("/", {"image": png()}).status_code == 200


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "No picture yet"),
        ({"url": "   "}, "No picture yet"),
        ({"image": SimpleUploadedFile("a.png", b"")}, "This file is empty"),
        ({"image": SimpleUploadedFile("a.png", b"no picture" * 99)}, "not a picture that can be read"),
        ({"url": "http://169.254.169.254/latest/a.png"}, "could not be fetched from that address"),
        ({"url": "file:///etc/hostname"}, "could not be fetched from that address"),
        ({"url": "http://[::1\x00]/\ud7ff" + "a" * 9000}, "could not be fetched from that address"),
    ],
    ids=["nothing", "blank", "empty", "text", "inside", "scheme", "odd"],
)
def test_bad_input_is_told_in_the_page(client: Client, fields: dict[str, Any], words: str) -> None:
    response = client.post("/", fields)
    assert response.status_code == 400
    assert words in text_of(response.content.decode())


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"nothing"),
        ("multipart/form-data; boundary=", b"nothing"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\xff\r\n\r\n"),
        (
            "multipart/form-data; boundary=x; charset=nope",
            b"--x\r\nContent-Disposition: form-data; name*=nope''url\r\n\r\na\r\n--x--\r\n",
        ),
        ("application/x-www-form-urlencoded; charset=nope", b"url=%ff%fe"),
        ("application/x-www-form-urlencoded; charset=rot13", b"url=+"),
        (
            "multipart/form-data; boundary=x; charset=base64",
            b'--x\r\nContent-Disposition: form-data; name="url"\r\n\r\n \r\n--x--\r\n',
        ),
        ("application/json", b"[[[["),
        ("image/png; charset=\xff", b"\x89PNG"),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(2000))),
    ],
)
@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_body_that_is_no_form_is_told_in_the_page(
    client: Client, content_type: str, body: bytes, headers: dict[str, str]
) -> None:
    response = client.generic("POST", "/", body, content_type, headers=headers)
    assert response.status_code == 400
    assert 'class="notice" role="alert"' in response.content.decode()


@pytest.mark.parametrize(("length", "status"), [("1000000000", 413), ("many", 400)])
def test_length_is_judged_before_the_body_is_read(client: Client, length: str, status: int) -> None:
    def unreadable(*_: Any) -> bytes:
        raise AssertionError("the body was read")

    response = client.post(
        "/",
        {},
        CONTENT_LENGTH=length,
        **{"wsgi.input": type("Body", (), {"read": unreadable, "readline": unreadable})()},
    )
    assert response.status_code == status
    assert 'class="notice" role="alert"' in response.content.decode()


def test_forged_form_is_refused_on_a_page_of_ours(answer: dict[str, Any]) -> None:
    stranger = Client(enforce_csrf_checks=True)
    response = stranger.post("/", {"image": png()})
    assert response.status_code == 403
    assert "This page has been open for too long" in response.content.decode()
    assert not answer["calls"]


def test_form_of_the_page_itself_is_taken(answer: dict[str, Any]) -> None:
    visitor = Client(enforce_csrf_checks=True)
    html = visitor.get("/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html)
    assert token is not None
    response = visitor.post("/", {"image": png(), "csrfmiddlewaretoken": token[1]})
    assert response.status_code == 200
    assert len(answer["calls"]) == 1


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    assert getattr(client, method)("/").status_code == 405


def test_unknown_address_has_a_page_of_the_design(client: Client) -> None:
    response = client.get("/no/such/page")
    html = response.content.decode()
    assert response.status_code == 404
    assert "There is no such page" in html
    assert "css/frameproof.css" in html


def test_unknown_address_of_an_api_stays_in_its_dialect(client: Client) -> None:
    response = client.get("/api/anime/no-such-thing")
    assert response.status_code == 404
    assert response.json()["code"] == "NOT_FOUND"


def test_crash_has_a_page_of_the_design(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(**_: Any) -> dict[str, Any]:
        raise RuntimeError("a secret")

    monkeypatch.setattr("anime_search.web.views._page", crash)
    response = Client(raise_request_exception=False).get("/")
    html = response.content.decode()
    assert response.status_code == 500
    assert "Something went wrong on our side" in html
    assert "css/frameproof.css" in html
    assert "a secret" not in html
