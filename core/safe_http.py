"""The only way out to a URL that a user gave: a GET that keeps the server's own network out of reach.

The URL is parsed once (:mod:`core.web_url`), its host looked up once and every address of it judged
(:mod:`core.address_policy`); the connection goes to those addresses (:mod:`core.pinned_network`) while TLS
and ``Host`` keep the name, so that DNS rebinding has nothing to change. A redirect starts all of this anew.
No environment variable, proxy, cookie, ``.netrc`` or credential takes part. Every limit is an argument.
"""

from __future__ import annotations

import functools
import io
import logging
import ssl
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import certifi
import httpcore

from core.address_policy import (
    AllowEntry,
    IPAddress,
    is_allowed_address,
    is_allowed_name,
    parse_allow_entry,
    why_denied,
)
from core.fetch_errors import FetchError, FetchFailed, FetchTooLarge, UnsafeUrl
from core.pinned_network import Deadline, PinnedBackend, Resolver, resolve_within, system_resolver
from core.web_url import WebUrl, parse_web_url

__all__ = [
    "WEB_PORTS",
    "FetchError",
    "FetchFailed",
    "FetchPolicy",
    "FetchTooLarge",
    "Fetched",
    "FetchedFile",
    "UnsafeUrl",
    "capped",
    "decoded",
    "default_tls",
    "fetch",
    "fetch_to_file",
    "judged_addresses",
]

logger = logging.getLogger(__name__)

WEB_PORTS: Final = frozenset({80, 443, 8000, 8080, 8443})

_OK: Final = 200
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_DECODED_STEP_BYTES: Final = 64 * 1024
_ZLIB_OR_GZIP: Final = zlib.MAX_WBITS | 32

_NO_PUBLIC_HOST: Final = "No public web server was found at this link's address."
_PORT_REFUSED: Final = "The port of this link is not allowed."
_NOT_AVAILABLE: Final = "The file behind this link is not available."
_CONNECTION_FAILED: Final = "The connection to this link's server failed."


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """What one fetch may do.

    Attributes:
        max_bytes: cap on the body, both as transferred and decoded.
        deadline_s: one deadline over DNS, connecting, TLS, headers, body and all redirects, in seconds.
        max_redirects: redirects that are followed.
        allowed_ports: ports of public hosts.
        allowed_networks: networks and host names that an operator allows although they are not public, on any
            port. A name allows that very name, whatever it resolves to. Texts are read by
            :func:`core.address_policy.parse_allow_entry`.
        user_agent: value of the ``User-Agent`` header.
        content_types: accepted prefixes of the media type, lower case (``("image/", "video/mp4")``); ``None``
            takes any. A response without a type is ``application/octet-stream`` (RFC 9110, section 8.3).

    Raises:
        ValueError: a limit is not positive, an allowed network or the user agent is malformed.
    """

    max_bytes: int
    deadline_s: float
    max_redirects: int = 5
    allowed_ports: frozenset[int] = WEB_PORTS
    allowed_networks: tuple[AllowEntry, ...] = ()
    user_agent: str = "Frameproof"
    content_types: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.max_bytes <= 0 or self.deadline_s <= 0 or self.max_redirects < 0:
            raise ValueError("max_bytes and deadline_s must be positive, max_redirects not negative")
        if not (self.user_agent.isascii() and self.user_agent.isprintable()):
            raise ValueError("user_agent must be printable ASCII")
        entries = tuple(parse_allow_entry(e) if isinstance(e, str) else e for e in self.allowed_networks)
        object.__setattr__(self, "allowed_networks", entries)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A decoded body, the URL it came from in the end, its media type in lower case without parameters."""

    body: bytes
    final_url: str
    content_type: str


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A body that was written to a file: its size in bytes; the rest as in :class:`Fetched`."""

    size_bytes: int
    final_url: str
    content_type: str


