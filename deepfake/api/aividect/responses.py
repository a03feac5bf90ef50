"""What the aividect API answers."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from apikeys.models import ApiKey
from credits.services import Snapshot
from deepfake.selectors import AnalysisCounts

#: The document has a number here, and its language-neutral word where a tier is without limit ("무제한") is none.
UNLIMITED = None


def me_body(user: User, key: ApiKey | None, state: Snapshot) -> dict[str, Any]:
    """The user and the key; requests are counted for the user, whichever key they show."""
    return {
        "success": True,
        "user": {
            "id": user.pk,
            "username": user.name or user.email.partition("@")[0],
            "email": user.email,
            "tier": user.tier,
            "credits_balance": state.balance or 0,
        },
        "api_key": {
            "name": key.title if key else "",
            "prefix": key.prefix if key else "",
            "daily_requests": _used(state),
            "daily_limit": state.limits.daily,
        },
    }


def usage_body(tier: str, counts: AnalysisCounts, state: Snapshot) -> dict[str, Any]:
    """Analyses of today, of the last 7 and of the last 30 days, and what is left of the day's requests."""
    daily = state.limits.daily
    return {
        "success": True,
        "usage": {
            "credits_balance": state.balance or 0,
            "analyses_today": counts.today,
            "analyses_week": counts.week,
            "analyses_month": counts.month,
        },
        "limits": {
            "tier": tier,
            "daily_api_limit": daily,
            "daily_api_used": _used(state),
            "daily_api_remaining": UNLIMITED if daily is None else max(0, daily - _used(state)),
        },
    }


def _used(state: Snapshot) -> int:
    return state.quota.used if state.quota is not None else state.uncapped
