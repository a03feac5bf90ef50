"""Work on many clips over several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def done_by_processes(
    tasks: Sequence[Given],
    work: Callable[[Given], Made],
    *,
    begin: Callable[..., None],
    given: tuple[Any, ...],
    workers: int,
) -> Iterator[Made]:
    """What ``work`` makes of the tasks, as it comes; ``begin`` is called with ``given`` in each process first.

    One worker is this process itself. What a task raises is raised here, and the rest is given up.
    """
    if not tasks:
        return
    if workers == 1:
        begin(*given)
        yield from map(work, tasks)
        return
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=begin, initargs=given
    ) as pool:
        running = [pool.submit(work, task) for task in tasks]
        try:
            for future in as_completed(running):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
