"""What can be wrong with buying, and with what the payment provider sends."""

from __future__ import annotations

from core.errors import DomainError, Unavailable


class PaymentsOff(DomainError):
    """The operator has set up no payments."""

    code = "PAYMENTS_OFF"
    default_message = "Nothing is sold here."


class OfferUnknown(DomainError):
    """What is to be bought is not on offer, or no longer."""

    code = "OFFER_UNKNOWN"
    default_message = "This is not on offer any more. Please choose again."


class AlreadySubscribed(DomainError):
    """The user has a subscription that runs: another one would be paid besides."""

    code = "ALREADY_SUBSCRIBED"
    default_message = "You have a subscription already. You can change it where you manage it."


class NotSubscribed(DomainError):
    """There is no subscription to manage."""

    code = "NOT_SUBSCRIBED"
    default_message = "You have no subscription."


class TooManyCheckouts(DomainError):
    """One user opened too many checkouts; ``data`` has ``retry_after_s``."""

    code = "TOO_MANY_CHECKOUTS"
    default_message = "Too many tries in a short time. Please wait a while."


class ProviderUnavailable(Unavailable):
    """The payment provider does not answer, or is out of order."""

    code = "PROVIDER_UNAVAILABLE"
    default_message = "The payment service does not answer. Nothing was charged. Please try again in a while."


class ProviderRefused(DomainError):
    """The payment provider does not take what we ask: a fault of our settings there or here."""

    code = "PROVIDER_REFUSED"
    default_message = "The payment page cannot be opened. Nothing was charged. The operator has been told."


class EventUnsigned(DomainError):
    """An event has no valid signature of the provider, or was signed too long ago."""

    code = "INVALID_SIGNATURE"
    default_message = "The signature is missing, wrong or too old."


class EventMalformed(DomainError):
    """An event is signed, and is no event."""

    code = "INVALID_EVENT"
    default_message = "The body is no event."
