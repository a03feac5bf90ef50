"""A running site with a scene in its index, and a detector and a downloader at their seams."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deepfake.conftest import detector, downloader, own_data_dir  # noqa: F401 - fixtures


@pytest.fixture
def folder(tmp_path: Path, screenshot: bytes) -> Path:
    """Where examples run: the files are there that they send."""
    made = tmp_path / "examples"
    made.mkdir()
    (made / "screenshot.jpg").write_bytes(screenshot)
    (made / "screenshot.png").write_bytes(screenshot)
    return made


@pytest.fixture
def pictures(folder: Path) -> Iterator[str]:
    """A web server that has the files of the folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