def fetch(
    url: str,
    *,
    policy: FetchPolicy,
    resolver: Resolver = system_resolver,
    tls: ssl.SSLContext | None = None,
) -> Fetched:
    """The body behind ``url``, in memory.

    Args:
        url: what the user gave.
        policy: the limits.
        resolver: finds the addresses of a host name; called once for each hop whose host is a name.
        tls: client context; by default it trusts certifi's authorities and nothing from the environment.

    Raises:
        UnsafeUrl: refused before any connection to the URL, or to the URL it redirects to.
        FetchTooLarge: larger than ``policy.max_bytes``.
        FetchFailed: anything else that kept the body from arriving: any status but 200, an empty body, ...
    """
    body = io.BytesIO()
    fetched = _Fetch(policy, resolver, tls).run(url, body.write)
    return Fetched(body.getvalue(), fetched.final_url, fetched.content_type)


def fetch_to_file(
    url: str,
    file: BinaryIO,
    *,
    policy: FetchPolicy,
    resolver: Resolver = system_resolver,
    tls: ssl.SSLContext | None = None,
    announce: Callable[[int], object] = lambda announced_bytes: None,
) -> FetchedFile:
    """Writes the body behind ``url`` to ``file``, never more than ``policy.max_bytes`` of it.

    ``file`` is a buffered binary file. After an error it holds what had arrived; removing it is the caller's
    job. ``announce`` is told the size in bytes that the server gives beforehand, if it gives one. Other
    arguments and errors are those of :func:`fetch`; an OSError of ``file.write`` passes through.
    """
    return _Fetch(policy, resolver, tls, announce).run(url, file.write)


def judged_addresses(
    url: WebUrl, *, policy: FetchPolicy, deadline: Deadline, resolver: Resolver = system_resolver
) -> list[IPAddress]:
    """The addresses of the URL's host, looked up once; one that may not be connected to refuses them all.

    Whoever connects must connect to these, and not look the name up again (see :class:`PinnedBackend`).

    Raises:
        UnsafeUrl: the host or its port is not one to connect to.
        FetchFailed: the host has no address.
        httpcore.TimeoutException: no answer before ``deadline``.
    """
    allowed = policy.allowed_networks
    name_allowed = is_allowed_name(url.host, allowed)
    port_listed = url.port in policy.allowed_ports
    if not (port_listed or allowed):
        raise UnsafeUrl(_PORT_REFUSED, reason="port")
    addresses = _addresses(url.host, deadline, resolver)
    for address in addresses:
        if name_allowed or is_allowed_address(address, allowed):
            continue
        if denial := why_denied(address):
            logger.info("Refused to connect to %s: %s", url.host, denial)
            raise UnsafeUrl(_NO_PUBLIC_HOST, reason="host")
        if not port_listed:
            raise UnsafeUrl(_PORT_REFUSED, reason="port")
    return addresses


def _addresses(host: IPAddress | str, deadline: Deadline, resolver: Resolver) -> list[IPAddress]:
    if not isinstance(host, str):
        return [host]
    try:
        addresses = resolve_within(deadline, host, resolver)
    except (OSError, UnicodeError) as exc:
        raise FetchFailed(_NO_PUBLIC_HOST, reason="host") from exc
    if not addresses:
        raise FetchFailed(_NO_PUBLIC_HOST, reason="host")
    return addresses


