"""Which errors of buying the page shows, and with which status; every other one is a page of its own."""

from __future__ import annotations

from typing import Final

from core.errors import DomainError
from credits.payments.errors import (
    AlreadySubscribed,
    NotSubscribed,
    OfferUnknown,
    PaymentsOff,
    ProviderRefused,
    ProviderUnavailable,
    TooManyCheckouts,
)

_STATUSES: Final[dict[type[DomainError], int]] = {
    AlreadySubscribed: 409,
    NotSubscribed: 409,
    OfferUnknown: 400,
    PaymentsOff: 404,
    ProviderRefused: 502,
    ProviderUnavailable: 503,
    TooManyCheckouts: 429,
}


def is_told(error: DomainError) -> bool:
    """Whether the page says what is wrong."""
    return isinstance(error, tuple(_STATUSES))


def status_of(error: DomainError) -> int:
    """The status of the page that says it."""
    return next(_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)
