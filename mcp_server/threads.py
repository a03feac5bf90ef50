"""Services in threads: they block, and the protocol's loop must not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from django.db import connections

Result = TypeVar("Result")

#: Calls that are worked on at a time; more wait in line, as at the web server.
AT_A_TIME: Final = 16
_limiter: list[anyio.CapacityLimiter] = []


async def in_thread(work: Callable[[], Result]) -> Result:
    """Do something that blocks. A call that is cancelled meanwhile ends when it has ended: nothing is half done."""
    if not _limiter:
        _limiter.append(anyio.CapacityLimiter(AT_A_TIME))
    return await anyio.to_thread.run_sync(_with_own_connection, work, limiter=_limiter[0])


def _with_own_connection(work: Callable[[], Result]) -> Result:
    """Close the thread's database connection in the end: threads come and go, and would leave theirs open."""
    try:
        return work()
    finally:
        connections.close_all()
