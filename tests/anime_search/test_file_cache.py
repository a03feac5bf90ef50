"""The folder of files that can be made again: bounded, shared, and whole after any death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from anime_search.file_cache import Busy, FileCache, Making


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    return FileCache(tmp_path / "cache", 128 * 1000)


def put(cache: FileCache, key: str, size: int, *, age_s: float = 0.0) -> Path:
    path = cache.get_or_make(key, lambda out: out.write_bytes(b"x" * size) and None, wait_s=0.0)
    if age_s:
        used = time.time() - age_s
        os.utime(path, (used, used))
    return path


def test_the_least_recently_used_make_room(cache: FileCache) -> None:
    for number in range(20):
        put(cache, f"old{number:02}", 6000, age_s=1000 - number)
    assert cache.get("old00") is not None
    put(cache, "new", 20_000)
    left = {path.name for path in cache.root.glob("*/*")}
    assert sum(path.stat().st_size for path in cache.root.glob("*/*")) <= 128_000
    assert {"new", "old00", "old19"} <= left
    assert "old01" not in left


def test_a_file_in_use_is_not_removed(cache: FileCache) -> None:
    for number in range(10):
        put(cache, f"recent{number}", 30_000)
    assert all(cache.get(f"recent{number}") for number in range(10))


def test_using_a_file_does_not_change_it(cache: FileCache) -> None:
    path = put(cache, "key", 100, age_s=5000)
    changed = path.stat().st_mtime_ns
    assert cache.get("key") == path
    assert path.stat().st_mtime_ns == changed
    assert path.stat().st_atime > time.time() - 60


def test_waiting_for_somebody_else_has_an_end(cache: FileCache) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slowly(out: Path) -> None:
        inside.set()
        leave.wait(10)
        out.write_bytes(b"whole")

    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(cache.get_or_make, "key", slowly, wait_s=0.0)
        inside.wait(10)
        with pytest.raises(Busy):
            cache.get_or_make("key", slowly, wait_s=0.05)
        leave.set()
        assert made.result().read_bytes() == b"whole"


_HOLDER = """
    import sys, time
    from pathlib import Path
    from anime_search.file_cache import FileCache

    def never(out):
        out.write_bytes(b"half")
        print("inside", flush=True)
        time.sleep(60)

    FileCache(Path(sys.argv[1]), 128_000).get_or_make("key", never, wait_s=0)
"""


def test_what_a_killed_process_left_is_taken_over(cache: FileCache) -> None:
    root = Path(__file__).resolve().parents[2]
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_HOLDER), str(cache.root)],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "inside\n"
        with pytest.raises(Busy):
            put(cache, "key", 5)
        cache.make_room()
        assert len(list(cache.root.rglob("*.part"))) == 1
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    assert cache.get("key") is None
    assert put(cache, "key", 5).read_bytes() == b"xxxxx"
    assert list(cache.root.rglob("*.part")) == []


def test_leftovers_are_removed_when_room_is_made(cache: FileCache) -> None:
    put(cache, "key", 5)
    (cache.root / "ke" / ".kept.part").write_bytes(b"half")
    cache.make_room()
    assert [path.name for path in cache.root.glob("*/*")] == ["key"]


def test_what_is_begun_is_made_by_one_and_found_by_all(cache: FileCache) -> None:
    begun = cache.get_or_begin("key", wait_s=0.0)
    assert isinstance(begun, Making)
    with pytest.raises(Busy):
        cache.get_or_begin("key", wait_s=0.02)
    begun.part.write_bytes(b"whole")
    path = begun.finish()
    begun.abandon()
    assert cache.get_or_begin("key", wait_s=0.0) == path
    assert path.read_bytes() == b"whole"


def test_what_is_abandoned_may_be_made_by_the_next(cache: FileCache) -> None:
    begun = cache.get_or_begin("key", wait_s=0.0)
    assert isinstance(begun, Making)
    begun.part.write_bytes(b"half")
    begun.abandon()
    assert list(cache.root.rglob("*.part")) == []
    assert put(cache, "key", 5).read_bytes() == b"xxxxx"
