"""What is stored of a user's credits and use, for the export of one's data, and what is left of it in the end."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction

from accounts.models import User
from credits.ledger import balance_of
from credits.models import Admission, CreditAccount, DayCount, Subscription
from credits.payments.checkout import end_subscriptions
from credits.payments.selectors import orders_of, subscription_of
from credits.selectors import export_credits, uses_by_day


def own_credits(user: User) -> dict[str, Any]:
    """Balance, ledger, orders, subscription and use of the days that are kept."""
    subscription = subscription_of(user_id=user.pk)
    return {
        "balance": balance_of(user_id=user.pk),
        "ledger": list(export_credits(user_id=user.pk)),
        "orders": [
            {
                "at": order.created_at.isoformat(),
                "offer": order.offer,
                "price": {"smallestUnits": order.amount, "currency": order.currency},
                "status": order.status,
            }
            for order in orders_of(user_id=user.pk).reverse()
        ],
        "subscription": {"tier": subscription.tier, "status": subscription.status} if subscription else None,
        "usesByDay": {
            day.day.isoformat(): day.uses for day in uses_by_day(user_id=user.pk, days=400) if day.uses
        },
    }


def forget_metering(user: User) -> None:
    """Part what must be kept of a user's credits from the user; to be called before the row is deleted.

    The ledger, orders and what was charged for stay, as those of a closed account. Answers that were kept to be
    said again go, and a subscription that runs is ended as soon as the deletion holds.
    """
    account = CreditAccount.objects.filter(user_id=user.pk).first()
    subject = f"user:{user.pk}"
    DayCount.objects.filter(subject=subject, admissions=None, free_admissions=None).delete()
    if account is None:
        return
    closed = f"closed:{account.pk}"
    DayCount.objects.filter(subject=subject).update(subject=closed)
    Admission.objects.filter(subject=subject).update(
        subject=closed, answer=None, idempotency_key="", request_sha256="", api_key_id=None
    )
    running = Subscription.objects.filter(account=account, runs=True)
    if subscription_ids := list(running.values_list("subscription_id", flat=True)):
        transaction.on_commit(partial(end_subscriptions, subscription_ids=subscription_ids), robust=True)
