"""yt-dlp's own code, in the real child, against a server of this machine."""

from __future__ import annotations

import gzip
import socket
from typing import Any

import pytest
from pytest_django import Settings

from deepfake.errors import DownloadFailed
from tests.core.loopback_web import answer, redirect
from tests.deepfake.download.conftest import Download, HereDownload, Site
from tests.footage import video_bytes

VIDEO = video_bytes(seed=1)


def formats(**changes: Any) -> list[dict[str, Any]]:
    one = {"format_id": "22", "url": "/v.mp4", "ext": "mp4", "vcodec": "avc1", "width": 320, "height": 180}
    return [one | changes]


def mpegts(packets: int, seed: int) -> bytes:
    """What passes for a piece of an MPEG transport stream: packets of 188 bytes that begin with their mark."""
    return b"".join(b"G" + bytes([seed]) * 187 for _ in range(packets))


def test_video_is_downloaded_under_a_name_of_ours(site: Site, download: Download) -> None:
    url = site.say("one", title="../../%(id)s\x1b[2J \u202eCat\n video", duration=3, formats=formats())
    site.server.replies["/v.mp4"] = answer(VIDEO)

    got = download(url)

    assert got.path == download.folder / "video.mp4"
    assert got.path.read_bytes() == VIDEO
    assert download.left() == ["video.mp4"]
    assert got.title == "../../%(id)s[2J Cat video"
    assert (got.extractor, got.duration_s, got.whole) == ("loopback", 3.0, True)
    assert "extractor: loopback" in download.steps
    assert any(step.startswith("format: 22 320x180 avc1 mp4 http") for step in download.steps)


def test_hostile_suffix_and_name_of_a_format_name_no_file(site: Site, here: HereDownload) -> None:
    site.server.replies["/v.mp4"] = answer(VIDEO)
    url = site.say("one", formats=formats(format_id="../../../x", ext="../../x.mp4"))
    with pytest.raises(DownloadFailed):
        here(url)
    assert here.left() == []
    url = site.say("one", formats=formats(format_id="../../../x"), requested_filename="/tmp/x", ext="mp4")
    assert here(url)["file"] == "video.mp4"
    assert here.left() == ["video.mp4"]


def test_pieces_of_a_playlist_become_one_file(site: Site, here: HereDownload) -> None:
    pieces = [mpegts(20, seed) for seed in range(3)]
    site.server.replies["/list.m3u8"] = answer(
        b"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n"
        + b"".join(b"#EXTINF:4.0,\nseg%d.ts\n" % number for number in range(3))
        + b"#EXT-X-ENDLIST\n"
    )
    for number, piece in enumerate(pieces):
        site.server.replies[f"/seg{number}.ts"] = answer(piece)

    got = here(site.say("one", hls="/list.m3u8"))

    assert (got["file"], got["whole"], got["duration_s"]) == ("video.ts", True, None)
    assert (here.folder / "video.ts").read_bytes() == b"".join(pieces)
    assert here.left() == ["video.ts"]


def test_playlist_beyond_the_limit_is_taken_up_to_it(
    site: Site, download: Download, settings: Settings
) -> None:
    pieces = [mpegts(2000, seed) for seed in range(4)]
    settings.DEEPFAKE_MAX_BYTES = len(pieces[0]) * 5 // 2
    listed = "".join(f"#EXTINF:4.0,\nseg{number}.ts\n" for number in range(4))
    site.server.replies["/list.m3u8"] = answer(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n{listed}#EXT-X-ENDLIST\n".encode()
    )
    for number, piece in enumerate(pieces):
        site.server.replies[f"/seg{number}.ts"] = answer(piece)

    got = download(site.say("one", hls="/list.m3u8"))

    assert not got.whole
    assert got.path.read_bytes() == pieces[0] + pieces[1]
    assert download.left() == ["video.ts"]


def test_pieces_of_a_dash_manifest_become_one_file(site: Site, here: HereDownload) -> None:
    half = len(VIDEO) // 2
    site.server.replies["/one.mpd"] = answer(
        b"""<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT8S"><Period>
        <AdaptationSet mimeType="video/mp4"><Representation id="v1" bandwidth="1000" codecs="avc1.4d401f" width="320" height="180">
        <SegmentList duration="4"><SegmentURL media="/a.m4s"/><SegmentURL media="/b.m4s"/></SegmentList>
        </Representation></AdaptationSet></Period></MPD>"""
    )
    site.server.replies["/a.m4s"] = answer(VIDEO[:half])
    site.server.replies["/b.m4s"] = answer(VIDEO[half:])
    assert here.video(site.say("one", dash="/one.mpd")) == VIDEO


