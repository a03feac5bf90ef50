"""Changing tiers; a new tier's limits hold from the next request on."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import Tier, User


def set_tier(*, user_ids: Iterable[int], tier: Tier) -> int:
    """Put users into a tier; returns how many were in another one."""
    return User.objects.filter(pk__in=list(user_ids)).exclude(tier=tier).update(tier=tier)
