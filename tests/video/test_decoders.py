"""Children that decode: what happens to one of them stays with its file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.video import child_work
from video import decoders
from video.decoders import DecoderFailed, DecoderPool, DecoderStopped
from video.faults import VideoFault
from video.reader import VideoError

TIMEOUT_S = 60.0


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    made = DecoderPool(1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def pair() -> Iterator[DecoderPool]:
    made = DecoderPool(2)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "WATCH_EVERY_S", 0.05)


def run(
    pool: DecoderPool, work: Callable[..., object], *args: object, timeout_s: float = TIMEOUT_S
) -> object:
    return pool.run(work, *args, timeout_s=timeout_s)


def children() -> set[int]:
    """Process ids of the decoding children of this process."""
    return {
        child.pid
        for child in psutil.Process().children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(child.cmdline())
    }


def gone_within(seconds: float, pids: set[int]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids):
            return True
        time.sleep(0.05)
    return False


def test_work_is_done_in_another_process(pool: DecoderPool) -> None:
    assert run(pool, child_work.double, 21) == 42
    child = run(pool, child_work.pid)
    assert child != os.getpid()
    assert run(pool, child_work.pid) == child
    assert run(pool, child_work.threads_of_opencv) == 1


@pytest.mark.parametrize("number", child_work.SIGNALS, ids=lambda number: number.name)
def test_a_crash_costs_its_file_only(number: signal.Signals, pool: DecoderPool) -> None:
    with pytest.raises(DecoderFailed, match="crashed"):
        run(pool, child_work.die, number)
    assert run(pool, child_work.double, 4) == 8


def test_a_child_that_is_killed_between_two_files_costs_nothing_and_leaves_nobody_behind() -> None:
    before = children()
    pool = DecoderPool(2)
    try:
        for _ in range(2):
            victim = run(pool, child_work.pid)
            os.kill(victim, signal.SIGKILL)
            time.sleep(0.4)
            assert run(pool, child_work.double, 3) == 6
        assert len(children() - before) <= 2
    finally:
        pool.close()
    assert gone_within(10, children() - before)


@pytest.mark.parametrize("work", [child_work.sleep, child_work.spin])
def test_work_that_takes_too_long_is_ended(work: Callable[..., object], pool: DecoderPool) -> None:
    run(pool, child_work.double, 1)
    started = time.monotonic()
    with pytest.raises(DecoderFailed, match="too long"):
        run(pool, work, 100.0, timeout_s=0.3)
    assert time.monotonic() - started < 15
    assert run(pool, child_work.double, 4) == 8


def test_the_end_of_work_between_two_looks_is_no_timeout(
    pool: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The future may be done by the time that the waiting for it has timed out."""
    from concurrent.futures import Future

    wait = Future.result

    def late(future: Future[object], timeout: float | None = None) -> object:
        if timeout is not None and not future.done():
            wait(future)
            raise TimeoutError
        return wait(future, timeout)

    monkeypatch.setattr(Future, "result", late)
    assert run(pool, child_work.double, 5) == 10


def test_an_exception_comes_through_as_it_was(pool: DecoderPool) -> None:
    for fault in VideoFault:
        with pytest.raises(VideoError) as caught:
            run(pool, child_work.fail, fault)
        assert (caught.value.fault, caught.value.detail) == (fault, "as told")
    with pytest.raises(FileNotFoundError):
        run(pool, child_work.open_nothing)


@pytest.mark.parametrize(
    "work",
    [
        child_work.raise_stubborn,
        child_work.raise_worse,
        child_work.raise_unpicklable,
        child_work.return_unpicklable,
    ],
)
def test_what_cannot_travel_between_processes_is_a_failure_and_no_hang(
    work: Callable[..., object], pool: DecoderPool
) -> None:
    child = run(pool, child_work.pid)
    with pytest.raises(DecoderFailed):
        run(pool, work)
    assert run(pool, child_work.double, 4) == 8
    # It is no reason either to end the child, and with it the pool.
    assert run(pool, child_work.pid) == child


def test_progress_arrives_while_the_work_goes_on(pool: DecoderPool) -> None:
    told: list[tuple[float, float]] = []
    pool.run(child_work.step, 10, timeout_s=TIMEOUT_S, on_progress=lambda *now: told.append(now))
    assert len(set(told)) >= 3
    assert told == sorted(told)
    assert {total for _, total in told} <= {0.0, 10.0}
    # The next file begins at nothing.
    told.clear()
    pool.run(child_work.sleep, 0.3, timeout_s=TIMEOUT_S, on_progress=lambda *now: told.append(now))
    assert set(told) == {(0.0, 0.0)}