def test_missing_piece_is_no_gap_but_a_failure(site: Site, here: HereDownload) -> None:
    site.server.replies["/list.m3u8"] = answer(
        b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.0,\nseg0.ts\n#EXTINF:4.0,\nnone.ts\n#EXT-X-ENDLIST\n"
    )
    site.server.replies["/seg0.ts"] = answer(mpegts(9, 1))
    with pytest.raises(DownloadFailed) as failure:
        here(site.say("one", hls="/list.m3u8"))
    assert failure.value.reason == "gone"


def test_first_video_of_a_list_is_taken(site: Site, here: HereDownload) -> None:
    site.server.replies["/first.mp4"] = answer(VIDEO)
    site.server.replies["/second.mp4"] = answer(video_bytes(seed=2))
    entries = [
        {"id": name, "title": name, "formats": formats(url=site.server.url(f"/{name}.mp4"))}
        for name in ("first", "second")
    ]
    assert here(site.say("one", _type="playlist", entries=entries))["title"] == "first"
    assert (here.folder / "video.mp4").read_bytes() == VIDEO
    assert not any("GET /second" in request for request in site.server.requests)


def test_download_that_breaks_off_goes_on_where_it_was(site: Site, here: HereDownload) -> None:
    asked: list[str] = []

    def reply(connection: socket.socket) -> None:
        head = site.server.requests[-1]
        asked.append(next((line for line in head.splitlines() if line.startswith("Range")), ""))
        if not asked[-1]:
            connection.sendall(answer(VIDEO[:5000], length=len(VIDEO)))
        else:
            rest = VIDEO[5000:]
            said = f"Content-Range: bytes 5000-{len(VIDEO) - 1}/{len(VIDEO)}"
            connection.sendall(answer(rest, said, status="206 Partial Content"))

    site.server.replies["/v.mp4"] = reply
    assert here.video(site.say("one", formats=formats())) == VIDEO
    assert asked == ["", "Range: bytes=5000-"]


def test_cookies_of_a_page_are_kept_for_this_download_alone(site: Site, here: HereDownload) -> None:
    site.server.replies["/page"] = answer(b"page", "Set-Cookie: token=secret; Path=/")
    site.server.replies["/v.mp4"] = answer(VIDEO)
    url = site.say("one", formats=formats(), act={"do": "page", "url": site.server.url("/page")})
    here(url)
    assert "Cookie: token=secret\r\n" in next(r for r in site.server.requests if r.startswith("GET /v.mp4"))
    site.server.requests.clear()
    here(url)
    assert "Cookie" not in site.server.requests[0]


def test_coded_pages_are_decoded(site: Site, here: HereDownload) -> None:
    url = site.say("one", formats=formats())
    plain = site.server.replies["/info/one.json"]
    assert isinstance(plain, bytes)
    coded = gzip.compress(plain.partition(b"\r\n\r\n")[2])
    site.server.replies["/info/one.json"] = answer(coded, "Content-Encoding: gzip")
    site.server.replies["/v.mp4"] = answer(VIDEO)
    assert here.video(url) == VIDEO


def test_redirects_are_followed_and_counted(site: Site, here: HereDownload) -> None:
    url = site.say("one", formats=formats(url="/moved"))
    site.server.replies["/moved"] = redirect("/v.mp4")
    site.server.replies["/v.mp4"] = answer(VIDEO)
    assert here.video(url) == VIDEO
    site.server.replies["/moved"] = redirect("/moved")
    with pytest.raises(DownloadFailed) as failure:
        here(url)
    assert failure.value.reason == "network"
    assert len([request for request in site.server.requests if request.startswith("GET /moved")]) == 7


