"""Chromium plays a clip, and the frame that it shows at a time is the right one."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.anime_search.engine.clips import PYRAMID, Clip, number_in
from tests.anime_search.engine.cuttings import cut_file, tone_from, write_with_sound

pytestmark = pytest.mark.browser

PAGE = b'<!doctype html><video src="clip.mp4" muted playsinline></video><canvas></canvas>'

SHOWN_AT = """async (seconds) => {
    const video = document.querySelector("video"), canvas = document.querySelector("canvas");
    await new Promise((done, failed) => {
        video.onseeked = done; video.onerror = () => failed(video.error.message); video.currentTime = seconds;
    });
    canvas.width = 160; canvas.height = 90;
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 160, 90);
    return Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data);
}"""


class _Handler(http.server.BaseHTTPRequestHandler):
    """A page, and a clip by ranges of bytes."""

    clip = b""
    ranges: list[str] = []  # noqa: RUF012 - of the whole server

    def do_GET(self) -> None:
        if self.path != "/clip.mp4":
            self._answer(200, "text/html", PAGE)
            return
        asked = self.headers.get("Range", "")
        self.ranges.append(asked)
        if not asked:
            self._answer(200, "video/mp4", self.clip)
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        begin, end = int(first), int(last or len(self.clip) - 1)
        self._answer(206, "video/mp4", self.clip[begin : end + 1], f"bytes {begin}-{end}/{len(self.clip)}")

    def _answer(self, status: int, kind: str, body: bytes, span: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "bytes")
        if span:
            self.send_header("Content-Range", span)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what went wrong."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    clip = Clip(frames=144, fps=24, size=(640, 360), options=PYRAMID, sample_aspect=Fraction(1))
    path = write_with_sound(tmp_path / "a.mkv", clip, tone_from(3.0), until_s=6.0)
    _Handler.clip = cut_file(path, 1.26, 4.26)[0].read_bytes()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_clip_plays_and_can_be_sought_in(served: str) -> None:
    from playwright.sync_api import sync_playwright

    from tests.browser.chromium import FLAGS, chromium_path

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        page = chromium.new_page()
        page.goto(served)
        page.wait_for_function("document.querySelector('video').readyState >= 2")
        video = "document.querySelector('video')"
        assert page.evaluate(f"[{video}.videoWidth, {video}.videoHeight]") == [640, 360]
        assert page.evaluate(f"{video}.duration") == pytest.approx(3.0, abs=0.05)
        page.evaluate(f"{video}.play()")
        page.wait_for_function(f"{video}.currentTime > 0.3")
        page.evaluate(f"{video}.pause()")
        # The clip begins in the middle of frame 30, which is shown until 31 / 24 s of the source.
        for seconds in (0.0, 0.01, 0.5, 1.0, 1.75, 2.9):
            pixels = np.array(page.evaluate(SHOWN_AT, seconds), np.uint8).reshape(90, 160, 4)
            assert number_in(pixels[:, :, :3]) == int((1.26 + seconds) * 24), seconds
        chromium.close()
    assert any(asked.startswith("bytes=") for asked in _Handler.ranges)
