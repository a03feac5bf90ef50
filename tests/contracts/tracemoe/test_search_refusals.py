"""What today's trace.moe API refuses: always JSON, with the document's text and status, and never charged."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Tier
from anime_search import fetch as fetching
from anime_search.errors import IndexUnavailable, SearchTimedOut
from anime_search.models import Video
from anime_search.previews import Moment, sign_moment
from apikeys.models import ApiKey, Revocation
from apikeys.services import revoke_keys
from core import clock
from tests.contracts.conftest import Library
from tests.contracts.pictures import HOSTILE, Outcome
from tests.contracts.telling import assert_tells_nothing_internal
from tests.contracts.tracemoe.asking import FORM, JPEG, assert_framed, by_url, post, refusal, upload, used
from tests.contracts.tracemoe.conftest import MakeKey
from tests.core.loopback_web import WebServer, answer, redirect
from tests.footage import no_frames, sound_only, video_bytes

JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", JPEG),
        (b"", FORM),
        (b"", ""),
        (b"", JSON),
        (b'{"image": "AAAA"}', JSON),
        (b'{"vector": [1, 2, 3]}', JSON),
        (b"{bad", JSON),
        (b"[" * 100_000, JSON),
        (b"\xff\xfe{}", f"{JSON}; charset=klingon"),
        (b"picture", "text/plain"),
        (b"<image/>", "text/xml"),
        (b"x", "; ; ;"),
        (b"x", "a" * 3000),
        (b"--b--\r\n", "multipart/form-data; boundary=b"),
        (
            b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\ntext\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_request_without_a_picture_is_not_allowed(client: Client, body: bytes, content_type: str) -> None:
    assert refusal(post(client, body, content_type), 405) == "Method Not Allowed"
    assert used(client) == 0


@pytest.mark.parametrize("query", ["", "url=", "anilistInfo", "url=&cutBorders", "URL=http://example.com/"])
def test_get_without_an_address_is_not_allowed(client: Client, query: str) -> None:
    assert refusal(client.get(f"/search?{query}"), 405) == "Method Not Allowed"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "FOO"])
@pytest.mark.parametrize("path", ["/search", "/me", "/image/x"])
def test_other_methods_are_not_allowed(client: Client, path: str, method: str) -> None:
    response = client.generic(method, path)
    assert refusal(response, 405) == "Method Not Allowed"
    assert "GET" in response["Allow"]


@pytest.mark.parametrize(
    "path", ["/search/", "/search/x", "/search/%0A", "/me/", "/me/x/y", "/image/", "/image/a/b"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_path_is_not_found(client: Client, path: str, method: str) -> None:
    assert refusal(client.generic(method, path), 404) == "Not found"


@pytest.mark.parametrize("key", ["unknown", "ak_0123456789abcdef", "0", "null", " x", "é", "x" * 4000])
@pytest.mark.parametrize("path", ["/search", "/me"])
def test_key_that_opens_nothing_is_refused(client: Client, path: str, key: str) -> None:
    """Before anything else is looked at: there is no picture here either."""
    assert refusal(client.get(path, {"key": key}), 403) == "Invalid API key"
    assert refusal(client.get(path, headers={"x-trace-key": key}), 403) == "Invalid API key"


def test_revoked_key_is_refused(client: Client, key_of: MakeKey, screenshot: bytes) -> None:
    key = key_of(Tier.PRO)
    revoke_keys(keys=ApiKey.objects.values_list("pk", flat=True), by=Revocation.OWNER)
    assert refusal(post(client, screenshot, headers={"x-trace-key": key}), 403) == "Invalid API key"


def test_flood_of_wrong_keys_is_slowed(client: Client) -> None:
    statuses = [client.get("/me", {"key": f"wrong{number}"}).status_code for number in range(61)]
    assert statuses == [403] * 60 + [429]
    response = client.get("/me", {"key": "wrong"})
    assert refusal(response, 429) == "Too many requests"
    assert 1 <= int(response["Retry-After"]) <= 60


def test_empty_upload_cannot_be_processed(client: Client) -> None:
    assert refusal(upload(client, b""), 400) == "Failed to process image"
    assert used(client) == 0


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=b", b"not a form"),
        ("multipart/form-data; boundary=b", b"--b\r\n" * 2000),
        ("multipart/form-data; boundary=" + "b" * 500, b""),
        ("multipart/form-data", b"--b--\r\n"),
        ("multipart/form-data; boundary=\xe9", b"--\xe9--\r\n"),
        ("multipart/form-data; boundary=b; charset=hex", b"--b--\r\n"),
    ],
)
def test_form_that_is_none_has_no_picture(client: Client, content_type: str, body: bytes) -> None:
    response = post(client, body, content_type)
    assert response.status_code in (400, 405)
    assert refusal(response, response.status_code) in ("Failed to process image", "Method Not Allowed")
    assert used(client) == 0


@pytest.mark.parametrize(
    ("make", "outcomes"), [(make, wanted) for _, make, wanted in HOSTILE], ids=[name for name, *_ in HOSTILE]
)
@pytest.mark.parametrize("is_upload", [False, True], ids=["raw", "multipart"])
def test_hostile_picture_is_searched_or_cannot_be_processed(
    client: Client, library: Library, make: Any, outcomes: set[Outcome], is_upload: bool
) -> None:
    response = (upload if is_upload else post)(client, make())
    assert response.status_code in {400 if outcome == 500 else outcome for outcome in outcomes}
    assert_tells_nothing_internal(response.content.decode().replace("http://testserver", ""))
    if response.status_code == 400:
        assert refusal(response, 400) == "Failed to process image"
    else:
        assert all(result["similarity"] < 0.87 for result in response.json()["result"])
    assert used(client) == (response.status_code == 200)


HOSTILE_VIDEOS = {
    "no-pictures": no_frames,
    "sound-alone": sound_only,
    "half": lambda: video_bytes(seed=1)[: len(video_bytes(seed=1)) // 2],
    "list-of-files": lambda: b"ffconcat version 1.0\nfile /etc/passwd\n",
    "list-of-itself": lambda: b"ffconcat version 1.0\nfile a.mp4\n" * 100,
    "playlist": lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "manifest": lambda: (
        b'<?xml version="1.0"?><MPD><Period><BaseURL>file:///etc/passwd</BaseURL></Period></MPD>'
    ),
    "endless-box": lambda: b"\0\0\0\1ftypisom" + b"\xff" * 4096,
    "matroska-header": lambda: b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xff" + bytes(4096),
    "avi-header": lambda: b"RIFF\xff\xff\xff\xffAVI LIST\xff\xff\xff\xffhdrl" + bytes(4096),
}


@pytest.mark.parametrize("make", HOSTILE_VIDEOS.values(), ids=HOSTILE_VIDEOS)
def test_hostile_video_cannot_be_processed(client: Client, make: Any) -> None:
    assert refusal(post(client, make(), "video/mp4"), 400) == "Failed to process image"
    assert used(client) == 0


NO_ADDRESS = [
    "x", "example.com/x.png", "//example.com/x.png", "/etc/passwd", "../../etc/passwd", "file:///etc/passwd",
    "FILE:///etc/passwd", "ftp://127.0.0.1/x.png", "gopher://127.0.0.1:6379/_INFO", "data:image/png;base64,AAAA",
    "javascript:alert(1)", "concat:a.mp4|b.mp4", "http://", "http://:8080", "http://[::1", "http://exa mple.com/",
    "http://user:pass@example.com/", "http://example.com:http/", "http://2130706433/x.png", "-oProxyCommand=x", "<script>alert(1)</script>",
]  # fmt: skip


@pytest.mark.parametrize("url", NO_ADDRESS)
def test_text_that_is_no_address_is_invalid(client: Client, url: str) -> None:
    assert refusal(by_url(client, url), 400, echoed=url) == f"Invalid image url {url}"
    assert used(client) == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x.png",
        "http://localhost:8000/me",
        "http://127.0.0.1:8080/x.png",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/x.png",
        "http://[::ffff:127.0.0.1]/x.png",
        "http://[64:ff9b::a9fe:a9fe]/x.png",
    ],
)
def test_address_that_is_not_public_is_not_fetched(client: Client, url: str) -> None:
    assert refusal(by_url(client, url), 400, echoed=url) == f"Failed to fetch image {url}"
    assert used(client) == 0


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"\xff\xd8\xff\xe0", length=5000),
        answer(b""),
        answer(b"gone", status="404 Not Found"),
        answer(b"no", status="403 Forbidden"),
        answer(b"broken", status="500 Internal Server Error"),
        answer(b"\xff\xd8\xff", status="206 Partial Content"),
        b"HTTP/1.1 abc\r\n\r\n",
        b"\0\1\2\3\r\n\r\n",
        b"",
        answer(b"not gzip", "Content-Encoding: gzip"),
        redirect("http://169.254.169.254/"),
        redirect("/x"),
    ],
    ids=lambda reply: repr(reply[:40]),
)
def test_host_that_gives_nothing_is_a_failed_fetch(
    client: Client, host: WebServer, monkeypatch: pytest.MonkeyPatch, reply: bytes
) -> None:
    monkeypatch.setattr(fetching, "DEADLINE_S", 1.0)
    host.replies["/x"] = reply
    url, started = host.url("/x"), time.monotonic()
    assert refusal(by_url(client, url), 400, echoed=url) == f"Failed to fetch image {url}"
    assert time.monotonic() - started < 5
    assert used(client) == 0


@pytest.mark.parametrize(
    "reply",
    [answer(b"\xff\xd8\xff", length=10 * 1024**3), answer(bytes(25 * 1024 * 1024 + 1))],
    ids=["announced", "sent"],
)
def test_more_behind_an_address_than_may_be_sent_is_too_large_too(
    client: Client, host: WebServer, reply: bytes
) -> None:
    host.replies["/x"] = reply
    assert refusal(by_url(client, host.url("/x")), 413) == "Payload Too Large"
    assert used(client) == 0


@pytest.mark.parametrize(
    "body", [b"<html>no picture</html>", b"#EXTM3U\nhttp://127.0.0.1/x.ts\n", b"\xff\xd8\xff\xe0" + bytes(99)]
)
def test_what_is_no_picture_behind_an_address_cannot_be_processed(
    client: Client, host: WebServer, body: bytes
) -> None:
    host.replies["/x"] = answer(body, "Content-Type: image/png")
    assert refusal(by_url(client, host.url("/x")), 400) == "Failed to process image"
    assert used(client) == 0


def test_body_over_the_limit_is_refused_unread(client: Client) -> None:
    assert refusal(post(client, bytes(26 * 1024 * 1024)), 413) == "Payload Too Large"
    assert refusal(post(client, bytes(26 * 1024 * 1024), "multipart/form-data; boundary=b"), 413)
    assert used(client) == 0


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SearchTimedOut(), 503),
        (IndexUnavailable(), 503),
        (RuntimeError("SECRET-DETAIL"), 500),
        (MemoryError(), 500),
    ],
)
def test_search_that_fails_is_not_charged_and_tells_nothing(
    client: Client, screenshot: bytes, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("anime_search.api.tracemoe.views.search_scenes", fail)
    response = post(client, screenshot)
    refusal(response, status)
    assert ("Retry-After" in response) == (status == 503)
    assert used(client) == 0


@pytest.mark.parametrize("path", ["/search", "/me", "/image/x", "/search?key=unknown"])
def test_preflight_of_a_script_is_answered(client: Client, path: str) -> None:
    response = client.options(
        path,
        headers={
            "Origin": "https://client.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-trace-key",
        },
    )
    assert (response.status_code, response.content) == (200, b"")
    assert_framed(response)
    assert {"GET", "POST"} <= set(response["Access-Control-Allow-Methods"].split(", "))
    allowed = response["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"content-type", "x-trace-key"} <= set(allowed)


@pytest.mark.parametrize("accept", ["text/html", "image/png", "*/*;q=0", "nonsense"])
def test_accept_header_changes_nothing(client: Client, accept: str) -> None:
    assert client.get("/me", headers={"Accept": accept}).status_code == 200
    assert refusal(client.get("/search", headers={"Accept": accept}), 405)


@pytest.mark.parametrize("size", ["xl", "", "S", "0", "160", "../../"])
def test_size_that_is_none_is_a_bad_request(client: Client, library: Library, size: str) -> None:
    token = sign_moment(Moment(library.video.pk, 1000))
    assert refusal(client.get(f"/image/{token}", {"size": size}), 400) == "Invalid size"


def test_image_is_refused_with_a_wrong_signature_expired_or_gone(
    client: Client, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = sign_moment(Moment(library.video.pk, 1000))
    for changed in (token[:-1], token + "A", token.swapcase(), "x"):
        assert refusal(client.get(f"/image/{changed}"), 403) == "Invalid signature"
    assert refusal(client.get(f"/image/{sign_moment(Moment(10**9, 1000))}"), 404) == "Not found"
    Video.objects.all().delete()
    assert refusal(client.get(f"/image/{token}"), 404) == "Not found"
    later = clock.now() + timedelta(days=2)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: later)
        response = client.get(f"/image/{token}")
    assert refusal(response, 410) == "Expired"
