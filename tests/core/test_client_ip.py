from __future__ import annotations

import pytest

from core.client_ip import (
    MAX_FORWARDED_CHARS,
    MAX_FORWARDED_ENTRIES,
    UNKNOWN_KEY,
    client_address,
    parse_trusted_proxy,
    rate_limit_key,
)

PROXIES = [parse_trusted_proxy(text) for text in ("10.0.0.0/8", "fd00::/8")]
WITH_UNIX = [*PROXIES, parse_trusted_proxy("unix")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        pytest.param("198.51.100.7", "", "198.51.100.7", id="direct"),
        pytest.param("198.51.100.7", "192.0.2.1", "198.51.100.7", id="untrusted-peer-forges"),
        pytest.param("198.51.100.7", "10.0.0.1", "198.51.100.7", id="untrusted-peer-names-a-proxy"),
        pytest.param("10.0.0.1", "", "10.0.0.1", id="proxy-without-header"),
        pytest.param("10.0.0.1", "192.0.2.1", "192.0.2.1", id="one-hop"),
        pytest.param("10.0.0.1", "192.0.2.1, 10.0.0.9", "192.0.2.1", id="two-hops"),
        pytest.param("10.0.0.1", "1.1.1.1, 192.0.2.1,10.0.0.9", "192.0.2.1", id="client-forges-left"),
        pytest.param("10.0.0.1", "10.0.0.7, 192.0.2.1", "192.0.2.1", id="client-forges-a-proxy"),
        pytest.param("10.0.0.1", "garbage, 192.0.2.1", "192.0.2.1", id="garbage-left-of-the-client"),
        pytest.param("10.0.0.1", "10.0.0.7, 10.0.0.8", "10.0.0.7", id="client-inside-the-proxy-network"),
        pytest.param("10.0.0.1", "192.0.2.1, garbage", "10.0.0.1", id="garbage"),
        pytest.param("10.0.0.1", "192.0.2.1, garbage, 10.0.0.9", "10.0.0.1", id="garbage-behind-a-proxy"),
        pytest.param("10.0.0.1", "192.0.2.1,", "10.0.0.1", id="empty-last-entry"),
        pytest.param("10.0.0.1", ", ,", "10.0.0.1", id="commas"),
        pytest.param("10.0.0.1", "unknown", "10.0.0.1", id="unknown"),
        pytest.param("10.0.0.1", "127.1", "10.0.0.1", id="short-ipv4"),
        pytest.param("10.0.0.1", "192.0.2.1 192.0.2.2", "10.0.0.1", id="two-addresses-in-one"),
        pytest.param("10.0.0.1", "192.0.2.1%eth0", "10.0.0.1", id="zone-on-ipv4"),
        pytest.param("10.0.0.1", "192.0.2.1:4711", "192.0.2.1", id="port"),
        pytest.param("10.0.0.1", "192.0.2.1:", "10.0.0.1", id="empty-port"),
        pytest.param("10.0.0.1", "2001:db8::5", "2001:db8::5", id="ipv6"),
        pytest.param("10.0.0.1", "2001:DB8:0::0:5", "2001:db8::5", id="ipv6-spelled-otherwise"),
        pytest.param("10.0.0.1", "[2001:db8::5]", "2001:db8::5", id="brackets"),
        pytest.param("10.0.0.1", "[2001:db8::5]:4711", "2001:db8::5", id="brackets-and-port"),
        pytest.param("10.0.0.1", "[2001:db8::5", "10.0.0.1", id="half-a-bracket"),
        pytest.param("10.0.0.1", "fe80::1%eth0", "fe80::1", id="zone"),
        pytest.param("10.0.0.1", "[fe80::1%eth0]:4711", "fe80::1", id="zone-brackets-and-port"),
        pytest.param("10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1", id="mapped-client"),
        pytest.param("::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1", id="mapped-proxy"),
        pytest.param("::ffff:198.51.100.7", "192.0.2.1", "198.51.100.7", id="mapped-untrusted-peer"),
        pytest.param("fd00::1", "192.0.2.1", "192.0.2.1", id="ipv6-proxy"),
        pytest.param("fe80::2%eth0", "192.0.2.1", "fe80::2", id="peer-with-zone"),
        pytest.param("not an address", "192.0.2.1", "", id="peer-is-garbage"),
    ],
)
def test_client_is_the_last_address_that_no_trusted_proxy_holds(
    peer: str, forwarded: str, client: str
) -> None:
    assert client_address({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}, PROXIES) == client


