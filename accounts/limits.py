"""Limits on what guesses passwords or sends mail: allauth's, so that pages and the JSON API share their counts."""

from __future__ import annotations

from math import ceil

from allauth.core import ratelimit
from allauth.core.internal.ratelimit import get_rates
from django.http import HttpRequest

from accounts.errors import TooManyAttempts
from accounts.models import User


def consume(request: HttpRequest, *, action: str, key: str | None = None, user: User | None = None) -> None:
    """Count a request under one of the names in ``ACCOUNT_RATE_LIMITS``.

    Raises:
        TooManyAttempts: the limit is used up.
    """
    if not ratelimit.consume(request, action=action, key=key, user=user):
        raise too_many(action)


def too_many(action: str) -> TooManyAttempts:
    """The refusal for an action; after its longest window it is certainly free again."""
    rates = get_rates(app="allauth.account", action=action)
    return TooManyAttempts(retry_after_s=ceil(max((rate.duration for rate in rates), default=60)))
