"""A writer that dies, or that the disk fails, at any step leaves the generation before it in use."""

from __future__ import annotations

import os
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from anime_search.engine.index import hnsw
from anime_search.engine.index.store import IndexStore
from tests.anime_search.index.made import added, built, finds, frames, loaded, store_at

A, B, C, D = (frames(name, 12) for name in "abcd")
AGAIN = frames("b", 9, seed=99)

#: What a child did when it ended by itself.
DONE, FAILED = 0, 7


def in_child(work: Callable[[], object]) -> int | None:
    """Run ``work`` in a forked process; its exit status, None if it was killed."""
    pid = os.fork()
    if pid == 0:
        status = FAILED
        try:
            work()
            status = DONE
        finally:
            os._exit(status)
    _, state = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(state) if os.WIFEXITED(state) else None


def die_at(step: int) -> None:
    """Kill this process before its ``step``-th write to a disk; a file that was to be synced is torn in half."""
    left = step

    def before(original: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object, **named: object) -> object:
            nonlocal left
            if left == 0:
                if original is fsync:
                    file = Path(f"/proc/self/fd/{args[0]}").resolve()
                    if file.is_file():
                        os.truncate(file, file.stat().st_size // 2)
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return original(*args, **named)

        return wrapped

    fsync = os.fsync
    os.fsync = before(os.fsync)
    Path.replace = before(Path.replace)
    Path.unlink = before(Path.unlink)
    Path.mkdir = before(Path.mkdir)


def remove(store: IndexStore, *videos: str) -> None:
    with store.writing():
        store.remove(videos)


def merge(store: IndexStore) -> None:
    with store.writing():
        store.merge(threads=1)


def roll_back(store: IndexStore) -> None:
    with store.writing():
        store.rollback()


def grown(store: IndexStore) -> None:
    built(store, A)
    added(store, B)


def grown_and_thinned(store: IndexStore) -> None:
    grown(store)
    added(store, C)
    remove(store, "b")


#: What there was, what was being done, and which videos are found before and after.
OPERATIONS: dict[str, tuple[Callable[[IndexStore], object], Callable[[IndexStore], object], str, str]] = {
    "first build": (lambda store: None, lambda store: built(store, A), "", "a"),
    "build anew": (grown, lambda store: built(store, C, D), "ab", "cd"),
    "addition": (grown, lambda store: added(store, C), "ab", "abc"),
    "removal": (grown, lambda store: remove(store, "a"), "ab", "b"),
    "merge": (grown_and_thinned, merge, "ac", "ac"),
    "return": (grown_and_thinned, lambda store: added(store, AGAIN), "ac", "abc"),
    "rollback": (grown, roll_back, "ab", "a"),
}


def videos_of(store: IndexStore) -> set[str]:
    snapshot, problems = store.load_best()
    assert problems == []
    return set(snapshot.videos) if snapshot else set()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_kill_at_any_step_leaves_a_whole_generation(operation: str, tmp_path: Path) -> None:
    prepare, work, before, after = OPERATIONS[operation]
    prepare(store_at(tmp_path / "prepared"))
    assert videos_of(store_at(tmp_path / "prepared")) == set(before)
    seen = []
    for step in range(100):
        store = store_at(tmp_path / str(step))
        if before:
            shutil.copytree(tmp_path / "prepared", store.root)

        def killed(store: IndexStore = store, step: int = step) -> None:
            die_at(step)
            work(store)

        status = in_child(killed)
        assert status in (None, DONE)
        seen.append(videos_of(store))
        assert seen[-1] in (set(before), set(after))
        if step % 3 == 0 or status == DONE:
            assert_writable(store, seen[-1])
        if status == DONE:
            break
    assert status == DONE
    assert step >= 4
    assert seen[0] == set(before)
    # Once it has happened, a later kill does not undo it.
    happened = seen.index(set(after))
    assert seen == [set(before)] * happened + [set(after)] * (len(seen) - happened)


def assert_writable(store: IndexStore, videos: set[str]) -> None:
    """Whoever writes next finds the lock free, goes on from there, and clears up."""
    if "d" in videos:
        merge(store)
    else:
        added(store, D)
    snapshot = loaded(store)
    assert snapshot.videos == videos | {"d"}
    assert all(finds(snapshot, [video for video in (A, C, D) if video.video in snapshot.videos]))
    assert not list(store.root.rglob("*.part"))


@pytest.mark.parametrize("operation", ["first build", "addition", "merge", "return", "build anew"])
def test_a_full_disk_leaves_a_whole_generation(operation: str, tmp_path: Path) -> None:
    """A limit on file size stands for the disk; what faiss writes last is cut without a word."""
    prepare, work, before, _ = OPERATIONS[operation]
    prepare(store_at(tmp_path / "prepared"))
    for limit in (0, 1, 96, 200, 280, 400, 550):
        store = store_at(tmp_path / str(limit))
        if before:
            shutil.copytree(tmp_path / "prepared", store.root)

        def limited(store: IndexStore = store, limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            work(store)

        assert in_child(limited) == FAILED, limit
        assert videos_of(store) == set(before)
        assert not list(store.root.rglob("*.part"))
    assert_writable(store, set(before))


@pytest.mark.parametrize("graph_from", [1, 1000])
def test_a_graph_that_was_cut_while_saving_is_noticed(
    graph_from: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hnsw, "GRAPH_FROM", graph_from)
    path = tmp_path / "frames.hnsw"
    vectors = [A.vectors.astype("float32")]
    hnsw.build_graph(path, vectors, dim=16, count=12, threads=1)
    size = path.stat().st_size
    for limit in (0, 8, 95, size // 2, size - 1):

        def limited(limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            try:
                hnsw.build_graph(tmp_path / "cut", vectors, dim=16, count=12, threads=1)
            except hnsw.IndexFileError:
                return
            os._exit(FAILED)

        assert in_child(limited) == DONE, limit


def test_a_forked_child_searches_and_writes_after_its_parent_built_with_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenMP's threads stay behind in the parent; a child that waited for them would hang."""
    monkeypatch.setattr(hnsw, "GRAPH_FROM", 10)
    store = store_at(tmp_path / "index")
    many = frames("m", 3000)
    with store.writing():
        store.build(iter([many]), 3000, threads=3)
    snapshot = loaded(store)

    def child() -> None:
        assert all(finds(snapshot, [many]))
        added(store, C)

    assert in_child(child) == DONE
    assert loaded(store).videos == {"m", "c"}


def test_writers_in_several_processes_lose_nothing(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")
    videos = [[frames(f"w{writer}v{n}", 3) for n in range(4)] for writer in range(4)]
    children = []
    for mine in videos:
        pid = os.fork()
        if pid == 0:
            status = FAILED
            try:
                for video in mine:
                    added(store_at(tmp_path / "index"), video)
                status = DONE
            finally:
                os._exit(status)
        children.append(pid)
    for pid in children:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == DONE
    everything = [video for mine in videos for video in mine]
    assert loaded(store).videos == {video.video for video in everything}
    assert all(finds(loaded(store), everything))


def test_the_lock_of_a_killed_writer_is_free(tmp_path: Path) -> None:
    store = store_at(tmp_path / "index")

    def hold() -> None:
        with store.writing():
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(hold) is None
    added(store, A)
    assert videos_of(store) == {"a"}
