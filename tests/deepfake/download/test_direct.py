"""Links that lead to a file straight."""

from __future__ import annotations

import dataclasses
import gzip
import socket
import struct
import time

import pytest

from deepfake.download import get_video
from deepfake.download.container import HEAD_BYTES, is_web_page, suffix_of
from deepfake.download.videos import MAX_TITLE_CHARS, clean_title
from deepfake.errors import DownloadFailed
from tests.core.loopback_web import answer, redirect
from tests.deepfake.download.conftest import Download, HereDownload, Site
from tests.footage import video_bytes

VIDEO = video_bytes(seed=1)


def reason(here: HereDownload, url: str) -> str:
    with pytest.raises(DownloadFailed) as failure:
        here(url)
    return str(failure.value.reason)


def test_file_is_fetched_by_the_child(site: Site, download: Download) -> None:
    site.server.replies["/a/b%20%E2%80%AEc.mp4"] = answer(VIDEO, "Content-Type: text/plain")
    got = download(site.server.url("/a/b%20%E2%80%AEc.mp4"))
    assert (got.path.name, got.path.read_bytes()) == ("video.mp4", VIDEO)
    assert (got.title, got.extractor, got.duration_s, got.whole) == ("b c.mp4", "direct", None, True)
    assert (download.shares[-1:], download.left()) == ([1.0], ["video.mp4"])


@pytest.mark.parametrize("suffix", ["mp4", "webm", "mkv", "avi"])
def test_suffix_is_told_by_the_bytes(suffix: str) -> None:
    codec = "libvpx" if suffix == "webm" else "mpeg4"
    assert (
        suffix_of(video_bytes(seed=1, seconds=0.5, codec=codec, suffix=f".{suffix}")[:HEAD_BYTES]) == suffix
    )


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"<?xml version='1.0'?><MPD>",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"GIF89a",
        b"RIFF\x00\x00\x00\x00WEBPVP8 ",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"\x00\x00\x00\x1cftypavif",
        b"PK\x03\x04",
        b"ID3\x04",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
    ],
)
def test_what_is_no_video_has_no_suffix(head: bytes) -> None:
    assert suffix_of(head + bytes(HEAD_BYTES)) is None


@pytest.mark.parametrize(
    "head", [b"<!DOCTYPE html>", b"\n\n <HTML lang=de>", b"\xef\xbb\xbf<!-- x -->", b"<?xml ?>"]
)
def test_web_pages_are_known(head: bytes) -> None:
    assert is_web_page(head)
    assert not is_web_page(b"plain text, and <html>")


def test_web_page_is_told_from_other_files(site: Site, here: HereDownload) -> None:
    site.server.replies["/page"] = answer(b"<html><title>x</title>", "Content-Type: video/mp4")
    site.server.replies["/zip"] = answer(b"PK\x03\x04" + bytes(5000), "Content-Type: video/mp4")
    told = []
    for path in ("/page", "/zip"):
        with pytest.raises(DownloadFailed) as failure:
            here(site.server.url(path))
        assert failure.value.reason == "no_video"
        told.append(failure.value.message)
    assert ("web page" in told[0], "web page" in told[1]) == (True, False)


def test_file_that_is_no_video_is_given_up_at_once(site: Site, here: HereDownload) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(bytes(65536))

    site.server.replies["/zeros"] = endless
    began = time.monotonic()
    assert reason(here, site.server.url("/zeros")) == "no_video"
    assert time.monotonic() - began < 1


def test_endless_file_is_stopped_at_the_limit(site: Site, here: HereDownload) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + VIDEO)
        while True:
            connection.sendall(bytes(65536))

    site.server.replies["/endless"] = endless
    here.limits = dataclasses.replace(here.limits, max_bytes=1_000_000)
    assert reason(here, site.server.url("/endless")) == "too_large"
    assert (here.folder / "direct").stat().st_size <= 1_000_000


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answer(VIDEO, length=300_000_000), "too_large"),
        (answer(VIDEO, length=len(VIDEO) + 1), "network"),
        (answer(b""), "no_video"),
        (answer(gzip.compress(VIDEO[:32] + bytes(210_000_000), compresslevel=1), "Content-Encoding: gzip"), "too_large"),
        (answer(VIDEO, "Content-Encoding: br"), "network"),
        (answer(b"no", status="403 Forbidden"), "blocked"),
        (answer(b"no", status="404 Not Found"), "gone"),
        (answer(b"no", status="410 Gone"), "gone"),
        (answer(b"no", status="451 Unavailable For Legal Reasons"), "region"),
        (answer(b"no", status="500 Oops"), "network"),
        (redirect("/x.mp4"), "network"),
        (redirect("http://127.0.0.2/x.mp4"), "network"),
        (redirect("file:///etc/passwd"), "network"),
        (b"no http at all", "network"),
    ],
    ids=["announced-too-large", "cut", "empty", "bomb", "brotli", "403", "404", "410", "451", "500", "loop", "private", "file", "garbage"],
)  # fmt: skip
def test_server_that_does_not_deliver(site: Site, here: HereDownload, reply: bytes, expected: str) -> None:
    site.server.replies["/x.mp4"] = reply
    assert reason(here, site.server.url()) == expected


def test_connection_that_is_reset(site: Site, here: HereDownload) -> None:
    def reset(connection: socket.socket) -> None:
        connection.sendall(answer(VIDEO[:2000], length=len(VIDEO)))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    site.server.replies["/x.mp4"] = reset
    assert reason(here, site.server.url()) == "network"


def test_coded_file_is_decoded(site: Site, here: HereDownload) -> None:
    site.server.replies["/x.mp4"] = answer(gzip.compress(VIDEO), "Content-Encoding: gzip")
    assert here.video(site.server.url()) == VIDEO


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/x.mp4",
        "file:///etc/passwd",
        "ytsearch5:cat",
        ":ytfav",
        "--exec=id",
        "-oProxyCommand=x",
        "data:video/mp4;base64,AAAA",
        "concat:a.mp4|secret.txt",
        "http://user:pass@example.com/",
        "http://example.com\\@127.0.0.1/",
        "http:///127.0.0.1/",
        "http://127.0.0.1\t/",
        "http://1.1.1.1.1/",
        "http://example.com:0/",
        "http://" + "a" * 64 + ".com/",
        "",
    ],
)
def test_what_is_no_address_starts_no_process(url: str, download: Download, site: Site) -> None:
    site.configure(log="/nonexistent/folder")
    with pytest.raises(DownloadFailed) as failure:
        get_video(url, download.folder, on_progress=download.shares.append, cancelled=lambda: False)
    assert failure.value.reason == "unsupported"
    assert download.left() == []


def test_fragment_of_an_address_is_not_handed_on(site: Site, download: Download) -> None:
    """yt-dlp hides orders to its extractors in there."""
    site.server.replies["/x.mp4"] = answer(VIDEO)
    download(site.server.url("/x.mp4#__youtubedl_smuggle=%7B%22to_generic%22%3A+true%7D"))
    assert site.server.requests[0].startswith("GET /x.mp4 HTTP")


def test_title_is_one_line_of_letters() -> None:
    assert clean_title(" A\tcat\n\x00and\x1b[31m a \u202edog\u200b \ud800") == "A cat and[31m a dog"
    assert clean_title("ü" * 500) == "ü" * (MAX_TITLE_CHARS - 1) + "…"
