"""The address of the client behind trusted proxies, and the key that the client's requests are counted under.

Only ``REMOTE_ADDR`` (the peer of the socket) is a fact. ``X-Forwarded-For`` is believed as far as trusted
proxies wrote it, read from the right; ``X-Real-IP``, ``CF-Connecting-IP``, ``True-Client-IP`` and
``Forwarded`` are never read, because a proxy that does not set them passes on whatever the client sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Literal, TypeAlias

from core.address_policy import IPAddress, IPNetwork, canonical_address

UNIX_SOCKET: Final = "unix"
"""Among the trusted proxies: a proxy that connects over a Unix-domain socket and so has no address."""

TrustedProxy: TypeAlias = IPNetwork | Literal["unix"]

MAX_FORWARDED_CHARS: Final = 4096
MAX_FORWARDED_ENTRIES: Final = 50
IPV6_KEY_PREFIX: Final = 64
"""One subscriber is given at least a /64 (RFC 6177), so counting single IPv6 addresses would limit nobody."""

UNKNOWN_KEY: Final = "unknown"

# What REMOTE_ADDR is for a Unix-domain socket; waitress says "localhost". A TCP peer is never a name.
_UNIX_PEERS: Final = frozenset({"", "localhost"})
_ENTRY: Final = re.compile(r"\[(?P<v6>[^\[\]]+)\](?::[0-9]{1,5})?|(?P<v4>[0-9.]+):[0-9]{1,5}|(?P<bare>.+)")


def parse_trusted_proxy(text: str) -> TrustedProxy:
    """One entry of the setting: ``10.0.0.0/8``, ``::1``, or ``unix`` for proxies on a Unix-domain socket.

    Raises:
        ValueError: the text is neither ``unix`` nor an address nor a network with its host bits zero.
    """
    return UNIX_SOCKET if text == UNIX_SOCKET else ip_network(text)


def client_address(meta: Mapping[str, str], trusted_proxies: Sequence[TrustedProxy]) -> str:
    """The client's address in canonical text: IPv4-mapped IPv6 as IPv4, without port, brackets or zone id.

    If the peer is a trusted proxy, ``X-Forwarded-For`` is walked from the right, over trusted proxies, to the
    first address that is not one; if all of them are trusted, the leftmost is the client. An entry that is no
    address ends the walk and the peer is the answer, since nothing left of it was written by a proxy we know.
    Only the last ``MAX_FORWARDED_ENTRIES`` entries and ``MAX_FORWARDED_CHARS`` characters are looked at.

    Args:
        meta: a WSGI environment or ``request.META``.
        trusted_proxies: the operator's own proxies, see :func:`parse_trusted_proxy`.

    Returns:
        The address, or ``""`` if there is none: a Unix-domain peer that forwards nothing usable.
    """
    remote = meta.get("REMOTE_ADDR", "").strip()
    peer = _parse_address(remote)
    trusted = UNIX_SOCKET in trusted_proxies if remote in _UNIX_PEERS else _is_trusted(peer, trusted_proxies)
    client = _walk(meta.get("HTTP_X_FORWARDED_FOR", ""), trusted_proxies) if trusted else None
    found = client or peer
    return "" if found is None else str(found)


def rate_limit_key(address: str) -> str:
    """The key that requests from ``address`` are counted under: an IPv4 address, or the /64 of an IPv6 one.

    All that is no address shares ``UNKNOWN_KEY``, so that being malformed is no way out of a limit.
    """
    parsed = _parse_address(address)
    if parsed is None:
        return UNKNOWN_KEY
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, IPV6_KEY_PREFIX), strict=False))
    return str(parsed)


def _walk(header: str, trusted_proxies: Sequence[TrustedProxy]) -> IPAddress | None:
    tail = header[-MAX_FORWARDED_CHARS:]
    entries = tail.split(",")
    if len(tail) < len(header):
        del entries[0]  # cut in two, so it may read as another address
    hop: IPAddress | None = None
    for entry in reversed(entries[-MAX_FORWARDED_ENTRIES:]):
        hop = _parse_address(entry.strip())
        if hop is None or not _is_trusted(hop, trusted_proxies):
            break
    return hop


def _is_trusted(address: IPAddress | None, trusted_proxies: Iterable[TrustedProxy]) -> bool:
    if address is None:
        return False
    return any(address in proxy for proxy in trusted_proxies if not isinstance(proxy, str))


def _parse_address(entry: str) -> IPAddress | None:
    """The address in an entry of ``X-Forwarded-For``: bare, ``v4:port``, ``[v6]`` or ``[v6]:port``."""
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return None
    text = match["v6"] or match["v4"] or match["bare"]
    if ":" in text:
        text = text.partition("%")[0]
    try:
        return canonical_address(ip_address(text))
    except ValueError:
        return None
