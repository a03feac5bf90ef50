"""What a server reads off a raw connection: no request has two meanings, and nobody waits for a slow one."""

from __future__ import annotations

import socket
import time

import pytest

from tests.contracts.live import Site
from tests.contracts.telling import assert_tells_nothing_internal

POST = b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
ME = b"GET /api/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


def exchange(site: Site, request: bytes) -> tuple[int, bytes]:
    """Status and all bytes of the answer to what is sent."""
    received = b""
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
        connection.sendall(request)
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            # The server has answered before it was told all.
            pass
    return int(received.split(b" ", 2)[1]), received


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        (POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nimage", 400),
        (POST + b"Content-Length: -5\r\n\r\n", 400),
        (POST + b"Content-Length: +5\r\n\r\nimage", 400),
        (POST + b"Content-Length: abc\r\n\r\n", 400),
        (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nimage=", 400),
        (POST + b"Content-Length: 0x5\r\n\r\nimage", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (ME.replace(b"1.1", b"3.0") + b"\r\n", 400),
        (ME.replace(b"1.1", b"2.0") + b"\r\n", 400),
        (b"GET /api/me\r\n\r\n", 400),
        (ME.replace(b"GET", b"get") + b"\r\n", 400),
        (ME.replace(b"localhost", b"local host") + b"\r\n", 400),
        (ME.replace(b"localhost", b"local\nhost") + b"\r\n", 400),
        (ME.replace(b"localhost", b"evil.example") + b"\r\n", 400),
        (ME.replace(b"localhost", b"localhost@evil.example") + b"\r\n", 400),
        (ME + b"X-Nul: a\0b\r\n\r\n", 400),
        (ME + b"X-Long: " + b"a" * 100_000 + b"\r\n\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (ME + b"\r\n", 200),
        (ME.replace(b"1.1", b"1.0") + b"\r\n", 200),
        (ME.replace(b"Host: localhost\r\n", b"Host: LOCALHOST:80\r\n") + b"\r\n", 200),
    ],
    ids=lambda value: value[:70].decode("latin-1") if isinstance(value, bytes) else value,
)
def test_request_has_one_meaning_or_none(site: Site, request_: bytes, status: int) -> None:
    got, received = exchange(site, request_)
    assert got == status
    assert_tells_nothing_internal(received.split(b"\r\n\r\n", 1)[1].decode().replace('"127.0.0.1"', ""))


@pytest.mark.parametrize("over", [True, False])
def test_chunked_body_may_have_exactly_one_mebibyte(site: Site, over: bool) -> None:
    body = b"image=" + b"A" * (1024 * 1024 - 6 + over)
    pieces = b"".join(
        b"%x\r\n%b\r\n" % (len(body[at : at + 99_999]), body[at : at + 99_999])
        for at in range(0, len(body), 99_999)
    )
    status, received = exchange(
        site,
        POST + b"X-Forwarded-For: 203.0.113.20\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n",
    )
    assert status == (413 if over else 500)
    assert received.endswith(b'"Request Entity Too Large"' if over else b'"Error reading image from request"')


def test_clients_that_never_finish_keep_nobody_waiting(site: Site) -> None:
    stalled = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(40)]
    try:
        for number, connection in enumerate(stalled):
            connection.sendall(ME[:40] if number % 2 else POST + b"Content-Length: 500\r\n\r\nimage=")
        started = time.monotonic()
        assert exchange(site, ME + b"\r\n")[0] == 200
        assert time.monotonic() - started < 1
    finally:
        for connection in stalled:
            connection.close()
