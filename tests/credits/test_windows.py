"""Counting windows: exact whoever comes at once, renewed in time, refusing when they cannot count."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from pytest_django import Settings

from config.env import BASE_DIR
from core import clock
from core.errors import Unavailable
from credits.windows import WindowState, hit_window, read_window, undo_hit
from tests.credits.conftest import REDIS_URL, redis_cache

CALLS, LIMIT = 200, 10


def hit(key: str = "k", limit: int = LIMIT, length_s: int = 60) -> WindowState:
    return hit_window(key=key, limit=limit, length_s=length_s)


def read(key: str = "k", limit: int = LIMIT, length_s: int = 60) -> WindowState:
    return read_window(key=key, limit=limit, length_s=length_s)


def simultaneous_hits(threads: int) -> list[WindowState]:
    """``CALLS`` hits of one window by threads that start together."""
    barrier = threading.Barrier(threads)

    def work(_: int) -> list[WindowState]:
        barrier.wait()
        return [hit() for _ in range(CALLS // threads)]

    with ThreadPoolExecutor(threads) as pool:
        return [state for states in pool.map(work, range(threads)) for state in states]


def assert_exact(states: list[WindowState]) -> None:
    assert sorted(state.used for state in states) == list(range(1, CALLS + 1))
    assert sum(state.used <= state.limit for state in states) == LIMIT
    assert len({state.counter for state in states}) == 1


@pytest.mark.parametrize("threads", [200, 20])
def test_every_simultaneous_hit_gets_a_number_of_its_own(threads: int) -> None:
    assert_exact(simultaneous_hits(threads))


@pytest.mark.integration
def test_every_simultaneous_hit_gets_a_number_of_its_own_on_redis(on_redis: str) -> None:
    assert_exact(simultaneous_hits(50))


#: Prints the numbers that one process got, after all of them were ready.
HITS = f"""
import json, sys, time
import django
from django.conf import settings
django.setup()
settings.CACHES = json.loads(sys.argv[1])
from credits.windows import hit_window
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps([hit_window(key="k", limit={LIMIT}, length_s=60).used for _ in range(50)]), flush=True)
"""


@pytest.mark.integration
def test_processes_share_a_window_on_redis(on_redis: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", HITS, json.dumps(redis_cache(on_redis))],
            cwd=BASE_DIR,
            env={"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": "", "PYTHONPATH": str(BASE_DIR)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(CALLS // 50)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        outputs = [process.communicate("go\n", timeout=30)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    numbers = [number for output in outputs for number in json.loads(output)]
    assert sorted(numbers) == list(range(1, CALLS + 1))
    assert read().used == CALLS


@pytest.mark.integration
def test_counters_on_redis_do_not_stay_for_ever(on_redis: str) -> None:
    import redis

    hit()
    with redis.Redis.from_url(REDIS_URL) as connection:
        keys = list(connection.scan_iter(f"{on_redis}:*"))
        lifetimes = sorted(connection.ttl(key) for key in keys)
    assert len(keys) == 2
    assert 55 <= lifetimes[0] <= 60 < lifetimes[1] <= 70


@pytest.mark.integration
@pytest.mark.usefixtures("on_redis")
def test_window_on_redis_ends_and_is_undone_like_any() -> None:
    first = hit(length_s=1)
    undo_hit(first)
    assert read(length_s=1).used == 0
    hit(length_s=1)
    time.sleep(1.1)
    assert read(length_s=1) == WindowState(LIMIT, 0, 1)
    undo_hit(first)
    assert hit(length_s=1).used == 1


def test_windows_of_different_keys_are_apart() -> None:
    assert [hit("a").used, hit("b").used, hit("a").used] == [1, 1, 2]


def test_window_before_its_first_hit_is_whole() -> None:
    state = read()
    assert (state.used, state.remaining, state.seconds_left) == (0, LIMIT, 60)
    assert read() == state


def test_reading_counts_nothing() -> None:
    hit()
    assert [read().used for _ in range(5)] == [1] * 5
    assert hit().used == 2


def test_remaining_is_never_negative() -> None:
    states = [hit(limit=2) for _ in range(4)]
    assert [state.remaining for state in states] == [1, 0, 0, 0]
    assert read(limit=2).remaining == 0


def test_window_is_fixed_and_begins_with_its_first_hit(monkeypatch: pytest.MonkeyPatch) -> None:
    began = clock.now()
    for seconds, left in [(0, 60), (0.1, 60), (20, 40), (59.5, 1)]:
        monkeypatch.setattr(clock, "now", lambda seconds=seconds: began + timedelta(seconds=seconds))
        assert hit().seconds_left == left
        assert read().seconds_left == left


def test_window_that_is_over_is_followed_by_a_whole_one() -> None:
    first = [hit(length_s=1) for _ in range(3)]
    time.sleep(1.1)
    assert read(length_s=1).used == 0
    second = hit(length_s=1)
    assert (second.used, second.seconds_left) == (1, 1)
    assert second.counter != first[0].counter


@pytest.mark.parametrize("hours", [-1, -24])
def test_clock_that_is_set_back_makes_no_window_longer(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    hit()
    earlier: datetime = clock.now() + timedelta(hours=hours)
    monkeypatch.setattr(clock, "now", lambda: earlier)
    assert read().seconds_left == 60
    assert hit().used == 2


def test_clock_that_is_set_forward_still_says_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    hit()
    later = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert read().seconds_left == 1


def test_hit_that_is_undone_leaves_room_for_another() -> None:
    states = [hit(limit=2) for _ in range(2)]
    undo_hit(states[0])
    assert read(limit=2).remaining == 1
    assert hit(limit=2).used == 2


def test_hit_of_a_window_that_is_over_is_not_taken_off_the_next() -> None:
    state = hit(length_s=1)
    time.sleep(1.1)
    hit(length_s=60)
    undo_hit(state)
    assert read(length_s=60).used == 1


def test_undoing_before_any_hit_does_nothing() -> None:
    undo_hit(read())
    assert read().used == 0


def test_counter_that_was_evicted_begins_anew() -> None:
    state = hit()
    cache.delete(state.counter)
    assert hit().used == 1


def test_hits_and_undos_of_many_threads_add_up() -> None:
    def work(number: int) -> None:
        state = hit()
        if number % 2:
            undo_hit(state)

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(work, range(CALLS)))
    assert read().used == CALLS // 2


def test_cache_that_is_down_is_unavailable(settings: Settings) -> None:
    state = hit()
    settings.CACHES = redis_cache("x", "redis://127.0.0.1:1/0")
    for call in (hit, read, lambda: undo_hit(state)):
        with pytest.raises(Unavailable) as failure:
            call()
        assert failure.value.data["retry_after_s"] > 0
        assert "127.0.0.1" not in failure.value.message


def test_numbers_are_unique_across_a_windows_end() -> None:
    """While windows of a second follow each other, every number of every window is given once."""
    until = time.monotonic() + 2.5

    def work(_: int) -> list[WindowState]:
        states = []
        while time.monotonic() < until:
            states.append(hit(length_s=1))
            time.sleep(0.002)
        return states

    with ThreadPoolExecutor(8) as pool:
        states = [state for found in pool.map(work, range(8)) for state in found]
    given = Counter((state.counter, state.used) for state in states)
    assert max(given.values()) == 1
    assert len({state.counter for state in states}) in (3, 4)
