"""yt-dlp's only way to the network: its requests over connections to addresses that were judged.

yt-dlp sends every request, of pages, manifests, keys and fragments alike, through a "request handler". This one takes
the place of all others. Each hop's host is looked up once, judged by :mod:`core.address_policy` and connected to at
just these addresses, as in :mod:`core.safe_http`; every byte is counted, coded and decoded.
"""

from __future__ import annotations

import contextlib
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, Final

import httpcore
from yt_dlp.networking.common import Request, RequestHandler, Response
from yt_dlp.networking.exceptions import HTTPError, RequestError, TransportError

from core.fetch_errors import FetchFailed, UnsafeUrl
from core.pinned_network import Deadline, PinnedBackend, Resolver
from core.safe_http import FetchPolicy, decoded, default_tls, judged_addresses
from core.web_url import WebUrl, parse_web_url
from deepfake.download.metering import Meter
from deepfake.download.trouble import Refusal, Trouble

#: Seconds without a byte after which a connection is given up; yt-dlp then tries again.
STALL_S: Final = 15.0
#: Bytes that a page, manifest or piece of JSON may have.
MAX_PAGE_BYTES: Final = 16 << 20

_MAX_REDIRECTS: Final = 5
_IDLE_S: Final = 10.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_BODILESS: Final = frozenset({204, 304})
#: What is not sent on to another host; cookies are chosen anew for each hop.
_SECRETS: Final = ("Cookie", "Authorization", "X-Guest-Token", "X-Csrf-Token")
_OF_THE_BODY: Final = ("Content-Length", "Content-Type")


