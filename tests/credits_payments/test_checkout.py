"""Going to the checkout, and what happens where the provider cannot be reached."""

from __future__ import annotations

import socket

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from credits.models import Order
from credits.payments import checkout, provider, stripe_gateway
from tests.credits_payments.conftest import balance, go_to_checkout
from tests.credits_payments.stand_in import StandIn


def refusal(client: Client, status: int, offer: str = "pack-100") -> str:
    """The page that says that nothing was bought; it leaves no order and leaks nothing."""
    answer = go_to_checkout(client, offer)
    page = answer.content.decode()
    assert answer.status_code == status
    assert 'role="alert"' in page
    assert not any(word in page for word in ("sk_test", "internals", "req_standin", "price_", "Traceback"))
    assert not Order.objects.exists()
    return page


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ((500, ""), 503),
        ((503, ""), 503),
        ((429, "rate_limit"), 503),
        ((400, "parameter_invalid"), 502),
        ((400, "resource_missing"), 502),
        ((401, ""), 502),
        ((402, "card_declined"), 502),
        ((403, ""), 502),
    ],
)
def test_error_of_the_provider_becomes_a_clear_message(
    stripe: StandIn, signed_in: Client, user: User, fault: tuple[int, str], status: int
) -> None:
    stripe.fault = fault
    assert "Nothing was charged" in refusal(signed_in, status)
    assert balance(user) == 0


def test_fault_of_the_provider_is_tried_again_under_the_same_name(stripe: StandIn, signed_in: Client) -> None:
    stripe.fault = (500, "")
    refusal(signed_in, 503)
    first, second = stripe.asked
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_provider_that_does_not_answer_is_not_waited_for(
    stripe: StandIn, signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_gateway, "TIMEOUT_S", 0.1)
    provider._stripe.cache_clear()
    stripe.delay_s = 0.4
    assert "does not answer" in refusal(signed_in, 503)


def test_provider_that_is_not_there(stripe: StandIn, signed_in: Client, settings: Settings) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.STRIPE_API_BASE = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert "does not answer" in refusal(signed_in, 503)


def test_wrong_secret_key_is_a_fault_of_ours(stripe: StandIn, signed_in: Client, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_wrong"
    refusal(signed_in, 502)


def test_price_that_is_not_the_one_shown_is_never_asked_for(
    stripe: StandIn, signed_in: Client, caplog: pytest.LogCaptureFixture
) -> None:
    stripe.prices["price_hundred"] = (599, "eur")
    refusal(signed_in, 502)
    assert "correct the settings" in caplog.text


@pytest.mark.parametrize(
    "offer", ["", "pack-1000000", "price_hundred", "enterprise-month", "\0", "x" * 10_000]
)
def test_offer_that_is_none_is_refused(stripe: StandIn, signed_in: Client, offer: str) -> None:
    assert "not on offer" in refusal(signed_in, 400, offer)
    assert stripe.asked == []


def test_checkouts_are_limited(stripe: StandIn, signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "MOST_CHECKOUTS", 2)
    assert [go_to_checkout(signed_in).status_code for _ in range(3)] == [303, 303, 429]
    assert int(go_to_checkout(signed_in)["Retry-After"]) > 0


def test_nobody_buys_without_signing_in(stripe: StandIn, client: Client) -> None:
    answer = go_to_checkout(client)
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))
    assert stripe.asked == []


def test_page_of_another_site_buys_nothing(stripe: StandIn, user: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    assert go_to_checkout(strict).status_code == 403
    assert stripe.asked == []


def test_coming_back_grants_nothing(stripe: StandIn, signed_in: Client, user: User) -> None:
    go_to_checkout(signed_in)
    order = Order.objects.get()
    for _ in range(2):
        page = signed_in.get(
            reverse("account-credits-order", args=[order.pk]), {"session_id": order.session_id}
        )
        assert "being confirmed" in page.content.decode()
    assert "nothing was charged" in signed_in.get(reverse("account-credits-cancelled")).content.decode()
    assert balance(user) == 0
    assert Order.objects.get().status == "open"


def test_order_of_somebody_else_is_not_found(stripe: StandIn, signed_in: Client, client: Client) -> None:
    go_to_checkout(signed_in)
    address = reverse("account-credits-order", args=[Order.objects.get().pk])
    stranger = Client()
    stranger.force_login(User.objects.create_user("stranger@example.com"))
    assert stranger.get(address).status_code == 404
    assert signed_in.get(address).status_code == 200


def test_without_keys_nothing_is_bought(stripe: StandIn, signed_in: Client, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    refusal(signed_in, 404)
    assert stripe.asked == []
