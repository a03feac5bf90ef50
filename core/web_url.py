"""A URL that a user gave, taken apart once and strictly, so that no second parser can read it otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

import httpx

from core.address_policy import IPAddress, parse_host
from core.fetch_errors import UnsafeUrl

MAX_URL_CHARS: Final = 8192
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_MAX_PORT: Final = 65535
_AUTHORITY: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:@\[\]]+)(?::(?P<port>[0-9]{0,5}))?")


@dataclass(frozen=True, slots=True)
class WebUrl:
    """An http or https URL without a fragment; ``str()`` gives its canonical text.

    Attributes:
        scheme: ``http`` or ``https``.
        host: an address, or a name in lower case, IDNA-encoded, without the final dot.
        port: 1 to 65535.
        path: percent-encoded, with the query.
    """

    scheme: str
    host: IPAddress | str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The ``Host`` header (RFC 9110, section 7.2): the host, and the port unless it is the default."""
        host = f"[{self.host}]" if isinstance(self.host, IPv6Address) else str(self.host)
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    def join(self, reference: str) -> WebUrl:
        """What ``reference`` (a ``Location``) means, seen from this URL (RFC 3986, section 5).

        Raises:
            UnsafeUrl: as :func:`parse_web_url`.
        """
        try:
            joined = httpx.URL(str(self)).join(reference)
        except (httpx.InvalidURL, ValueError) as exc:
            raise UnsafeUrl(reason="syntax") from exc
        return parse_web_url(str(joined))


def parse_web_url(text: str) -> WebUrl:
    """The URL that ``text`` spells. Nothing is looked up.

    Raises:
        UnsafeUrl: not http or https, credentials, an odd spelling of the host or port (see
            :func:`core.address_policy.parse_host`), control characters, backslashes, too long.
    """
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in DEFAULT_PORTS:
        raise UnsafeUrl("Only http and https links can be downloaded.", reason="scheme")
    raw_authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in raw_authority:
        raise UnsafeUrl("Links with a user name or a password are not accepted.", reason="credentials")
    authority = _AUTHORITY.fullmatch(raw_authority)
    if authority is None or len(text) > MAX_URL_CHARS or "\\" in text:
        raise UnsafeUrl(reason="syntax")
    try:
        parsed = httpx.URL(text)
        host = parse_host(parsed.raw_host.decode("ascii"))
        path = parsed.raw_path.decode("ascii")
    except (httpx.InvalidURL, ValueError) as exc:
        raise UnsafeUrl(reason="syntax") from exc
    port = int(authority["port"] or DEFAULT_PORTS[scheme])
    if not 0 < port <= _MAX_PORT:
        raise UnsafeUrl("The port of this link is not allowed.", reason="port")
    return WebUrl(scheme, host, port, path)