def test_a_watcher_that_raises_ends_the_work(pool: DecoderPool, tmp_path: Path) -> None:
    def watch(_done_s: float, _total_s: float) -> None:
        if (tmp_path / "alive").exists():
            raise LookupError("the lease is lost")

    with pytest.raises(LookupError, match="lease"):
        pool.run(child_work.count_forever, tmp_path / "alive", timeout_s=TIMEOUT_S, on_progress=watch)
    assert run(pool, child_work.double, 4) == 8
    last = (tmp_path / "alive").read_text()
    time.sleep(0.3)
    assert (tmp_path / "alive").read_text() == last


def test_two_files_are_worked_on_at_a_time(pair: DecoderPool, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        results = [
            threads.submit(run, pair, child_work.meet, tmp_path, mine, other) for mine, other in ("ab", "ba")
        ]
        assert [result.result() for result in results] == [True, True]


def test_more_threads_than_children_take_turns(pair: DecoderPool) -> None:
    with ThreadPoolExecutor(8) as threads:
        results = threads.map(lambda number: run(pair, child_work.double, number), range(40))
        assert list(results) == [2 * number for number in range(40)]


def test_a_crash_does_not_touch_the_other_child_s_file(pair: DecoderPool) -> None:
    with ThreadPoolExecutor(2) as threads:
        slept = threads.submit(run, pair, child_work.sleep, 1.0)
        for _ in range(2):
            with pytest.raises(DecoderFailed):
                run(pair, child_work.die, signal.SIGKILL)
        assert slept.result() == "slept"


# --- the end


def test_closing_ends_children_and_those_who_wait() -> None:
    pool = DecoderPool(1)
    run(pool, child_work.double, 1)
    mine = {run(pool, child_work.pid)}
    ended: list[type[BaseException]] = []

    def wait() -> None:
        try:
            run(pool, child_work.sleep, 60.0)
        except DecoderStopped as error:
            ended.append(type(error))

    waiting = [threading.Thread(target=wait) for _ in range(3)]
    for thread in waiting:
        thread.start()
    time.sleep(0.3)
    pool.close()
    for thread in waiting:
        thread.join(10)
    assert ended == [DecoderStopped] * 3
    assert gone_within(10, mine)
    pool.close()
    with pytest.raises(DecoderStopped):
        run(pool, child_work.double, 1)


def test_whoever_waits_is_told_of_the_closing_though_another_starts_children() -> None:
    pool = DecoderPool(1)
    began, ended = threading.Event(), threading.Event()

    def wait() -> None:
        try:
            pool.run(child_work.sleep, 60.0, timeout_s=90, on_progress=lambda *_: began.set())
        except DecoderStopped:
            ended.set()

    waiting, closing = threading.Thread(target=wait), threading.Thread(target=pool.close)
    waiting.start()
    assert began.wait(30)
    # As a thread does that starts a broken pool's children anew.
    with pool._lock:
        closing.start()
        assert ended.wait(10)
    waiting.join(10)
    closing.join(30)
    assert not closing.is_alive()


def test_a_pool_that_was_never_used_can_be_closed() -> None:
    pool = DecoderPool(2)
    pool.close()
    pool.close()


PARENT = """
import sys, threading, time
from pathlib import Path
from video.decoders import DecoderPool
from tests.video import child_work

if __name__ == "__main__":
    pool = DecoderPool(2)
    busy = lambda: pool.run(child_work.count_forever, Path(sys.argv[1]), timeout_s=600)
    threading.Thread(target=busy, daemon=True).start()
    print(pool.run(child_work.pid, timeout_s=600), flush=True)
    time.sleep(600)
"""


def test_children_of_a_killed_parent_end_within_seconds(tmp_path: Path) -> None:
    """Both the one that works, and never reports, and the one that waits for a file."""
    (tmp_path / "parent.py").write_text(PARENT)
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py"), str(tmp_path / "alive")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
        cwd=root,
    )
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline().strip().isdigit()
        while not (tmp_path / "alive").exists():
            time.sleep(0.05)
        orphans = {child.pid for child in psutil.Process(parent.pid).children(recursive=True)}
        assert len(orphans) >= 2
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    assert gone_within(8, orphans)
