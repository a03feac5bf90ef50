"""What the old trace.moe API refuses: each error a double-quoted string, and what it costs."""

from __future__ import annotations

import base64
import logging
from typing import Any

import pytest
from django.test import Client

from anime_search.errors import SearchTimedOut
from tests.contracts.conftest import Library
from tests.contracts.pictures import HOSTILE, Outcome
from tests.contracts.telling import assert_tells_nothing_internal
from tests.contracts.tracemoe_legacy.asking import FORM, post_json, post_raw, quoted, spent

JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", FORM),
        ("", JSON),
        ("", ""),
        ("{}", JSON),
        ('{"image": null}', JSON),
        ('{"Image": "AAAA"}', JSON),
        ("[]", JSON),
        ('["image"]', JSON),
        ('"image"', JSON),
        ("null", JSON),
        ("true", JSON),
        ("17", JSON),
        ("filter=5", FORM),
        ("\0\0\0\0", FORM),
        ("&&&===", FORM),
        ("image", "text/plain"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_request_without_an_image_is_answered_so(
    client: Client, method: str, body: str, content_type: str
) -> None:
    response = client.generic(method, "/api/search", body, content_type=content_type)
    if body == "image":
        # A name without a value is a field of a form, and an empty one.
        body = "image="
        assert quoted(response) == "Image is empty"
    else:
        assert quoted(response) == "No image received"
    assert response.status_code == 400
    assert spent(client) == (0, 0)


@pytest.mark.parametrize("query", [{}, {"url": ""}, {"image": "AAAA"}, {"filter": "5"}])
def test_get_without_a_url_has_no_image(client: Client, query: dict[str, str]) -> None:
    response = client.get("/api/search", query)
    assert (response.status_code, quoted(response)) == (400, "No image received")


@pytest.mark.parametrize(
    "image", ["", " ", "\n", "====", "data:image/jpeg;base64,", ",", "A", "é", "\0", "%%%"]
)
def test_image_without_a_byte_is_empty(client: Client, image: str) -> None:
    response = post_json(client, image=image)
    assert (response.status_code, quoted(response)) == (400, "Image is empty")
    assert spent(client) == (0, 0)


def test_empty_upload_is_empty(client: Client) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n\r\n--b--\r\n"
    )  # fmt: skip
    response = post_raw(client, body, "multipart/form-data; boundary=b")
    assert (response.status_code, quoted(response)) == (400, "Image is empty")


def assert_unreadable(response: Any) -> None:
    """The document's 500, which in truth is the caller's mistake."""
    assert response.status_code == 500
    sentence = quoted(response)
    assert sentence.startswith("Error reading image from ")
    assert_tells_nothing_internal(sentence)


@pytest.mark.parametrize(
    "image",
    [
        base64.b64encode(b"just some text, and no picture").decode(),
        "data:image/png,rawdata",
        "http://example.com/a.jpg",
        "../../../etc/passwd",
        "AAAA",
        base64.b64encode(bytes(500_000)).decode(),
    ],
)
def test_malformed_image_is_the_documented_error(
    client: Client, caplog: pytest.LogCaptureFixture, image: str
) -> None:
    with caplog.at_level(logging.INFO):
        assert_unreadable(post_json(client, image=image))
    assert spent(client) == (1, 0)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "unreadable image" in caplog.records[0].getMessage()
    assert caplog.records[0].exc_info is None


@pytest.mark.parametrize("value", [5, 0, 1.5, True, False, [], ["AAAA"], {}, {"a": "AAAA"}])
def test_image_that_is_no_text_is_malformed(client: Client, value: object) -> None:
    assert_unreadable(post_json(client, image=value))
    assert spent(client) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        "{",
        '{"image": ',
        '{"image": "AAAA"',
        "{'image': 'AAAA'}",
        '{"image": "AAAA",}',
        '{"image": AAAA}',
        "[" * 100_000,
        "[" * 1_000_000,
        '{"a":' * 150_000,
        '{"image":' + "[" * 500_000 + "]" * 500_000 + "}",
        '{"image": "a", "filter": ' + "9" * 5000 + "}",
        '{"image": "\n"}',
        b'\xff\xfe{"image": "AAAA"}',
        b'\x00{"image": "AAAA"}',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_json_that_is_none_is_malformed_and_costs_nothing(client: Client, body: str | bytes) -> None:
    response = post_raw(client, body, JSON)
    assert response.status_code == 400
    assert quoted(response) in ("Malformed request", "No image received")
    assert spent(client) == (0, 0)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=b", b"not a form"),
        ("multipart/form-data; boundary=b", b"--b\r\n" * 2000),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n'),
        ("multipart/form-data; boundary=" + "b" * 500, b""),
        ("multipart/form-data; boundary=b; charset=hex", b"--b--\r\n"),
        ("multipart/form-data; boundary=\xe9", b"--\xe9--\r\n"),
        (FORM, b"&".join(b"f%d=1" % n for n in range(5000))),
        (FORM, b"\xff\xfe\xfd=%zz&%ff=%00"),
        ("application/json; charset=undefined", b"\xc3\x28"),
        ("application/json; charset=utf-7", b"+AHs-"),
        ("; ; ;", b"x"),
        ("a" * 3000, b"x"),
    ],
)  # fmt: skip
def test_body_that_cannot_be_read_is_refused_in_words(client: Client, content_type: str, body: bytes) -> None:
    response = post_raw(client, body, content_type)
    assert response.status_code == 400
    assert_tells_nothing_internal(quoted(response))
    assert spent(client) == (0, 0)


