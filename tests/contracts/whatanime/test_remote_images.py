"""Pictures behind an address: nothing private is reached, and no host can hurt or be repeated."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from anime_search import fetch as fetching
from anime_search import runtime
from core.safe_http import FetchPolicy
from tests.contracts.conftest import Library
from tests.contracts.tracemoe_legacy.asking import quoted
from tests.contracts.whatanime.asking import by_url, refusal
from tests.core.loopback_web import WebServer, answer, redirect

#: Addresses that must not be connected to, in every spelling that some resolver or parser understands.
NOT_PUBLIC = [
    "http://127.0.0.1/x.png", "http://127.255.255.254/x.png", "http://localhost/x.png", "http://LOCALHOST/x.png",
    "http://localhost./x.png", "http://localhost.localdomain/x.png", "http://0/x.png", "http://0.0.0.0/x.png",
    "http://2130706433/x.png", "http://0x7f000001/x.png", "http://0x7f.1/x.png", "http://0x7f.0.0.1/x.png",
    "http://0177.0.0.1/x.png", "http://0177.1/x.png", "http://017700000001/x.png", "http://127.0.1/x.png",
    "http://127.000.000.001/x.png", "http://127.0.0.1:6379/", "http://127.0.0.1:8000/api/me",
    "http://10.0.0.1/x.png", "http://172.16.0.1/x.png", "http://172.31.255.255/x.png", "http://192.168.1.1/x.png",
    "http://169.254.169.254/latest/meta-data/", "http://2852039166/x.png", "http://0xa9fea9fe/x.png",
    "http://100.100.100.200/x.png", "http://192.0.0.192/x.png", "http://192.0.2.1/x.png", "http://198.18.0.1/x.png",
    "http://224.0.0.1/x.png", "http://239.255.255.250/x.png", "http://255.255.255.255/x.png",
    "http://[::1]/x.png", "http://[::]/x.png", "http://[0:0:0:0:0:0:0:1]/x.png", "http://[::ffff:127.0.0.1]/x.png",
    "http://[::ffff:7f00:1]/x.png", "http://[0:0:0:0:0:ffff:127.0.0.1]/x.png", "http://[::127.0.0.1]/x.png",
    "http://[64:ff9b::7f00:1]/x.png", "http://[64:ff9b::a9fe:a9fe]/x.png", "http://[2002:7f00:1::]/x.png",
    "http://[fe80::1]/x.png", "http://[fe80::1%25lo]/x.png", "http://[fc00::1]/x.png", "http://[fd00:ec2::254]/x.png",
    "http://[ff02::1]/x.png", "http://[2001:db8::1]/x.png", "https://private.example/x.png", "http://mixed.example/x.png",
]  # fmt: skip

NO_WEB_ADDRESS = [
    "http://example.com\\@127.0.0.1/", "http://user:pass@example.com/", "http://127。0。0。1/", "http://①②⑦.⓪.⓪.①/",
    "http://127.0.0.1\t/", "http://127.0.0.1\n/", "http://127.0.0.1\0/", "http:///127.0.0.1/", "http:/localhost:9201",
    "http://1.1.1.1.1/", "http://example.com:0/", "http://example.com:22/", "http://example.com:65536/",
    "http://example.com:800000000000000000000000000/", "http://.../", "http://" + "a" * 250 + ".com/", "http://:8080", "http://",
    "http://[::1", "http://[]/", "http://exa mple.com/", "http://example.com:http/", "//example.com/x.png", "example.com/x.png",
    "file://localhost/etc/passwd", "file:///etc/passwd", "FILE:///etc/passwd", "ftp://127.0.0.1/x.png",
    "gopher://127.0.0.1:6379/_INFO", "dict://127.0.0.1:11211/stats", "data:image/png;base64,AAAA", "javascript:alert(1)",
    "blob:https://x/1", "concat:a.mp4|secret.txt", "pipe:0", "subfile,,start,0,end,0,,:/etc/passwd", "udp://127.0.0.1:1",
    "ytsearch5:cat", ":ytfav", "-oProxyCommand=x", "--exec=id", "/etc/passwd", "../../etc/passwd", "http://" + "a" * 9000,
    "https://unknown.example/x.png", "http://example.com/" + "x" * 9000,
]  # fmt: skip


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """DNS without a network: these names and no others, beside what the system reads as a number."""
    known = {
        "localhost": ["127.0.0.1", "::1"],
        "localhost.localdomain": ["127.0.0.1"],
        "private.example": ["10.1.2.3"],
        "mixed.example": ["93.184.215.14", "192.168.0.1"],
        "example.com": ["93.184.215.14"],
    }

    def look_up(host: str | bytes, port: int | None, *args: Any, **options: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        answers = known.get(name.lower().rstrip("."))
        if answers is None:
            # Numbers in any spelling are for the system to read; that asks no name server.
            answers = [socket.inet_ntoa(socket.inet_aton(name))] if _is_number(name) else []
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (
                socket.AF_INET6 if ip_address(text).version == 6 else socket.AF_INET,
                socket.SOCK_STREAM, 6, "", (text, port or 0),
            )
            for text in answers
        ]  # fmt: skip

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def _is_number(name: str) -> bool:
    try:
        socket.inet_aton(name)
    except (OSError, UnicodeError):
        return False
    return True


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was connected to; nothing is, really."""
    calls: list[object] = []

    def refuse(_socket: socket.socket, address: object) -> None:
        calls.append(address)
        raise OSError(111, "refused by the test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    return calls


@pytest.mark.parametrize("url", NOT_PUBLIC)
def test_address_that_is_not_public_is_never_connected_to(
    client: Client, dialled: list[object], url: str
) -> None:
    assert refusal(by_url(client, url), 400) == "DOWNLOAD_FAILED"
    legacy = client.get("/api/search", {"url": url})
    assert (legacy.status_code, quoted(legacy)) == (400, "Error reading image from URL")
    assert dialled == []


@pytest.mark.parametrize("url", NO_WEB_ADDRESS, ids=lambda url: url[:40])
def test_text_that_is_no_web_address_is_refused(client: Client, dialled: list[object], url: str) -> None:
    assert refusal(by_url(client, url), 400) == "DOWNLOAD_FAILED"
    legacy = client.get("/api/search", {"url": url})
    assert (legacy.status_code, quoted(legacy)) == (400, "Error reading image from URL")
    assert dialled == []


def test_private_and_unknown_names_get_the_same_answer(client: Client, dialled: list[object]) -> None:
    private, unknown = (by_url(client, f"https://{name}.example/") for name in ("private", "unknown"))
    assert private.content == unknown.content


def test_refused_url_costs_nothing_of_the_day(client: Client, dialled: list[object]) -> None:
    client.get("/api/search", {"url": "http://127.0.0.1/"})
    assert client.get("/api/me").json()["quota"] == 150


@pytest.fixture
def host(settings: Settings) -> Iterator[WebServer]:
    settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.1/32",)
    server = WebServer()
    yield server
    server.close()


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"\xff\xd8\xff\xe0" * 0x4000 + b"\r\n")


