from __future__ import annotations

import ssl
from ipaddress import ip_address
from pathlib import Path

import pytest

from core import safe_http
from core.address_policy import IPAddress
from core.pinned_network import MAX_CONNECT_ATTEMPTS
from core.safe_http import FetchError, FetchFailed, FetchPolicy, UnsafeUrl, fetch
from tests.core.loopback_web import (
    MEDIA_EXAMPLE_CERTIFICATE,
    OTHER_PUBLIC_V4,
    PUBLIC_V4,
    PUBLIC_V6,
    Canary,
    Internet,
    Names,
    WebServer,
    answer,
    assert_tells_nothing,
    policy,
    redirect,
)


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        [PUBLIC_V4, "127.0.0.1"],
        ["127.0.0.1", PUBLIC_V4],
        [PUBLIC_V4, "10.0.0.1"],
        [PUBLIC_V6, "::1"],
        [PUBLIC_V4, "::ffff:169.254.169.254"],
    ],
)
def test_name_with_any_private_address_is_refused(internet: Internet, answers: list[str]) -> None:
    with pytest.raises(UnsafeUrl) as refusal:
        fetch(
            "http://media.example/",
            policy=policy(allowed_networks=()),
            resolver=Names(media_example=[answers]),
        )
    assert internet.dialled == []
    assert refusal.value.data == {"reason": "host"}


def test_private_and_unknown_names_look_the_same_to_the_user() -> None:
    names = Names(internal_example=[["10.0.0.1"]])
    told = []
    for host in ("internal.example", "unknown.example"):
        with pytest.raises(FetchError) as failure:
            fetch(f"http://{host}/", policy=policy(), resolver=names)
        told.append((failure.value.message, failure.value.data))
        assert_tells_nothing(failure.value)
    assert told[0] == told[1]


def test_name_without_addresses_is_not_found() -> None:
    with pytest.raises(FetchFailed) as failure:
        fetch("http://media.example/", policy=policy(), resolver=Names(media_example=[[]]))
    assert failure.value.data == {"reason": "host"}


def test_rebinding_name_is_looked_up_once_and_stays_pinned(
    internet: Internet, server: WebServer, canary: Canary
) -> None:
    internet.hosts[PUBLIC_V4] = server.port
    server.replies["/x.mp4"] = answer(b"video")
    names = Names(rebind_example=[[PUBLIC_V4], ["127.0.0.1"]])
    ports = frozenset({canary.port})
    url = f"http://rebind.example:{canary.port}/x.mp4"

    assert (
        fetch(url, policy=policy(allowed_networks=(), allowed_ports=ports), resolver=names).body == b"video"
    )
    assert names.lookups == ["rebind.example"]
    assert internet.dialled == [PUBLIC_V4]
    assert f"\r\nHost: rebind.example:{canary.port}\r\n" in server.requests[0]

    with pytest.raises(UnsafeUrl):
        fetch(url, policy=policy(allowed_networks=(), allowed_ports=ports), resolver=names)
    assert not canary.was_touched()


def test_next_address_is_tried_in_the_other_family(internet: Internet, server: WebServer) -> None:
    internet.hosts[PUBLIC_V4] = server.port
    server.replies["/"] = answer(b"video")
    answers = ["2606:4700::1", "2606:4700::2", "2606:4700::3", "2606:4700::4", "2606:4700::5", PUBLIC_V4]
    fetched = fetch("http://media.example/", policy=policy(), resolver=Names(media_example=[answers]))
    assert fetched.body == b"video"
    assert internet.dialled == ["2606:4700::1", PUBLIC_V4]


def test_name_with_many_dead_addresses_is_no_port_scan(internet: Internet) -> None:
    answers = [f"93.184.215.{last}" for last in range(200)]
    with pytest.raises(FetchFailed) as failure:
        fetch("http://media.example/", policy=policy(), resolver=Names(media_example=[answers]))
    assert failure.value.data == {"reason": "network"}
    assert len(internet.dialled) == MAX_CONNECT_ATTEMPTS


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        (("127.0.0.1",), "127.0.0.1"),
        (("127.0.0.0/8",), "[::ffff:127.0.0.1]"),
        (("127.0.0.0/8",), "media.internal"),
        (("media.internal",), "media.internal"),
        (("Media.Internal.",), "MEDIA.internal."),
        (("m\u00e9dia".encode("idna").decode(),), "m\u00e9dia"),
    ],
)
def test_allowed_network_or_name_is_reached_on_any_port(
    server: WebServer, allowed: tuple[str, ...], host: str
) -> None:
    server.replies["/x.mp4"] = answer(b"video")
    names = Names(media_internal=[["127.0.0.1"]], **{"xn--mdia-bpa": [["127.0.0.1"]]})
    assert (
        fetch(server.url(host=host), policy=policy(allowed_networks=allowed), resolver=names).body == b"video"
    )


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "a.media.internal", "media.internal.evil.example", "media"]
)
def test_allowed_name_opens_no_other_host(canary: Canary, host: str) -> None:
    def resolver(_: str) -> list[IPAddress]:
        return [ip_address("127.0.0.1")]

    url = f"http://{host}:{canary.port}/"
    with pytest.raises(UnsafeUrl):
        fetch(url, policy=policy(allowed_networks=("media.internal",)), resolver=resolver)
    assert not canary.was_touched()


