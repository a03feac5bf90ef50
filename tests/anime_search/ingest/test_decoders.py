"""Decoding children: they die alone, are replaced, and end with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from anime_search.decoders import DecoderFailed, DecoderPool, DecoderStopped
from anime_search.engine.faults import VideoFault
from anime_search.engine.video import VideoError
from anime_search.engine.work import Progress
from tests.command_line import PROJECT, process_environment, wait_until


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    pool = DecoderPool(1)
    yield pool
    pool.close()


def own_pid(_report: Progress) -> int:
    return os.getpid()


def die(_report: Progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang(_report: Progress) -> None:
    time.sleep(600)


def count(report: Progress) -> str:
    for second in range(3):
        report(second, 3)
        time.sleep(0.3)
    return "counted"


def complain(_report: Progress) -> None:
    raise VideoError(VideoFault.TRUNCATED, "3 of 10 s")


def test_work_is_done_in_another_process(pool: DecoderPool) -> None:
    assert pool.run(own_pid, timeout_s=60) != os.getpid()


def test_what_the_work_raises_comes_out(pool: DecoderPool) -> None:
    with pytest.raises(VideoError) as raised:
        pool.run(complain, timeout_s=60)
    assert (raised.value.fault, raised.value.detail) == (VideoFault.TRUNCATED, "3 of 10 s")


def test_child_that_crashes_costs_one_file(pool: DecoderPool) -> None:
    with pytest.raises(DecoderFailed, match="crashed"):
        pool.run(die, timeout_s=60)
    assert pool.run(own_pid, timeout_s=60)


def test_child_that_is_killed_between_two_files_costs_none(pool: DecoderPool) -> None:
    for _ in range(2):
        child = psutil.Process(pool.run(own_pid, timeout_s=60))
        child.kill()
        wait_until(
            lambda child=child: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE,
            "a child dies",
        )
        assert pool.run(own_pid, timeout_s=60) != child.pid


def test_child_that_hangs_is_ended(pool: DecoderPool) -> None:
    with pytest.raises(DecoderFailed, match="too long"):
        pool.run(hang, timeout_s=0.5)
    assert pool.run(own_pid, timeout_s=60)


def test_progress_is_told_here(pool: DecoderPool) -> None:
    seen: list[tuple[float, float]] = []
    assert pool.run(count, timeout_s=60, on_progress=lambda *at: seen.append(at)) == "counted"
    assert seen[-1][1] == 3
    assert seen == sorted(seen)


def test_work_ends_when_its_progress_is_refused(pool: DecoderPool) -> None:
    def refuse(_done_s: float, _total_s: float) -> None:
        raise KeyError("no lease")

    with pytest.raises(KeyError):
        pool.run(hang, timeout_s=60, on_progress=refuse)
    assert pool.run(own_pid, timeout_s=60)


def test_closing_tells_those_who_wait_and_those_who_come_later() -> None:
    pool = DecoderPool(1)
    pool.run(own_pid, timeout_s=60)
    told: list[str] = []

    def wait(number: int) -> None:
        try:
            pool.run(hang, timeout_s=60)
        except DecoderStopped:
            told.append(f"{number} stopped")

    threads = [threading.Thread(target=wait, args=(number,), daemon=True) for number in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    pool.close()
    for thread in threads:
        thread.join(10)
    assert sorted(told) == ["0 stopped", "1 stopped", "2 stopped"]
    with pytest.raises(DecoderStopped):
        pool.run(own_pid, timeout_s=60)


def test_children_of_a_parent_that_was_killed_end_within_seconds(tmp_path: Path) -> None:
    script = (
        "import os, threading, time\n"
        "from anime_search.decoders import DecoderPool\n"
        "from tests.anime_search.ingest.test_decoders import hang, own_pid\n"
        "if __name__ == '__main__':\n"
        "    pool = DecoderPool(2)\n"
        "    print(pool.run(own_pid, timeout_s=60), flush=True)\n"
        "    threading.Thread(target=lambda: pool.run(hang, timeout_s=600), daemon=True).start()\n"
        "    time.sleep(600)\n"
    )
    path = tmp_path / "parent.py"
    path.write_text(script)
    environment = process_environment(tmp_path) | {"PYTHONPATH": str(PROJECT)}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    parent = subprocess.Popen([sys.executable, path], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline()
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) >= 2
    finally:
        parent.kill()
        parent.communicate()
    wait_until(lambda: not any(child.is_running() for child in children), "orphans end", patience_s=15)
