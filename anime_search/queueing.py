"""How many searches may wait for a worker."""

from __future__ import annotations

from django.conf import settings
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from anime_search.errors import SearchQueueFull
from core.errors import Unavailable
from core.workers import backlog

#: Share of the queue that callers of the lowest priority may fill, and what each step of priority adds.
_SHARE = 0.5
_SHARE_A_STEP = 0.125


def require_room(*, priority: int) -> None:
    """Refuse a search where too many wait already; callers of a higher priority still find room then.

    Raises:
        SearchQueueFull: there is none.
        Unavailable: the queue cannot be asked.
    """
    room = settings.SEARCH_QUEUE_LENGTH * min(1.0, _SHARE + _SHARE_A_STEP * priority)
    try:
        waiting = backlog("search")
    except (OperationalError, RedisError, ConnectionError) as error:
        raise Unavailable from error
    if waiting >= room:
        raise SearchQueueFull
