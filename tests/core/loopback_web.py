"""A web in one process for tests of safe_http: servers on loopback, DNS answers from a table, routed addresses."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, TypeAlias

from core.address_policy import IPAddress
from core.safe_http import FetchError, FetchPolicy

Reply: TypeAlias = bytes | Callable[[socket.socket], None]

PUBLIC_V4 = "93.184.215.14"
OTHER_PUBLIC_V4 = "1.1.1.1"
PUBLIC_V6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

# Made for these tests: self-signed, for media.example only, valid until 2120; it guards nothing.
MEDIA_EXAMPLE_KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgvs0bfDn7tt0CCNEO
HjIWhsizMM7x13PdOcMxkRXzC6KhRANCAAT+jXmd+doYLDCM+K/2UxtJKaRXNFb1
yNgPkVIXZBnA6mc91Bj8It/S+d7FI/56zyEGaIHa1e3dtCRnrBo/74ui
-----END PRIVATE KEY-----
"""
MEDIA_EXAMPLE_CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBbTCCAROgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1tZWRpYS5l
eGFtcGxlMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYD
VQQDDA1tZWRpYS5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/o15
nfnaGCwwjPiv9lMbSSmkVzRW9cjYD5FSF2QZwOpnPdQY/CLf0vnexSP+es8hBmiB
2tXt3bQkZ6waP++LoqNMMEowGAYDVR0RBBEwD4INbWVkaWEuZXhhbXBsZTAPBgNV
HRMBAf8EBTADAQH/MB0GA1UdDgQWBBSZariFtJfnwLDm2/D5Rvi0f3y20zAKBggq
hkjOPQQDAgNIADBFAiAFT5lNAGxwydREYG6LmpVAA/U4LOOq6UH5QQYsh0LNDgIh
ANWA4eKHQ2ZJkoOmzABt74Al0ie4Fvj1An9TrpcQKn76
-----END CERTIFICATE-----
"""


class WebServer:
    """A loopback server that answers each path with prepared bytes, or hands the raw connection to a function."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.replies: dict[str, Reply] = {}
        self.requests: list[str] = []
        self.server_names: list[str | None] = []
        self._tls = tls
        if tls is not None:
            tls.sni_callback = lambda _sock, name, _context: self.server_names.append(name)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, path: str = "/x.mp4", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, raw: socket.socket) -> None:
        try:
            with self._tls.wrap_socket(raw, server_side=True) if self._tls else raw as connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    received = connection.recv(65536)
                    if not received:
                        return
                    head += received
                self.requests.append(head.decode("ascii"))
                reply = self.replies.get(
                    head.split(b" ")[1].decode("ascii"), answer(b"", status="404 Not Found")
                )
                if callable(reply):
                    reply(connection)
                else:
                    connection.sendall(reply)
        except OSError:
            raw.close()


class Canary:
    """Listens on both loopback addresses and tells whether anything connected."""

    def __init__(self) -> None:
        self._listeners = [socket.create_server(("127.0.0.1", 0))]
        self.port: int = self._listeners[0].getsockname()[1]
        if socket.has_ipv6:
            try:
                listener = socket.create_server(("::1", self.port), family=socket.AF_INET6)
            except OSError:  # a machine without ::1 cannot be reached there either
                listener = None
            self._listeners += [listener] if listener else []
        for listener in self._listeners:
            listener.setblocking(False)

    def was_touched(self) -> bool:
        return any(self._accepts(listener) for listener in self._listeners)

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()

    @staticmethod
    def _accepts(listener: socket.socket) -> bool:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return False
        connection.close()
        return True


class Names:
    """A resolver that answers from a table, each list of answers in turn, and counts the lookups."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = {name.replace("_", "."): list(turns) for name, turns in answers.items()}
        self.lookups: list[str] = []

    def __call__(self, host: str) -> list[IPAddress]:
        self.lookups.append(host)
        turns = self._answers.get(host)
        if turns is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers = turns.pop(0) if len(turns) > 1 else turns[0]
        return [ip_address(text) for text in answers]


class Internet:
    """Leads connections to public addresses to loopback ports; whatever else is dialled is dialled."""

    def __init__(self) -> None:
        self.hosts: dict[str, int] = {}
        self.dialled: list[str] = []
        self._connect = socket.create_connection

    def dial(self, address: tuple[str, int], timeout: float | None = None, **options: Any) -> socket.socket:
        host, port = address
        self.dialled.append(host)
        if host in self.hosts:
            return self._connect(("127.0.0.1", self.hosts[host]), timeout)
        if not ip_address(host).is_loopback:
            raise OSError(101, "Network is unreachable")
        return self._connect((host, port), timeout, **options)


def answer(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers]
    if not any(header.lower().startswith("transfer-encoding") for header in headers):
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    return answer(b"moved", f"Location: {location}", status=status)


def policy(**changes: Any) -> FetchPolicy:
    limits: dict[str, Any] = {"max_bytes": 100_000, "deadline_s": 5, "allowed_networks": ("127.0.0.1/32",)}
    return FetchPolicy(**(limits | changes))


def assert_tells_nothing(error: FetchError) -> None:
    """A sentence for a user: no address, port, status, path or text of a library."""
    assert error.message.endswith(".")
    assert not any(
        character.isdigit() or character in "/\\:[]_'\"" for character in error.message.replace("'s", "")
    )
    assert set(error.data) <= {"reason", "max_bytes", "status"}
