"""Files that can be made again: a folder of bounded size, shared by threads and processes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

#: A file that was used so many seconds ago is not evicted: an answer may be about to open it.
KEPT_S = 60.0
#: Seconds between two looks at whether somebody else has made a file.
_LOOK_EVERY_S = 0.01


class Busy(Exception):
    """Somebody else is still making the file."""


class FileCache:
    """Files by key in a folder, the least recently used of which make room for new ones.

    A file appears whole, by a rename. While it is made, its unfinished form is locked (``flock``): whoever else
    wants it, thread or process, waits for the one that makes it. A process that is killed gives the lock back,
    and what it left is taken over by the next, or removed when room is made.

    Args:
        root: the folder; made when the first file comes.
        most_bytes: of all files together. Room is made once a 128th of it was written, down to 15/16 of it,
            so that as many as eight processes at a time stay below.
    """

    def __init__(self, root: Path, most_bytes: int) -> None:
        self.root, self._most_bytes = root, most_bytes
        self._lock = threading.Lock()
        self._written = most_bytes

    def path_of(self, key: str) -> Path:
        """Where the file of a key (a file's name of at least two plain characters) lies, if it is there."""
        return self.root / key[:2] / key

    def get(self, key: str) -> Path | None:
        """The file of a key, and it counts as used now; None if it is not there."""
        path = self.path_of(key)
        try:
            # The time of the last change stays: only that of the last use is written.
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
        except OSError:
            return None
        return path

    def get_or_begin(self, key: str, *, wait_s: float) -> Path | Making:
        """The file of a key; if it is not there, the right to make it, which no other has meanwhile.

        Args:
            wait_s: for how long to wait while somebody else makes it.

        Raises:
            Busy: somebody else has not made it in time.
            OSError: the folder cannot be written.
        """
        path = self.path_of(key)
        part = path.with_name(f".{key}.part")
        until = time.monotonic() + wait_s
        while (found := self.get(key)) is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            if (lock := _lock(part)) is not None:
                making = Making(part, path, lock, self._count)
                if self.get(key) is None:
                    return making
                # Somebody has finished it since we looked.
                making.abandon()
                continue
            if time.monotonic() > until:
                raise Busy
            time.sleep(_LOOK_EVERY_S)
        return found

    def get_or_make(self, key: str, make: Callable[[Path], None], *, wait_s: float) -> Path:
        """The file of a key; if it is not there, ``make`` is told to write it to a path.

        Args:
            wait_s: for how long to wait while somebody else makes it.

        Raises:
            Busy: somebody else has not made it in time.
            OSError: it could not be written; nothing of it stays.
            Exception: whatever ``make`` raises; nothing stays of the file then.
        """
        begun = self.get_or_begin(key, wait_s=wait_s)
        if not isinstance(begun, Making):
            return begun
        try:
            make(begun.part)
            return begun.finish()
        finally:
            begun.abandon()

    def _count(self, size: int) -> None:
        """Make room, if it is due with a new file of this size."""
        with self._lock:
            self._written += size
            if due := self._written >= self._most_bytes // 128:
                self._written = 0
        if due:
            self.make_room()

    def make_room(self) -> None:
        """Remove the files that were used least recently until enough is free, and what killed processes left."""
        files, total = [], 0
        for path in self.root.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                if path.suffix == ".part":
                    _remove_unlocked(path)
                else:
                    files.append((max(stat.st_atime, stat.st_mtime), stat.st_size, path))
                    total += stat.st_size
        recent = time.time() - KEPT_S
        for used_at, size, path in sorted(files):
            if total <= self._most_bytes * 15 // 16 or used_at > recent:
                return
            path.unlink(missing_ok=True)
            total -= size


class Making:
    """The right to make one file of a cache, until it is finished or abandoned.

    Args:
        part: where to write what becomes the file.
        path: where the file will lie.
        lock: descriptor of ``part``, which is locked.
        count: told the size of the file when it is there.
    """

    def __init__(self, part: Path, path: Path, lock: int, count: Callable[[int], None]) -> None:
        self.part, self._path, self._count = part, path, count
        self._lock: int | None = lock

    def finish(self) -> Path:
        """The file is whole: it takes its place, and everybody finds it.

        Raises:
            OSError: it could not be put there; :meth:`abandon` removes what is left.
        """
        size = self.part.stat().st_size
        self.part.replace(self._path)
        self._release()
        self._count(size)
        return self._path

    def abandon(self) -> None:
        """Nothing stays of the file, and whoever waits for it may make it; after :meth:`finish` this does nothing."""
        if self._lock is not None:
            self.part.unlink(missing_ok=True)
            self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock(path: Path) -> int | None:
    """A descriptor that holds the lock of a file, made for it; None if somebody else has it, or has just finished."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between opening and locking, the one before may have finished: then this is no longer that name's file.
        if _is_file(path, descriptor):
            return descriptor
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN):
            os.close(descriptor)
            raise
    os.close(descriptor)
    return None


def _remove_unlocked(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_file(path, descriptor):
                path.unlink()
    finally:
        os.close(descriptor)


def _is_file(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
