"""Stripe behind the port: https://docs.stripe.com/api, by Stripe's own library."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import stripe

from credits.payments.errors import (
    EventMalformed,
    EventUnsigned,
    ProviderRefused,
    ProviderUnavailable,
)
from credits.payments.port import (
    CheckoutRequest,
    Event,
    OpenedCheckout,
    SubscriptionState,
)
from credits.payments.stripe_reports import event_of, subscription_of

if TYPE_CHECKING:
    from stripe import RequestOptions
    from stripe.params.checkout import SessionCreateParams

log = logging.getLogger(__name__)

#: Seconds to connect, and to wait for an answer; somebody waits for the page, and Stripe for a webhook's answer.
TIMEOUT_S = (3.05, 6.0)
#: Tries after the first, where an answer is lost or Stripe has a fault; each repeats the same idempotency key.
RETRIES = 1
#: Seconds that a webhook's signature is good for: a delivery that somebody recorded cannot be sent again later.
TOLERANCE_S = 300

#: For calls on the way to a webhook's answer: Stripe repeats the webhook itself.
_ONCE: RequestOptions = {"max_network_retries": 0}

# No machine's name and no timings, and no file for them in the home directory.
stripe.enable_telemetry = False


class StripeGateway:
    """Implements :class:`~credits.payments.port.PaymentProvider`."""

    def __init__(self, *, secret_key: str, webhook_secret: str, api_base: str) -> None:
        self._webhook_secret = webhook_secret
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base},
            max_network_retries=RETRIES,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
        )

    def open_checkout(self, request: CheckoutRequest) -> OpenedCheckout:
        offer = request.offer
        facts = {"order": request.order_id, "price": offer.price_id}
        params: SessionCreateParams = {
            "mode": "subscription" if offer.tier else "payment",
            "line_items": [{"price": offer.price_id, "quantity": 1}],
            # A price may have amounts in several currencies: the one that the page showed is to be paid.
            "currency": offer.currency.lower(),
            "success_url": request.success_url,
            "cancel_url": request.cancel_url,
            "customer_email": request.email,
            "client_reference_id": request.order_id,
            "metadata": facts,
        }
        # What comes later (a refund, a renewal) does not name the checkout: it carries these facts itself.
        if offer.tier:
            params["subscription_data"] = {"metadata": facts}
        else:
            params["payment_intent_data"] = {"metadata": facts}
        with _translated("open a checkout"):
            session = self._client.v1.checkout.sessions.create(
                params, {"idempotency_key": f"order-{request.order_id}"}
            ).to_dict()
        subtotal, currency = session.get("amount_subtotal"), session.get("currency")
        if (subtotal, currency) != (offer.amount, offer.currency.lower()):
            log.error(
                "%s is offered for %s, and %s costs %s %s at Stripe: correct the settings",
                offer.name, offer.price, offer.price_id, subtotal, currency,
            )  # fmt: skip
            raise ProviderRefused
        return OpenedCheckout(_text(session.get("id")), _text(session.get("url")))

    def open_billing(self, *, customer_id: str, return_url: str) -> str:
        with _translated("open the billing portal"):
            session = self._client.v1.billing_portal.sessions.create(
                {"customer": customer_id, "return_url": return_url}
            ).to_dict()
        return _text(session.get("url"))

    def read_event(self, *, body: bytes, signature: str) -> Event:
        try:
            stripe.WebhookSignature.verify_header(body, signature, self._webhook_secret, TOLERANCE_S)
        except (stripe.SignatureVerificationError, ValueError, TypeError, OverflowError) as error:
            # Besides its own, the library lets through what Python says of signatures that are no ASCII text.
            raise EventUnsigned from error
        try:
            return event_of(json.loads(body))
        except (ValueError, TypeError, RecursionError, OverflowError) as error:
            raise EventMalformed from error

    def read_subscription(self, *, subscription_id: str) -> SubscriptionState | None:
        try:
            with _translated("read a subscription"):
                found = self._client.v1.subscriptions.retrieve(subscription_id, options=_ONCE).to_dict()
        except _Missing:
            return None
        try:
            return subscription_of(found)
        except (ValueError, TypeError, OverflowError) as error:
            raise ProviderRefused from error

    def cancel_subscription(self, *, subscription_id: str) -> None:
        try:
            with _translated("cancel a subscription"):
                self._client.v1.subscriptions.cancel(subscription_id, options=_ONCE)
        except _Missing:
            return


class _Missing(ProviderRefused):
    """Stripe knows nothing of this name."""


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn the library's errors into ours; its texts go nowhere, since they may quote keys and addresses."""
    try:
        yield
    except stripe.StripeError as error:
        facts = (type(error).__name__, error.http_status, error.code, error.request_id)
        log.warning("could not %s: %s, status %s, code %s, request %s", what, *facts)
        if isinstance(error, stripe.InvalidRequestError) and error.code == "resource_missing":
            raise _Missing from error
        is_outage = isinstance(error, (stripe.APIConnectionError, stripe.RateLimitError))
        if is_outage or (error.http_status or 500) >= 500:
            raise ProviderUnavailable(retry_after_s=30) from error
        raise ProviderRefused from error


def _text(value: Any) -> str:
    """A text that an answer must have.

    Raises:
        ProviderRefused: it has none.
    """
    if not isinstance(value, str) or not value:
        log.error("Stripe's answer lacks what it should have")
        raise ProviderRefused
    return value
