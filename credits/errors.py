"""Why a request is not admitted, or credits are not moved."""

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


class ConcurrencyExceeded(DomainError):
    """As many requests of the caller are being worked on as may be; ``data`` holds the ``snapshot``."""

    code = "CONCURRENCY_EXCEEDED"
    default_message = "Too many requests at a time. Please wait for the others to end."


class InsufficientCredits(DomainError):
    """No credits are left; ``data`` holds the ``snapshot`` and, as ``resets_at``, when free ones come again."""

    code = "INSUFFICIENT_CREDITS"
    default_message = "No credits remaining. Please purchase more."


class IdempotencyKeyInvalid(DomainError):
    """An idempotency key has 1 to 255 printable ASCII characters."""

    code = "INVALID_IDEMPOTENCY_KEY"
    default_message = "The Idempotency-Key must have 1 to 255 printable ASCII characters."


class IdempotencyKeyReused(DomainError):
    """The idempotency key named another request before."""

    code = "IDEMPOTENCY_KEY_REUSED"
    default_message = "This Idempotency-Key was used for another request."


class RequestRunning(DomainError):
    """The request of this idempotency key is being worked on; ``data`` has ``retry_after_s``."""

    code = "REQUEST_IN_PROGRESS"
    default_message = "This request is being worked on. Please ask again in a moment."


class AmountInvalid(DomainError):
    """Credits are moved in whole numbers from 1 to a million."""

    code = "AMOUNT_INVALID"
    default_message = "The amount must be a whole number from 1 to 1,000,000."


class ReasonMissing(DomainError):
    """Nobody moves credits without saying why."""

    code = "REASON_MISSING"
    default_message = "A reason is required."


class BalanceTooSmall(DomainError):
    """More credits were to be taken than there are."""

    code = "BALANCE_TOO_SMALL"
    default_message = "The balance is smaller than that."


class UserUnknown(DomainError):
    """Credits belong to a user."""

    code = "USER_UNKNOWN"
    default_message = "There is no such user."
