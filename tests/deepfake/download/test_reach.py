"""What a download can reach: public hosts, and those that an operator allows, whatever a site answers."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from deepfake.errors import DownloadFailed
from tests.core.loopback_web import PUBLIC_V4, WebServer, answer, redirect
from tests.deepfake.download.conftest import Download, HereDownload, Site
from tests.footage import video_bytes

VIDEO = video_bytes(seed=1)
#: An address of this machine that the tests' settings do not allow.
PRIVATE = "127.0.0.2"


class PrivateHost:
    """A service of the internal network that nobody may reach."""

    def __init__(self) -> None:
        self._listener = socket.create_server((PRIVATE, 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://{PRIVATE}:{self.port}/secret"

    def was_touched(self) -> bool:
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def private() -> Iterator[PrivateHost]:
    host = PrivateHost()
    yield host
    host.close()


def formats(url: str) -> list[dict[str, Any]]:
    return [{"format_id": "22", "url": url, "ext": "mp4", "vcodec": "avc1"}]


def refused(here: HereDownload, url: str) -> str:
    with pytest.raises(DownloadFailed) as failure:
        here(url)
    assert not any(word in failure.value.message for word in ("127", "private", "internal"))
    return str(failure.value.reason)


def test_video_at_a_private_address_is_not_fetched(
    site: Site, here: HereDownload, private: PrivateHost
) -> None:
    assert refused(here, site.say("one", formats=formats(private.url))) == "network"
    assert not private.was_touched()


def test_redirect_to_a_private_address_is_not_followed(
    site: Site, here: HereDownload, private: PrivateHost
) -> None:
    for where in ("/info/one.json", "/v.mp4"):
        url = site.say("one", formats=formats("/v.mp4"))
        site.server.replies[where] = redirect(private.url)
        assert refused(here, url) == "network"
    assert not private.was_touched()


def test_playlist_that_leads_to_a_private_address_is_not_followed(
    site: Site, here: HereDownload, private: PrivateHost
) -> None:
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"
    for body in (
        f"{head}#EXTINF:4.0,\n{private.url}\n#EXT-X-ENDLIST\n",
        f'{head}#EXT-X-MAP:URI="{private.url}"\n#EXTINF:4.0,\nseg.ts\n#EXT-X-ENDLIST\n',
        f'{head}#EXT-X-KEY:METHOD=AES-128,URI="{private.url}"\n#EXTINF:4.0,\nseg.ts\n#EXT-X-ENDLIST\n',
        f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000,CODECS=avc1\n{private.url}\n",
    ):
        site.server.replies["/list.m3u8"] = answer(body.encode())
        site.server.replies["/seg.ts"] = answer(b"G" * 1880)
        assert refused(here, site.say("one", hls="/list.m3u8")) == "network"
    assert not private.was_touched()


def test_dash_manifest_that_leads_to_a_private_address_is_not_followed(
    site: Site, here: HereDownload, private: PrivateHost
) -> None:
    site.server.replies["/one.mpd"] = answer(
        f"""<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT8S">
        <BaseURL>{private.url}/</BaseURL><Period><AdaptationSet mimeType="video/mp4">
        <Representation id="v1" bandwidth="1000" codecs="avc1"><SegmentList duration="8"><SegmentURL media="a.m4s"/>
        </SegmentList></Representation></AdaptationSet></Period></MPD>""".encode()
    )
    assert refused(here, site.say("one", dash="/one.mpd")) == "network"
    assert not private.was_touched()


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/hostname",
        "ftp://127.0.0.1/x.mp4",
        "data:video/mp4;base64,AAAA",
        "http://a:b@127.0.0.1/x",
        "http://0x7f.1/x",
    ],
)
def test_odd_addresses_of_a_video_are_not_fetched(site: Site, here: HereDownload, url: str) -> None:
    refused(here, site.say("one", formats=formats(url)))


@pytest.mark.parametrize("header", ["Ytdl-Request-Proxy", "Ytdl-Socks-Proxy"])
def test_proxy_that_a_site_names_is_not_used(
    site: Site, here: HereDownload, private: PrivateHost, header: str
) -> None:
    one = formats("/v.mp4")[0] | {"http_headers": {header: f"http://{PRIVATE}:{private.port}"}}
    site.server.replies["/v.mp4"] = answer(VIDEO)
    with contextlib.suppress(DownloadFailed):
        here(site.say("one", formats=[one]))
    assert not private.was_touched()


def test_name_is_looked_up_once_for_a_connection_and_judged_each_time(
    site: Site, download: Download, settings: Settings
) -> None:
    """DNS rebinding: the first answer is public, the second is not."""
    settings.FETCH_ALLOWED_NETWORKS = ()
    page = answer(
        json.dumps({"formats": formats("http://rebind.example/v.mp4")}).encode(), "Connection: close"
    )
    site.configure(
        names={"rebind.example": [[PUBLIC_V4], ["127.0.0.1"]]}, served={PUBLIC_V4: page.decode("latin-1")}
    )
    with pytest.raises(DownloadFailed) as failure:
        download("http://rebind.example/watch/one")
    assert failure.value.reason == "network"
    assert site.noted("looked-up") == ["rebind.example"] * 2
    assert site.noted("dialled") == [PUBLIC_V4]


def test_name_with_one_private_address_is_not_dialled(
    site: Site, download: Download, settings: Settings
) -> None:
    settings.FETCH_ALLOWED_NETWORKS = ()
    site.configure(names={"inner.example": [[PUBLIC_V4, "10.0.0.1"]]}, served={PUBLIC_V4: ""})
    for url in ("http://inner.example/watch/one", "http://inner.example/x.mp4"):
        with pytest.raises(DownloadFailed) as failure:
            download(url)
        assert failure.value.reason == "network"
    assert site.noted("dialled") == []


def test_name_that_an_operator_allows_is_reached_wherever_it_lies(
    site: Site, download: Download, settings: Settings
) -> None:
    settings.FETCH_ALLOWED_NETWORKS = ("media.example",)
    site.configure(names={"media.example": [["127.0.0.1"]]})
    site.server.replies["/v.mp4"] = answer(VIDEO)
    site.say("one", formats=formats("/v.mp4"))
    assert download(site.server.url("/watch/one", host="media.example")).extractor == "loopback"
    assert download(site.server.url("/v.mp4", host="media.example")).extractor == "direct"


def test_extractor_that_opens_sockets_by_itself_reaches_nothing_private(
    site: Site, download: Download, private: PrivateHost
) -> None:
    for act in (
        {"do": "connect", "host": PRIVATE, "port": private.port},
        {"do": "urllib", "url": private.url},
    ):
        with pytest.raises(DownloadFailed):
            download(site.say("one", act=act))
    assert not private.was_touched()


def test_extractor_can_neither_start_a_program_nor_write_elsewhere(
    site: Site, download: Download, tmp_path: Path
) -> None:
    for act in (
        {"do": "start", "path": str(tmp_path / "out")},
        {"do": "write", "path": str(tmp_path / "out")},
    ):
        with pytest.raises(DownloadFailed) as failure:
            download(site.say("one", act=act))
        assert failure.value.reason == "unsupported"
    assert not (tmp_path / "out").exists()


def test_child_knows_none_of_our_secrets(
    site: Site, download: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_1")
    monkeypatch.setenv("HTTPS_PROXY", f"http://{PRIVATE}:1")
    with pytest.raises(DownloadFailed):
        download(site.say("one", act={"do": "environment"}))
    named = next(step for step in download.steps if "PYTHONPATH" in step).split()
    allowed = {
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "PYTHONPATH",
        "MALLOC_ARENA_MAX",
        "LD_LIBRARY_PATH",
        "LC_CTYPE",
    }
    assert {name for name in named if (name.isupper() and "_" in name) or name in allowed} <= allowed


def test_secrets_of_a_request_are_not_sent_on_to_another_host(site: Site, here: HereDownload) -> None:
    other = WebServer()
    site.server.replies["/v.mp4"] = redirect(other.url("/elsewhere.mp4"))
    other.replies["/elsewhere.mp4"] = answer(VIDEO)
    one = formats("/v.mp4")[0] | {
        "http_headers": {"Authorization": "Bearer 1", "Referer": "https://x.example/"}
    }
    assert here.video(site.say("one", formats=[one])) == VIDEO
    other.close()
    first = next(request for request in site.server.requests if request.startswith("GET /v.mp4"))
    assert "Authorization: Bearer 1" in first
    assert "Authorization" not in other.requests[0]
    assert "Referer: https://x.example/" in other.requests[0]


def test_connection_is_used_again_and_made_anew_once_it_was_closed(site: Site, here: HereDownload) -> None:
    """Pieces come over one connection; a server may close it between two of them."""
    pieces = [b"G" + bytes([number]) * 187 for number in range(4)]
    connections = 0

    def serve(connection: socket.socket) -> None:
        nonlocal connections
        connections += 1
        number = int(site.server.requests[-1].split("/seg")[1][0])
        connection.sendall(answer(pieces[number] * 2))
        if number in (0, 1):
            # Once more over the same connection, then it is closed without a word.
            again = connection.recv(65536)
            if again:
                connection.sendall(answer(pieces[int(again.split(b"/seg")[1][:1])] * 2))

    listed = "".join(f"#EXTINF:4.0,\nseg{number}.ts\n" for number in range(4))
    site.server.replies["/list.m3u8"] = answer(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n{listed}".encode())
    for number in range(4):
        site.server.replies[f"/seg{number}.ts"] = serve
    assert here.video(site.say("one", hls="/list.m3u8")) == b"".join(piece * 2 for piece in pieces)
    assert connections < 4
