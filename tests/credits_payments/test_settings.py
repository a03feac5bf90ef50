"""What is sold is set in the environment; a slip there stops the process, and says where."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings.payments import credit_packs, payment_settings, tier_subscriptions
from credits.payments.offers import Offer

KEYS = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}
NAMES = [*KEYS, "STRIPE_API_BASE", "CREDIT_PACKS", "TIER_SUBSCRIPTIONS", "CREDITS_CONTACT"]


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> object:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return payment_settings()


def test_nothing_is_sold_by_default() -> None:
    settings = payment_settings()
    assert (settings.secret_key, settings.packs, settings.subscriptions, settings.origins) == ("", (), (), ())


def test_forms_may_lead_to_stripe_with_keys_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    assert payment_settings().origins == ("https://checkout.stripe.com", "https://billing.stripe.com")


def test_packs_are_read() -> None:
    text = " 100:price_1A:4.99 EUR , 500:price_1B:19 usd, 9:price_1C:1200 JPY,8:price_1D:1.234 KWD,"
    assert credit_packs(text) == (
        (100, "price_1A", 499, "EUR"),
        (500, "price_1B", 1900, "USD"),
        (9, "price_1C", 1200, "JPY"),
        (8, "price_1D", 1234, "KWD"),
    )


def test_subscriptions_are_read() -> None:
    assert tier_subscriptions("pro:price_1A:9 EUR/month,pro:price_1B:90.50 EUR / year") == (
        ("pro", "price_1A", 900, "EUR", "month"),
        ("pro", "price_1B", 9050, "EUR", "year"),
    )


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (499, "EUR", "4.99 EUR"),
        (1900, "USD", "19.00 USD"),
        (1200, "JPY", "1200 JPY"),
        (1234, "KWD", "1.234 KWD"),
    ],
)
def test_price_is_shown_with_the_decimals_of_its_currency(amount: int, currency: str, shown: str) -> None:
    assert Offer("pack-1", "price_1", amount, currency, credits=1).price == shown


@pytest.mark.parametrize(
    "entry",
    ["100", "100:price_1", "100:price_1:5", "0:price_1:5 EUR", "-1:price_1:5 EUR", "ten:price_1:5 EUR",
     "1000001:price_1:5 EUR", "9999999999999:price_1:5 EUR", "100:prod_1:5 EUR", "100:price_1:five EUR",
     "100:price_1:NaN EUR", "100:price_1:inf EUR", "100:price_1:0 EUR", "100:price_1:-5 EUR", "100:price_1:5 EURO",
     "100:price_1:4.999 EUR", "100:price_1:4.5 JPY", "100:price_1:1e9 EUR", "１00:price_1:5 EUR",
     "100:price_1:5 EUR,100:price_2:5 EUR", "100:price_1:5 EUR,200:price_1:9 EUR", "100:price_1:5 EUR:x"],
)  # fmt: skip
def test_malformed_pack_stops_the_process(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="CREDIT_PACKS"):
        read(monkeypatch, **KEYS, CREDIT_PACKS=entry)


@pytest.mark.parametrize(
    "entry",
    ["pro:price_1:9 EUR", "pro:price_1:9 EUR/week", "free:price_1:9 EUR/month", "gold:price_1:9 EUR/month",
     "pro:price_1:9 EUR/month,pro:price_2:8 EUR/month", "pro:price_1:/month"],
)  # fmt: skip
def test_malformed_subscription_stops_the_process(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="TIER_SUBSCRIPTIONS"):
        read(monkeypatch, **KEYS, TIER_SUBSCRIPTIONS=entry)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"STRIPE_SECRET_KEY": "sk_test_1"}, "STRIPE_WEBHOOK_SECRET must be set"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_1"}, "STRIPE_SECRET_KEY must be set where STRIPE_WEBHOOK_SECRET"),
        ({"CREDIT_PACKS": "100:price_1:5 EUR"}, "STRIPE_SECRET_KEY must be set where CREDIT_PACKS"),
        ({"TIER_SUBSCRIPTIONS": "pro:price_1:5 EUR/month"}, "STRIPE_SECRET_KEY must be set where TIER"),
        ({**KEYS, "STRIPE_SECRET_KEY": "pk_live_1"}, "STRIPE_SECRET_KEY"),
        ({**KEYS, "STRIPE_WEBHOOK_SECRET": "secret"}, "STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_API_BASE": "http://api.example"}, "STRIPE_API_BASE"),
        ({"STRIPE_API_BASE": "http://[::1"}, "STRIPE_API_BASE"),
        ({"STRIPE_API_BASE": ""}, "STRIPE_API_BASE"),
        ({"CREDITS_CONTACT": "the operator"}, "CREDITS_CONTACT"),
        ({"CREDITS_CONTACT": "javascript:alert(1)"}, "CREDITS_CONTACT"),
        ({"CREDITS_CONTACT": "https://"}, "CREDITS_CONTACT"),
    ],
)
def test_slip_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=named):
        read(monkeypatch, **environment)


def test_malformed_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        read(monkeypatch, STRIPE_SECRET_KEY="hunter2", STRIPE_WEBHOOK_SECRET="whsec_1")
    assert "hunter2" not in str(error.value)
