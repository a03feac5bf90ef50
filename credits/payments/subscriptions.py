"""Tiers that are subscribed to.

Events of a subscription come in any order and carry no number, several in the same second. So none is believed:
each makes us ask how the subscription is now, and of several answers the one to the latest question counts. The
last change of a subscription is followed by an event whose question sees it.
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from accounts.models import Tier, User
from accounts.tiers import set_tier
from core.clock import now
from credits.models import CreditAccount, Order, OrderStatus, PaidTier, Subscription
from credits.payments.offers import tier_of_price
from credits.payments.outcomes import IGNORED, Result, done, kept
from credits.payments.port import SubscriptionState

log = logging.getLogger(__name__)

#: Tiers from the least to the best.
_RANKS = {str(tier): rank for rank, tier in enumerate(Tier)}


def is_orphan(state: SubscriptionState) -> bool:
    """Whether the account of a subscription was closed."""
    known = (
        Subscription.objects.filter(subscription_id=state.subscription_id).select_related("account").first()
    )
    order = _order_of(state)
    account = known.account if known is not None else order.account if order is not None else None
    return account is not None and account.user_id is None


def take_subscription(*, subscription_id: str, state: SubscriptionState | None, asked_at: datetime) -> Result:
    """Write down how a subscription is, and give or take its tier; to be called in a transaction.

    Args:
        state: the answer; None where the provider knows the subscription no more.
        asked_at: when the question was sent.
    """
    if state is None:
        return kept(subscription_id, "the provider does not know this subscription")
    order = _order_of(state)
    known = Subscription.objects.filter(subscription_id=subscription_id).select_related("account").first()
    account = known.account if known is not None else order.account if order is not None else None
    if account is None:
        # Without a name of ours in it, it is another shop's with the same provider.
        return kept(subscription_id, "no such order is known") if state.order_id else IGNORED
    # Whoever changes this user's tier waits here.
    user = User.objects.select_for_update(of=("self",)).filter(credit_account=account).first()
    known = Subscription.objects.filter(subscription_id=subscription_id).first()
    if known is not None and known.read_at >= asked_at:
        return done(subscription_id, "a later answer is known")
    tier = _tier_of(state, order)
    price_id = state.price_ids[0] if state.price_ids else ""
    if not tier and known is None:
        return kept(subscription_id, f"its price {price_id} gives no tier")
    Subscription.objects.update_or_create(
        subscription_id=subscription_id,
        defaults={
            "account": account,
            "customer_id": state.customer_id,
            "price_id": price_id,
            "tier": tier or (known.tier if known is not None else ""),
            "status": state.status[:30],
            "runs": state.runs,
            "renews_at": state.renews_at,
            "ends": state.ends,
            "read_at": asked_at,
        },
    )
    if user is None:
        return kept(subscription_id, "its account is closed; it was ended")
    if order is not None and state.runs:
        Order.objects.filter(pk=order.pk).exclude(status=OrderStatus.PAID).update(
            status=OrderStatus.PAID, paid_at=now()
        )
    _set_tier(user, account)
    if not tier:
        return kept(subscription_id, f"its new price {price_id} gives no tier: the user has the one before")
    return done(subscription_id)


def _tier_of(state: SubscriptionState, order: Order | None) -> str:
    """The tier of a subscription's price; one that is no longer on offer still gives what was ordered."""
    for price_id in state.price_ids:
        if tier := tier_of_price(price_id):
            return tier
    return order.tier if order is not None and order.price_id in state.price_ids else ""


def _set_tier(user: User, account: CreditAccount) -> None:
    """Bring a user's tier in line with what the running subscriptions give.

    Only a change of what is paid for changes anything, so that a late event cannot undo what staff set
    meanwhile; a tier that staff set is never lowered, and comes back when the subscription ends.
    """
    running = Subscription.objects.filter(account=account, runs=True).values_list("tier", flat=True)
    best = max(running, key=_RANKS.__getitem__, default="")
    paid, _ = PaidTier.objects.get_or_create(account=account)
    if paid.tier == best:
        return
    base = paid.before if paid.given and user.tier == paid.tier else user.tier
    tier = max((base, best), key=lambda each: _RANKS.get(each, -1))
    paid.tier, paid.given, paid.before = best, tier != base, base
    paid.save()
    if tier != user.tier:
        log.info("tier of user %s: %s, was %s", user.pk, tier, user.tier)
        set_tier(user_ids=[user.pk], tier=Tier(tier))


def _order_of(state: SubscriptionState) -> Order | None:
    try:
        key = UUID(state.order_id)
    except ValueError:
        return None
    return Order.objects.select_related("account").filter(pk=key).exclude(tier="").first()
