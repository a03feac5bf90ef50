from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from core.address_policy import IPAddress
from core.safe_http import UnsafeUrl, fetch
from core.web_url import parse_web_url
from tests.core.loopback_web import Canary, Internet, assert_tells_nothing, policy

LOOPBACK_URLS = [
    "http://127.0.0.1:{port}/x.mp4",
    "http://127.255.255.254:{port}/x.mp4",
    "http://localhost:{port}/x.mp4",
    "http://LOCALHOST:{port}/x.mp4",
    "http://localhost.:{port}/x.mp4",
    "http://localhost.localdomain:{port}/x.mp4",
    "http://0:{port}/x.mp4",
    "http://0.0.0.0:{port}/x.mp4",
    "http://2130706433:{port}/x.mp4",
    "http://0x7f000001:{port}/x.mp4",
    "http://0x7f.1:{port}/x.mp4",
    "http://0x7f.0.0.1:{port}/x.mp4",
    "http://0177.0.0.1:{port}/x.mp4",
    "http://0177.1:{port}/x.mp4",
    "http://017700000001:{port}/x.mp4",
    "http://127.1:{port}/x.mp4",
    "http://127.0.1:{port}/x.mp4",
    "http://127.000.000.001:{port}/x.mp4",
    "http://[::]:{port}/x.mp4",
    "http://[::1]:{port}/x.mp4",
    "http://[0:0:0:0:0:0:0:1]:{port}/x.mp4",
    "http://[::ffff:127.0.0.1]:{port}/x.mp4",
    "http://[::ffff:7f00:1]:{port}/x.mp4",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/x.mp4",
    "http://[::127.0.0.1]:{port}/x.mp4",
    "http://[64:ff9b::7f00:1]:{port}/x.mp4",
    "http://[2002:7f00:1::]:{port}/x.mp4",
    "http://[fe80::1%25lo]:{port}/x.mp4",
    "http://[::1%25lo]:{port}/x.mp4",
    "http://example.com\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@example.com/",
    "http://example.com@127.0.0.1:{port}/",
    "http://@127.0.0.1:{port}/",
    "http://127\u30020\u30020\u30021:{port}/",
    "http://\uff11\uff12\uff17\uff0e\uff10\uff0e\uff10\uff0e\uff11:{port}/",
    "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460:{port}/",
    "http://127.0.0.1:{port}\t/",
    "http://127.0.\t0.1:{port}/",
    "http://127.0.0.1\n:{port}/",
    " http://127.0.0.1:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http:/localhost:{port}",
    "http:\\\\127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}/x.mp4",
]

