"""Whether a page of another site sends a request: the guard of what a cookie authenticates.

Forms of our own pages carry Django's token besides; the JSON API has no token, so that this check is what keeps
a foreign page from writing with a visitor's cookie.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from accounts.errors import OriginForeign

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: No browser writes a longer one: a scheme, a host name of at most 253 characters and a port.
_MOST_CHARS = 300


@dataclass(frozen=True, slots=True)
class _Origin:
    """Scheme, host and port, all in lower case; ``host`` may begin with ``*.`` in the settings."""

    scheme: str
    host: str
    port: int

    def covers(self, other: _Origin) -> bool:
        if (self.scheme, self.port) != (other.scheme, other.port):
            return False
        if self.host.startswith("*."):
            return other.host.endswith(self.host[1:])
        return self.host == other.host


def check_origin(request: HttpRequest) -> None:
    """Refuse a write that a page of another origin sends.

    Own origins are the request's scheme, host and port, ``SITE_URL``, and ``CSRF_TRUSTED_ORIGINS``. Another port,
    ``http`` for ``https`` and ``null`` are foreign, but for the ``null`` of a request that no page began: what a user
    shares to the site says ``none`` in ``Sec-Fetch-Site``, which no page can have said. A request without ``Origin``
    comes from no browser, or from one that says where from in ``Sec-Fetch-Site``: it is let through unless that is
    ``cross-site``. Methods that change nothing (RFC 9110, section 9.2.1) are not looked at.

    Raises:
        OriginForeign: the request was sent by a foreign page.
    """
    if request.method in _SAFE_METHODS:
        return
    sent = request.META.get("HTTP_ORIGIN")
    site = request.META.get("HTTP_SEC_FETCH_SITE", "").strip().lower()
    if sent is None:
        if site == "cross-site":
            raise OriginForeign
        return
    if sent == "null" and site == "none":
        return
    origin = _parse(sent)
    if origin is None or not any(own.covers(origin) for own in _own_origins(request)):
        raise OriginForeign


def _own_origins(request: HttpRequest) -> list[_Origin]:
    texts = [f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS]
    if settings.SITE_URL:
        parts = urlsplit(settings.SITE_URL)
        texts.append(f"{parts.scheme}://{parts.netloc}")
    return [origin for text in texts if (origin := _parse(text)) is not None]


def _parse(text: str) -> _Origin | None:
    """An origin as RFC 6454 writes it; None for anything else, ``null`` and a list of them among it."""
    if len(text) > _MOST_CHARS or not text.isascii() or not text.isprintable():
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    if parts.path or parts.query or parts.fragment or any(each in parts.netloc for each in "@, \\"):
        return None
    return _Origin(
        parts.scheme, parts.hostname.lower(), _DEFAULT_PORTS[parts.scheme] if port is None else port
    )
