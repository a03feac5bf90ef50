"""Sites of these tests, which the real child downloads from by the real yt-dlp."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from core.pinned_network import system_resolver
from deepfake.download import GotVideo, child_process, get_video
from deepfake.download.child import Answers, carry_out
from deepfake.download.limits import DownloadLimits, Order
from deepfake.download.trouble import Refusal, error_of
from tests.core.loopback_web import WebServer, answer

CHILD = Path(__file__).with_name("child_with_sites.py")


@dataclass
class Download:
    """One call of :func:`get_video`, and what it was told."""

    folder: Path
    cancelled: Callable[[], bool] = lambda: False
    shares: list[float] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    def __call__(self, url: str) -> GotVideo:
        return get_video(
            url,
            self.folder,
            on_progress=self.shares.append,
            cancelled=self.cancelled,
            on_step=self.steps.append,
        )

    def left(self) -> list[str]:
        """Names of what lies in the folder."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))


@dataclass
class HereDownload:
    """The same as the child does, in this process, which has loaded yt-dlp already."""

    folder: Path
    limits: DownloadLimits

    def __call__(self, url: str) -> dict[str, Any]:
        from tests.deepfake.download.loopback_extractor import LoopbackIE

        for path in self.folder.iterdir():
            path.unlink()
        order = Order(url=url, folder=self.folder, limits=self.limits)
        try:
            return carry_out(
                order, Answers(io.BytesIO()), resolver=system_resolver, more=lambda: [LoopbackIE]
            )
        except Refusal as refusal:
            raise error_of(refusal.trouble, self.limits) from refusal

    def video(self, url: str) -> bytes:
        """The bytes of what is downloaded."""
        return (self.folder / self(url)["file"]).read_bytes()

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


class Site:
    """A server whose ``/watch/ID`` the tests' extractor takes, and the child's configuration.

    ``say("ID", …)`` is the info_dict that the extractor gives for it.
    """

    def __init__(self, server: WebServer, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
        self.server = server
        self._monkeypatch = monkeypatch
        self.log = log
        self.configure()

    def configure(self, **config: Any) -> None:
        told = json.dumps({"log": str(self.log), **config})
        command = (*child_process.COMMAND[:3], str(CHILD), told)
        assert command[0] == sys.executable
        self._monkeypatch.setattr(child_process, "COMMAND", command)

    def say(self, video_id: str, **info: Any) -> str:
        self.server.replies[f"/info/{video_id}.json"] = answer(json.dumps(info).encode())
        return self.server.url(f"/watch/{video_id}")

    def noted(self, word: str) -> list[str]:
        """What the child noted under a word: ``looked-up``, ``dialled``, ``child``."""
        lines = (line.split() for line in self.log.read_text().splitlines())
        return [rest for first, rest in lines if first == word]


@pytest.fixture
def server() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


@pytest.fixture
def loopback(settings: Settings) -> None:
    """The child may reach 127.0.0.1, and no other private address."""
    settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.1/32",)
    settings.DEEPFAKE_DOWNLOAD_TIMEOUT_S = 60


@pytest.fixture
def site(
    server: WebServer, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, loopback: None
) -> Site:
    settings.DEEPFAKE_EXTRACTORS = ("loopback",)
    log = tmp_path / "noted.txt"
    log.touch()
    return Site(server, monkeypatch, log)


@pytest.fixture
def download(tmp_path: Path) -> Download:
    folder = tmp_path / "100 %(title)s"
    folder.mkdir()
    return Download(folder)


@pytest.fixture
def here(site: Site, download: Download) -> HereDownload:
    limits = DownloadLimits(
        extractors=("loopback",),
        max_bytes=200_000_000,
        max_duration_s=900,
        timeout_s=10,
        allowed_networks=("127.0.0.1/32",),
    )
    return HereDownload(download.folder, limits)