OTHER_REFUSED_URLS = [
    ("http://10.0.0.1/x.mp4", "host"),
    ("http://172.16.0.1/x.mp4", "host"),
    ("http://172.31.255.255/x.mp4", "host"),
    ("http://192.168.0.1/x.mp4", "host"),
    ("http://169.254.169.254/latest/meta-data/", "host"),
    ("http://2852039166/x.mp4", "syntax"),
    ("http://0xa9fea9fe/x.mp4", "syntax"),
    ("http://168.63.129.16/x.mp4", "host"),
    ("http://100.100.100.200/x.mp4", "host"),
    ("http://192.0.0.192/x.mp4", "host"),
    ("http://192.0.2.1/x.mp4", "host"),
    ("http://198.18.0.1/x.mp4", "host"),
    ("http://224.0.0.1/x.mp4", "host"),
    ("http://239.255.255.250/x.mp4", "host"),
    ("http://255.255.255.255/x.mp4", "host"),
    ("http://[64:ff9b::a9fe:a9fe]/x.mp4", "host"),
    ("http://[fe80::1]/x.mp4", "host"),
    ("http://[fc00::1]/x.mp4", "host"),
    ("http://[fd00:ec2::254]/x.mp4", "host"),
    ("http://[ff02::1]/x.mp4", "host"),
    ("http://[2001:db8::1]/x.mp4", "host"),
    ("http://user:pass@example.com/", "credentials"),
    ("http://user@example.com/", "credentials"),
    ("http://1.1.1.1.1/", "syntax"),
    ("http://.../", "syntax"),
    ("http://" + "a" * 300 + ".com/", "syntax"),
    ("http://a..example.com/", "syntax"),
    ("http://exa mple.com/", "syntax"),
    ("http://exam\u00adple.com/", "syntax"),
    ("http://[::1/", "syntax"),
    ("http://[::1]x/", "syntax"),
    ("http://example.com/\x00", "syntax"),
    ("http://example.com/\udcff", "syntax"),
    ("http://example.com/a\\b", "syntax"),
    ("http://example.com/" + "a" * 9000, "syntax"),
    ("http://:8080", "syntax"),
    ("http://", "syntax"),
    ("http://example.com:0/", "port"),
    ("http://example.com:22/", "port"),
    ("http://example.com:6379/", "port"),
    ("http://example.com:65536/", "port"),
    ("http://example.com:800000000000000000000000000/", "syntax"),
    ("http://example.com:+80/", "syntax"),
    ("http://example.com:-1/", "syntax"),
    ("http://example.com:\uff18\uff10/", "syntax"),
    ("file://localhost/etc/passwd", "scheme"),
    ("FILE:///etc/passwd", "scheme"),
    ("ftp://127.0.0.1/x.mp4", "scheme"),
    ("gopher://127.0.0.1:6379/_INFO", "scheme"),
    ("dict://127.0.0.1:11211/stats", "scheme"),
    ("udp://127.0.0.1:1", "scheme"),
    ("data:video/mp4;base64,AAAA", "scheme"),
    ("javascript:alert(1)", "scheme"),
    ("blob:https://x/1", "scheme"),
    ("concat:a.mp4|secret.txt", "scheme"),
    ("subfile,,start,0,end,0,,:/etc/passwd", "scheme"),
    ("ytsearch5:cat", "scheme"),
    ("-oProxyCommand=x", "scheme"),
    ("--exec=id", "scheme"),
    ("", "scheme"),
]


def numeric_only(host: str) -> list[IPAddress]:
    """What the system makes of an odd spelling of an address, without asking a name server."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [ip_address(sockaddr[0]) for *_, sockaddr in found]


def no_lookup(host: str) -> list[IPAddress]:
    raise AssertionError(f"{host} was looked up")


@pytest.mark.parametrize("template", LOOPBACK_URLS)
def test_no_spelling_of_loopback_reaches_it(canary: Canary, template: str) -> None:
    def resolver(host: str) -> list[IPAddress]:
        return [ip_address("127.0.0.1")] if host.startswith("localhost") else numeric_only(host)

    ports = frozenset({80, canary.port})
    with pytest.raises(UnsafeUrl) as refusal:
        fetch(
            template.format(port=canary.port),
            policy=policy(allowed_networks=(), allowed_ports=ports),
            resolver=resolver,
        )
    assert not canary.was_touched()
    assert_tells_nothing(refusal.value)


@pytest.mark.parametrize(("url", "reason"), OTHER_REFUSED_URLS)
def test_unsafe_url_is_refused_before_any_lookup(internet: Internet, url: str, reason: str) -> None:
    with pytest.raises(UnsafeUrl) as refusal:
        fetch(url, policy=policy(allowed_networks=()), resolver=no_lookup)
    assert refusal.value.data == {"reason": reason}
    assert internet.dialled == []
    assert_tells_nothing(refusal.value)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTP://Example.COM.:80/a b?q=\u00e9#top", "http://example.com/a%20b?q=%C3%A9"),
        ("https://example.com:443", "https://example.com/"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("http://b\u00fccher.example/", "http://xn--bcher-kva.example/"),
        ("http://[2606:4700:0:0::1111]:8080/", "http://[2606:4700::1111]:8080/"),
        ("http://example.com:/", "http://example.com/"),
    ],
)
def test_url_is_made_canonical(url: str, canonical: str) -> None:
    assert str(parse_web_url(url)) == canonical
