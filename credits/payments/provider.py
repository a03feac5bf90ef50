"""The payment provider that the settings name."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from credits.payments.errors import PaymentsOff
from credits.payments.port import PaymentProvider


def payment_provider() -> PaymentProvider:
    """The provider; the same object for the same settings, so that its connections are used again.

    Raises:
        PaymentsOff: the settings name none.
    """
    if not settings.STRIPE_SECRET_KEY:
        raise PaymentsOff
    return _stripe(settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET, settings.STRIPE_API_BASE)


@lru_cache(maxsize=4)
def _stripe(secret_key: str, webhook_secret: str, api_base: str) -> PaymentProvider:
    # The library is large: whoever sells nothing does not load it.
    from credits.payments.stripe_gateway import StripeGateway

    return StripeGateway(secret_key=secret_key, webhook_secret=webhook_secret, api_base=api_base)
