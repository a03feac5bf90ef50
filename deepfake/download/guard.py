"""What keeps the child within its limits whatever the code in it does: the kernel's limits, and a hook of Python's.

The hook is the second line. The first is that yt-dlp has no way to the network but :mod:`.request_handler`; an
extractor that opens a socket by itself, starts a program or writes elsewhere meets this one.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import socket
import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from core.address_policy import IPAddress, is_allowed_address, is_allowed_name, is_public, parse_allow_entry
from core.pinned_network import Resolver
from deepfake.download.limits import DownloadLimits

#: Bytes that a file may have beyond the limit of a video: what a last read and a container may add.
_FILE_SLACK_BYTES: Final = 1 << 20
#: Seconds of processor time beyond the deadline: the deadline is to end a child, this only one that nobody watches.
_CPU_SLACK_S: Final = 10
_MAX_OPEN_FILES: Final = 256
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_STARTING: Final = frozenset(
    {
        "subprocess.Popen",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "os.fork",
        "os.forkpty",
        "pty.spawn",
    }
)


def limit_resources(limits: DownloadLimits) -> None:
    """Limit the address space, processor time, size of files and open files of this process."""
    file_bytes = limits.max_bytes + _FILE_SLACK_BYTES
    cpu_s = math.ceil(limits.timeout_s) + _CPU_SLACK_S
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, _MAX_OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))
    os.umask(0o077)


class Guard:
    """Refuses connections to hosts that are not public, other programs, and writing outside of ``folder``.

    Args:
        folder: where files may be written; besides, Python may write its bytecode.
        allowed_networks: see :class:`core.safe_http.FetchPolicy`.
        resolver: finds the addresses of a host name.
    """

    def __init__(self, folder: Path, allowed_networks: tuple[str, ...], resolver: Resolver) -> None:
        self._folder = os.path.realpath(folder) + os.sep
        self._allowed = tuple(parse_allow_entry(entry) for entry in allowed_networks)
        self._resolver = resolver
        self._named: set[IPAddress] = set()
        self._rules: dict[str, Callable[[tuple[Any, ...]], bool]] = {
            "socket.connect": self._may_connect,
            "socket.sendto": self._may_connect,
            "socket.sendmsg": self._may_connect,
            "socket.bind": lambda arguments: False,
            "open": self._may_open,
        }

    def install(self) -> None:
        """Begin; there is no way back."""
        sys.addaudithook(self._judge)

    def resolve(self, host: str) -> list[IPAddress]:
        """The addresses of a host; those of a name that an operator allows may be connected to from now on."""
        addresses = list(self._resolver(host))
        if is_allowed_name(host, self._allowed):
            self._named.update(addresses)
        return addresses

    def _judge(self, event: str, arguments: tuple[Any, ...]) -> None:
        rule = self._rules.get(event)
        if event in _STARTING or (rule is not None and not rule(arguments)):
            raise PermissionError(f"{event} is not allowed here")

    def _may_connect(self, arguments: tuple[Any, ...]) -> bool:
        connecting, target = arguments
        if connecting.family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(target, tuple):
            # A connected socket sends without naming a target.
            return target is None
        with contextlib.suppress(ValueError):
            address = ip_address(target[0])
            return is_public(address) or is_allowed_address(address, self._allowed) or address in self._named
        return False

    def _may_open(self, arguments: tuple[Any, ...]) -> bool:
        path, _, flags = arguments
        if isinstance(path, int) or not flags & _WRITING:
            return True
        real = os.path.realpath(os.fsdecode(path))
        return real.startswith(self._folder) or real == os.devnull or f"{os.sep}__pycache__{os.sep}" in real
