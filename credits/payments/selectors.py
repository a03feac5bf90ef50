"""What is known of orders and subscriptions; nothing here writes."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from credits.models import Order, PaymentEvent, Subscription
from credits.payment_models import EventOutcome


def is_selling() -> bool:
    """Whether the operator has set up payments and something to pay for."""
    return bool(settings.STRIPE_SECRET_KEY and (settings.CREDIT_PACKS or settings.TIER_SUBSCRIPTIONS))


def has_billing() -> bool:
    """Whether what was bought can be managed, also where nothing is sold any more."""
    return bool(settings.STRIPE_SECRET_KEY)


def order_of(*, user_id: int, order_id: UUID) -> Order | None:
    """An order of a user's own."""
    return Order.objects.filter(pk=order_id, account__user_id=user_id).first()


def orders_of(*, user_id: int) -> QuerySet[Order]:
    """A user's orders, newest first."""
    return Order.objects.filter(account__user_id=user_id).order_by("-created_at", "-pk")


def subscription_of(*, user_id: int) -> Subscription | None:
    """The subscription that a user has: one that runs, else the last one."""
    return Subscription.objects.filter(account__user_id=user_id).order_by("-runs", "-read_at").first()


def events_for_staff() -> QuerySet[PaymentEvent]:
    """Events that could not be matched, newest first."""
    return PaymentEvent.objects.filter(outcome=EventOutcome.KEPT).order_by("-received_at")
