"""Headers of today's trace.moe API."""

from __future__ import annotations

import math
from typing import Final

from core.clock import now
from credits.policies import DAY_S
from credits.services import Snapshot
from credits.windows import WindowState

#: What scripts of other sites may read of an answer, beside its body.
EXPOSED: Final = (
    "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
    "X-Video-Start, X-Video-End, X-Video-Duration, ETag, Accept-Ranges, Content-Range, Content-Length"
)
#: Clients read numbers: where staff took a limit away, there is always much left.
UNLIMITED: Final = 1_000_000


def limit_headers(state: Snapshot) -> dict[str, str]:
    """``X-RateLimit-*``: requests of the rate window that are left.

    ``Reset`` is the second since 1970 at which the window has ended, as GitHub's API has it under these names: the
    same in all answers of one window. Before the first request, it is when one that began now would end.
    """
    limit = state.limit or WindowState(limit=UNLIMITED, used=0, seconds_left=DAY_S)
    ends_at = limit.ends_at or now().timestamp() + limit.seconds_left
    return {
        "X-RateLimit-Limit": str(limit.limit),
        "X-RateLimit-Remaining": str(limit.remaining),
        "X-RateLimit-Reset": str(math.ceil(ends_at)),
    }
