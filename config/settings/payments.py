"""Selling credits: the payment provider, and what is on offer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import EmailValidator

from config.env import env

#: Where the buttons "buy" lead on to; the content policy has to name them.
_ORIGINS = ("https://checkout.stripe.com", "https://billing.stripe.com")
_API_BASE = "https://api.stripe.com"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PRICE_ID = re.compile(r"price_[A-Za-z0-9_]{1,240}")
_SECRET_KEY = re.compile(r"(?:sk|rk)_(?:test|live)_[A-Za-z0-9_]+")
_WEBHOOK_SECRET = re.compile(r"whsec_\S+")
_MOST_CREDITS = 1_000_000
#: Tiers that can be subscribed to, the lowest first.
_TIERS = ("pro", "business", "enterprise")
_INTERVALS = ("month", "year")
#: Currencies whose smallest unit is not a hundredth, as the provider counts (docs.stripe.com/currencies).
_DECIMALS = dict.fromkeys(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"],
    0,
) | dict.fromkeys(["BHD", "JOD", "KWD", "OMR", "TND"], 3)


#: Credits, price id, amount in the currency's smallest unit, currency.
Pack = tuple[int, str, int, str]
#: Tier, price id, amount in the currency's smallest unit, currency, interval.
Plan = tuple[str, str, int, str, str]


@dataclass(frozen=True, slots=True)
class PaymentSettings:
    """The provider's keys, the offers and the operator's address; without keys nothing is sold.

    Attributes:
        origins: where the buttons "buy" lead on to; the content policy has to name them.
        decimals: of currencies whose smallest unit is not a hundredth.
    """

    secret_key: str
    webhook_secret: str
    api_base: str
    packs: tuple[Pack, ...]
    subscriptions: tuple[Plan, ...]
    contact: str
    origins: tuple[str, ...]
    decimals: dict[str, int]


def payment_settings() -> PaymentSettings:
    """Read what selling needs.

    Raises:
        ImproperlyConfigured: a value is malformed, or one is missing that another needs; its name is said.
    """
    key, secret = env.str("STRIPE_SECRET_KEY", ""), env.str("STRIPE_WEBHOOK_SECRET", "")
    _check_secret("STRIPE_SECRET_KEY", key, _SECRET_KEY, "sk_test_, sk_live_, rk_test_ or rk_live_")
    _check_secret("STRIPE_WEBHOOK_SECRET", secret, _WEBHOOK_SECRET, "whsec_")
    packs = credit_packs(env.str("CREDIT_PACKS", ""))
    plans = tier_subscriptions(env.str("TIER_SUBSCRIPTIONS", ""))
    if key and not secret:
        raise ImproperlyConfigured(
            "STRIPE_WEBHOOK_SECRET must be set where STRIPE_SECRET_KEY is: nobody would get what they paid for"
        )
    needing = {"STRIPE_WEBHOOK_SECRET": secret, "CREDIT_PACKS": packs, "TIER_SUBSCRIPTIONS": plans}
    for name, value in needing.items():
        if value and not key:
            raise ImproperlyConfigured(f"STRIPE_SECRET_KEY must be set where {name} is")
    return PaymentSettings(
        secret_key=key,
        webhook_secret=secret,
        api_base=_api_base(env.str("STRIPE_API_BASE", _API_BASE)),
        packs=packs,
        subscriptions=plans,
        contact=_contact(env.str("CREDITS_CONTACT", "")),
        origins=_ORIGINS if key else (),
        decimals=_DECIMALS,
    )


def credit_packs(text: str) -> tuple[Pack, ...]:
    """Read ``100:price_1ABC:4.99 EUR,500:price_1DEF:19 EUR``.

    Raises:
        ImproperlyConfigured: it is malformed.
    """
    packs: list[Pack] = []
    for entry, first, price_id, price in _entries("CREDIT_PACKS", text):
        if not (first.isascii() and first.isdigit() and 1 <= int(first[:10]) <= _MOST_CREDITS):
            raise _malformed("CREDIT_PACKS", entry, f"its credits are no number from 1 to {_MOST_CREDITS}")
        packs.append((int(first), price_id, *_amount("CREDIT_PACKS", entry, price)))
    _check_once("CREDIT_PACKS", [str(pack[0]) for pack in packs], [pack[1] for pack in packs])
    return tuple(packs)


def tier_subscriptions(text: str) -> tuple[Plan, ...]:
    """Read ``pro:price_1ABC:9 EUR/month,business:price_1DEF:490 EUR/year``.

    Raises:
        ImproperlyConfigured: it is malformed.
    """
    name = "TIER_SUBSCRIPTIONS"
    plans: list[Plan] = []
    for entry, tier, price_id, price in _entries(name, text):
        money, _, interval = price.partition("/")
        if tier not in _TIERS:
            raise _malformed(name, entry, f"its tier is none of {', '.join(_TIERS)}")
        if interval.strip() not in _INTERVALS:
            raise _malformed(name, entry, "its price does not end with /month or /year")
        plans.append((tier, price_id, *_amount(name, entry, money), interval.strip()))
    _check_once(name, [f"{plan[0]} a {plan[4]}" for plan in plans], [plan[1] for plan in plans])
    return tuple(plans)


def _entries(name: str, text: str) -> list[tuple[str, str, str, str]]:
    entries = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        parts = [part.strip() for part in entry.split(":")]
        if len(parts) != 3:
            raise _malformed(name, entry, "it has not three parts with colons between them")
        if not _PRICE_ID.fullmatch(parts[1]):
            raise _malformed(name, entry, "its second part is no price id (price_…)")
        entries.append((entry, parts[0], parts[1], parts[2]))
    return entries


def _amount(name: str, entry: str, text: str) -> tuple[int, str]:
    """``4.99 EUR`` in the smallest unit of the currency."""
    number, _, currency = text.strip().partition(" ")
    currency = currency.strip().upper()
    try:
        amount = Decimal(number)
    except InvalidOperation:
        raise _malformed(name, entry, "its price is no amount and currency, such as 4.99 EUR") from None
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise _malformed(name, entry, "its price has no currency of three letters, such as 4.99 EUR")
    if not amount.is_finite() or not 0 < amount < 1_000_000:
        raise _malformed(name, entry, "its price is not between 0 and a million")
    units = amount.scaleb(_DECIMALS.get(currency, 2))
    if units != units.to_integral_value():
        raise _malformed(name, entry, f"its price has more decimals than {currency} has")
    return int(units), currency


def _check_once(name: str, offers: list[str], price_ids: list[str]) -> None:
    for values in (offers, price_ids):
        for value in values:
            if values.count(value) > 1:
                raise ImproperlyConfigured(f"{name}: {value!r} is there twice")


def _check_secret(name: str, value: str, pattern: re.Pattern[str], beginning: str) -> None:
    if value and not pattern.fullmatch(value):
        # The value is a secret: it is not repeated.
        raise ImproperlyConfigured(f"{name}: what is set is no key that begins with {beginning}")


def _api_base(value: str) -> str:
    parts = _url_parts(value)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not is_safe or not parts.hostname or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"STRIPE_API_BASE: {value!r} is no https address")
    return value.rstrip("/")


def _contact(value: str) -> str:
    """An e-mail address, or a page's address."""
    parts = _url_parts(value)
    if value and not (parts.scheme in ("http", "https") and parts.hostname):
        try:
            EmailValidator()(value)
        except ValidationError as error:
            raise ImproperlyConfigured(
                f"CREDITS_CONTACT: {value!r} is no e-mail address and no http(s) address"
            ) from error
    return value


def _url_parts(value: str) -> SplitResult:
    """The parts of an address; of what is none, empty ones."""
    try:
        return urlsplit(value)
    except ValueError:
        return urlsplit("")


def _malformed(name: str, entry: str, why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name}: {entry!r} cannot be used: {why}")
