from __future__ import annotations

import gzip
import io
import os
import socket
import struct
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import pytest

from core import pinned_network
from core.address_policy import IPAddress
from core.safe_http import FetchFailed, FetchTooLarge, fetch, fetch_to_file
from tests.core.loopback_web import Names, WebServer, answer, assert_tells_nothing, policy

MIB = 1024 * 1024
VIDEO = os.urandom(50_000)
CHUNKED = "Transfer-Encoding: chunked"


def chunks(*pieces: bytes, end: bool = True) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + (
        b"0\r\n\r\n" if end else b""
    )


def bomb(size: int, wbits: int) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return b"".join(deflater.compress(bytes(MIB)) for _ in range(size // MIB)) + deflater.flush()


def reset(connection: socket.socket) -> None:
    """Closes with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drip(prefix: bytes, piece: bytes, gap_s: float = 0.02) -> Callable[[socket.socket], None]:
    """Sends ``prefix`` at once and then ``piece`` for ever, in small steps."""

    def reply(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(prefix)
            while True:
                connection.sendall(piece)
                time.sleep(gap_s)

    return reply


def then_reset(prefix: bytes) -> Callable[[socket.socket], None]:
    def reply(connection: socket.socket) -> None:
        connection.sendall(prefix)
        reset(connection)

    return reply


def test_body_final_url_and_media_type_are_returned(server: WebServer) -> None:
    server.replies["/x.mp4"] = answer(VIDEO, "Content-Type: Video/MP4; codecs=avc1")
    fetched = fetch(server.url("/x.mp4#t=5"), policy=policy())
    assert (fetched.body, fetched.final_url, fetched.content_type) == (VIDEO, server.url(), "video/mp4")


def test_body_is_streamed_to_a_file(server: WebServer, tmp_path: Path) -> None:
    server.replies["/x.mp4"] = answer(chunks(VIDEO[:1000], VIDEO[1000:]), CHUNKED)
    with (tmp_path / "video").open("wb") as file:
        fetched = fetch_to_file(server.url(), file, policy=policy())
    assert (tmp_path / "video").read_bytes() == VIDEO
    assert (fetched.size_bytes, fetched.final_url, fetched.content_type) == (
        len(VIDEO),
        server.url(),
        "application/octet-stream",
    )


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(answer(b""), "empty", id="empty"),
        pytest.param(answer(chunks(), CHUNKED), "empty", id="empty-chunked"),
        pytest.param(answer(gzip.compress(b""), "Content-Encoding: gzip"), "empty", id="empty-gzip"),
        pytest.param(answer(b"x", status="204 No Content"), "status", id="204"),
        pytest.param(answer(b"x", status="206 Partial Content"), "status", id="206"),
        pytest.param(answer(b"x", status="300 Multiple Choices"), "status", id="300"),
        pytest.param(answer(b"x", status="302 Found"), "status", id="302-without-location"),
        pytest.param(answer(b"x", status="403 Forbidden"), "status", id="403"),
        pytest.param(answer(b"x", status="404 Not Found"), "status", id="404"),
        pytest.param(answer(b"x", status="500 Internal Server Error"), "status", id="500"),
        pytest.param(answer(b"x", "Upgrade: x", status="101 Switching Protocols"), "network", id="101"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", "network", id="bad-status-line"),
        pytest.param(b"HTTP/x 200 OK\r\nContent-Length: 1\r\n\r\nx", "network", id="bad-version"),
        pytest.param(b"<html>\r\n\r\n", "network", id="http-0.9"),
        pytest.param(bytes(range(256)) * 8, "network", id="binary"),
        pytest.param(b"", "network", id="closed-at-once"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000, "network", id="huge-header"),
        pytest.param(answer(b"", "Content-Length: -5"), "network", id="negative-length"),
        pytest.param(answer(b"", "Content-Length: 7"), "network", id="contradicting-lengths"),
        pytest.param(answer(b"", "Content-Length: " + "9" * 5000), "network", id="endless-length"),
        pytest.param(answer(b"x", "Transfer-Encoding: gzip, chunked"), "network", id="transfer-coding"),
        pytest.param(answer(b"zz\r\nx", CHUNKED), "network", id="bad-chunk-size"),
        pytest.param(answer(chunks(VIDEO, end=False), CHUNKED), "network", id="chunked-without-end"),
        pytest.param(answer(VIDEO, length=len(VIDEO) + 1), "network", id="shorter-than-announced"),
        pytest.param(then_reset(answer(VIDEO, length=len(VIDEO) + 1)), "network", id="reset-in-the-body"),
        pytest.param(then_reset(b"HTTP/1.1 200 OK\r\nX"), "network", id="reset-in-the-headers"),
        pytest.param(answer(b"x", "Content-Encoding: br"), "encoding", id="brotli"),
        pytest.param(answer(b"x", "Content-Encoding: gzip, gzip"), "encoding", id="gzip-twice"),
        pytest.param(answer(b"no gzip", "Content-Encoding: gzip"), "encoding", id="no-gzip"),
        pytest.param(answer(gzip.compress(VIDEO)[:-9], "Content-Encoding: gzip"), "network", id="cut-gzip"),
        pytest.param(
            answer(gzip.compress(VIDEO) + b"junk", "Content-Encoding: gzip"), "encoding", id="junk-after-gzip"
        ),
    ],
)
def test_response_that_is_no_file_fails_without_details(
    server: WebServer, reply: bytes | Callable[[socket.socket], None], reason: str
) -> None:
    server.replies["/x.mp4"] = reply
    with pytest.raises(FetchFailed) as failure:
        fetch(server.url(), policy=policy())
    assert failure.value.data["reason"] == reason
    assert ("status" in failure.value.data) == (reason == "status")
    assert_tells_nothing(failure.value)


def test_size_that_the_server_gives_is_announced_before_the_body(server: WebServer) -> None:
    server.replies["/x.mp4"] = answer(VIDEO)
    server.replies["/chunks"] = answer(b"5\r\nvideo\r\n0\r\n\r\n", "Transfer-Encoding: chunked")
    told: list[int] = []
    for path in ("/x.mp4", "/chunks"):
        fetch_to_file(server.url(path), io.BytesIO(), policy=policy(), announce=told.append)
    assert told == [len(VIDEO)]


def test_refused_connection_fails_without_details() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(FetchFailed) as failure:
        fetch(f"http://127.0.0.1:{port}/", policy=policy())
    assert failure.value.data == {"reason": "network"}
    assert_tells_nothing(failure.value)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("Content-Type: video/mp4", True),
        ("Content-Type: IMAGE/png; x=y", True),
        ("Content-Type: video/webm", False),
        ("Content-Type: text/html", False),
        ("Content-Type: ", False),
        ("X-Nothing: 1", False),
    ],
)
def test_only_accepted_media_types_are_read(server: WebServer, header: str, accepted: bool) -> None:
    server.replies["/x.mp4"] = answer(b"video", header)
    limits = policy(content_types=("image/", "video/mp4"))
    if accepted:
        assert fetch(server.url(), policy=limits).body == b"video"
    else:
        with pytest.raises(FetchFailed) as failure:
            fetch(server.url(), policy=limits)
        assert failure.value.data == {"reason": "content_type"}


# -- Size -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(VIDEO)),
        ("x-gzip", gzip.compress(VIDEO)),
        ("GZIP", gzip.compress(VIDEO[:777]) + gzip.compress(VIDEO[777:])),
        ("deflate", zlib.compress(VIDEO)),
        ("identity", VIDEO),
    ],
)
def test_coded_body_is_decoded(server: WebServer, coding: str, body: bytes) -> None:
    server.replies["/x.mp4"] = answer(
        chunks(*(body[i : i + 999] for i in range(0, len(body), 999))), CHUNKED, f"Content-Encoding: {coding}"
    )
    assert fetch(server.url(), policy=policy()).body == VIDEO


def test_body_of_exactly_the_cap_is_accepted_and_one_byte_more_is_not(server: WebServer) -> None:
    server.replies["/x.mp4"] = answer(chunks(VIDEO), CHUNKED)
    assert fetch(server.url(), policy=policy(max_bytes=len(VIDEO))).body == VIDEO
    with pytest.raises(FetchTooLarge) as failure:
        fetch(server.url(), policy=policy(max_bytes=len(VIDEO) - 1))
    assert failure.value.data == {"max_bytes": len(VIDEO) - 1}
    assert_tells_nothing(failure.value)


def test_announced_size_over_the_cap_is_refused_before_the_body(server: WebServer) -> None:
    head_only = answer(b"", length=10 * 1024 * MIB)
    never = threading.Event()

    def reply(connection: socket.socket) -> None:
        connection.sendall(head_only)
        never.wait(5)

    server.replies["/x.mp4"] = reply
    with pytest.raises(FetchTooLarge):
        fetch(server.url(), policy=policy(deadline_s=2))
    never.set()


def test_endless_chunked_body_stops_at_the_cap(server: WebServer, tmp_path: Path) -> None:
    server.replies["/x.mp4"] = drip(answer(b"", CHUNKED), chunks(VIDEO, end=False), gap_s=0)
    with (tmp_path / "video").open("wb") as file, pytest.raises(FetchTooLarge):
        fetch_to_file(server.url(), file, policy=policy(max_bytes=2 * MIB))
    assert 0 < (tmp_path / "video").stat().st_size <= 2 * MIB


@pytest.mark.parametrize(("coding", "wbits"), [("gzip", 31), ("deflate", 15)])
def test_decompression_bomb_stops_at_the_cap_without_being_inflated(
    server: WebServer, coding: str, wbits: int
) -> None:
    packed = bomb(64 * MIB, wbits)
    assert len(packed) < 100_000
    server.replies["/x.mp4"] = answer(packed, f"Content-Encoding: {coding}")
    tracemalloc.start()
    try:
        with pytest.raises(FetchTooLarge):
            fetch(server.url(), policy=policy(max_bytes=MIB))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MIB


def test_gzip_members_without_content_count_as_transferred(server: WebServer) -> None:
    nothing = gzip.compress(b"") * 1000
    server.replies["/x.mp4"] = drip(
        answer(b"", CHUNKED, "Content-Encoding: gzip"), chunks(nothing, end=False), 0
    )
    with pytest.raises(FetchTooLarge):
        fetch(server.url(), policy=policy(max_bytes=50_000))


def test_error_of_the_file_is_not_disguised(server: WebServer) -> None:
    class FullDisk(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    server.replies["/x.mp4"] = answer(VIDEO)
    with pytest.raises(OSError, match="No space left"):
        fetch_to_file(server.url(), FullDisk(), policy=policy())


# -- Deadline ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(lambda connection: connection.recv(1), id="silence"),
        pytest.param(drip(b"", b"H"), id="status-line"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), id="headers"),
        pytest.param(drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="interim-responses"),
        pytest.param(drip(answer(b"", length=100_000), b"x"), id="body"),
        pytest.param(drip(answer(b"", CHUNKED), b"1\r\nx\r\n"), id="chunks"),
        pytest.param(drip(answer(b"", CHUNKED), b"1"), id="chunk-size"),
        pytest.param(drip(answer(b"", CHUNKED) + b"1\r\nx\r\n0\r\n", b"X: y\r\n"), id="trailers"),
    ],
)
def test_slow_server_is_left_at_the_deadline(
    server: WebServer, reply: Callable[[socket.socket], None]
) -> None:
    server.replies["/x.mp4"] = reply
    started = time.monotonic()
    with pytest.raises(FetchFailed) as failure:
        fetch(server.url(), policy=policy(deadline_s=0.2))
    assert 0.15 < time.monotonic() - started < 1
    assert failure.value.data == {"reason": "deadline"}
    assert_tells_nothing(failure.value)


def test_all_redirects_share_one_deadline(server: WebServer) -> None:
    def slow_redirect(connection: socket.socket) -> None:
        time.sleep(0.1)
        connection.sendall(answer(b"", "Location: /x.mp4", status="302 Found"))

    server.replies["/x.mp4"] = slow_redirect
    started = time.monotonic()
    with pytest.raises(FetchFailed) as failure:
        fetch(server.url(), policy=policy(deadline_s=0.25, max_redirects=50))
    assert time.monotonic() - started < 1
    assert failure.value.data == {"reason": "deadline"}


def test_tls_handshake_that_hangs_is_left_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(FetchFailed) as failure:
            fetch(f"https://127.0.0.1:{silent.getsockname()[1]}/", policy=policy(deadline_s=0.2))
    assert time.monotonic() - started < 1
    assert failure.value.data == {"reason": "deadline"}


@pytest.fixture
def hanging_dns() -> Iterator[Callable[[str], list[IPAddress]]]:
    released = threading.Event()

    def resolver(host: str) -> list[IPAddress]:
        if host == "hanging.example":
            released.wait(10)
        return [ip_address("127.0.0.1")]

    yield resolver
    released.set()


def test_dns_that_hangs_does_not_outlive_the_deadline(hanging_dns: Callable[[str], list[IPAddress]]) -> None:
    started = time.monotonic()
    with pytest.raises(FetchFailed) as failure:
        fetch("http://hanging.example/", policy=policy(deadline_s=0.2), resolver=hanging_dns)
    assert time.monotonic() - started < 1
    assert failure.value.data == {"reason": "deadline"}


def test_hanging_lookups_do_not_pile_up(
    server: WebServer, hanging_dns: Callable[[str], list[IPAddress]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pinned_network, "_lookup_slots", threading.BoundedSemaphore(2))
    before = threading.active_count()
    with ThreadPoolExecutor(8) as callers:
        limits = policy(deadline_s=0.2)
        calls = [
            callers.submit(fetch, "http://hanging.example/", policy=limits, resolver=hanging_dns)
            for _ in range(8)
        ]
        failures = [call.exception() for call in calls]
    assert [type(failure) for failure in failures] == [FetchFailed] * 8
    assert threading.active_count() - before <= 2


def test_lookup_slot_is_free_again_after_an_answer_or_an_error(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pinned_network, "_lookup_slots", threading.BoundedSemaphore(1))
    server.replies["/x.mp4"] = answer(b"video")
    names = Names(media_example=[["127.0.0.1"]])
    for _ in range(3):
        with pytest.raises(FetchFailed):
            fetch(server.url(host="unknown.example"), policy=policy(deadline_s=2), resolver=names)
        assert fetch(server.url(host="media.example"), policy=policy(), resolver=names).body == b"video"


def test_fetches_in_many_threads_do_not_mix(server: WebServer) -> None:
    server.replies |= {f"/{number}": answer(str(number).encode() * 5000) for number in range(32)}
    with ThreadPoolExecutor(16) as callers:
        bodies = callers.map(lambda number: fetch(server.url(f"/{number}"), policy=policy()).body, range(32))
        assert list(bodies) == [str(number).encode() * 5000 for number in range(32)]