def test_allowed_network_opens_no_port_of_public_hosts(internet: Internet) -> None:
    with pytest.raises(UnsafeUrl) as refusal:
        fetch("http://media.example:22/", policy=policy(), resolver=Names(media_example=[[PUBLIC_V4]]))
    assert refusal.value.data == {"reason": "port"}
    assert internet.dialled == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_followed(server: WebServer, status: int) -> None:
    server.replies |= {"/a/1": redirect("../b?q=1", f"{status} Moved"), "/b?q=1": answer(b"video")}
    fetched = fetch(server.url("/a/1"), policy=policy())
    assert (fetched.body, fetched.final_url) == (b"video", server.url("/b?q=1"))


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/",
        "//127.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://localhost.:{port}/",
        "http://0x7f.1:{port}/",
        "http://user@127.0.0.1:{port}/",
        "http://media.example@127.0.0.1:{port}/",
        "/\\127.0.0.1:{port}/",
        "http://[::1%25lo]:{port}/",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{port}/",
        "http://media.example:22/",
        "http://[",
    ],
)
def test_redirect_out_of_the_public_net_is_refused(
    internet: Internet, server: WebServer, canary: Canary, location: str
) -> None:
    internet.hosts[PUBLIC_V4] = server.port
    server.replies["/"] = redirect(location.format(port=canary.port))
    names = Names(media_example=[[PUBLIC_V4]], localhost=[["127.0.0.1"]])
    limits = policy(allowed_networks=(), allowed_ports=frozenset({80, canary.port}))
    with pytest.raises(UnsafeUrl) as refusal:
        fetch("http://media.example/", policy=limits, resolver=names)
    assert len(server.requests) == 1
    assert internet.dialled == [PUBLIC_V4]
    assert not canary.was_touched()
    assert_tells_nothing(refusal.value)


def test_redirect_to_https_and_back_to_loopback_is_refused(
    internet: Internet, server: WebServer, tls_server: WebServer, canary: Canary, trusting: ssl.SSLContext
) -> None:
    internet.hosts |= {OTHER_PUBLIC_V4: server.port, PUBLIC_V4: tls_server.port}
    server.replies["/"] = redirect("https://media.example/hop")
    tls_server.replies["/hop"] = redirect(f"http://[::1]:{canary.port}/", "307 Temporary Redirect")
    names = Names(first_example=[[OTHER_PUBLIC_V4]], media_example=[[PUBLIC_V4]])
    limits = policy(allowed_networks=(), allowed_ports=frozenset({80, 443, canary.port}))
    with pytest.raises(UnsafeUrl):
        fetch("http://first.example/", policy=limits, resolver=names, tls=trusting)
    assert internet.dialled == [OTHER_PUBLIC_V4, PUBLIC_V4]
    assert not canary.was_touched()


def test_redirect_from_https_to_public_http_is_followed(
    internet: Internet, server: WebServer, tls_server: WebServer, trusting: ssl.SSLContext
) -> None:
    internet.hosts |= {OTHER_PUBLIC_V4: server.port, PUBLIC_V4: tls_server.port}
    tls_server.replies["/"] = redirect("http://plain.example/")
    server.replies["/"] = answer(b"video")
    names = Names(plain_example=[[OTHER_PUBLIC_V4]], media_example=[[PUBLIC_V4]])
    fetched = fetch("https://media.example/", policy=policy(), resolver=names, tls=trusting)
    assert (fetched.body, fetched.final_url) == (b"video", "http://plain.example/")


def test_redirect_to_the_same_host_is_looked_up_and_judged_again(
    internet: Internet, server: WebServer
) -> None:
    internet.hosts[PUBLIC_V4] = server.port
    server.replies["/"] = redirect("/again")
    names = Names(media_example=[[PUBLIC_V4], ["127.0.0.1"]])
    with pytest.raises(UnsafeUrl):
        fetch("http://media.example/", policy=policy(allowed_networks=()), resolver=names)
    assert names.lookups == ["media.example", "media.example"]
    assert internet.dialled == [PUBLIC_V4]


