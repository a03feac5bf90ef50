"""A shop with two packs and two subscriptions, and somebody who is signed in to it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from accounts.services import create_user
from credits.ledger import balance_of
from credits.payments import provider
from credits.reconcile import differences
from tests.credits_payments.stand_in import SECRET_KEY, WEBHOOK_SECRET, Facts, StandIn, serve, signed

PACKS = ((100, "price_hundred", 499, "EUR"), (500, "price_many", 1900, "EUR"))
PLANS = (
    ("pro", "price_pro", 900, "EUR", "month"),
    ("business", "price_business", 49000, "EUR", "year"),
)

Deliver = Callable[..., int]


@pytest.fixture(autouse=True)
def _fresh_windows(settings: Settings) -> None:
    """Every test counts checkouts in a cache of its own."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid.uuid4().hex,
        }
    }


@pytest.fixture(scope="session")
def _stripe() -> Iterator[StandIn]:
    stand_in = StandIn()
    server = serve(stand_in)
    yield stand_in
    server.shutdown()
    server.server_close()


@pytest.fixture
def stripe(
    _stripe: StandIn, settings: Settings, db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StandIn]:
    """The shop's Stripe; whatever a test does, the books are right in the end."""
    import stripe

    _stripe.forget()
    _stripe.prices = {each[1]: (each[2], each[3].lower()) for each in (*PACKS, *PLANS)}
    settings.STRIPE_SECRET_KEY = SECRET_KEY
    settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
    settings.STRIPE_API_BASE = _stripe.url
    settings.CREDIT_PACKS = PACKS
    settings.TIER_SUBSCRIPTIONS = PLANS
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.01)
    provider._stripe.cache_clear()
    yield _stripe
    provider._stripe.cache_clear()
    assert differences() == []


@pytest.fixture
def user(db: None) -> User:
    return create_user(email="buyer@example.com", password="a long pass phrase 7")


@pytest.fixture
def signed_in(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


@pytest.fixture
def deliver(client: Client) -> Deliver:
    """Deliver an event to the webhook; the status of the answer is what Stripe goes by."""

    def post(event: Facts | bytes, **signing: Any) -> int:
        body, header = signed(event, **signing)
        return post_webhook(body, header).status_code

    return post


def post_webhook(body: bytes, header: str | None, **more: Any) -> HttpResponse:
    """Post as Stripe does: without cookies, and whatever Django's checks of forms say."""
    headers = {} if header is None else {"Stripe-Signature": header}
    return Client(enforce_csrf_checks=True).post(
        "/api/payments/stripe/webhook", body, content_type="application/json", headers=headers, **more
    )


def go_to_checkout(client: Client, offer: str = "pack-100") -> HttpResponse:
    return client.post(reverse("account-credits-buy"), {"offer": offer})


def tier_of(user: User) -> str:
    return User.objects.get(pk=user.pk).tier


def balance(user: User) -> int:
    return balance_of(user_id=user.pk)
