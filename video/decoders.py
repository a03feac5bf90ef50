"""Child processes that read and decode files, so that a crash or a hang costs one file only."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import queue
import resource
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as StillRunning
from concurrent.futures.process import BrokenProcessPool
from ctypes import Array, c_double
from typing import Any, ClassVar, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from video.progress import Progress, no_progress

Result = TypeVar("Result")

#: A child is replaced after this many files, so that what a library leaks does not add up.
FILES_A_CHILD = 200
#: Seconds between two looks at a child's progress.
WATCH_EVERY_S = 0.5
#: Seconds between a child's looks at its parent.
ORPHANED_AFTER_S = 1.0


class DecoderFailed(Exception):
    """The child died or ran out of time on a file."""


class DecoderStopped(Exception):
    """The pool was closed while a file was worked on, or before: nothing is wrong with the file."""


class DecoderPool:
    """A fixed number of child processes. Thread-safe: each thread waits for its own file.

    Args:
        workers: child processes, and so files at a time.
        memory_bytes: address space that a child may have; None for what the machine has.
    """

    def __init__(self, workers: int, *, memory_bytes: int | None = None) -> None:
        if multiprocessing.current_process().daemon:
            raise RuntimeError("a prefork worker may have no children: run this queue with --pool threads")
        # Forking a process whose threads hold locks (a server, a worker) can hang the child: start it afresh.
        self._context = multiprocessing.get_context("spawn")
        self._workers = workers
        self._memory_bytes = memory_bytes
        self._positions: Array[c_double] = self._context.RawArray("d", 2 * workers)
        self._slots: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        for slot in range(workers):
            self._slots.put(slot)
        self._lock = threading.Lock()
        self._closed = False
        self._futures: set[ProcessFuture[Any]] = set()
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._workers,
            max_tasks=FILES_A_CHILD,
            initializer=_prepare,
            initargs=(self._positions, os.getpid(), self._memory_bytes),
            context=self._context,
        )

    def run(
        self, work: Callable[..., Result], *args: Any, timeout_s: float, on_progress: Progress = no_progress
    ) -> Result:
        """Call ``work(*args, on_progress)`` in a child and wait for it.

        ``on_progress`` is called here, about twice a second, with what the child reported last;
        an exception of it ends the child's work.

        Raises:
            DecoderFailed: the child crashed, or took longer than ``timeout_s``.
            DecoderStopped: the pool was closed.
            Exception: whatever ``work`` raises.
        """
        slot = self._slots.get()
        try:
            if slot is None:
                raise DecoderStopped
            try:
                return self._run_in(slot, work, args, timeout_s, on_progress)
            except BrokenProcessPool:
                # A child that dies between two files takes pebble's whole pool with it: that was not this file.
                return self._run_in(slot, work, args, timeout_s, on_progress)
        except BrokenProcessPool as error:
            raise DecoderFailed("the decoder crashed") from error
        finally:
            self._slots.put(slot)

    def _run_in(
        self,
        slot: int,
        work: Callable[..., Result],
        args: tuple[Any, ...],
        timeout_s: float,
        on_progress: Progress,
    ) -> Result:
        self._positions[2 * slot] = self._positions[2 * slot + 1] = 0.0
        future = self._schedule(slot, work, args, timeout_s)
        try:
            while True:
                try:
                    result: Result = future.result(timeout=WATCH_EVERY_S)
                except StillRunning as error:
                    if self._closed:
                        raise DecoderStopped from error
                    if not future.done():
                        on_progress(self._positions[2 * slot], self._positions[2 * slot + 1])
                    elif isinstance(future.exception(), StillRunning):
                        raise DecoderFailed("took too long") from error
                else:
                    return result
        except CancelledError as error:
            raise DecoderStopped from error
        except ProcessExpired as error:
            raise DecoderFailed("the decoder crashed") from error
        finally:
            future.cancel()
            # Without the lock: another thread may hold it while it starts children, which takes seconds.
            self._futures.discard(future)

    def _schedule(
        self, slot: int, work: Callable[..., Any], args: tuple[Any, ...], timeout_s: float
    ) -> ProcessFuture[Any]:
        with self._lock:
            if self._closed:
                raise DecoderStopped
            if not self._pool.active:
                # What is left of a broken pool would stay for as long as this process.
                self._pool.stop()
                self._pool.join()
                self._pool = self._new_pool()
            future: ProcessFuture[Any] = self._pool.schedule(
                _call, args=(slot, work, args), timeout=timeout_s
            )
            self._futures.add(future)
            return future

    def close(self) -> None:
        """End the children at once; whoever waits for one is told so by :class:`DecoderStopped`."""
        # Whoever waits looks at this as well: the lock may be held for seconds, while children are started.
        self._closed = True
        with self._lock:
            # Pebble itself leaves the futures of a stopped pool unanswered.
            for future in tuple(self._futures):
                future.cancel()
            self._pool.stop()
        self._slots.put(None)
        self._pool.join()


class _Child:
    """What a child knows: where it writes its progress."""

    positions: ClassVar[Array[c_double] | None] = None


def _prepare(positions: Array[c_double], parent: int, memory_bytes: int | None) -> None:
    _Child.positions = positions
    if memory_bytes is not None:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    _keep_single_threaded()
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()


def _keep_single_threaded() -> None:
    """Stop libraries from starting threads of their own: the files are the parallelism."""
    import cv2

    cv2.setNumThreads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _end_with_parent(parent: int) -> None:
    """A parent that was killed cannot stop its children: they stop themselves."""
    while os.getppid() == parent:
        time.sleep(ORPHANED_AFTER_S)
    os._exit(1)


def _call(slot: int, work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    def report(done_s: float, total_s: float) -> None:
        if _Child.positions is not None:
            _Child.positions[2 * slot], _Child.positions[2 * slot + 1] = done_s, total_s

    try:
        result = work(*args, report)
    except Exception as error:
        if _travels(error):
            raise
        raise DecoderFailed(f"{type(error).__name__}: {error}") from None
    if not _travels(result):
        raise DecoderFailed(f"a result of {type(result).__name__}")
    return result


def _travels(value: object) -> bool:
    """Whether a value can be read in the parent: one that cannot would end pebble's reading of all others."""
    try:
        pickle.loads(pickle.dumps(value))  # noqa: S301 - it was made here
    except Exception:  # noqa: BLE001 - pickle runs the code of whatever class it meets
        return False
    return True
