"""Headers of today's trace.moe API."""

from __future__ import annotations

from typing import Final

from core.clock import now
from credits.services import Snapshot

#: What scripts of other sites may read of an answer, beside its body.
EXPOSED: Final = "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"


def limit_headers(state: Snapshot) -> dict[str, str]:
    """``X-RateLimit-*``: requests of the rate window that are left; none where nothing limits them.

    ``Reset`` is the second since 1970 at which the window ends, as GitHub's API has it under these names.
    """
    if state.limit is None:
        return {}
    return {
        "X-RateLimit-Limit": str(state.limit.limit),
        "X-RateLimit-Remaining": str(state.limit.remaining),
        "X-RateLimit-Reset": str(int(now().timestamp()) + state.limit.seconds_left),
    }
