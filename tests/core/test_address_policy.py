from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from core.address_policy import (
    canonical_address,
    is_allowed_address,
    is_allowed_name,
    is_public,
    parse_allow_entry,
    parse_host,
    why_denied,
)

DENIED = [
    "0.0.0.0", "0.255.255.255",
    "10.0.0.0", "10.255.255.255",
    "100.64.0.0", "100.100.100.200", "100.127.255.255",
    "127.0.0.1", "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1", "169.254.169.254",
    "172.16.0.1", "172.31.255.255",
    "192.0.0.0", "192.0.0.192", "192.0.2.1",
    "192.88.99.1",
    "192.168.0.0", "192.168.255.255",
    "198.18.0.1", "198.19.255.255", "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255",
    "::", "::1",
    "100::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "3fff::1",
    "4000::1", "5f00::1",
    "fc00::1", "fd00:ec2::254",
    "fe80::1", "fe80::1%lo",
    "fec0::1",
    "ff02::1", "ff0e::1",
]  # fmt: skip

EMBEDDED_PRIVATE = [
    pytest.param("::ffff:127.0.0.1", id="mapped-loopback"),
    pytest.param("::ffff:a9fe:a9fe", id="mapped-metadata"),
    pytest.param("::127.0.0.1", id="compatible-loopback"),
    pytest.param("::a00:1", id="compatible-private"),
    pytest.param("64:ff9b::7f00:1", id="nat64-loopback"),
    pytest.param("64:ff9b::a9fe:a9fe", id="nat64-metadata"),
    pytest.param("64:ff9b:1::808:808", id="nat64-local-use"),
    pytest.param("2002:7f00:1::", id="6to4-loopback"),
    pytest.param("2002:a00:1::1", id="6to4-private"),
    pytest.param("2001:0:7f00:1::", id="teredo-server-loopback"),
    pytest.param("2001:0:808:808:0:0:80ff:fffe", id="teredo-client-loopback"),
    pytest.param("2a00:1450::5efe:7f00:1", id="isatap-loopback"),
    pytest.param("2a00:1450::200:5efe:c0a8:101", id="isatap-universal-private"),
]

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
    "126.255.255.255", "128.0.0.1", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255",
    "172.32.0.0", "192.0.1.1", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
    "223.255.255.255",
    "2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::5eff:7f00:1",
    "::ffff:8.8.8.8", "64:ff9b::808:808", "2a00:1450::5efe:808:808",
]  # fmt: skip


@pytest.mark.parametrize("text", DENIED)
def test_special_purpose_address_is_denied_with_a_reason(text: str) -> None:
    assert why_denied(ip_address(text))
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", EMBEDDED_PRIVATE)
def test_private_ipv4_inside_an_ipv6_address_is_denied(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_public_address_next_to_the_denied_ranges_is_public(text: str) -> None:
    assert why_denied(ip_address(text)) is None


def test_mapped_address_is_its_ipv4_address() -> None:
    assert canonical_address(ip_address("::ffff:10.1.2.3")) == ip_address("10.1.2.3")
    assert canonical_address(ip_address("2606:4700::1111")) == ip_address("2606:4700::1111")


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "...", "a..b", ".a", "a b", "a%20b", "a/b", "b\u00fccher.example", "user@host",
        "0", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7f.0.0.1", "0x", "0177.0.0.1",
        "0177.1", "017700000001", "127.000.000.001", "1.1.1.1.1", "256.1.1.1", "host.123",
        "a" * 64 + ".com", ".".join(["abcdefg"] * 32),
        "::1%lo", "fe80::1%25lo", "1::2::3", "[::1]", "host:80",
    ],
)  # fmt: skip
def test_odd_host_spelling_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_host(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("LOCALHOST.", "localhost"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("r5---sn-4g5e6nze.media.example", "r5---sn-4g5e6nze.media.example"),
        ("my_bucket.s3.example", "my_bucket.s3.example"),
        ("1password.example", "1password.example"),
        ("0xabc.example", "0xabc.example"),
        ("a" * 63 + ".com", "a" * 63 + ".com"),
    ],
)
def test_host_name_is_made_canonical(text: str, host: str) -> None:
    assert parse_host(text) == host


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.1.", "::1", "::ffff:127.0.0.1"])
def test_address_literal_is_an_address_not_a_name(text: str) -> None:
    assert parse_host(text) == ip_address(text.removesuffix("."))


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("10.1.0.0/16", ip_network("10.1.0.0/16")),
        ("fd00::/8", ip_network("fd00::/8")),
        ("10.1.2.3", ip_network("10.1.2.3/32")),
        ("::1", ip_network("::1/128")),
        ("Media.Internal.", "media.internal"),
    ],
)
def test_allow_entry_is_a_network_or_a_name(text: str, entry: object) -> None:
    assert parse_allow_entry(text) == entry


@pytest.mark.parametrize(
    "text", ["", "10.0.0.1/8", "10.0.0.0/33", "*.internal", "http://media", "media:9000", "127.1"]
)
def test_malformed_allow_entry_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_allow_entry(text)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("10.2.0.1", False),
        ("64:ff9b::a01:203", False),
        ("fd00::1", True),
        ("fe00::1", False),
    ],
)
def test_allowed_network_covers_its_addresses_only(address: str, allowed: bool) -> None:
    entries = [parse_allow_entry("10.1.0.0/16"), parse_allow_entry("fd00::/8"), parse_allow_entry("media")]
    assert is_allowed_address(ip_address(address), entries) is allowed


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("media.internal", True),
        ("a.media.internal", False),
        ("internal", False),
        ("media.internal.evil", False),
    ],
)
def test_allowed_name_is_that_name_only(host: str, allowed: bool) -> None:
    assert is_allowed_name(parse_host(host), [parse_allow_entry("media.internal")]) is allowed


def test_allowed_name_is_no_address() -> None:
    assert not is_allowed_name(ip_address("10.1.2.3"), [parse_allow_entry("10.1.2.3")])
