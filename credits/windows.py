"""Counting windows in the cache: fixed in length, beginning with their first hit."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass

from django.core.cache import cache
from redis.exceptions import RedisError

from core import clock
from core.errors import Unavailable

#: Counters outlive their window by this, so that a hit at its very end still finds them.
_GRACE_S = 10


@dataclass(frozen=True, slots=True)
class WindowState:
    """A window after a hit, or as it stands.

    Attributes:
        limit: hits that it allows.
        used: hits that were counted.
        seconds_left: until it ends, 1 at least.
        counter: name of what counts it; empty before the first hit.
        ends_at: when it ends, in seconds since 1970, the same in every answer; 0 before the first hit.
    """

    limit: int
    used: int
    seconds_left: int
    counter: str = ""
    ends_at: float = 0.0

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)


def hit_window(*, key: str, limit: int, length_s: int) -> WindowState:
    """Count one hit. ``used`` of the result is its number in the window, exactly once for each number.

    The increment is one atomic operation of the cache, so of any number of simultaneous hits exactly
    ``limit`` get a number up to ``limit``.

    Raises:
        Unavailable: the cache does not answer; what it guards is refused, not given away.
    """
    try:
        while True:
            counter, ends_at = _window(key, length_s)
            cache.add(counter, 0, length_s + _GRACE_S)
            try:
                used = cache.incr(counter)
            except ValueError:
                continue
            return WindowState(limit, used, _seconds_until(ends_at, length_s), counter, ends_at)
    except (RedisError, ConnectionError) as error:
        raise Unavailable from error


def undo_hit(state: WindowState) -> None:
    """Take back the hit that :func:`hit_window` returned ``state`` for; a window that ended keeps it.

    Raises:
        Unavailable: the cache does not answer.
    """
    try:
        cache.decr(state.counter)
    except ValueError:
        return
    except (RedisError, ConnectionError) as error:
        raise Unavailable from error


def read_window(*, key: str, limit: int, length_s: int) -> WindowState:
    """How a window stands, without counting; before the first hit it is whole.

    Raises:
        Unavailable: the cache does not answer.
    """
    try:
        current = cache.get(_start_key(key))
        if current is None:
            return WindowState(limit, 0, length_s)
        counter, ends_at = current
        used = cache.get(counter, 0)
        return WindowState(limit, used, _seconds_until(ends_at, length_s), counter, ends_at)
    except (RedisError, ConnectionError) as error:
        raise Unavailable from error


def _window(key: str, length_s: int) -> tuple[str, float]:
    """Counter and end of the running window; the first of several simultaneous callers begins it."""
    start_key = _start_key(key)
    while True:
        if (current := cache.get(start_key)) is not None:
            return current[0], current[1]
        counter = f"window:{key}:{secrets.token_hex(8)}"
        cache.add(start_key, (counter, clock.now().timestamp() + length_s), length_s)


def _start_key(key: str) -> str:
    return f"window-start:{key}"


def _seconds_until(timestamp: float, length_s: int) -> int:
    """Whole seconds, rounded up; a clock that was set back must not make a window longer than it is."""
    return min(length_s, max(1, math.ceil(timestamp - clock.now().timestamp())))
