"""What is done with the provider's reports: each once, however often, however late, in whatever order."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.clock import now
from credits.errors import UserUnknown
from credits.ledger import grant_credits, revoke_credits
from credits.models import EntryKind, Order, OrderStatus, Payment, PaymentEvent
from credits.payment_models import EventOutcome
from credits.payments.outcomes import IGNORED, Result, done, kept
from credits.payments.port import (
    CheckoutReport,
    Event,
    ForStaff,
    MoneyBack,
    PaymentProvider,
    SubscriptionReport,
    SubscriptionState,
)
from credits.payments.provider import payment_provider
from credits.payments.subscriptions import is_orphan, take_subscription

log = logging.getLogger(__name__)

ACTOR = "stripe"


def take_event(*, body: bytes, signature: str) -> EventOutcome:
    """Act on a report of the provider, once.

    What cannot be matched is written down for staff. Anything that raises leaves nothing behind: the provider
    is answered with a fault, and repeats the report.

    Raises:
        PaymentsOff, EventUnsigned, EventMalformed: it is not taken.
        ProviderUnavailable, ProviderRefused: the provider cannot be asked how a subscription is.
    """
    provider = payment_provider()
    event = provider.read_event(body=body, signature=signature)
    if event.report is None:
        return EventOutcome.IGNORED
    if PaymentEvent.objects.filter(event_id=event.event_id).exists():
        return EventOutcome.DONE
    asked_at, state = now(), None
    if isinstance(event.report, SubscriptionReport):
        state = _read_subscription(provider, event.report.subscription_id)
    with transaction.atomic():
        row, is_new = PaymentEvent.objects.get_or_create(
            event_id=event.event_id,
            defaults={
                "kind": event.kind[:100],
                "outcome": EventOutcome.IGNORED,
                "created_at": event.created_at,
                "received_at": now(),
            },
        )
        if not is_new:
            return EventOutcome.DONE
        result = _act(event, state, asked_at)
        row.outcome, row.about, row.note = result.outcome, result.about[:255], result.note[:200]
        row.save(update_fields=["outcome", "about", "note"])
    if result.outcome is EventOutcome.KEPT:
        log.warning("%s %s is kept for staff: %s", event.kind, event.event_id, result.note)
    return result.outcome


def _read_subscription(provider: PaymentProvider, subscription_id: str) -> SubscriptionState | None:
    """How a subscription is; that of a closed account is ended, since nobody can use what it costs."""
    state = provider.read_subscription(subscription_id=subscription_id)
    if state is not None and state.runs and is_orphan(state):
        provider.cancel_subscription(subscription_id=subscription_id)
        state = provider.read_subscription(subscription_id=subscription_id)
    return state


def _act(event: Event, state: SubscriptionState | None, asked_at: datetime) -> Result:
    match event.report:
        case CheckoutReport() as report:
            return _take_checkout(report)
        case MoneyBack() as report:
            return _take_money_back(report)
        case SubscriptionReport(subscription_id=subscription_id):
            return take_subscription(subscription_id=subscription_id, state=state, asked_at=asked_at)
        case ForStaff(about=about, note=note):
            return kept(about, note)
        case None:
            return IGNORED


def _take_checkout(report: CheckoutReport) -> Result:
    """Grant the credits of an order that is paid now."""
    # Everybody takes the payment's lock before the order's, and the order's before the account's.
    payment = _locked_payment(report.payment_id) if report.payment_id else None
    order = _order(report.order_id)
    about = report.payment_id or report.session_id
    if order is None or not order.credits:
        return kept(about, "no such order of credits is known")
    if (order.session_id, order.price_id) != (report.session_id, report.price_id):
        return kept(about, f"it is not the checkout that was opened for order {order.pk}")
    if order.status == OrderStatus.PAID:
        return done(about)
    if not report.is_paid:
        if report.is_failed:
            order.status = OrderStatus.FAILED
        elif order.status == OrderStatus.OPEN:
            order.status = OrderStatus.PENDING
        order.save(update_fields=["status"])
        return done(about)
    if (order.amount, order.currency) != (report.subtotal, report.currency):
        return kept(about, f"{report.subtotal} {report.currency} is not the price of order {order.pk}")
    if payment is not None:
        payment.order, payment.amount = order, payment.amount or report.total
        payment.save(update_fields=["order", "amount"])
        # What was heard of the payment before could not be matched then.
        PaymentEvent.objects.filter(about=payment.payment_id, outcome=EventOutcome.KEPT).update(
            outcome=EventOutcome.DONE, note=""
        )
    order.status, order.paid_at = OrderStatus.PAID, now()
    order.save(update_fields=["status", "paid_at"])
    if not _grant(order):
        return kept(about, f"the account of order {order.pk} is closed: give the money back")
    return done(about, _take_back(payment, order) if payment is not None else "")


def _take_money_back(report: MoneyBack) -> Result:
    """Remember what went back of a payment, and take credits in proportion."""
    payment = _locked_payment(report.payment_id)
    payment.amount = payment.amount or report.amount
    payment.refunded = max(payment.refunded, report.refunded)
    payment.disputed = max(payment.disputed, report.disputed)
    payment.save(update_fields=["amount", "refunded", "disputed"])
    if payment.order is None:
        if _order(report.order_id) is not None:
            return done(report.payment_id, "its order is not paid yet")
        return kept(report.payment_id, "no order of credits is known for this payment")
    return done(report.payment_id, _take_back(payment, payment.order))


def _grant(order: Order) -> bool:
    """Grant what was ordered; whether there is still somebody to have it."""
    user_id = order.account.user_id
    if user_id is None:
        return False
    try:
        grant_credits(
            user_id=user_id,
            amount=order.credits,
            reason=f"{order.credits} credits bought",
            actor=ACTOR,
            kind=EntryKind.PURCHASE,
            key=f"order:{order.pk}",
        )
    except UserUnknown:
        return False
    return True


def _take_back(payment: Payment, order: Order) -> str:
    """Take the credits of the part of a payment that went back, as far as they are there; returns a note."""
    gone = min(payment.amount, payment.refunded + payment.disputed)
    wanted = order.credits * gone // payment.amount if payment.amount else 0
    more = wanted - payment.reversed_credits
    if more <= 0:
        return ""
    payment.reversed_credits = wanted
    payment.save(update_fields=["reversed_credits"])
    user_id, taken = order.account.user_id, 0
    if user_id is not None:
        entry = revoke_credits(
            user_id=user_id,
            amount=more,
            reason=f"Payment for {order.credits} credits returned",
            actor=ACTOR,
            kind=EntryKind.REVERSAL,
            key=f"order:{order.pk}:returned:{wanted}",
            as_far_as_possible=True,
        )
        taken = -entry.amount if entry is not None else 0
    return "" if taken == more else f"{more - taken} of {more} credits were used already"


def _locked_payment(payment_id: str) -> Payment:
    Payment.objects.bulk_create([Payment(payment_id=payment_id)], ignore_conflicts=True)
    # The order is fetched apart: a row that may be missing cannot be locked with it.
    return Payment.objects.select_for_update().get(payment_id=payment_id)


def _order(order_id: str) -> Order | None:
    try:
        key = UUID(order_id)
    except ValueError:
        return None
    return Order.objects.select_for_update(of=("self",)).select_related("account").filter(pk=key).first()
