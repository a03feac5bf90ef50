"""Buying: a user is sent to the provider's pages, and comes back with nothing but a hope.

What is bought is granted by the provider's report alone: :mod:`credits.payments.events`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from accounts.models import User
from accounts.principal import Principal
from core.clock import now
from core.errors import DomainError
from credits.ledger import account_of
from credits.models import Order, OrderStatus, Subscription
from credits.payments.errors import AlreadySubscribed, NotSubscribed, TooManyCheckouts
from credits.payments.offers import offer_named
from credits.payments.port import CheckoutRequest
from credits.payments.provider import payment_provider
from credits.windows import hit_window

log = logging.getLogger(__name__)

#: Checkouts that a user may open in an hour: each is a row here and a call there.
MOST_CHECKOUTS = 20
_HOUR_S = 3600
#: A checkout ends after a day, and is reported within three: what was not paid by then never will be.
_UNPAID_KEPT = timedelta(days=30)


def open_checkout(
    *, principal: Principal, offer_name: str, success_url: Callable[[UUID], str], cancel_url: str
) -> str:
    """Write an order down, and open a checkout for it.

    Args:
        offer_name: of an offer in the settings; its price and credits come from there.
        success_url: where the buyer comes back to, by the order.

    Returns:
        The address of the provider's page.

    Raises:
        PaymentsOff, OfferUnknown, AlreadySubscribed, TooManyCheckouts: as the names say.
        ProviderUnavailable, ProviderRefused: the provider does not open it; the order is forgotten.
        Unavailable: the tries cannot be counted now.
    """
    provider, offer = payment_provider(), offer_named(offer_name)
    account = account_of(user_id=principal.account_id)
    if offer.tier and Subscription.objects.filter(account=account, runs=True).exists():
        raise AlreadySubscribed
    tries = hit_window(key=f"checkout:user:{principal.user_id}", limit=MOST_CHECKOUTS, length_s=_HOUR_S)
    if tries.used > tries.limit:
        raise TooManyCheckouts(retry_after_s=tries.seconds_left)
    unpaid = Order.objects.filter(account=account, status=OrderStatus.OPEN)
    unpaid.filter(created_at__lt=now() - _UNPAID_KEPT).delete()
    order = Order.objects.create(
        account=account,
        offer=offer.name,
        price_id=offer.price_id,
        credits=offer.credits,
        tier=offer.tier,
        amount=offer.amount,
        currency=offer.currency,
        created_at=now(),
    )
    request = CheckoutRequest(
        order_id=str(order.pk),
        offer=offer,
        email=User.objects.get(pk=principal.account_id).email,
        success_url=success_url(order.pk),
        cancel_url=cancel_url,
    )
    try:
        opened = provider.open_checkout(request)
    except DomainError:
        unpaid.filter(pk=order.pk).delete()
        raise
    unpaid.filter(pk=order.pk).update(session_id=opened.session_id)
    return opened.url


def open_billing(*, principal: Principal, return_url: str) -> str:
    """The address of the page at which a user manages the subscription, pays open bills and ends it.

    Raises:
        PaymentsOff, NotSubscribed, ProviderUnavailable, ProviderRefused: as the names say.
    """
    provider = payment_provider()
    found = Subscription.objects.filter(account__user_id=principal.account_id).order_by("-runs", "-read_at")
    newest = found.first()
    if newest is None:
        raise NotSubscribed
    return provider.open_billing(customer_id=newest.customer_id, return_url=return_url)


def end_subscriptions(*, subscription_ids: list[str]) -> None:
    """End the subscriptions of an account that was closed.

    What fails is only logged: the provider's next report of a subscription whose account is closed ends it.
    """
    for subscription_id in subscription_ids:
        try:
            payment_provider().cancel_subscription(subscription_id=subscription_id)
        except DomainError:
            log.exception("subscription %s of a closed account goes on for now", subscription_id)
