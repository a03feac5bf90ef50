"""What is exported of a user's credits, and what is left of them when the account is deleted."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from accounts.personal_data import erase_personal_data, export_personal_data
from accounts.principal import Principal, PrincipalKind
from credits.ledger import grant_credits
from credits.models import Admission, CreditAccount, DayCount, LedgerEntry
from credits.policies import Product
from credits.reconcile import differences
from credits.services import admitted, count_request
from tests.credits_payments.conftest import Deliver, go_to_checkout
from tests.credits_payments.stand_in import StandIn


@pytest.fixture
def used(user: User) -> User:
    """Somebody who has credits, used free and bought ones, and has answers kept."""
    grant_credits(user_id=user.pk, amount=5, reason="gift", actor="test")
    principal = Principal(kind=PrincipalKind.USER, user_id=user.pk, tier="free")
    for _ in range(12):
        with admitted(principal=principal, product=Product.WHAT_ANIME) as ticket:
            ticket.answer = {"title": "private"}
    count_request(principal=principal, product=Product.API_V1)
    return user


def close(user: User) -> None:
    erase_personal_data(user)
    user.delete()


def test_export_has_balance_ledger_orders_and_use(
    stripe: StandIn, used: User, signed_in: Client, deliver: Deliver
) -> None:
    go_to_checkout(signed_in)
    deliver(stripe.event("checkout.session.completed", stripe.paid()))
    found = json.loads(json.dumps(export_personal_data(used)))["credits"]
    assert found["balance"] == 103
    assert [entry["amount"] for entry in found["ledger"]] == [5, -1, -1, 100]
    assert found["orders"][0]["price"] == {"smallestUnits": 499, "currency": "EUR"}
    assert list(found["usesByDay"].values()) == [{"whatanime": 12, "api_v1": 1}]


def test_export_of_somebody_without_credits_is_empty(user: User) -> None:
    assert export_personal_data(user)["credits"]["ledger"] == []


def test_deletion_keeps_the_ledger_without_its_owner(used: User) -> None:
    subject = f"user:{used.pk}"
    close(used)
    assert LedgerEntry.objects.count() == 3
    assert CreditAccount.objects.get().user_id is None
    assert not Admission.objects.filter(subject=subject).exists()
    assert not Admission.objects.filter(answer__isnull=False).exists()
    assert not DayCount.objects.filter(subject=subject).exists()
    assert not DayCount.objects.filter(product=Product.API_V1).exists()
    assert differences() == []


def test_deletion_of_somebody_without_credits(user: User) -> None:
    close(user)
    assert not User.objects.exists()


def test_deletion_ends_the_subscription(
    stripe: StandIn,
    signed_in: Client,
    deliver: Deliver,
    user: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    go_to_checkout(signed_in, "pro-month")
    subscription = stripe.subscribe()
    deliver(stripe.event("customer.subscription.created", subscription))
    with django_capture_on_commit_callbacks(execute=True):
        close(user)
    assert stripe.subscriptions[subscription["id"]]["status"] == "canceled"


def test_deletion_holds_although_the_provider_does_not_answer(
    stripe: StandIn,
    signed_in: Client,
    deliver: Deliver,
    user: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    go_to_checkout(signed_in, "pro-month")
    deliver(stripe.event("customer.subscription.created", stripe.subscribe()))
    stripe.fault = (500, "")
    with django_capture_on_commit_callbacks(execute=True):
        close(user)
    assert not User.objects.exists()
