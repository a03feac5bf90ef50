"""Child processes that read and decode files, so that a crash or a hang costs one file only."""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Callable
from concurrent.futures import TimeoutError as StillRunning
from ctypes import Array, c_double
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from anime_search.engine.work import Progress, keep_single_threaded, no_progress

Result = TypeVar("Result")

#: A child is replaced after this many files, so that what a library leaks does not add up.
FILES_A_CHILD = 200
#: Seconds between two looks at a child's progress.
WATCH_EVERY_S = 0.5


class DecoderFailed(Exception):
    """The child died or ran out of time on a file."""


class DecoderPool:
    """A fixed number of child processes. Thread-safe: each thread waits for its own file.

    Args:
        workers: child processes, and so files at a time.
    """

    def __init__(self, workers: int) -> None:
        # Forking a process whose threads hold locks (a server, a worker) can hang the child: start it afresh.
        context = multiprocessing.get_context("spawn")
        self._positions: Array[c_double] = context.RawArray("d", 2 * workers)
        self._slots: queue.SimpleQueue[int] = queue.SimpleQueue()
        for slot in range(workers):
            self._slots.put(slot)
        self._pool = ProcessPool(
            max_workers=workers,
            max_tasks=FILES_A_CHILD,
            initializer=_prepare,
            initargs=(self._positions, os.getpid()),
            context=context,
        )

    def run(
        self, work: Callable[..., Result], *args: Any, timeout_s: float, on_progress: Progress = no_progress
    ) -> Result:
        """Call ``work(*args, on_progress)`` in a child and wait for it.

        ``on_progress`` is called here, about twice a second, with what the child reported last;
        an exception of it ends the child's work.

        Raises:
            DecoderFailed: the child crashed, or took longer than ``timeout_s``.
            Exception: whatever ``work`` raises.
        """
        slot = self._slots.get()
        try:
            self._positions[2 * slot] = self._positions[2 * slot + 1] = 0.0
            future = self._pool.schedule(_call, args=(slot, work, args), timeout=timeout_s)
            try:
                while True:
                    try:
                        result: Result = future.result(timeout=WATCH_EVERY_S)
                    except StillRunning as error:
                        if future.done():
                            raise DecoderFailed("took too long") from error
                        on_progress(self._positions[2 * slot], self._positions[2 * slot + 1])
                    else:
                        return result
            except ProcessExpired as error:
                raise DecoderFailed("the decoder crashed") from error
            finally:
                future.cancel()
        finally:
            self._slots.put(slot)

    def close(self) -> None:
        """End the children at once."""
        self._pool.stop()
        self._pool.join()


_child_positions: Array[c_double] | None = None
_parent = 0


def _prepare(positions: Array[c_double], parent: int) -> None:
    global _child_positions, _parent
    _child_positions, _parent = positions, parent
    keep_single_threaded()


def _call(slot: int, work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    def report(done_s: float, total_s: float) -> None:
        # A parent that was killed cannot stop its children: they stop themselves.
        if os.getppid() != _parent:
            os._exit(1)
        if _child_positions is not None:
            _child_positions[2 * slot], _child_positions[2 * slot + 1] = done_s, total_s

    return work(*args, report)
