"""A pack is paid for, and its credits come once: whatever the provider's reports do on their way."""

from __future__ import annotations

import time

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from credits.ledger import grant_credits, revoke_credits
from credits.models import EntryKind, LedgerEntry, Order, Payment, PaymentEvent
from credits.payments.selectors import events_for_staff
from tests.credits_payments.conftest import Deliver, balance, go_to_checkout, tier_of
from tests.credits_payments.stand_in import Facts, StandIn

COMPLETED = "checkout.session.completed"


@pytest.fixture
def session(stripe: StandIn, signed_in: Client) -> Facts:
    """A checkout of 100 credits that was paid, and is not reported yet."""
    assert go_to_checkout(signed_in).status_code == 303
    return stripe.paid()


def spend(user: User, amount: int) -> None:
    revoke_credits(user_id=user.pk, amount=amount, reason="spent", actor="test")


def test_checkout_is_opened_with_what_the_settings_say(
    stripe: StandIn, signed_in: Client, user: User
) -> None:
    response = signed_in.post(
        reverse("account-credits-buy"),
        {"offer": "pack-100", "credits": "1000000", "price": "price_many", "amount": "1"},
    )
    order = Order.objects.get()
    assert response["Location"] == f"https://checkout.stripe.com/c/pay/{order.session_id}"
    assert (order.credits, order.price_id, order.amount, order.currency) == (100, "price_hundred", 499, "EUR")
    (asked,) = stripe.asked
    assert asked.fields["line_items[0][price]"] == "price_hundred"
    assert asked.fields["payment_intent_data[metadata][order]"] == str(order.pk)
    assert asked.fields["customer_email"] == user.email
    assert asked.fields["success_url"].endswith(f"/account/credits/orders/{order.pk}")
    assert asked.headers["idempotency-key"] == f"order-{order.pk}"
    assert balance(user) == 0


def test_paid_pack_is_granted(stripe: StandIn, session: Facts, deliver: Deliver, user: User) -> None:
    assert deliver(stripe.event(COMPLETED, session)) == 200
    assert balance(user) == 100
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.amount, entry.actor) == (EntryKind.PURCHASE, 100, "stripe")
    assert Order.objects.get().status == "paid"


def test_repeated_event_grants_once(stripe: StandIn, session: Facts, deliver: Deliver, user: User) -> None:
    event = stripe.event(COMPLETED, session)
    assert [deliver(event) for _ in range(5)] == [200] * 5
    assert balance(user) == 100
    assert PaymentEvent.objects.count() == 1


def test_two_events_of_one_payment_grant_once(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    for kind in (COMPLETED, "checkout.session.async_payment_succeeded", COMPLETED):
        assert deliver(stripe.event(kind, session)) == 200
    assert balance(user) == 100


def test_late_event_grants_although_the_pack_is_no_longer_on_offer(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User, settings: Settings
) -> None:
    settings.CREDIT_PACKS = ((7, "price_hundred", 999, "USD"),)
    assert deliver(stripe.event(COMPLETED, session, created=int(time.time()) - 3 * 86_400)) == 200
    assert balance(user) == 100


def test_money_on_its_way_is_granted_when_it_is_there(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    deliver(stripe.event(COMPLETED, {**session, "payment_status": "unpaid"}))
    assert (balance(user), Order.objects.get().status) == (0, "pending")
    deliver(stripe.event("checkout.session.async_payment_succeeded", session))
    assert (balance(user), Order.objects.get().status) == (100, "paid")


def test_report_of_money_on_its_way_that_comes_last_changes_nothing(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    waiting = stripe.event(COMPLETED, {**session, "payment_status": "unpaid"})
    deliver(stripe.event("checkout.session.async_payment_succeeded", session))
    deliver(waiting)
    assert (balance(user), Order.objects.get().status) == (100, "paid")


def test_money_that_never_came_is_not_granted(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    unpaid = {**session, "payment_status": "unpaid"}
    deliver(stripe.event("checkout.session.async_payment_failed", unpaid))
    deliver(stripe.event(COMPLETED, unpaid))
    assert (balance(user), Order.objects.get().status) == (0, "failed")


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"order": "", "price": "price_hundred"}},
        {"metadata": {}},
        {"metadata": None},
        {"mode": "setup"},
    ],
)
def test_checkout_of_another_shop_is_ignored(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User, change: Facts
) -> None:
    assert deliver(stripe.event(COMPLETED, {**session, **change})) == 200
    assert (balance(user), PaymentEvent.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"price": "price_many"},
        {"price": "price_of_somebody_else"},
        {"order": "5f0c2b0e-0000-4000-8000-000000000000"},
        {"order": "1 OR 1=1"},
        {"order": "\0"},
    ],
)
def test_checkout_that_does_not_match_its_order_is_kept_for_staff(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User, change: Facts
) -> None:
    assert deliver(stripe.event(COMPLETED, {**session, "metadata": {**session["metadata"], **change}})) == 200
    assert balance(user) == 0
    assert events_for_staff().count() == 1


@pytest.mark.parametrize(
    "change", [{"id": "cs_other"}, {"amount_subtotal": 1}, {"currency": "jpy"}, {"amount_subtotal": 0}]
)
def test_checkout_of_another_price_is_kept_for_staff(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User, change: Facts
) -> None:
    assert deliver(stripe.event(COMPLETED, {**session, **change})) == 200
    assert balance(user) == 0
    assert events_for_staff().count() == 1