class PatientDeadline(Deadline):
    """A deadline that grants each operation ``STALL_S`` at most."""

    def remaining_s(self) -> float:
        return min(super().remaining_s(), STALL_S)

    def check(self) -> None:
        """End the download if the deadline has passed.

        Raises:
            Refusal: it has.
        """
        try:
            super().remaining_s()
        except httpcore.TimeoutException:
            raise Refusal(Trouble.TIMEOUT) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What the requests of one download share."""

    policy: FetchPolicy
    deadline: PatientDeadline
    meter: Meter
    resolver: Resolver


@dataclass(slots=True)
class _Ask:
    """A request on its way through redirects."""

    url: WebUrl
    method: str
    headers: dict[str, str]
    body: bytes
    own_cookies: bool = field(init=False)

    def __post_init__(self) -> None:
        self.own_cookies = any(name.lower() == "cookie" for name in self.headers)

    def redirect(self, status: int, location: str) -> None:
        """Follow a redirect as browsers do (RFC 9110, section 15.4)."""
        target = self.url.join(location)
        if (status == 303 and self.method != "HEAD") or (status in (301, 302) and self.method == "POST"):
            self.method, self.body = "GET", b""
            self._drop(_OF_THE_BODY)
        same_origin = (target.scheme, target.authority) == (self.url.scheme, self.url.authority)
        self._drop(("Cookie",) if same_origin else _SECRETS)
        self.url, self.own_cookies = target, False

    def _drop(self, names: tuple[str, ...]) -> None:
        dropped = {name.lower() for name in names}
        self.headers = {name: value for name, value in self.headers.items() if name.lower() not in dropped}


class PinnedRH(RequestHandler):
    """The request handler; yt-dlp wants the name to end so."""

    _SUPPORTED_URL_SCHEMES = ("http", "https")
    _SUPPORTED_PROXY_SCHEMES = ()

    def __init__(self, *, network: Network, **options: Any) -> None:
        super().__init__(**options)
        self._network = network
        self._idle: dict[tuple[str, str, int], httpcore.HTTPConnection] = {}

    def close(self) -> None:
        while self._idle:
            self._idle.popitem()[1].close()

    def _check_extensions(self, extensions: dict[str, Any]) -> None:
        super()._check_extensions(extensions)
        for known in ("cookiejar", "timeout", "legacy_ssl", "keep_header_casing"):
            extensions.pop(known, None)

    def _send(self, request: Request) -> Response:
        try:
            return self._follow(request)
        except UnsafeUrl as error:
            # Not a TransportError: those are tried again, or passed over.
            raise RequestError(cause=error) from error
        except (FetchFailed, httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            raise TransportError(cause=error) from error
        except httpcore.TimeoutException as error:
            self._network.deadline.check()
            raise TransportError("The connection timed out", cause=error) from error
        except httpcore.ProtocolError as error:
            raise RequestError("The request cannot be sent", cause=error) from error

    def _follow(self, request: Request) -> Response:
        ask = _Ask(
            parse_web_url(request.url.partition("#")[0]),
            request.method,
            self._wire_headers(request),
            _bytes_of(request.data),
        )
        jar = self._get_cookiejar(request)
        for _ in range(_MAX_REDIRECTS + 1):
            if not ask.own_cookies and (cookies := jar.get_cookie_header(str(ask.url))):
                ask.headers["Cookie"] = cookies
            response = self._visit(ask)
            jar.extract_cookies(_Headers(response.headers), urllib.request.Request(str(ask.url)))  # noqa: S310
            location = response.get_header("Location")
            if response.status not in _REDIRECTS or not location:
                break
            response.close()
            ask.redirect(response.status, location)
        else:
            raise HTTPError(response, redirect_loop=True)
        if not 200 <= response.status < 300:
            raise HTTPError(response)
        return response

    def _wire_headers(self, request: Request) -> dict[str, str]:
        headers = dict(self._merge_headers(request.headers).sensitive())
        present = {name.lower() for name in headers}
        if "accept-encoding" not in present:
            headers["Accept-Encoding"] = "gzip, deflate"
        return {
            name: value
            for name, value in headers.items()
            if name.lower() not in ("host", "connection", "content-length")
        }

    def _visit(self, ask: _Ask) -> PinnedResponse:
        """One hop."""
        network = self._network
        network.deadline.check()
        url = ask.url
        wire_url = httpcore.URL(scheme=url.scheme, host=str(url.host), port=url.port, target=url.path)
        headers: dict[str | bytes, str | bytes] = {"Host": url.authority}
        headers.update(ask.headers)
        if ask.body or ask.method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(len(ask.body))
        sent = httpcore.Request(ask.method, wire_url, headers=headers, content=ask.body)
        key = (url.scheme, str(url.host), url.port)
        kept = self._idle.pop(key, None)
        if kept is not None:
            # A server may close it at any time, and what is sent twice must do no harm.
            if ask.method in ("GET", "HEAD") and kept.is_idle() and not kept.has_expired():
                with contextlib.suppress(httpcore.NetworkError, httpcore.RemoteProtocolError):
                    return self._response(kept, key, kept.handle_request(sent), ask)
            kept.close()
        addresses = judged_addresses(
            url, policy=network.policy, deadline=network.deadline, resolver=network.resolver
        )
        connection = httpcore.HTTPConnection(
            wire_url.origin,
            default_tls(),
            keepalive_expiry=_IDLE_S,
            network_backend=PinnedBackend(addresses, network.deadline),
        )
        try:
            return self._response(connection, key, connection.handle_request(sent), ask)
        except BaseException:
            connection.close()
            raise

    def _response(
        self,
        connection: httpcore.HTTPConnection,
        key: tuple[str, str, int],
        answer: httpcore.Response,
        ask: _Ask,
    ) -> PinnedResponse:
        def done() -> None:
            answer.close()
            if connection.is_idle() and not connection.is_closed() and key not in self._idle:
                self._idle[key] = connection
            else:
                connection.close()

        headers = Message()
        for name, value in answer.headers:
            headers[name.decode("latin-1")] = " ".join(value.decode("latin-1").splitlines())
        coding = (headers.get("Content-Encoding") or "").strip().lower()
        if ask.method == "HEAD" or answer.status in _BODILESS or headers.get("Content-Length") == "0":
            coding = ""
        pieces = self._network.meter.counted(answer.iter_stream(), coding, decoded)
        return PinnedResponse(pieces, done, str(ask.url), headers, answer.status, self._network.deadline)


class PinnedResponse(Response):
    """An answer whose body is read as it arrives."""

    def __init__(
        self,
        pieces: Iterable[bytes],
        done: Callable[[], None],
        url: str,
        headers: Message,
        status: int,
        deadline: PatientDeadline,
    ) -> None:
        super().__init__(fp=_Nothing(), url=url, headers=headers, status=status)
        self._pieces: Iterator[bytes] = iter(pieces)
        self._done = done
        self._deadline = deadline
        self._held = bytearray()
        self._ended = False
        self._failure: TransportError | None = None

    def readable(self) -> bool:
        return True

    def read(self, amt: int | None = None) -> bytes:
        """``amt`` bytes, fewer at the end; all that are left, but no more than a page may have, for None.

        Raises:
            TransportError: the connection broke off.
            Refusal: a page is larger than pages are.
        """
        everything = amt is None or amt < 0
        wanted = MAX_PAGE_BYTES + 1 if amt is None or amt < 0 else amt
        while len(self._held) < wanted and not self._ended:
            self._receive()
        if self._failure is not None and (everything or not self._held):
            raise self._failure
        if everything and len(self._held) > MAX_PAGE_BYTES:
            raise Refusal(Trouble.SITE_CHANGED)
        taken = bytes(self._held[:wanted])
        del self._held[:wanted]
        if self._ended and not self._held and self._failure is None:
            self.close()
        return taken

    def close(self) -> None:
        if not self.closed:
            self._ended = True
            self._done()
        super().close()

    def _receive(self) -> None:
        """Hold one more piece; what had come before a failure is to be had before it is raised."""
        try:
            piece = next(self._pieces, None)
        except (FetchFailed, httpcore.NetworkError, httpcore.ProtocolError) as error:
            piece, self._failure = None, TransportError("The connection broke off", cause=error)
        except httpcore.TimeoutException as error:
            self._deadline.check()
            piece, self._failure = None, TransportError("The connection timed out", cause=error)
        if piece is None:
            self._ended = True
        else:
            self._held += piece


class _Nothing:
    """In place of the file that yt-dlp's responses wrap."""

    closed = False

    def close(self) -> None:
        self.closed = True


class _Headers:
    """A response as :mod:`http.cookiejar` wants it."""

    def __init__(self, headers: Message) -> None:
        self._headers = headers

    def info(self) -> Message:
        return self._headers


def _bytes_of(data: Any) -> bytes:
    if data is None:
        return b""
    if isinstance(data, bytes):
        return data
    if hasattr(data, "read"):
        data = data.read()
        return data if isinstance(data, bytes) else data.encode()
    return b"".join(data)
