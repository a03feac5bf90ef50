"""Which hosts the server may reach for a user: what is an address, what is public, what an operator allows.

``ipaddress.is_global`` does not decide this: on some Python releases it is true for ``::127.0.0.1``,
``64:ff9b::7f00:1``, ``2002:7f00:1::``, ``224.0.0.1`` and ``192.0.0.192``. The tables here are explicit
instead. They follow the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates) and
the IANA IPv6 address space registry, of which only 2000::/3 is handed out for global unicast.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network
AllowEntry: TypeAlias = IPv4Network | IPv6Network | str
"""What an operator allows although it is not public: a network, or one host name in canonical form."""

DENIED_NETWORKS: Final[Mapping[IPNetwork, str]] = {
    ip_network(network): name
    for network, name in (
        ("0.0.0.0/8", "this network (RFC 791)"),
        ("10.0.0.0/8", "private use (RFC 1918)"),
        ("100.64.0.0/10", "shared address space of carriers (RFC 6598); metadata service of Alibaba Cloud"),
        ("127.0.0.0/8", "loopback (RFC 1122)"),
        ("168.63.129.16/32", "platform service of Microsoft Azure, on a public address"),
        ("169.254.0.0/16", "link local (RFC 3927); metadata service of most clouds"),
        ("172.16.0.0/12", "private use (RFC 1918)"),
        ("192.0.0.0/24", "IETF protocol assignments (RFC 6890); metadata service of Oracle Cloud"),
        ("192.0.2.0/24", "documentation (RFC 5737)"),
        ("192.88.99.0/24", "deprecated 6to4 relay anycast (RFC 7526)"),
        ("192.168.0.0/16", "private use (RFC 1918)"),
        ("198.18.0.0/15", "benchmarking (RFC 2544)"),
        ("198.51.100.0/24", "documentation (RFC 5737)"),
        ("203.0.113.0/24", "documentation (RFC 5737)"),
        ("224.0.0.0/4", "multicast (RFC 1112)"),
        ("240.0.0.0/4", "reserved, and limited broadcast (RFC 1112, RFC 919)"),
        ("::/3", "not global unicast: unspecified, loopback, IPv4-compatible, local NAT64, discard-only"),
        ("2001::/23", "IETF protocol assignments (RFC 2928): Teredo, ORCHID, benchmarking"),
        ("2001:db8::/32", "documentation (RFC 3849)"),
        ("2002::/16", "6to4, deprecated: carries any IPv4 address (RFC 7526)"),
        ("3fff::/20", "documentation (RFC 9637)"),
        ("4000::/2", "not global unicast: unassigned, segment routing"),
        ("8000::/1", "not global unicast: unassigned, unique local, link local, multicast"),
    )
}

_NAT64: Final = IPv6Network("64:ff9b::/96")
_LOW_32_BITS: Final = 0xFFFF_FFFF
# RFC 5214, section 6.1: the interface identifier is 0000:5efe (0200:5efe if globally unique), then the IPv4.
_ISATAP_MARKS: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})

_MAX_NAME_CHARS: Final = 253
_LABEL: Final = re.compile(r"[a-z0-9_-]{1,63}")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def canonical_address(address: IPAddress) -> IPAddress:
    """The address that a connection really goes to: an IPv4-mapped one (RFC 4291) is its IPv4 address."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def why_denied(address: IPAddress) -> str | None:
    """The reason why ``address`` is not a public unicast address, or ``None`` if it is one.

    An IPv4 address inside an IPv6 one is judged too. IPv4-mapped (RFC 4291) and well-known NAT64 addresses
    (RFC 6052, what DNS64 answers in an IPv6-only network) are as public as the IPv4 address; an ISATAP
    address (RFC 5214) must be public in both halves; IPv4-compatible, 6to4 and Teredo addresses are refused
    whatever they carry, for these mechanisms are retired and no server is found there.
    """
    address = canonical_address(address)
    if isinstance(address, IPv6Address):
        embedded = IPv4Address(int(address) & _LOW_32_BITS)
        if address in _NAT64:
            return why_denied(embedded)
        if (int(address) >> 32) & _LOW_32_BITS in _ISATAP_MARKS and (reason := why_denied(embedded)):
            return reason
    return next((name for network, name in DENIED_NETWORKS.items() if address in network), None)


def is_public(address: IPAddress) -> bool:
    """Whether ``address`` is a public unicast address (see :func:`why_denied`)."""
    return why_denied(address) is None


def parse_host(text: str) -> IPAddress | str:
    """The host of a URL (ASCII, no brackets): an address, or a name in lower case without the final dot.

    A name whose last label is a number is taken for an IPv4 address, as the WHATWG URL standard does ("ends
    in a number"), and only the form of four decimal numbers without leading zeros is accepted: ``0x7f.1``,
    ``0177.1``, ``2130706433``, ``127.1`` and ``1.1.1.1.1`` mean different things to different resolvers. Zone
    ids are refused.

    Raises:
        ValueError: the text is neither an address nor a host name (RFC 1123, with ``_`` allowed).
    """
    if ":" in text:
        address = IPv6Address(text)
        if address.scope_id is not None:
            raise ValueError("zone id in an address")
        return address
    name = text.lower().removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return IPv4Address(name)
    if len(name) > _MAX_NAME_CHARS or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("malformed host name")
    return name


def parse_allow_entry(text: str) -> AllowEntry:
    """One entry of an operator's allow-list: ``10.1.0.0/16``, ``fd00::/8``, ``10.1.2.3``, ``media.internal``.

    Raises:
        ValueError: the text is neither a network (host bits zero), an address nor a host name.
    """
    try:
        return ip_network(text)
    except ValueError:
        host = parse_host(text)
    return host if isinstance(host, str) else ip_network(host)


def is_allowed_address(address: IPAddress, allowed: Iterable[AllowEntry]) -> bool:
    """Whether ``address`` lies in one of the allowed networks."""
    address = canonical_address(address)
    return any(address in entry for entry in allowed if not isinstance(entry, str))


def is_allowed_name(host: IPAddress | str, allowed: Iterable[AllowEntry]) -> bool:
    """Whether ``host``, as :func:`parse_host` gives it, is exactly one of the allowed host names."""
    return isinstance(host, str) and host in (entry for entry in allowed if isinstance(entry, str))
