"""Headers of the old trace.moe API."""

from __future__ import annotations

from typing import Final

from credits.policies import DAY_S
from credits.services import Snapshot
from credits.windows import WindowState

#: What scripts of other sites may read of an answer, beside its body.
EXPOSED: Final = (
    "Retry-After, X-Whatanime-Limit, X-Whatanime-Limit-Ttl, X-Whatanime-Quota, X-Whatanime-Quota-Ttl, "
    "ETag, Accept-Ranges, Content-Range, Content-Length"
)
#: Clients of this dialect read numbers: where staff took a limit away, there is always much left.
UNLIMITED: Final = WindowState(limit=1_000_000, used=0, seconds_left=DAY_S)


def limit_fields(state: Snapshot) -> dict[str, int]:
    """``limit``, ``limit_ttl``, ``quota`` and ``quota_ttl``: what is left, and the seconds until it is renewed."""
    limit = state.limit or UNLIMITED
    quota = state.quota or UNLIMITED
    return {
        "limit": limit.remaining,
        "limit_ttl": limit.seconds_left,
        "quota": quota.remaining,
        "quota_ttl": quota.seconds_left,
    }


def limit_headers(state: Snapshot) -> dict[str, str]:
    """The same as ``x-whatanime-*`` headers."""
    return {
        f"x-whatanime-{name.replace('_', '-')}": str(value) for name, value in limit_fields(state).items()
    }