@pytest.mark.parametrize(
    ("make", "outcomes"), [(make, wanted) for _, make, wanted in HOSTILE], ids=[name for name, *_ in HOSTILE]
)
def test_hostile_picture_is_searched_or_refused_in_words(
    client: Client, library: Library, make: Any, outcomes: set[Outcome]
) -> None:
    picture = make()
    if len(picture) > 700_000:
        pytest.fail("larger than this API takes: the table must hold smaller ones")
    response = post_json(client, image=base64.b64encode(picture).decode())
    assert response.status_code in outcomes
    assert_tells_nothing_internal(response.content.decode())
    if response.status_code == 500:
        assert_unreadable(response)
    elif response.status_code == 400:
        quoted(response)
    else:
        assert all(doc["similarity"] < 0.87 for doc in response.json()["docs"])
    assert spent(client)[1] == (response.status_code == 200)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "FOO"])
@pytest.mark.parametrize("path", ["/api/search", "/api/me", "/thumbnail.php"])
def test_other_methods_are_not_allowed(client: Client, path: str, method: str) -> None:
    response = client.generic(method, path)
    assert (response.status_code, quoted(response)) == (405, "Method Not Allowed")
    assert "GET" in response["Allow"]


@pytest.mark.parametrize("path", ["/api/search", "/api/me", "/thumbnail.php"])
@pytest.mark.parametrize("token", ["", "unknown"])
def test_options_is_answered_for_scripts_of_other_sites(client: Client, path: str, token: str) -> None:
    response = client.options(
        f"{path}?token={token}",
        headers={
            "Origin": "https://client.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert response.status_code == 200
    assert response.content == b""
    assert response["Access-Control-Allow-Origin"] == "*"
    assert {"GET", "POST"} <= set(response["Access-Control-Allow-Methods"].split(", "))
    assert response["Access-Control-Allow-Headers"] == "Content-Type, If-None-Match, If-Range, Range"


@pytest.mark.parametrize(
    "path",
    [
        "/api/search/",
        "/api/search/x",
        "/api/search/%0A",
        "/api/me/",
        "/api/me/x/y",
        "/thumbnail.php/",
        "/thumbnail.php/../../etc/passwd",
        "/preview.php/",
        "/video/98444/a/b.mp4?t=1&token=x",
        "/video/98444/",
        "/video//a.mp4",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_path_of_the_dialect_is_not_found(client: Client, path: str, method: str) -> None:
    response = client.generic(method, path)
    assert (response.status_code, quoted(response)) == (404, "Not Found")


@pytest.mark.parametrize("accept", ["text/html", "image/png", "application/xml", "*/*;q=0", "nonsense", ""])
def test_accept_header_changes_nothing(client: Client, accept: str) -> None:
    assert client.get("/api/me", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize(
    "query", ["format=xml", "format=api", "_method=DELETE", "a=%ff%00", "&&=", "x=" + "y" * 9000]
)
def test_unknown_parameters_change_nothing(client: Client, query: str) -> None:
    assert client.get(f"/api/me?{query}").status_code == 200


def test_query_with_thousands_of_fields_is_refused(client: Client) -> None:
    response = client.get("/api/me?" + "&".join(f"f{n}=1" for n in range(5000)))
    assert (response.status_code, quoted(response)) == (400, "Malformed request")


def test_search_without_an_index_is_unavailable_and_refunded(
    client: Client, library: Library, encoded: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    from anime_search import runtime

    empty = runtime.IndexHandle(
        type(library.clip.handle().store)(tmp_path, runtime.index_store().geometry, ef=16)
    )
    monkeypatch.setattr(runtime, "index", lambda: empty)
    response = post_json(client, image=encoded)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert_tells_nothing_internal(quoted(response))
    assert spent(client) == (1, 0)


@pytest.mark.parametrize(
    "error", [SearchTimedOut(), RuntimeError("SECRET-DETAIL"), MemoryError(), RecursionError()]
)
def test_search_that_fails_is_refunded_and_tells_nothing(
    client: Client, encoded: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("anime_search.api.tracemoe_legacy.views.search_scenes", fail)
    response = post_json(client, image=encoded)
    assert response.status_code in (400, 500, 503)
    assert_tells_nothing_internal(quoted(response))
    assert spent(client) == (1, 0)


@pytest.mark.parametrize("cookies", [{}, {"sessionid": "x" * 40}])
def test_no_cookie_is_set(client: Client, library: Library, encoded: str, cookies: dict[str, str]) -> None:
    client.cookies.load(cookies)
    for response in (post_json(client, image=encoded), post_json(client), client.get("/api/me")):
        assert not response.cookies
