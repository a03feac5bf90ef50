"""API keys as lists show them; nothing here writes."""

from __future__ import annotations

from django.db.models import QuerySet

from apikeys.models import ApiKey


def keys_of(*, user_id: int) -> QuerySet[ApiKey]:
    """A user's keys, newest first, revoked ones among them."""
    return ApiKey.objects.filter(user_id=user_id).order_by("-created_at", "-pk")


def key_of(*, key_id: int) -> ApiKey | None:
    """The key that a principal showed, unless it was forgotten meanwhile."""
    return ApiKey.objects.filter(pk=key_id).first()
