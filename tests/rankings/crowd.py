"""Threads that search at the same time, and what their searches came to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

Result = TypeVar("Result")


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Make every call in a thread of its own, all from one moment on, each over a connection of its own."""
    barrier = threading.Barrier(len(calls))

    def make(call: Callable[[], Result]) -> Result:
        try:
            barrier.wait(30)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(make, calls))
