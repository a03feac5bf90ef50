"""How many messages wait in each queue, for a page that must not wait for a broker that is away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from core.workers import backlog

log = logging.getLogger(__name__)

#: How long a page waits for the numbers, in seconds.
PATIENCE_S = 0.8
#: One look at a time: while a broker is away, kombu tries on and on in the thread that asked first.
_looking = threading.Lock()


def queue_depths(queues: Sequence[str], *, patience_s: float = PATIENCE_S) -> dict[str, int | None]:
    """Messages that wait in each queue; None where the broker does not say in time."""
    found: dict[str, int] = {}
    deadline = time.monotonic() + patience_s
    if _looking.acquire(timeout=patience_s):
        thread = threading.Thread(target=_look, args=(queues, found), name="queue-depths", daemon=True)
        thread.start()
        thread.join(max(0.0, deadline - time.monotonic()))
    return {queue: found.get(queue) for queue in queues}


def _look(queues: Sequence[str], found: dict[str, int]) -> None:
    try:
        for queue in queues:
            found[queue] = backlog(queue)
    except (KombuError, RedisError, OSError) as error:
        log.warning("the queues cannot be looked at: %s", error)
    finally:
        _looking.release()
