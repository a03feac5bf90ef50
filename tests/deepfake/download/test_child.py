"""The child process: its limits, its end, and what is left of it."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from pytest_django import Settings

from core.errors import Unavailable
from deepfake.download import child_process, get_video, videos
from deepfake.download.container import SUFFIXES
from deepfake.errors import AnalysisCancelled, DownloadFailed
from tests.command_line import wait_until
from tests.core.loopback_web import answer
from tests.deepfake.download.conftest import Download, Site
from tests.footage import video_bytes

VIDEO = video_bytes(seed=1)
FORMATS: list[dict[str, Any]] = [{"format_id": "22", "url": "/v.mp4", "ext": "mp4", "vcodec": "avc1"}]


def children() -> list[psutil.Process]:
    """Processes of this one that run a download."""
    return [one for one in psutil.Process().children(recursive=True) if "deepfake" in " ".join(one.cmdline())]


def never(connection: socket.socket) -> None:
    """An answer that does not come."""
    connection.recv(1)


def test_cancelling_ends_the_download_within_a_second(site: Site, download: Download) -> None:
    site.server.replies["/info/one.json"] = never
    asked_at = 0.0

    def cancelled() -> bool:
        nonlocal asked_at
        if any("extractor" in step for step in download.steps) and not asked_at:
            asked_at = time.monotonic()
        return bool(asked_at)

    download.cancelled = cancelled
    with pytest.raises(AnalysisCancelled):
        download(site.server.url("/watch/one"))
    assert time.monotonic() - asked_at < 1
    assert (children(), download.left()) == ([], [])


def test_download_that_is_not_wanted_is_not_begun(site: Site, download: Download) -> None:
    download.cancelled = lambda: True
    with pytest.raises(AnalysisCancelled):
        download(site.server.url("/watch/one"))
    assert site.server.requests == []


@pytest.mark.parametrize("path", ["/watch/one", "/slow.mp4"], ids=["site", "direct"])
def test_deadline_ends_the_download(site: Site, download: Download, settings: Settings, path: str) -> None:
    settings.DEEPFAKE_DOWNLOAD_TIMEOUT_S = 1.0

    def slow(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n" + VIDEO[:1000])
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    site.server.replies["/info/one.json"] = site.server.replies["/slow.mp4"] = slow
    began = time.monotonic()
    with pytest.raises(DownloadFailed) as failure:
        download(site.server.url(path))
    assert failure.value.reason == "timeout"
    assert 0.9 < time.monotonic() - began < 3
    assert (children(), download.left()) == ([], [])


def test_code_that_does_not_end_is_ended(site: Site, download: Download, settings: Settings) -> None:
    settings.DEEPFAKE_DOWNLOAD_TIMEOUT_S = 1.0
    with pytest.raises(DownloadFailed) as failure:
        download(site.say("one", act={"do": "spin"}))
    assert failure.value.reason == "timeout"
    assert children() == []


def test_what_the_child_has_started_ends_with_it(site: Site, download: Download) -> None:
    seen: set[int] = set()

    def cancelled() -> bool:
        seen.update(one.pid for one in children())
        return len(seen) == 2

    download.cancelled = cancelled
    with pytest.raises(AnalysisCancelled):
        download(site.say("one", act={"do": "fork", "seconds": 30}))
    # Killed with its parent, but dead only when the system comes to it.
    wait_until(lambda: not any(map(_lives, seen)), "all that the child has started is dead", 10)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ({"do": "signal", "name": "SIGSEGV"}, "unsupported"),
        ({"do": "signal", "name": "SIGKILL"}, "unsupported"),
        ({"do": "signal", "name": "SIGXCPU"}, "timeout"),
        ({"do": "eat"}, "unsupported"),
    ],
    ids=["crash", "killed", "processor-time", "memory"],
)
def test_child_that_dies_costs_its_download_only(
    site: Site, download: Download, act: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DownloadFailed) as failure:
        download(site.say("one", act=act))
    assert failure.value.reason == reason
    assert download.left() == []


def test_what_an_operator_has_to_mend_is_logged(
    site: Site, download: Download, caplog: pytest.LogCaptureFixture
) -> None:
    for message, expected in (("Unable to extract title", False), ("Video unavailable", True)):
        with pytest.raises(DownloadFailed):
            download(site.say("one", act={"do": "fail", "message": message, "expected": expected}))
    assert "Unable to extract title" in caplog.text
    assert "Video unavailable" not in caplog.text


def test_child_ends_with_its_parent(site: Site, download: Download) -> None:
    site.server.replies["/info/one.json"] = never
    order_seen = threading.Event()
    ended: list[float] = []

    def cancelled() -> bool:
        if any("extractor" in step for step in download.steps) and not order_seen.is_set():
            order_seen.set()
            (child,) = children()
            # What the system does to the pipes of a parent that was killed.
            processes[0].stdin.close()
            began = time.monotonic()
            child.wait(5)
            ended.append(time.monotonic() - began)
        return False

    processes: list[Any] = []
    started = child_process.subprocess.Popen

    def popen(*arguments: Any, **options: Any) -> Any:
        processes.append(started(*arguments, **options))
        return processes[0]

    download.cancelled = cancelled
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child_process.subprocess, "Popen", popen)
        with pytest.raises(DownloadFailed):
            download(site.server.url("/watch/one"))
    assert ended and ended[0] < 1


@pytest.mark.parametrize("path", ["/watch/one", "/v.mp4"], ids=["site", "direct"])
def test_full_disk_is_our_trouble_and_leaves_nothing(site: Site, download: Download, path: str) -> None:
    site.configure(file_bytes=10_000)
    site.say("one", formats=FORMATS)
    site.server.replies["/v.mp4"] = answer(VIDEO)
    with pytest.raises(Unavailable) as failure:
        download(site.server.url(path))
    assert failure.value.retry_after_s == 60
    assert download.left() == []


def test_folder_that_cannot_be_written_is_our_trouble(site: Site, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        get_video(
            site.server.url(), tmp_path / "gone", on_progress=lambda share: None, cancelled=lambda: False
        )


def test_eight_downloads_at_a_time(site: Site, tmp_path: Path) -> None:
    together = threading.Barrier(8, timeout=30)

    def reply(connection: socket.socket) -> None:
        together.wait()
        connection.sendall(answer(VIDEO))

    site.server.replies["/v.mp4"] = reply
    downloads = [Download(tmp_path / str(number)) for number in range(8)]
    for one in downloads:
        one.folder.mkdir()
    url = site.say("one", formats=FORMATS)
    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(lambda one: one(url), downloads))
    assert [one.path.read_bytes() == VIDEO for one in got] == [True] * 8
    assert children() == []


def test_what_a_library_prints_is_no_answer(site: Site, download: Download) -> None:
    site.server.replies["/v.mp4"] = answer(VIDEO)
    assert download(site.say("one", formats=FORMATS, act={"do": "print"})).path.read_bytes() == VIDEO


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/hostname", "video.exe", "link.mp4", "video.mp4", None, 7]
)
def test_file_that_the_child_names_is_one_of_ours_or_none(
    tmp_path: Path, settings: Settings, name: Any
) -> None:
    scratch, folder = tmp_path / "scratch", tmp_path / "folder"
    scratch.mkdir()
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (scratch / "video.mp4").symlink_to(tmp_path / "secret")
    with pytest.raises(DownloadFailed):
        videos._received({"file": name}, scratch, folder, videos._limits())
    assert list(folder.iterdir()) == []


def test_nonsense_from_the_child_is_passed_over(tmp_path: Path, download: Download, monkeypatch: Any) -> None:
    script = tmp_path / "child.py"
    script.write_text(
        "import sys; sys.stdin.readline()\n"
        "print('no json'); print('[' * 100000); print('[1]'); print('{\"share\": NaN, \"step\": 3}')\n"
        'print(\'{"trouble": "of another world"}\')\n'
    )
    monkeypatch.setattr(child_process, "COMMAND", (*child_process.COMMAND[:3], str(script)))
    with pytest.raises(DownloadFailed) as failure:
        download("https://site.example/")
    assert failure.value.reason == "unsupported"


def test_every_suffix_may_be_handed_on() -> None:
    assert {f"video.{suffix}" for suffix in SUFFIXES} == videos._FILES


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIG_DFL)
    except ProcessLookupError:
        return False
    return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