@pytest.mark.parametrize("loop", [{"/": "/"}, {"/": "/b", "/b": "/"}])
def test_redirect_loop_ends_after_the_limit(server: WebServer, loop: dict[str, str]) -> None:
    server.replies |= {path: redirect(location) for path, location in loop.items()}
    with pytest.raises(FetchFailed) as failure:
        fetch(server.url("/"), policy=policy(max_redirects=5))
    assert failure.value.data == {"reason": "redirects"}
    assert len(server.requests) == 6


@pytest.mark.parametrize(("hops", "arrives"), [(5, True), (6, False)])
def test_as_many_redirects_as_allowed_are_followed(server: WebServer, hops: int, arrives: bool) -> None:
    server.replies |= {f"/{hop}": redirect(f"/{hop - 1}") for hop in range(1, hops + 1)}
    server.replies["/0"] = answer(b"video")
    if arrives:
        assert fetch(server.url(f"/{hops}"), policy=policy()).body == b"video"
    else:
        with pytest.raises(FetchFailed):
            fetch(server.url(f"/{hops}"), policy=policy())


def test_tls_server_name_and_certificate_stay_with_the_name(
    internet: Internet, tls_server: WebServer, trusting: ssl.SSLContext
) -> None:
    internet.hosts[PUBLIC_V4] = tls_server.port
    tls_server.replies["/"] = answer(b"video")
    names = Names(media_example=[[PUBLIC_V4]])
    assert fetch("https://media.example./", policy=policy(), resolver=names, tls=trusting).body == b"video"
    assert internet.dialled == [PUBLIC_V4]
    assert tls_server.server_names == ["media.example"]
    assert "\r\nHost: media.example\r\n" in tls_server.requests[0]


@pytest.mark.parametrize("host", ["other.example", PUBLIC_V4])
def test_certificate_of_another_name_is_refused(
    internet: Internet, tls_server: WebServer, trusting: ssl.SSLContext, host: str
) -> None:
    internet.hosts[PUBLIC_V4] = tls_server.port
    with pytest.raises(FetchFailed) as failure:
        fetch(f"https://{host}/", policy=policy(), resolver=Names(other_example=[[PUBLIC_V4]]), tls=trusting)
    assert failure.value.data == {"reason": "network"}
    assert tls_server.requests == []
    assert_tells_nothing(failure.value)


def test_certificate_authorities_of_the_environment_are_not_trusted(
    internet: Internet, tls_server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    internet.hosts[PUBLIC_V4] = tls_server.port
    (tmp_path / "ca.pem").write_text(MEDIA_EXAMPLE_CERTIFICATE)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    safe_http.default_tls.cache_clear()
    with pytest.raises(FetchFailed):
        fetch("https://media.example/", policy=policy(), resolver=Names(media_example=[[PUBLIC_V4]]))
    assert tls_server.requests == []


def test_proxies_and_netrc_of_the_environment_take_no_part(
    server: WebServer, canary: Canary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{canary.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.replies["/x.mp4"] = answer(b"video")
    assert fetch(server.url(), policy=policy()).body == b"video"
    assert not canary.was_touched()
    assert "authorization" not in server.requests[0].lower()


def test_cookies_and_referrer_do_not_travel_with_a_redirect(server: WebServer) -> None:
    server.replies["/a"] = answer(b"", "Location: /b", "Set-Cookie: id=1", status="302 Found")
    server.replies["/b"] = answer(b"video")
    fetch(server.url("/a"), policy=policy(user_agent="Tester/1"))
    sent = server.requests[1].lower()
    assert "cookie" not in sent and "referer" not in sent
    assert "\r\nuser-agent: tester/1\r\n" in sent


@pytest.mark.parametrize(
    "change",
    [
        {"max_bytes": 0},
        {"deadline_s": 0},
        {"max_redirects": -1},
        {"allowed_networks": ("10.0.0.1/8",)},
        {"allowed_networks": ("http://media",)},
        {"user_agent": "a\r\nX-Injected: 1"},
        {"user_agent": "\u00e4"},
    ],
)
def test_malformed_policy_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        policy(**change)


def test_default_policy_allows_nothing_that_is_not_public() -> None:
    limits = FetchPolicy(max_bytes=1, deadline_s=1)
    assert limits.allowed_networks == ()
    assert limits.allowed_ports == {80, 443, 8000, 8080, 8443}
    assert limits.max_redirects == 5