@pytest.mark.parametrize(
    ("info", "reason", "words"),
    [
        ({"is_live": True}, "live", "live stream"),
        ({"live_status": "is_upcoming"}, "live", "live stream"),
        ({"live_status": "is_upcoming", "formats": []}, "live", "live stream"),
        ({"live_status": "post_live"}, "live", "live stream"),
        ({"duration": 901}, "too_long", "15 minutes"),
        ({"formats": formats(filesize=200_000_001)}, "too_large", "200 MB"),
        ({"formats": formats(tbr=3000), "duration": 899}, "too_large", "200 MB"),
        ({"formats": formats(vcodec="none")}, "no_video", "no video"),
        ({"formats": formats(has_drm=True)}, "unsupported", "protected"),
        ({"formats": []}, "no_video", "no video"),
        ({"formats": formats(protocol="rtmp")}, "no_video", "no video"),
        ({"formats": formats(protocol="websocket_frag")}, "no_video", "no video"),
        ({"_type": "url", "url": "https://other.example/x"}, "no_video", "site whose videos"),
        (
            {"_type": "url", "url": "https://other.example/x", "ie_key": "Generic"},
            "no_video",
            "site whose videos",
        ),
        ({"_type": "playlist", "entries": []}, "no_video", "no video"),
    ],
    ids=str,
)
def test_video_that_is_not_to_be_had_is_refused_before_it_is_downloaded(
    site: Site, here: HereDownload, info: dict[str, Any], reason: str, words: str
) -> None:
    site.server.replies["/v.mp4"] = answer(VIDEO)
    with pytest.raises(DownloadFailed) as failure:
        here(site.say("one", **({"formats": formats()} | info)))
    assert (failure.value.reason, words in failure.value.message) == (reason, True)
    assert not any("/v.mp4" in request for request in site.server.requests)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ({"message": "Private video. Sign in if you've been granted access to this video"}, "private"),
        ({"message": "not from here", "kind": "geo"}, "region"),
        ({"kind": "offline"}, "live"),
        ({"message": "Unable to extract universal data for rehydration", "expected": False}, "unsupported"),
    ],
)
def test_what_the_extractor_says_is_told_in_our_words(
    site: Site, here: HereDownload, act: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DownloadFailed) as failure:
        here(site.say("one", act={"do": "fail", **act}))
    assert failure.value.reason == reason
    assert not any(
        word in failure.value.message for word in ("yt-dlp", "github", "loopback", "cookies", "Sign in if")
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("403 Forbidden", "blocked"),
        ("404 Not Found", "gone"),
        ("429 Slow", "blocked"),
        ("503 Service Unavailable", "network"),
    ],
)
@pytest.mark.parametrize("where", ["/info/one.json", "/v.mp4"])
def test_status_of_a_site_is_told(
    site: Site, here: HereDownload, where: str, status: str, reason: str
) -> None:
    url = site.say("one", formats=formats())
    site.server.replies[where] = answer(b"no", status=status)
    with pytest.raises(DownloadFailed) as failure:
        here(url)
    assert failure.value.reason == reason


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>login</html>", b"{}", b"\x89PNG\r\n\x1a\n" + bytes(2000)],
    ids=["empty", "page", "json", "png"],
)
def test_what_is_no_video_is_not_handed_on(site: Site, here: HereDownload, body: bytes) -> None:
    site.server.replies["/v.mp4"] = answer(body)
    with pytest.raises(DownloadFailed) as failure:
        here(site.say("one", formats=formats()))
    assert failure.value.reason == "no_video"


def test_video_larger_than_was_said_is_stopped(site: Site, download: Download, settings: Settings) -> None:
    settings.DEEPFAKE_MAX_BYTES = 2_000_000
    sent = 0

    def endless(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n" + VIDEO)
        while True:
            sent += connection.send(bytes(65536))

    site.server.replies["/v.mp4"] = endless
    with pytest.raises(DownloadFailed) as failure:
        download(site.say("one", formats=formats(filesize=1000)))
    assert failure.value.reason == "too_large"
    assert download.left() == []
    assert sent < 12_000_000


def test_page_that_unpacks_without_end_is_stopped(site: Site, here: HereDownload) -> None:
    bomb = gzip.compress(b" " * (300 << 20), compresslevel=1)
    site.server.replies["/info/one.json"] = answer(bomb, "Content-Encoding: gzip")
    with pytest.raises(DownloadFailed) as failure:
        here(site.server.url("/watch/one"))
    assert failure.value.reason == "unsupported"
