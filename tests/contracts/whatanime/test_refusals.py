"""What ``POST /api/anime/search`` refuses: one shape of error, and nothing internal in it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from anime_search import runtime
from anime_search.errors import SearchTimedOut
from tests.contracts.conftest import Library
from tests.contracts.pictures import HOSTILE, Outcome
from tests.contracts.telling import assert_tells_nothing_internal
from tests.contracts.whatanime.asking import PATH, refusal, upload

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MULTIPART = "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", FORM),
        ("", ""),
        ("", "text/plain"),
        ("{}", JSON),
        ('{"url": null}', JSON),
        ('{"url": ""}', JSON),
        ('{"url": "  \\n"}', JSON),
        ('{"url": 5}', JSON),
        ('{"url": true}', JSON),
        ('{"url": ["http://example.com/a.png"]}', JSON),
        ('{"url": {"href": "http://example.com/a.png"}}', JSON),
        ('{"image": "AAAA"}', JSON),
        ("url=", FORM),
        ("image=AAAA", FORM),
        ('--b\r\nContent-Disposition: form-data; name="image"\r\n\r\nAAAA\r\n--b--\r\n', MULTIPART),
        (
            '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nAAAA\r\n--b--\r\n',
            MULTIPART,
        ),
        ("--b--\r\n", MULTIPART),
        ('{"url": "http://example.com/a.png"}', "text/plain"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
    ],
)
def test_request_without_an_image_or_a_url_is_refused(
    client: Client, body: str | bytes, content_type: str
) -> None:
    response = client.generic("POST", PATH, body, content_type=content_type)
    assert refusal(response, 400) == "IMAGE_MISSING"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", JSON),
        ("{", JSON),
        ("[]", JSON),
        ('"http://example.com"', JSON),
        ("null", JSON),
        ("5", JSON),
        ("url=http://example.com/", JSON),
        ("[" * 1_000_000, JSON),
        ('{"url":' * 150_000, JSON),
        (b'{"url": "\xff"}', JSON),
        (b"\xff\xfe\x00\xd8", JSON),
        (b"not a form", MULTIPART),
        (b"--b\r\n" * 2000, MULTIPART),
        ("", "multipart/form-data"),
        ("", "multipart/form-data; boundary=" + "b" * 500),
        ("", "multipart/form-data; boundary=\xe9"),
        (b"&".join(b"f%d=1" % n for n in range(5000)), FORM),
        (
            b"".join(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % n for n in range(2000))
            + b"--b--\r\n",
            MULTIPART,
        ),
        (
            b"".join(
                b'--b\r\nContent-Disposition: form-data; name="f"; filename="f%d"\r\n\r\n1\r\n' % n for n in range(200)
            )
            + b"--b--\r\n",
            MULTIPART,
        ),
        (b'--b\r\nContent-Disposition: form-data; name="image"; filename="' + b"x" * 5000 + b'"\r\n\r\n1\r\n--b--', MULTIPART),
    ],
    ids=lambda value: repr(value[:40]),
)  # fmt: skip
def test_body_that_cannot_be_read_is_refused(client: Client, body: str | bytes, content_type: str) -> None:
    response = client.generic("POST", PATH, body, content_type=content_type)
    assert refusal(response, 400) in ("INVALID_REQUEST", "IMAGE_MISSING")


@pytest.mark.parametrize("charset", ["hex", "utf-16", "idna", "undefined", "klingon", "rot13", "\xe9"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b"url=\xff\xfe&a=%ff"),
        (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\xfe\r\n--b--\r\n'),
    ],
)
def test_charset_of_a_form_changes_nothing(client: Client, kind: str, body: bytes, charset: str) -> None:
    response = client.generic("POST", PATH, body, content_type=f"{kind}; charset={charset}")
    assert refusal(response, 400) in ("DOWNLOAD_FAILED", "IMAGE_MISSING", "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("make", "outcomes"), [(make, wanted) for _, make, wanted in HOSTILE], ids=[name for name, *_ in HOSTILE]
)
def test_hostile_picture_is_searched_or_refused(
    client: Client, library: Library, make: Any, outcomes: set[Outcome]
) -> None:
    response = upload(client, make())
    if response.status_code == 200:
        assert 200 in outcomes
        assert response.json()["confident"] is False
        assert_tells_nothing_internal(response.content.decode().replace("http://testserver", ""))
    else:
        assert outcomes & {400, 500}
        assert refusal(response, 400) in ("IMAGE_UNDECODABLE", "IMAGE_TOO_MANY_PIXELS")


@pytest.mark.parametrize(("over", "status"), [(0, 400), (1, 413)])
def test_image_may_have_exactly_its_limit(client: Client, over: int, status: int) -> None:
    picture = b"\xff\xd8\xff\xe0" + bytes(runtime.IMAGE_LIMITS.max_bytes - 4 + over)
    code = refusal(upload(client, picture), status)
    assert code == ("IMAGE_TOO_LARGE" if over else "IMAGE_UNDECODABLE")


@pytest.mark.parametrize("content_type", [JSON, FORM, MULTIPART, ""])
def test_body_over_the_limit_is_too_large(client: Client, settings: Any, content_type: str) -> None:
    response = client.generic("POST", PATH, bytes(settings.MAX_BODY_BYTES + 1), content_type=content_type)
    assert refusal(response, 413) == "BODY_TOO_LARGE"


@pytest.mark.parametrize("length", ["abc", "1.5", "0x10", "9" * 30])
def test_content_length_that_is_none_is_refused(client: Client, length: str) -> None:
    response = client.generic(
        "POST", PATH, "url=http://example.com", content_type=FORM, CONTENT_LENGTH=length
    )
    assert refusal(response, 413 if length.isdigit() else 400) in ("INVALID_REQUEST", "BODY_TOO_LARGE")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "FOO"])
def test_other_methods_are_not_allowed(client: Client, method: str) -> None:
    response = client.generic(method, PATH)
    assert response["Allow"] == "POST, OPTIONS"
    if method == "HEAD":
        assert response.status_code == 405
    else:
        assert refusal(response, 405) == "METHOD_NOT_ALLOWED"


def test_options_says_what_is_allowed_and_no_more(client: Client) -> None:
    response = client.options(PATH)
    assert (response.status_code, response.content, response["Allow"]) == (200, b"", "POST, OPTIONS")


@pytest.mark.parametrize(
    "path",
    ["/api/anime", "/api/anime/", "/api/anime/x", "/api/anime/search/", "/api/anime/search/x", "/api/anime/%0A",
     "/api/anime/..%2fsearch", "/api/anime/ranking", "/api/anime/%ff", "/api/user", "/api/user/", "/api/user/x",
     "/api/user/anime-credits/", "/api/user/anime-credits/x"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_unknown_path_is_not_found(client: Client, path: str, method: str) -> None:
    response = client.generic(method, path)
    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")
    assert set(response.json()) == {"error", "code"}


@pytest.mark.parametrize("accept", ["text/html", "image/png", "application/xml", "nonsense"])
def test_accept_header_changes_nothing(client: Client, accept: str) -> None:
    assert refusal(client.post(PATH, headers={"Accept": accept}), 400) == "IMAGE_MISSING"
    assert refusal(client.post(f"{PATH}?format=xml"), 400) == "IMAGE_MISSING"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer unknown",
        "bearer ak_0123456789",
        "BEARER  x",
        "Bearer \xe9",
        "Bearer " + "x" * 8000,
        "Bearer x y",
    ],
)
def test_unknown_key_is_refused(client: Client, screenshot: bytes, header: str) -> None:
    response = client.post(
        PATH, {"image": SimpleUploadedFile("a.jpg", screenshot)}, headers={"Authorization": header}
    )
    assert refusal(response, 401) == "INVALID_KEY"
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dTpw", "Digest x", "token"])
def test_header_without_a_key_is_a_guests(client: Client, header: str) -> None:
    assert refusal(client.post(PATH, headers={"Authorization": header}), 400) == "IMAGE_MISSING"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (SearchTimedOut(), 503, "SEARCH_TIMED_OUT"),
        (RuntimeError("SECRET-DETAIL in /etc/passwd"), 500, "INTERNAL_ERROR"),
        (MemoryError(), 500, "INTERNAL_ERROR"),
        (KeyError("SECRET-KEY"), 500, "INTERNAL_ERROR"),
    ],
)
def test_failure_of_ours_tells_nothing(
    client: Client,
    screenshot: bytes,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    code: str,
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("anime_search.api.whatanime.views.search_media", fail)
    response = upload(client, screenshot)
    assert refusal(response, status) == code
    assert (status == 503) == ("Retry-After" in response)


def test_search_without_an_index_is_unavailable(
    client: Client, library: Library, screenshot: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    from tests.contracts.live import index_store

    empty = runtime.IndexHandle(index_store(tmp_path))
    monkeypatch.setattr(runtime, "index", lambda: empty)
    response = upload(client, screenshot)
    assert refusal(response, 503) == "INDEX_UNAVAILABLE"
    assert int(response["Retry-After"]) > 0


def test_address_that_is_no_text_is_refused(client: Client) -> None:
    """JSON can spell half of a pair of surrogates, which no encoding of text has."""
    response = client.post(PATH, '{"url":"\\ud800"}', content_type="application/json")
    assert refusal(response, 400) == "DOWNLOAD_FAILED"
    response = client.post(
        PATH, '{"url":"\\ud800"}', content_type="application/json", headers={"Idempotency-Key": "a"}
    )
    assert refusal(response, 400) == "DOWNLOAD_FAILED"