@pytest.mark.parametrize("peer", ["198.51.100.7", "10.0.0.1"])
@pytest.mark.parametrize(
    "header",
    [
        "HTTP_X_REAL_IP",
        "HTTP_CF_CONNECTING_IP",
        "HTTP_TRUE_CLIENT_IP",
        "HTTP_X_CLIENT_IP",
        "HTTP_FORWARDED",
        "HTTP_FORWARDED_FOR",
    ],
)
def test_headers_that_a_client_can_forge_are_not_read(peer: str, header: str) -> None:
    assert client_address({"REMOTE_ADDR": peer, header: "192.0.2.1"}, PROXIES) == peer


@pytest.mark.parametrize("peer", ["", "localhost"])
def test_unix_socket_peer_is_trusted_only_if_unix_is_listed(peer: str) -> None:
    meta = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": "192.0.2.1"}
    assert client_address(meta, WITH_UNIX) == "192.0.2.1"
    assert client_address(meta, PROXIES) == ""


def test_unix_socket_peer_that_forwards_nothing_has_no_address() -> None:
    assert client_address({}, WITH_UNIX) == ""
    assert client_address({"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": "garbage"}, WITH_UNIX) == ""


def test_tcp_peer_is_not_trusted_for_unix_being_listed() -> None:
    meta = {"REMOTE_ADDR": "198.51.100.7", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}
    assert client_address(meta, WITH_UNIX) == "198.51.100.7"


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        pytest.param(", ".join(["1.1.1.1"] * 10_000), "1.1.1.1", id="many-entries"),
        pytest.param("1.1.1.1, " + ", ".join(["10.0.0.2"] * 10_000), "10.0.0.2", id="many-proxies"),
        pytest.param("x" * 100_000, "10.0.0.1", id="one-huge-entry"),
        pytest.param("," * 100_000, "10.0.0.1", id="many-empty-entries"),
        pytest.param("1.1.1.1" + " " * 5000 + ", 192.0.2.1", "192.0.2.1", id="client-right-of-the-cut"),
    ],
)
def test_oversized_header_is_read_from_the_right_only(forwarded: str, client: str) -> None:
    assert client_address({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}, PROXIES) == client


def test_entry_that_the_length_limit_cuts_is_not_read_as_another_address() -> None:
    proxy = "10.0.0.2"
    within = "3.4.5.6," + proxy.rjust(MAX_FORWARDED_CHARS - len("3.4.5.6,"))
    meta = {"REMOTE_ADDR": "10.0.0.1"}
    assert client_address(meta | {"HTTP_X_FORWARDED_FOR": within}, PROXIES) == "3.4.5.6"
    assert client_address(meta | {"HTTP_X_FORWARDED_FOR": "12" + within}, PROXIES) == proxy


def test_only_the_last_entries_are_walked() -> None:
    beyond = "192.0.2.1" + ",10.0.0.2" * MAX_FORWARDED_ENTRIES
    within = "192.0.2.1" + ",10.0.0.2" * (MAX_FORWARDED_ENTRIES - 1)
    meta = {"REMOTE_ADDR": "10.0.0.1"}
    assert client_address(meta | {"HTTP_X_FORWARDED_FOR": beyond}, PROXIES) == "10.0.0.2"
    assert client_address(meta | {"HTTP_X_FORWARDED_FOR": within}, PROXIES) == "192.0.2.1"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", UNKNOWN_KEY),
        ("x" * 1000, UNKNOWN_KEY),
        ("192.0.2.1\nX", UNKNOWN_KEY),
    ],
)
def test_rate_limit_key_is_an_ipv4_address_or_an_ipv6_64(address: str, key: str) -> None:
    assert rate_limit_key(address) == key


@pytest.mark.parametrize("text", ["", "Unix", "proxy.internal", "10.0.0.1/8", "10.0.0.0/33", "*"])
def test_malformed_trusted_proxy_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_trusted_proxy(text)
