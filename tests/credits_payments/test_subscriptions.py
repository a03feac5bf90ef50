"""A subscription gives its tier while it runs, in whatever order that is heard of."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Tier, User
from accounts.tiers import set_tier
from core.clock import now
from credits.models import Order, PaymentEvent, Subscription
from credits.payments.events import take_event
from credits.payments.provider import payment_provider
from credits.payments.selectors import events_for_staff
from credits.payments.subscriptions import take_subscription
from tests.credits_payments.conftest import Deliver, go_to_checkout, tier_of
from tests.credits_payments.stand_in import Facts, StandIn, signed

CREATED, UPDATED, DELETED = (f"customer.subscription.{each}" for each in ("created", "updated", "deleted"))


@pytest.fixture
def session(stripe: StandIn, signed_in: Client) -> Facts:
    """A checkout for the tier "pro" that was paid."""
    assert go_to_checkout(signed_in, "pro-month").status_code == 303
    return stripe.last_session()


def invoice(subscription: Facts, *, old: bool = False) -> Facts:
    name = subscription["id"]
    if old:
        return {"id": "in_1", "object": "invoice", "subscription": name}
    return {
        "id": "in_1",
        "object": "invoice",
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": name}},
    }


def test_subscribing_gives_the_tier(stripe: StandIn, session: Facts, deliver: Deliver, user: User) -> None:
    subscription = stripe.subscribe()
    assert deliver(stripe.event(CREATED, subscription)) == 200
    assert tier_of(user) == "pro"
    row = Subscription.objects.get()
    assert (row.runs, row.tier, row.customer_id) == (True, "pro", subscription["customer"])
    assert Order.objects.get().status == "paid"


@pytest.mark.parametrize("old", [True, False])
def test_any_event_of_a_subscription_gives_the_tier(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User, old: bool
) -> None:
    assert deliver(stripe.event("invoice.paid", invoice(stripe.subscribe(), old=old))) == 200
    assert tier_of(user) == "pro"


def test_completed_checkout_gives_the_tier(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    subscription = stripe.subscribe()
    deliver(stripe.event("checkout.session.completed", {**session, "subscription": subscription["id"]}))
    assert tier_of(user) == "pro"


@pytest.mark.parametrize("status", ["active", "trialing", "past_due"])
def test_running_subscription_gives_the_tier(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User, status: str
) -> None:
    deliver(stripe.event(UPDATED, stripe.subscribe(status=status)))
    assert tier_of(user) == "pro"


@pytest.mark.parametrize("status", ["incomplete", "incomplete_expired", "unpaid", "canceled", "paused"])
def test_subscription_that_is_not_paid_gives_none(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User, status: str
) -> None:
    deliver(stripe.event(CREATED, stripe.subscribe()))
    stripe.subscribe(status=status)
    deliver(stripe.event(UPDATED, stripe.subscribe(status=status)))
    assert tier_of(user) == "free"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_life_of_a_subscription_in_any_order_ends_free(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User, order: tuple[int, ...]
) -> None:
    events = [
        stripe.event(kind, stripe.subscribe(status=status), created=1_700_000_000)
        for kind, status in ((CREATED, "incomplete"), (UPDATED, "active"), (DELETED, "canceled"))
    ]
    for number in order:
        deliver(events[number])
        deliver(events[number])
    assert tier_of(user) == "free"
    assert Subscription.objects.get().status == "canceled"


def test_stale_event_does_not_bring_an_ended_tier_back(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    began = stripe.event(CREATED, stripe.subscribe())
    stripe.subscribe(status="canceled")
    deliver(began)
    assert tier_of(user) == "free"


def test_answer_to_an_earlier_question_is_no_news(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    name = stripe.subscribe()["id"]
    early, earlier = now(), payment_provider().read_subscription(subscription_id=name)
    stripe.subscribe(status="canceled")
    deliver(stripe.event(DELETED, stripe.subscriptions[name]))
    take_subscription(subscription_id=name, state=earlier, asked_at=early)
    assert tier_of(user) == "free"
    take_subscription(subscription_id=name, state=earlier, asked_at=now() + timedelta(seconds=1))
    assert tier_of(user) == "pro"


def test_change_of_plan_changes_the_tier(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    deliver(stripe.event(CREATED, stripe.subscribe()))
    deliver(stripe.event(UPDATED, stripe.subscribe(price="price_business")))
    assert tier_of(user) == "business"
    deliver(stripe.event(UPDATED, stripe.subscribe()))
    assert tier_of(user) == "pro"


def test_tier_that_staff_set_is_not_undone_by_a_renewal(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    subscription = stripe.subscribe()
    deliver(stripe.event(CREATED, subscription))
    set_tier(user_ids=[user.pk], tier=Tier.ENTERPRISE)
    deliver(stripe.event("invoice.paid", invoice(subscription)))
    deliver(stripe.event(UPDATED, subscription))
    assert tier_of(user) == "enterprise"


def test_tier_that_staff_set_is_not_undone_by_the_end(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    deliver(stripe.event(CREATED, stripe.subscribe()))
    set_tier(user_ids=[user.pk], tier=Tier.ENTERPRISE)
    deliver(stripe.event(DELETED, stripe.subscribe(status="canceled")))
    assert tier_of(user) == "enterprise"


def test_tier_that_staff_lowered_is_not_raised_by_a_late_event(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    subscription = stripe.subscribe()
    deliver(stripe.event(CREATED, subscription))
    set_tier(user_ids=[user.pk], tier=Tier.FREE)
    deliver(stripe.event(UPDATED, subscription))
    assert tier_of(user) == "free"


def test_lower_subscription_does_not_lower_what_staff_gave(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    set_tier(user_ids=[user.pk], tier=Tier.ENTERPRISE)
    deliver(stripe.event(CREATED, stripe.subscribe()))
    assert tier_of(user) == "enterprise"
    deliver(stripe.event(DELETED, stripe.subscribe(status="canceled")))
    assert tier_of(user) == "enterprise"


def test_what_staff_gave_before_comes_back_in_the_end(
    stripe: StandIn, signed_in: Client, deliver: Deliver, user: User
) -> None:
    set_tier(user_ids=[user.pk], tier=Tier.PRO)
    go_to_checkout(signed_in, "business-year")
    deliver(stripe.event(CREATED, stripe.subscribe()))
    assert tier_of(user) == "business"
    deliver(stripe.event(DELETED, stripe.subscribe(status="canceled")))
    assert tier_of(user) == "pro"


def test_best_of_two_subscriptions_counts(
    stripe: StandIn, signed_in: Client, deliver: Deliver, user: User
) -> None:
    go_to_checkout(signed_in, "pro-month")
    low = stripe.last_session()
    go_to_checkout(signed_in, "business-year")
    high = stripe.last_session()
    deliver(stripe.event(CREATED, stripe.subscribe(high)))
    deliver(stripe.event(CREATED, stripe.subscribe(low)))
    assert tier_of(user) == "business"
    deliver(stripe.event(DELETED, stripe.subscribe(high, status="canceled")))
    assert tier_of(user) == "pro"


def test_price_that_gives_no_tier_is_kept_for_staff(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    assert deliver(stripe.event(CREATED, stripe.subscribe(price="price_foreign"))) == 200
    assert (tier_of(user), events_for_staff().count()) == ("free", 1)


def test_subscription_of_another_shop_is_ignored(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    subscription = stripe.subscribe()
    subscription["metadata"] = {}
    assert deliver(stripe.event(CREATED, subscription)) == 200
    assert (tier_of(user), Subscription.objects.count()) == ("free", 0)
    assert PaymentEvent.objects.get().outcome == "ignored"


def test_subscription_that_the_provider_does_not_know_is_kept_for_staff(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    assert deliver(stripe.event(CREATED, {"id": "sub_gone", "object": "subscription"})) == 200
    assert events_for_staff().count() == 1


def test_event_is_repeated_when_the_provider_cannot_be_asked(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    event = stripe.event(CREATED, stripe.subscribe())
    stripe.fault = (500, "")
    stripe.asked.clear()
    assert deliver(event) == 503
    assert len(stripe.asked) == 1
    assert not PaymentEvent.objects.exists()
    stripe.fault = None
    assert deliver(event) == 200
    assert tier_of(user) == "pro"


def test_second_subscription_is_refused(
    stripe: StandIn, session: Facts, deliver: Deliver, signed_in: Client
) -> None:
    deliver(stripe.event(CREATED, stripe.subscribe()))
    answer = go_to_checkout(signed_in, "business-year")
    assert answer.status_code == 409
    assert "already" in answer.content.decode()
    assert go_to_checkout(signed_in, "pack-100").status_code == 303


def test_subscription_is_managed_at_the_provider(
    stripe: StandIn, session: Facts, deliver: Deliver, signed_in: Client
) -> None:
    assert signed_in.post(reverse("account-credits-billing")).status_code == 409
    subscription = stripe.subscribe()
    deliver(stripe.event(CREATED, subscription))
    answer = signed_in.post(reverse("account-credits-billing"))
    assert (answer.status_code, answer["Location"]) == (
        303,
        f"https://billing.stripe.com/p/session/{subscription['customer']}",
    )
    stripe.fault = (500, "")
    assert signed_in.post(reverse("account-credits-billing")).status_code == 503


def test_subscription_of_a_closed_account_is_ended(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    subscription = stripe.subscribe()
    deliver(stripe.event(CREATED, subscription))
    user.delete()
    assert take_event(**_sent(stripe.event("invoice.paid", invoice(subscription)))) == "kept"
    assert stripe.subscriptions[subscription["id"]]["status"] == "canceled"
    assert Subscription.objects.get().runs is False


def _sent(event: Facts) -> dict[str, object]:
    body, signature = signed(event)
    return {"body": body, "signature": signature}
