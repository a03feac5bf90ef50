"""Bodies that are too large, at a real server on a socket: every surface answers in its own dialect."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import waitress
from django.core.wsgi import get_wsgi_application
from pytest_django import Settings
from waitress.channel import HTTPChannel

from core import request_parser
from core.request_parser import StrictRequestParser

LIMIT = 100_000
#: The server's own limit lies above that of the surfaces, as in ``manage.py serve``.
SERVER_LIMIT = LIMIT + 10_000

Ask = Callable[..., "Answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said, and how much of the body the client could send until then."""

    status: int
    headers: dict[str, str]
    body: str


@pytest.fixture
def connect(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], socket.socket]]:
    """Connects to a server of the site."""
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = LIMIT
    monkeypatch.setattr(HTTPChannel, "parser_class", StrictRequestParser)
    server = waitress.create_server(
        get_wsgi_application(), host="127.0.0.1", port=0, threads=2, max_request_body_size=SERVER_LIMIT
    )
    serving = threading.Thread(target=server.run, daemon=True)
    serving.start()
    yield lambda: socket.create_connection(("127.0.0.1", server.effective_port), timeout=10)
    # In its own thread, which would otherwise wait at a socket that is gone.
    server.trigger.pull_trigger(server.close)
    serving.join(10)
    server.task_dispatcher.shutdown()
    assert not serving.is_alive()


def head(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: testserver", *headers, "", ""]).encode()


def read(connection: socket.socket) -> Answer:
    file = connection.makefile("rb")
    status = int(file.readline().split()[1])
    lines = iter(lambda: file.readline().decode().strip(), "")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(status, headers, file.read(int(headers["content-length"])).decode())


def is_refused_by_aividect(answer: Answer) -> bool:
    assert answer.status == 413, answer
    assert answer.headers["content-type"] == "application/json"
    told = json.loads(answer.body)
    return (told["success"], told["error"]["code"]) == (False, "INVALID_REQUEST")


CHUNK = b"10000\r\n" + bytes(0x10000) + b"\r\n"
#: A body of the server's limit and more, announced and in chunks, below and far above what is thrown away.
LARGE = {
    "announced": (f"Content-Length: {SERVER_LIMIT}", bytes(SERVER_LIMIT)),
    "announced, far larger": (f"Content-Length: {50 * SERVER_LIMIT}", bytes(50 * SERVER_LIMIT)),
    "in chunks": ("Transfer-Encoding: chunked", CHUNK * 2 + b"0\r\n\r\n"),
    "in chunks, far larger": ("Transfer-Encoding: chunked", CHUNK * 80 + b"0\r\n\r\n"),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_body_that_is_too_large_is_refused_in_the_dialect_after_it_was_sent(
    connect: Callable[[], socket.socket], name: str
) -> None:
    length, body = LARGE[name]
    with connect() as connection:
        connection.sendall(head("/api/v1/analyze", length) + body)
        assert is_refused_by_aividect(read(connection))
        # All of it was read: the connection is in order.
        connection.sendall(head("/api/v1/nothing", "Content-Length: 0"))
        assert read(connection).status == 404


def test_who_asks_before_sending_is_refused_at_once(connect: Callable[[], socket.socket]) -> None:
    with connect() as connection:
        asked = head("/api/v1/analyze", f"Content-Length: {SERVER_LIMIT}", "Expect: 100-continue")
        connection.sendall(asked)
        answer = read(connection)
        assert is_refused_by_aividect(answer)
        assert answer.headers["connection"] == "close"
        assert connection.recv(1) == b""


@pytest.mark.parametrize("length", ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
def test_what_is_beyond_all_measure_is_not_read_to_its_end(
    connect: Callable[[], socket.socket], monkeypatch: pytest.MonkeyPatch, length: str
) -> None:
    monkeypatch.setattr(request_parser, "SWALLOWED_BYTES", 200_000)
    with connect() as connection:
        connection.sendall(head("/api/v1/analyze", length) + (CHUNK * 4 if "chunked" in length else b""))
        answer = read(connection)
        assert is_refused_by_aividect(answer)
        assert answer.headers["connection"] == "close"


def test_the_rest_of_such_a_body_is_no_request(connect: Callable[[], socket.socket]) -> None:
    with connect() as connection:
        connection.sendall(
            head("/api/v1/analyze", f"Content-Length: {300 << 20}") + head("/api/v1/me", "Content-Length: 0")
        )
        assert is_refused_by_aividect(read(connection))
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/api/anime/search", '"code"'),
        ("/api/search", '"Request Entity Too Large"'),
        ("/search", '"Payload Too Large"'),
        ("/api/apikeys", '"BODY_TOO_LARGE"'),
        ("/api/auth/sign-in/email", '"BODY_TOO_LARGE"'),
    ],
)
def test_other_surfaces_answer_in_theirs(connect: Callable[[], socket.socket], path: str, told: str) -> None:
    with connect() as connection:
        connection.sendall(head(path, f"Content-Length: {SERVER_LIMIT}") + bytes(SERVER_LIMIT))
        answer = read(connection)
    assert (answer.status, told in answer.body) == (413, True), answer


def test_a_body_below_the_limit_arrives(connect: Callable[[], socket.socket]) -> None:
    with connect() as connection:
        connection.sendall(head("/api/v1/analyze", "Content-Length: 100000") + bytes(100_000))
        answer = read(connection)
    # It was read, and nobody asked.
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (401, "MISSING_AUTH")
