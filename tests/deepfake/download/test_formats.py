"""Which rendition is taken, of what yt-dlp tells of sites."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deepfake.download.formats import AllTooLarge, choose_format, told
from tests.core.loopback_web import answer
from tests.deepfake.download.conftest import HereDownload, Site
from tests.footage import video_bytes

#: info_dicts in the shape that yt-dlp gives, cut to what matters; ``expected`` is the format to be taken.
RECORDED = sorted(Path(__file__).with_name("recorded").glob("*.json"))


def rendition(name: str = "a", **changes: Any) -> dict[str, Any]:
    known = {"format_id": name, "ext": "mp4", "protocol": "https", "vcodec": "avc1", "acodec": "none"}
    return known | {"width": 1280, "height": 720} | changes


def chosen(*formats: dict[str, Any], max_bytes: int = 1000, duration_s: float | None = None) -> str | None:
    one = choose_format(formats, max_bytes=max_bytes, duration_s=duration_s)
    return None if one is None else str(one["format_id"])


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_answers_of_sites(path: Path, site: Site, here: HereDownload) -> None:
    recorded = json.loads(path.read_text())
    video = video_bytes(seed=1)
    for one in recorded["info"]["formats"]:
        # The server of these tests speaks plain http.
        one["protocol"] = one["protocol"].replace("https", "http")
        site.server.replies[one["url"]] = answer(video if one["format_id"] == recorded["expected"] else b"")
    assert here.video(site.say("one", **recorded["info"])) == video


def test_short_side_counts_so_that_upright_videos_are_as_good() -> None:
    assert (
        chosen(rendition("low", width=360, height=640), rendition("high", width=720, height=1280)) == "high"
    )


def test_nothing_above_720_is_taken_if_there_is_something_below() -> None:
    assert (
        chosen(rendition("big", width=1920, height=1080), rendition("small", width=256, height=144))
        == "small"
    )
    assert chosen(rendition("8k", width=7680, height=4320), rendition("hd", width=1920, height=1080)) == "hd"


def test_size_that_nobody_tells_comes_between() -> None:
    unknown = rendition("unknown", width=None, height=None)
    assert chosen(unknown, rendition("big", width=1920, height=1080)) == "unknown"
    assert chosen(unknown, rendition("small", width=256, height=144)) == "small"


def test_largest_that_fits_is_taken() -> None:
    small, large = rendition("small", height=360, filesize=900), rendition("large", filesize=1001)
    assert chosen(small, large) == "small"
    with pytest.raises(AllTooLarge):
        chosen(large)


def test_size_follows_from_the_bit_rate_where_it_is_not_told() -> None:
    slow = rendition(tbr=1)
    assert chosen(slow, duration_s=8) == "a"
    with pytest.raises(AllTooLarge):
        chosen(slow, duration_s=9)


def test_pieces_fit_always_for_their_beginning_is_of_use() -> None:
    assert chosen(rendition(protocol="m3u8_native", filesize=10_000)) == "a"


@pytest.mark.parametrize(
    "changes",
    [
        {"vcodec": "none"},
        {"has_drm": True},
        {"ext": "mhtml"},
        {"ext": "../mp4"},
        {"protocol": "rtmp"},
        {"protocol": "websocket_frag"},
        {"protocol": "ism"},
        {"protocol": "http_dash_segments_generator"},
    ],
    ids=str,
)
def test_what_cannot_be_had_without_help_is_not_taken(changes: dict[str, Any]) -> None:
    assert chosen(rendition(**changes)) is None


def test_among_equals_the_plainest_is_taken() -> None:
    assert chosen(rendition("with", acodec="mp4a"), rendition("without")) == "without"
    assert chosen(rendition("av1", vcodec="av01.0"), rendition("h264")) == "h264"
    assert chosen(rendition("pieces", protocol="m3u8_native"), rendition("file")) == "file"
    assert chosen(rendition("rough", tbr=1), rendition("fine", tbr=2)) == "fine"


def test_rendition_is_told_in_a_line() -> None:
    assert told(rendition("136", filesize=31_000_000)) == "136 1280x720 avc1 mp4 https about 31.0 MB"
    assert told({"url": "http://x/"}) == "None ?x? unknown codec None http"