def dripping(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(600):
        connection.sendall(b"\xff")
        time.sleep(0.1)


def silent(connection: socket.socket) -> None:
    connection.recv(1)


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"\xff\xd8\xff", length=10 * 1024**3),
        endless,
        dripping,
        silent,
        answer(b""),
        answer(b"<html>no picture</html>", "Content-Type: text/html"),
        answer(b"<html>no picture</html>", "Content-Type: image/png"),
        answer(b"gone", status="404 Not Found"),
        answer(b"no", status="403 Forbidden"),
        answer(b"broken", status="500 Internal Server Error"),
        answer(b"\xff\xd8\xff", status="206 Partial Content"),
        answer(b"\xff\xd8\xff", status="204 No Content"),
        answer(b"\xff\xd8\xff\xe0", length=5000),
        b"HTTP/1.1 abc\r\n\r\n",
        b"\0\1\2\3\r\n\r\n",
        b"",
        answer(b"\xff\xd8", "Content-Encoding: br"),
        answer(b"not gzip", "Content-Encoding: gzip"),
        redirect("http://169.254.169.254/"),
        redirect("http://[::1]/"),
        redirect("file:///etc/passwd"),
        redirect("/loop"),
        redirect(""),
        answer(b"GIF89a", "Location: http://10.0.0.1/", status="302 Found"),
        answer(b"#EXTM3U\nhttp://127.0.0.1/x.ts\n", "Content-Type: application/vnd.apple.mpegurl"),
        answer(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Content-Type: image/svg+xml"),
    ],
    ids=lambda reply: reply.__name__ if callable(reply) else repr(reply[:48]),
)
def test_host_that_gives_no_picture_is_a_failed_download(
    client: Client, host: WebServer, monkeypatch: pytest.MonkeyPatch, reply: Any
) -> None:
    monkeypatch.setattr(fetching, "DEADLINE_S", 1.0)
    host.replies["/loop"] = reply
    started = time.monotonic()
    response = by_url(client, host.url("/loop"))
    assert refusal(response, 400) == "DOWNLOAD_FAILED"
    assert time.monotonic() - started < 5
    assert host.requests
    assert host.url("")[:-1] not in response.content.decode()


def test_broken_picture_behind_a_url_is_undecodable(client: Client, host: WebServer) -> None:
    host.replies["/x.png"] = answer(b"\xff\xd8\xff\xe0" + bytes(100))
    assert refusal(by_url(client, host.url("/x.png")), 400) == "IMAGE_UNDECODABLE"


def test_picture_is_found_over_redirects(
    client: Client, library: Library, host: WebServer, screenshot: bytes
) -> None:
    for step in range(5):
        host.replies[f"/{step}"] = redirect(f"/{step + 1}")
    host.replies["/5"] = answer(screenshot, "Content-Disposition: attachment; filename=../../x")
    assert by_url(client, host.url("/0")).status_code == 200
    host.replies["/-1"] = redirect("/0")
    assert refusal(by_url(client, host.url("/-1")), 400) == "DOWNLOAD_FAILED"


def test_environment_names_no_proxy(
    client: Client, library: Library, host: WebServer, screenshot: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    host.replies["/x.jpg"] = answer(screenshot)
    assert by_url(client, host.url("/x.jpg")).status_code == 200


def test_fetching_is_bounded_by_the_pictures_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[FetchPolicy] = []

    def note(_url: str, *, policy: FetchPolicy) -> Any:
        seen.append(policy)
        return type("Fetched", (), {"body": b"\xff\xd8\xff"})

    monkeypatch.setattr(fetching, "fetch", note)
    fetching.fetch_image("http://example.com/")
    assert seen[0].max_bytes == runtime.IMAGE_LIMITS.max_bytes
    assert seen[0].deadline_s <= 10
    assert seen[0].max_redirects <= 5
    assert seen[0].allowed_networks == ()
