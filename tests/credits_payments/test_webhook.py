"""The address of the provider's reports: who is believed, and what a fault is answered with."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.services import create_user
from credits.models import LedgerEntry, PaymentEvent
from credits.payments import events
from tests.credits_payments.conftest import Deliver, balance, go_to_checkout, post_webhook, tier_of
from tests.credits_payments.stand_in import Facts, StandIn, signed

COMPLETED = "checkout.session.completed"


@pytest.fixture
def event(stripe: StandIn, signed_in: Client) -> Facts:
    """A payment for 100 credits, not delivered yet."""
    go_to_checkout(signed_in)
    return stripe.event(COMPLETED, stripe.paid())


def refused(body: bytes, header: str | None) -> bool:
    answer = post_webhook(body, header)
    assert not PaymentEvent.objects.exists()
    return answer.status_code == 400 and json.loads(answer.content)["code"] == "INVALID_SIGNATURE"


def test_signature_of_another_secret_is_refused(event: Facts) -> None:
    assert refused(*signed(event, secret="whsec_other"))


def test_altered_body_is_refused(event: Facts) -> None:
    body, header = signed(event)
    assert refused(body.replace(b'"paid"', b'"paid" '), header)


@pytest.mark.parametrize("age_s", [301, 3600, 86_400 * 365])
def test_old_signature_is_refused(event: Facts, age_s: int) -> None:
    assert refused(*signed(event, at=int(time.time()) - age_s))


def test_fresh_timestamp_on_an_old_signature_is_refused(event: Facts) -> None:
    body, header = signed(event, at=int(time.time()) - 3600)
    assert refused(body, f"t={int(time.time())},{header.split(',', 1)[1]}")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "v1=00",
        "t=1",
        "t=,v1=",
        "t=now,v1=00",
        "t=1e999,v1=00",
        f"t={'9' * 5000},v1=00",
        "t=-1,v1=00",
        "t=1,v1=é",
        "t=1,v0=00",
        "=,=,=",
        "," * 3000,
    ],
)
def test_header_that_is_no_signature_is_refused(event: Facts, header: str | None) -> None:
    assert refused(json.dumps(event).encode(), header)


def test_body_that_is_no_text_is_refused(event: Facts) -> None:
    assert refused(b"\xff\xfe\x00", signed(b"{}")[1])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"[" * 50_000,
        b'{"object": "event"}',
        b'{"object": "event", "id": "evt_1", "type": "x", "created": 1, "data": []}',
        b'{"object": "event", "id": 7, "type": "x", "created": 1, "data": {"object": {}}}',
        b'{"object": "event", "id": "evt_1", "type": "x", "created": 1e400, "data": {"object": {}}}',
        b'{"object": "event", "id": "evt_1", "type": "x", "created": 99999999999999999, "data": {"object": {}}}',
    ],
)
def test_signed_nonsense_is_refused(stripe: StandIn, deliver: Deliver, body: bytes) -> None:
    assert deliver(body) == 400


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        (COMPLETED, {"mode": "payment", "metadata": {"order": "x"}}),
        ("charge.refunded", {"id": "ch_1", "amount": -1, "amount_refunded": 1}),
        ("charge.refunded", {"id": "ch_1", "amount": "1", "amount_refunded": None}),
        ("charge.dispute.created", {}),
        ("customer.subscription.updated", {"object": "subscription"}),
    ],
)
def test_known_event_of_an_unknown_shape_is_refused(
    stripe: StandIn, deliver: Deliver, kind: str, about: Facts
) -> None:
    assert deliver(stripe.event(kind, about)) == 400


@pytest.mark.parametrize("kind", ["customer.created", "payment_intent.succeeded", "x" * 250, "v2.new.thing"])
def test_unknown_event_is_ignored(stripe: StandIn, deliver: Deliver, kind: str) -> None:
    assert deliver(stripe.event(kind, {"id": "x"})) == 200
    assert not PaymentEvent.objects.exists()


def test_large_body_is_refused_before_it_is_read(stripe: StandIn, deliver: Deliver) -> None:
    assert deliver(b" " * (256 * 1024 + 1)) == 413


def test_cookies_and_form_tokens_do_not_count(stripe: StandIn, event: Facts, signed_in: Client) -> None:
    body, header = signed(event)
    answer = post_webhook(body, header)
    assert answer.status_code == 200
    assert not answer.cookies
    assert signed_in.post("/api/payments/stripe/webhook", body, content_type="text/plain").status_code == 400


@pytest.mark.parametrize(
    ("method", "status"), [("get", 405), ("put", 405), ("delete", 405), ("options", 200)]
)
def test_other_methods_are_refused(stripe: StandIn, client: Client, method: str, status: int) -> None:
    answer = getattr(client, method)("/api/payments/stripe/webhook")
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/api/payments", "/api/payments/", "/api/payments/stripe/webhook/x"])
def test_other_addresses_are_not_found(stripe: StandIn, client: Client, path: str) -> None:
    assert client.post(path).json()["code"] == "NOT_FOUND"


def test_without_keys_there_is_no_webhook(event: Facts, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = settings.STRIPE_WEBHOOK_SECRET = ""
    answer = post_webhook(*signed(event, secret=""))
    assert (answer.status_code, json.loads(answer.content)["code"]) == (404, "NOT_FOUND")


def test_fault_of_the_database_is_repeated_and_then_granted(
    event: Facts, deliver: Deliver, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise OperationalError("the database is gone")

    with monkeypatch.context() as broken:
        broken.setattr(events, "grant_credits", fail)
        assert [deliver(event), deliver(event)] == [503, 503]
    assert not PaymentEvent.objects.exists()
    assert deliver(event) == 200
    assert balance(user) == 100


def test_fault_of_ours_is_repeated_and_then_granted(
    event: Facts, deliver: Deliver, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(events, "_take_back", fail)
        assert deliver(event) == 500
    assert balance(user) == 0
    assert deliver(event) == 200
    assert balance(user) == 100


def at_once(events: list[Facts]) -> list[int]:
    """Deliver every event from a thread of its own, all from one moment on."""
    barrier = threading.Barrier(len(events))

    def post(event: Facts) -> int:
        try:
            barrier.wait(10)
            return post_webhook(*signed(event)).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(events)) as pool:
        return list(pool.map(post, events))


@pytest.fixture
def parallel_buyer(transactional_db: None, client: Client) -> User:
    user = create_user(email="parallel@example.com", password=None)
    client.force_login(user)
    return user


def test_parallel_deliveries_grant_once(parallel_buyer: User, stripe: StandIn, client: Client) -> None:
    go_to_checkout(client)
    session = stripe.paid()
    one = stripe.event(COMPLETED, session)
    other = stripe.event("checkout.session.async_payment_succeeded", session)
    refund = stripe.event("charge.refunded", stripe.charge(session, refunded=250))
    assert set(at_once([one, other, refund] * 4)) == {200}
    assert balance(parallel_buyer) == 50
    assert sorted(LedgerEntry.objects.values_list("amount", flat=True)) == [-50, 100]
    assert PaymentEvent.objects.count() == 3


def test_parallel_deliveries_of_a_subscription_end_with_its_last_state(
    parallel_buyer: User, stripe: StandIn, client: Client
) -> None:
    go_to_checkout(client, "pro-month")
    name = f"sub_of_{stripe.last_session()['id']}"
    for status, tier in (("active", "pro"), ("canceled", "free"), ("active", "pro")):
        stripe.subscribe(status=status)
        kinds = [f"customer.subscription.{kind}" for kind in ("created", "updated", "deleted", "resumed")]
        events = [stripe.event(kind, stripe.subscriptions[name]) for kind in kinds]
        assert set(at_once([*events, *events])) == {200}
        assert tier_of(parallel_buyer) == tier
