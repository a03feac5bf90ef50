"""An extractor of yt-dlp for ``/watch/ID`` of a server of this machine: its info_dict is what ``/info/ID.json`` says."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import ExtractorError, GeoRestrictedError, UserNotLive

_connect = socket.create_connection


class LoopbackIE(InfoExtractor):
    """``act`` in what the server says names one of :data:`ACTS`, to be done first."""

    IE_NAME = "loopback"
    _VALID_URL = r"https?://(?:127\.0\.0\.1|[a-z]+\.example)(?::\d+)?/watch/(?P<id>[\w-]+)"

    def _real_extract(self, url: str) -> dict[str, Any]:
        video_id = self._match_id(url)
        base = url.partition("/watch/")[0]
        info: dict[str, Any] = self._download_json(f"{base}/info/{video_id}.json", video_id)
        if (act := info.pop("act", None)) is not None:
            ACTS[act.pop("do")](self, **act)
        if "hls" in info:
            info["formats"] = self._extract_m3u8_formats(base + info.pop("hls"), video_id, "mp4")
        if "dash" in info:
            info["formats"] = self._extract_mpd_formats(base + info.pop("dash"), video_id)
        for one in info.get("formats", ()):
            if one["url"].startswith("/"):
                one["url"] = base + one["url"]
        return {"id": video_id, "title": "untitled", **info}


def _fail(ie: LoopbackIE, *, message: str = "", kind: str = "", expected: bool = True) -> None:
    if kind == "geo":
        raise GeoRestrictedError(message, countries=["DE"])
    if kind == "offline":
        raise UserNotLive(video_id="x")
    raise ExtractorError(message, expected=expected)


def _page(ie: LoopbackIE, *, url: str) -> None:
    ie._download_webpage(url, "x")


def _spin(ie: LoopbackIE) -> None:
    while True:
        pass


def _fork(ie: LoopbackIE, *, seconds: float) -> None:
    """What a library in C could do: no event tells Python's hook of it."""
    ctypes.CDLL(None).fork()
    time.sleep(seconds)


def _signal(ie: LoopbackIE, *, name: str) -> None:
    os.kill(os.getpid(), signal.Signals[name])
    time.sleep(5)


ACTS: dict[str, Callable[..., object]] = {
    "fail": _fail,
    "page": _page,
    "spin": _spin,
    "fork": _fork,
    "signal": _signal,
    "sleep": lambda ie, seconds: time.sleep(seconds),
    "eat": lambda ie: bytearray(8 << 30),
    "write": lambda ie, path: open(path, "w").close(),
    "start": lambda ie, path: subprocess.run(["/bin/sh", "-c", f"echo > {path}"], check=False),
    "connect": lambda ie, host, port: _connect((host, port), 2).close(),
    "urllib": lambda ie, url: urllib.request.urlopen(url, timeout=2).read(),
    "print": lambda ie: os.write(1, b'{"done": {"file": "video.mp4"}}\n'),
    "environment": lambda ie: _fail(ie, message=" ".join(sorted(os.environ))),
}
