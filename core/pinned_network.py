"""What safe_http connects with: one deadline, DNS that cannot outlive it, connections to given addresses.

All three speak httpcore's own exceptions, since its backends must.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from ipaddress import IPv4Address, ip_address
from itertools import chain, zip_longest
from typing import Any, Final, TypeAlias

import httpcore

from core.address_policy import IPAddress

Resolver: TypeAlias = Callable[[str], Iterable[IPAddress]]
"""All addresses of a host name, preferred first; raises OSError or UnicodeError where there are none."""

MAX_LOOKUPS_IN_FLIGHT: Final = 64
"""Threads that may wait for DNS in this process: a hanging lookup cannot be interrupted, only bounded."""

MAX_CONNECT_ATTEMPTS: Final = 4
"""Addresses of one name that are tried: it may have hundreds, and trying them all would be a port scan."""

_lookup_slots = threading.BoundedSemaphore(MAX_LOOKUPS_IN_FLIGHT)


class Deadline:
    """A point in time, ``seconds`` from now on the monotonic clock, that bounds every blocking call."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining_s(self) -> float:
        """Seconds left, always more than zero.

        Raises:
            httpcore.TimeoutException: none are left.
        """
        left = self._at - time.monotonic()
        if left <= 0:
            raise httpcore.TimeoutException("deadline passed")
        return left


def system_resolver(host: str) -> list[IPAddress]:
    """The addresses that the system finds for ``host``, in the order of ``getaddrinfo`` (RFC 6724)."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(sockaddr[0]) for *_, sockaddr in found))


def resolve_within(deadline: Deadline, host: str, resolver: Resolver) -> list[IPAddress]:
    """The answer of ``resolver``, waited for no longer than ``deadline``.

    ``getaddrinfo`` has no timeout, so it runs in a daemon thread that is left behind when it hangs; at most
    ``MAX_LOOKUPS_IN_FLIGHT`` of them exist, later callers wait for a free one.

    Raises:
        httpcore.TimeoutException: no answer, or no free thread, in time.
        OSError, UnicodeError: the resolver's.
    """
    answer: Future[list[IPAddress]] = Future()
    slots = _lookup_slots

    def look_up() -> None:
        try:
            answer.set_result(list(resolver(host)))
        except BaseException as exc:  # noqa: BLE001 - it belongs to the thread that waits
            answer.set_exception(exc)
        finally:
            slots.release()

    if not slots.acquire(timeout=deadline.remaining_s()):
        raise httpcore.ConnectTimeout("too many lookups in flight")
    try:
        threading.Thread(target=look_up, name="dns-lookup", daemon=True).start()
    except RuntimeError as exc:  # the process has no thread to spare
        slots.release()
        raise httpcore.ConnectError("lookup could not start") from exc
    try:
        return answer.result(timeout=deadline.remaining_s())
    except TimeoutError as exc:
        raise httpcore.ConnectTimeout("lookup timed out") from exc


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to one of ``addresses`` whatever host it is asked for.

    The name stays with httpcore, which sends it as TLS server name and verifies the certificate against it,
    so the name is looked up once, by the caller, and a second DNS answer has no part in the connection.
    """

    def __init__(self, addresses: Sequence[IPAddress], deadline: Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._tcp = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A stream to the first address that answers; each may take an even share of the time that is left.

        Raises:
            httpcore.ConnectError, httpcore.ConnectTimeout: none of them answered.
        """
        candidates = _alternate_families(self._addresses)[:MAX_CONNECT_ATTEMPTS]
        failure: Exception = httpcore.ConnectError("no address")
        for position, address in enumerate(candidates):
            share_s = self._deadline.remaining_s() / (len(candidates) - position)
            try:
                stream = self._tcp.connect_tcp(str(address), port, share_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
            else:
                return DeadlineStream(stream, self._deadline)
        raise failure


class DeadlineStream(httpcore.NetworkStream):
    """A stream whose every operation ends at ``deadline``, so that many short ones cannot add up."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.remaining_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.remaining_s())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.remaining_s())
        except BaseException:
            self.close()
            raise
        return DeadlineStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _alternate_families(addresses: Sequence[IPAddress]) -> list[IPAddress]:
    """IPv4 and IPv6 in turn (RFC 8305, section 4): one broken family leaves tries to the other."""
    first_is_v4 = isinstance(addresses[0], IPv4Address)
    leading = [address for address in addresses if isinstance(address, IPv4Address) == first_is_v4]
    others = [address for address in addresses if isinstance(address, IPv4Address) != first_is_v4]
    pairs: Iterator[IPAddress | None] = chain.from_iterable(zip_longest(leading, others))
    return [address for address in pairs if address is not None]