def test_payment_for_a_closed_account_is_kept_for_staff(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    user.delete()
    event = stripe.event(COMPLETED, session)
    assert [deliver(event), deliver(event)] == [200, 200]
    assert "closed" in events_for_staff().get().note
    assert deliver(stripe.event("charge.refunded", stripe.charge(session, refunded=499))) == 200
    assert not LedgerEntry.objects.exists()


def test_discount_and_tax_change_no_credits(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    deliver(stripe.event(COMPLETED, {**session, "amount_total": 594}))
    assert balance(user) == 100


def test_pack_for_nothing_is_granted(stripe: StandIn, session: Facts, deliver: Deliver, user: User) -> None:
    free = {**session, "payment_status": "no_payment_required", "payment_intent": None, "amount_total": 0}
    deliver(stripe.event(COMPLETED, free))
    deliver(stripe.event(COMPLETED, free))
    assert balance(user) == 100


# --- money that goes back


@pytest.fixture
def bought(stripe: StandIn, session: Facts, deliver: Deliver) -> Facts:
    deliver(stripe.event(COMPLETED, session))
    return session


def test_refund_takes_the_credits(stripe: StandIn, bought: Facts, deliver: Deliver, user: User) -> None:
    event = stripe.event("charge.refunded", stripe.charge(bought, refunded=499))
    assert [deliver(event) for _ in range(3)] == [200] * 3
    assert balance(user) == 0
    assert LedgerEntry.objects.get(kind=EntryKind.REVERSAL).amount == -100


def test_partial_refunds_take_credits_in_proportion(
    stripe: StandIn, bought: Facts, deliver: Deliver, user: User
) -> None:
    balances = []
    for refunded in (100, 250, 499):
        deliver(stripe.event("charge.refunded", stripe.charge(bought, refunded=refunded)))
        balances.append(balance(user))
    assert balances == [80, 50, 0]


def test_partial_refunds_in_the_wrong_order_come_to_the_same(
    stripe: StandIn, bought: Facts, deliver: Deliver, user: User
) -> None:
    for refunded in (250, 100, 250, 100):
        deliver(stripe.event("charge.refunded", stripe.charge(bought, refunded=refunded)))
    assert balance(user) == 50


def test_late_refund_does_not_hide_an_earlier_one_from_a_dispute(
    stripe: StandIn, bought: Facts, deliver: Deliver, user: User
) -> None:
    for refunded in (250, 100):
        deliver(stripe.event("charge.refunded", stripe.charge(bought, refunded=refunded)))
    deliver(stripe.event("charge.dispute.created", stripe.dispute(bought, amount=249)))
    assert balance(user) == 0


def test_refund_after_spending_takes_what_is_left(
    stripe: StandIn, bought: Facts, deliver: Deliver, user: User
) -> None:
    spend(user, 70)
    deliver(stripe.event("charge.refunded", stripe.charge(bought, refunded=499)))
    assert balance(user) == 0
    assert "70 of 100" in PaymentEvent.objects.get(kind="charge.refunded").note
    grant_credits(user_id=user.pk, amount=50, reason="gift", actor="test")
    deliver(stripe.event("charge.refunded", stripe.charge(bought, refunded=499)))
    assert balance(user) == 50


def test_refund_takes_no_more_than_was_bought(
    stripe: StandIn, bought: Facts, deliver: Deliver, user: User
) -> None:
    grant_credits(user_id=user.pk, amount=1000, reason="gift", actor="test")
    deliver(stripe.event("charge.refunded", stripe.charge(bought, refunded=499)))
    deliver(stripe.event("charge.dispute.created", stripe.dispute(bought)))
    assert balance(user) == 1000


def test_refund_that_overtakes_its_payment_is_taken_from_it(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    assert deliver(stripe.event("charge.refunded", stripe.charge(session, refunded=250))) == 200
    assert balance(user) == 0
    deliver(stripe.event(COMPLETED, session))
    assert balance(user) == 50


def test_dispute_takes_the_credits(stripe: StandIn, bought: Facts, deliver: Deliver, user: User) -> None:
    deliver(stripe.event("charge.dispute.created", stripe.dispute(bought)))
    assert balance(user) == 0


def test_dispute_that_overtakes_its_payment_is_taken_from_it(
    stripe: StandIn, session: Facts, deliver: Deliver, user: User
) -> None:
    assert deliver(stripe.event("charge.dispute.created", stripe.dispute(session))) == 200
    assert events_for_staff().count() == 1
    deliver(stripe.event(COMPLETED, session))
    assert balance(user) == 0
    assert events_for_staff().count() == 0


def test_dispute_that_was_won_is_for_staff(
    stripe: StandIn, bought: Facts, deliver: Deliver, user: User
) -> None:
    deliver(stripe.event("charge.dispute.closed", stripe.dispute(bought, status="lost")))
    assert events_for_staff().count() == 0
    deliver(stripe.event("charge.dispute.closed", stripe.dispute(bought, status="won")))
    assert "grant" in events_for_staff().get().note
    assert balance(user) == 100


def test_refund_of_something_else_is_kept_for_staff(
    stripe: StandIn, bought: Facts, deliver: Deliver, user: User
) -> None:
    other = {**stripe.charge(bought, refunded=499), "payment_intent": "pi_other", "metadata": {}}
    assert deliver(stripe.event("charge.refunded", other)) == 200
    assert balance(user) == 100
    assert events_for_staff().count() == 1


def test_second_purchase_is_apart_from_the_first(
    stripe: StandIn, bought: Facts, signed_in: Client, deliver: Deliver, user: User
) -> None:
    go_to_checkout(signed_in, "pack-500")
    deliver(stripe.event(COMPLETED, stripe.paid()))
    assert balance(user) == 600
    deliver(stripe.event("charge.refunded", stripe.charge(bought, refunded=499)))
    assert balance(user) == 500
    assert Payment.objects.count() == 2
    assert tier_of(user) == "free"
