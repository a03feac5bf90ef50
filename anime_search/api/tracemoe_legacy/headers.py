"""Headers of the old trace.moe API."""

from __future__ import annotations

from typing import Final

from credits.services import Snapshot

#: What scripts of other sites may read of an answer, beside its body.
EXPOSED: Final = (
    "Retry-After, X-Whatanime-Limit, X-Whatanime-Limit-Ttl, X-Whatanime-Quota, X-Whatanime-Quota-Ttl"
)


def limit_fields(state: Snapshot) -> dict[str, int]:
    """``limit``, ``limit_ttl``, ``quota`` and ``quota_ttl``: what is left, and the seconds until it is renewed."""
    quota = state.quota or state.limit
    return {
        "limit": state.limit.remaining,
        "limit_ttl": state.limit.seconds_left,
        "quota": quota.remaining,
        "quota_ttl": quota.seconds_left,
    }


def limit_headers(state: Snapshot) -> dict[str, str]:
    """The same as ``x-whatanime-*`` headers."""
    return {
        f"x-whatanime-{name.replace('_', '-')}": str(value) for name, value in limit_fields(state).items()
    }
