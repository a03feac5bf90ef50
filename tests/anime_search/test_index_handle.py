"""A process's view of the index: always one whole generation, replaced behind the back of those who search."""

from __future__ import annotations

import gc
import os
import shutil
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.index.store import IndexStore
from anime_search.errors import IndexUnavailable
from anime_search.runtime import IndexHandle
from tests.anime_search.index.made import added, built, frames, store_at

A, B, C = (frames(name, 20) for name in "abc")


@pytest.fixture
def store(tmp_path: Path) -> IndexStore:
    return store_at(tmp_path / "index")


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return False


def shows(handle: IndexHandle, *videos: str) -> bool:
    return handle.snapshot().videos == set(videos)


def test_an_index_that_appears_later_is_picked_up(store: IndexStore) -> None:
    handle = IndexHandle(store)
    for _ in range(2):
        with pytest.raises(IndexUnavailable):
            handle.snapshot()
    built(store, A)
    assert shows(handle, "a")
    assert handle.problems == []


def test_a_new_generation_is_picked_up_without_waiting(
    store: IndexStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(store, A)
    handle = IndexHandle(store)
    assert shows(handle, "a")
    added(store, B)
    load, may_load = store.load_best, threading.Event()

    def slow(loaded: object = None) -> object:
        assert may_load.wait(10)
        return load(loaded)

    monkeypatch.setattr(store, "load_best", slow)
    started = time.monotonic()
    assert all(shows(handle, "a") for _ in range(100))
    assert time.monotonic() - started < 5
    may_load.set()
    assert eventually(lambda: shows(handle, "a", "b"))


def test_first_question_after_a_small_change_finds_what_is_new(store: IndexStore) -> None:
    built(store, A)
    handle = IndexHandle(store)
    assert shows(handle, "a")
    added(store, B)
    assert shows(handle, "a", "b")


def test_only_one_thread_loads(store: IndexStore, monkeypatch: pytest.MonkeyPatch) -> None:
    built(store, A)
    handle = IndexHandle(store)
    loads = []
    load = store.load_best

    def counted(loaded: object = None) -> object:
        loads.append(threading.current_thread().name)
        time.sleep(0.1)
        return load(loaded)

    monkeypatch.setattr(store, "load_best", counted)
    for expected in (1, 2):
        threads = [threading.Thread(target=handle.snapshot) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert eventually(lambda: not handle._loading.locked())
        assert len(loads) == expected
        added(store, B) if expected == 1 else None
    assert loads[1] == "index-reload"


def test_going_back_is_picked_up(store: IndexStore) -> None:
    built(store, A)
    added(store, B)
    handle = IndexHandle(store)
    assert shows(handle, "a", "b")
    with store.writing():
        store.rollback()
    assert eventually(lambda: shows(handle, "a"))
    assert handle.problems == []


def test_a_removal_is_picked_up(store: IndexStore) -> None:
    built(store, A, B)
    handle = IndexHandle(store)
    handle.refresh()
    with store.writing():
        store.remove(["a"])
    assert eventually(lambda: shows(handle, "b"))


def break_newest(store: IndexStore) -> None:
    number = store.numbers()[-1]
    os.truncate(store.root / "generations" / f"{number:08d}.json", 20)


def test_a_broken_generation_leaves_the_old_one_in_use(store: IndexStore) -> None:
    built(store, A)
    added(store, B)
    handle = IndexHandle(store)
    assert shows(handle, "a", "b")
    added(store, C)
    break_newest(store)
    handle.refresh()
    assert shows(handle, "a", "b")
    assert handle.snapshot().number == 2
    assert "generation 3 is not usable" in handle.problems[0]
    # The next whole one ends it.
    built(store, C)
    assert eventually(lambda: shows(handle, "c"))
    assert handle.problems == []


def test_what_is_at_hand_is_newer_than_what_is_left_on_disk(store: IndexStore) -> None:
    """Generation 2 is in memory and whole: generation 1 is no better answer because the files of 2 broke."""
    built(store, A)
    added(store, B)
    handle = IndexHandle(store)
    assert shows(handle, "a", "b")
    break_newest(store)
    (store.root / "CURRENT").write_text("2\n")
    handle.refresh()
    assert shows(handle, "a", "b")
    assert handle.problems
    fresh = IndexHandle(store)
    assert shows(fresh, "a")
    assert fresh.problems


@pytest.mark.parametrize("content", ["", "text", "9" * 5000])
def test_garbage_in_current_leaves_the_old_one_in_use(content: str, store: IndexStore) -> None:
    built(store, A)
    handle = IndexHandle(store)
    assert shows(handle, "a")
    (store.root / "CURRENT").write_text(content)
    handle.refresh()
    assert shows(handle, "a")
    assert handle.problems


def test_an_index_that_vanishes_stays_in_memory(store: IndexStore) -> None:
    built(store, A)
    handle = IndexHandle(store)
    assert shows(handle, "a")
    shutil.rmtree(store.root)
    assert shows(handle, "a")
    assert handle.snapshot().search(A.vectors[:1].astype(np.float32), 1)[0][0].video == "a"
    time.sleep(0.05)
    built(store, B)
    assert eventually(lambda: shows(handle, "b"))


def test_a_loading_that_fails_unexpectedly_is_tried_again(
    store: IndexStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(store, A)
    handle = IndexHandle(store)
    assert shows(handle, "a")
    added(store, B)
    with monkeypatch.context() as patch:
        patch.setattr(threading, "excepthook", lambda _: None)
        patch.setattr(store, "load_best", lambda loaded=None: 1 / 0)
        assert shows(handle, "a")
        assert eventually(lambda: not handle._loading.locked())
    assert eventually(lambda: shows(handle, "a", "b"))


def test_no_thread_to_load_with_is_no_end_of_searching(
    store: IndexStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(store, A)
    handle = IndexHandle(store)
    assert shows(handle, "a")
    added(store, B)

    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        assert shows(handle, "a")
    assert eventually(lambda: shows(handle, "a", "b"))


def test_segments_in_memory_are_shared_and_not_read_again(store: IndexStore) -> None:
    built(store, A)
    handle = IndexHandle(store)
    first = handle.snapshot().segments[0]
    added(store, B)
    handle.refresh()
    assert handle.snapshot().segments[0] is first
    assert len(handle.snapshot().segments) == 2


def test_dropped_snapshots_are_released(store: IndexStore) -> None:
    built(store, A)
    handle = IndexHandle(store)
    dropped: list[weakref.ref[object]] = []
    for name in "bcdefg":
        snapshot = handle.snapshot()
        dropped.append(weakref.ref(snapshot))
        for segment in snapshot.segments:
            dropped += [weakref.ref(segment), weakref.ref(segment._index)]
        del snapshot, segment
        built(store, frames(name, 20))
        handle.refresh()
    gc.collect()
    assert [reference() for reference in dropped] == [None] * len(dropped)


def test_searching_goes_on_while_generations_come(store: IndexStore) -> None:
    """Eight threads search without a pause while twenty generations are published.

    Generation ``n`` is one video, ``v<n>``, whose frames lie at times that say ``n``: an answer made of two
    generations would give itself away.
    """

    def generation(number: int) -> None:
        video = frames(f"v{number}", 40, seed=7)
        video.times_ms[:] = 1000 * number + np.arange(40)
        with store.writing():
            store.build(iter([video]), 40, threads=1)

    query = frames("any", 40, seed=7).vectors[:2].astype(np.float32)
    generation(1)
    handle = IndexHandle(store)
    stop, errors = threading.Event(), []
    seen: list[set[int]] = [set() for _ in range(8)]
    counts = [0] * 8

    def one_answer(snapshot: Snapshot) -> int:
        rows = snapshot.search(query, 64)
        (number,) = {hit.from_ms // 1000 for row in rows for hit in row}
        assert {hit.video for row in rows for hit in row} == {f"v{number}"} == snapshot.videos
        assert [len(row) for row in rows] == [40, 40]
        assert snapshot.number == number
        return number

    def search(which: int) -> None:
        last = 0
        try:
            while not stop.is_set():
                number = one_answer(handle.snapshot())
                assert number >= last
                last = number
                seen[which].add(number)
                counts[which] += 1
                # Leave the writer a share of the interpreter.
                time.sleep(0.001)
        except BaseException as error:  # noqa: BLE001 - told to the test
            errors.append(error)

    threads = [threading.Thread(target=search, args=(which,)) for which in range(8)]
    for thread in threads:
        thread.start()
    for number in range(2, 22):
        generation(number)
        time.sleep(0.02)
    assert eventually(lambda: handle.snapshot().number == 21)
    time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert errors == []
    assert all(21 in numbers for numbers in seen)
    assert len(set.union(*seen)) >= 5
    assert min(counts) > 20
    assert handle.problems == []
