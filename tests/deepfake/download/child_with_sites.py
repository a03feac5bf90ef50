"""The download's child with sites of these tests: extractors of yt-dlp that read what the test's server says.

The only argument is JSON: ``names`` (host -> lists of addresses, one a lookup), ``served`` (public address -> bytes, as
latin-1, that whoever dials it is answered), ``log`` (a file for what is looked up and dialled), ``file_bytes`` (how large
a file may grow: a disk that is full).
"""

from __future__ import annotations

import json
import resource
import socket
import sys
import threading
from ipaddress import ip_address
from typing import Any

from core.address_policy import IPAddress
from core.pinned_network import system_resolver
from deepfake.download import child

CONFIG: dict[str, Any] = json.loads(sys.argv[1])
LOG = open(CONFIG["log"], "a", buffering=1) if CONFIG.get("log") else None  # noqa: SIM115 - before files are guarded


def note(*words: str) -> None:
    if LOG is not None:
        LOG.write(" ".join(words) + "\n")


def resolve(host: str) -> list[IPAddress]:
    note("looked-up", host)
    turns = CONFIG.get("names", {}).get(host)
    if turns is None:
        return system_resolver(host)
    return [ip_address(text) for text in (turns.pop(0) if len(turns) > 1 else turns[0])]


class Pipe(socket.socket):
    """A socket without the options of TCP."""

    def setsockopt(self, *option: Any) -> None:
        pass


_connect = socket.create_connection


def dial(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
    note("dialled", address[0])
    served = CONFIG.get("served", {}).get(address[0])
    if served is None:
        return _connect(address, *arguments, **options)
    ours, theirs = socket.socketpair()

    def answer() -> None:
        with theirs:
            theirs.recv(65536)
            theirs.sendall(served.encode("latin-1"))

    threading.Thread(target=answer, daemon=True).start()
    return Pipe(fileno=ours.detach())


def sites() -> list[type]:
    from tests.deepfake.download.loopback_extractor import LoopbackIE

    if "file_bytes" in CONFIG:
        # Here, where the child has set its own limits already.
        resource.setrlimit(resource.RLIMIT_FSIZE, (CONFIG["file_bytes"], CONFIG["file_bytes"]))
    return [LoopbackIE]


if __name__ == "__main__":
    socket.create_connection = dial
    child.main(more=sites, resolver=resolve)
