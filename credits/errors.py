"""Why a request is not admitted."""

from __future__ import annotations

from core.errors import DomainError


class LimitExceeded(DomainError):
    """A limit is used up; ``data`` holds the ``snapshot`` and the seconds until it is renewed."""

    code = "LIMIT_EXCEEDED"
    default_message = "The limit is used up. Please try again later."


class RateLimited(LimitExceeded):
    """Too many requests in a short time."""

    code = "RATE_LIMITED"
    default_message = "Too many requests. Please wait a moment."


class QuotaExhausted(LimitExceeded):
    """The day's allowance is used up."""

    code = "QUOTA_EXHAUSTED"
    default_message = "The daily allowance is used up."