class _Fetch:
    """One fetch: what its hops share, above all the deadline, which starts here."""

    def __init__(
        self,
        policy: FetchPolicy,
        resolver: Resolver,
        tls: ssl.SSLContext | None,
        announce: Callable[[int], object] = lambda announced_bytes: None,
    ) -> None:
        self._deadline = Deadline(policy.deadline_s)
        self._policy = policy
        self._resolver = resolver
        self._tls = tls or default_tls()
        self._announce = announce

    def run(self, text: str, write: Callable[[bytes], object]) -> FetchedFile:
        url = parse_web_url(text)
        try:
            for _ in range(self._policy.max_redirects + 1):
                outcome = self._visit(url, write)
                if isinstance(outcome, FetchedFile):
                    return outcome
                url = outcome
        except httpcore.TimeoutException as exc:
            raise FetchFailed("The download took too long.", reason="deadline") from exc
        except (httpcore.NetworkError, httpcore.ProtocolError) as exc:
            raise FetchFailed(_CONNECTION_FAILED, reason="network") from exc
        raise FetchFailed("This link redirects too many times.", reason="redirects")

    def _visit(self, url: WebUrl, write: Callable[[bytes], object]) -> FetchedFile | WebUrl:
        """One hop: the finished download, or the URL that the response redirects to."""
        addresses = judged_addresses(
            url, policy=self._policy, deadline=self._deadline, resolver=self._resolver
        )
        backend = PinnedBackend(addresses, self._deadline)
        wire_url = httpcore.URL(scheme=url.scheme, host=str(url.host), port=url.port, target=url.path)
        headers: dict[str | bytes, str | bytes] = {
            "Host": url.authority,
            "User-Agent": self._policy.user_agent,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        with (
            httpcore.HTTPConnection(wire_url.origin, self._tls, network_backend=backend) as connection,
            connection.stream("GET", wire_url, headers=headers) as response,
        ):
            if response.status not in _REDIRECTS:
                return self._download(url, response, write)
            location = _header(response, b"location")
            if not location:
                raise FetchFailed(_NOT_AVAILABLE, reason="status", status=response.status)
            return url.join(location)

    def _download(
        self, url: WebUrl, response: httpcore.Response, write: Callable[[bytes], object]
    ) -> FetchedFile:
        max_bytes = self._policy.max_bytes
        accepted = self._policy.content_types
        if response.status != _OK:
            raise FetchFailed(_NOT_AVAILABLE, reason="status", status=response.status)
        content_type = _header(response, b"content-type").partition(";")[0].strip().lower()
        content_type = content_type or "application/octet-stream"
        if accepted is not None and not content_type.startswith(accepted):
            raise FetchFailed("This link does not lead to a supported kind of file.", reason="content_type")
        announced_bytes = int(_header(response, b"content-length") or 0)
        if announced_bytes > max_bytes:
            raise FetchTooLarge(max_bytes=max_bytes)
        if announced_bytes:
            self._announce(announced_bytes)
        encoding = _header(response, b"content-encoding").strip().lower()
        size_bytes = 0
        for piece in capped(decoded(capped(response.iter_stream(), max_bytes), encoding), max_bytes):
            write(piece)
            size_bytes += len(piece)
        if not size_bytes:
            raise FetchFailed("There is no file behind this link.", reason="empty")
        return FetchedFile(size_bytes, str(url), content_type)


def _header(response: httpcore.Response, name: bytes) -> str:
    return next(
        (value.decode("utf-8", "replace") for key, value in response.headers if key.lower() == name), ""
    )


def capped(pieces: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """The pieces of a body, up to ``max_bytes`` in all.

    Raises:
        FetchTooLarge: there are more.
    """
    left = max_bytes
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise FetchTooLarge(max_bytes=max_bytes)
        yield piece


def decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The body without its content coding (RFC 9110, section 8.4), ``_DECODED_STEP_BYTES`` or less at a time.

    No coding is asked for, so only those are read that careless servers apply all the same. httpx's decoders
    inflate a network read in one go, and for ``gzip, gzip`` the result once more, a thousandfold each time.

    Raises:
        FetchFailed: a coding that was not asked for, or a body that is not coded as it says, or is cut.
    """
    if encoding in ("", "identity"):
        yield from pieces
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise FetchFailed(reason="encoding")
    inflater = zlib.decompressobj(_ZLIB_OR_GZIP)
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if inflater.eof:  # RFC 1952: a gzip file may have several members
                    inflater = zlib.decompressobj(_ZLIB_OR_GZIP)
                yield inflater.decompress(rest, _DECODED_STEP_BYTES)
                rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error as exc:
        raise FetchFailed(reason="encoding") from exc
    if not inflater.eof:
        raise FetchFailed(_CONNECTION_FAILED, reason="network")


@functools.cache
def default_tls() -> ssl.SSLContext:
    """A client's context that trusts certifi's authorities and takes nothing from the environment."""
    # ssl.create_default_context would write session keys to the file that SSLKEYLOGFILE names.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=certifi.where())
    return context
