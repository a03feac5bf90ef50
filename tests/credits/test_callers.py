"""Whom a request is counted for, and what is known of it."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import connection
from pytest_django import Settings

from accounts.principal import Principal
from core.errors import DomainError, Unavailable
from credits.errors import (
    LimitExceeded,
    QuotaExhausted,
    RateLimited,
)
from credits.models import Admission, DayCount
from credits.policies import Product
from credits.services import admit, admitted, count_request, snapshot
from tests.credits.asking import GUEST, give_back, let_in, used, user
from tests.credits.conftest import redis_cache
from tests.policies import set_policy

pytestmark = pytest.mark.django_db

TRACE_MOE, WHAT_ANIME = Product.TRACE_MOE, Product.WHAT_ANIME


def test_products_are_counted_apart(product: Product) -> None:
    let_in(GUEST, product, 10)
    let_in(GUEST, WHAT_ANIME, 1)
    assert used(GUEST, WHAT_ANIME) == (1, 1)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.1", "203.0.113.1", True),
        ("203.0.113.1", "203.0.113.2", False),
        ("203.0.113.1", "::ffff:203.0.113.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("", "unknown", True),
        ("", "203.0.113.1", False),
    ],
)
@pytest.mark.parametrize("limits", [{"rate": 2}, {"rate": None, "daily": 2}], ids=["rate", "day"])
def test_guests_are_told_apart_by_their_network(
    limits: dict[str, int], one: str, other: str, same: bool
) -> None:
    set_policy(TRACE_MOE, **limits)
    let_in(Principal.guest(one), TRACE_MOE, 2)
    if same:
        with pytest.raises(LimitExceeded):
            admit(principal=Principal.guest(other), product=TRACE_MOE)
    else:
        admit(principal=Principal.guest(other), product=TRACE_MOE)


def test_user_is_counted_by_the_account_wherever_it_is() -> None:
    for number in range(10):
        admit(principal=user(1, f"203.0.113.{number}"), product=TRACE_MOE)
    with pytest.raises(RateLimited):
        admit(principal=user(1, "198.51.100.1"), product=TRACE_MOE)
    admit(principal=user(2, "203.0.113.1"), product=TRACE_MOE)
    admit(principal=GUEST, product=TRACE_MOE)


def test_operator_is_never_counted(product: Product) -> None:
    for _ in range(50):
        with pytest.raises(ZeroDivisionError), admitted(principal=Principal.operator(), product=product):
            raise ZeroDivisionError
    assert not Admission.objects.exists()
    assert not DayCount.objects.exists()


def test_snapshot_costs_nothing(product: Product, member: Principal) -> None:
    for principal in (GUEST, member):
        for each in Product:
            first = [snapshot(principal=principal, product=each) for _ in range(20)]
            assert first[0].quota is None or first[0].quota.used == 0
    assert not DayCount.objects.exists()
    assert not Admission.objects.exists()
    assert not cache._cache


def test_counted_requests_are_told_also_without_a_limit(member: Principal) -> None:
    for number in range(1, 11):
        state = count_request(principal=member, product=Product.API_V1)
        assert state.quota is not None
        assert (state.quota.limit, state.quota.used) == (10, number)
    with pytest.raises(QuotaExhausted) as refusal:
        count_request(principal=member, product=Product.API_V1)
    assert 1 <= refusal.value.data["retry_after_s"] <= 86_400
    enterprise = user(3, tier="enterprise")
    for number in range(1, 13):
        state = count_request(principal=enterprise, product=Product.API_V1)
        assert (state.quota, state.uncapped) == (None, number)
    assert DayCount.objects.get(subject=f"user:{enterprise.user_id}").used == 12
    assert not Admission.objects.exists()


def test_nobody_is_let_in_while_nothing_can_be_counted(
    product: Product, member: Principal, settings: Settings
) -> None:
    settings.CACHES = redis_cache("x", "redis://127.0.0.1:1/0")
    for principal in (GUEST, member):
        for call in (admit, snapshot):
            with pytest.raises(Unavailable) as failure:
                call(principal=principal, product=product)
            assert failure.value.data["retry_after_s"] > 0
    assert not Admission.objects.exists()
    assert not DayCount.objects.exists()


def test_refusals_are_errors_of_the_domain() -> None:
    assert issubclass(RateLimited, LimitExceeded)
    assert issubclass(QuotaExhausted, LimitExceeded)
    assert issubclass(LimitExceeded, DomainError)
    assert {RateLimited.code, QuotaExhausted.code} == {"RATE_LIMITED", "QUOTA_EXHAUSTED"}


def test_keys_hold_nothing_that_a_cache_refuses(product: Product) -> None:
    """Memcached's rules, which Django warns of: no space or control character, 250 characters at most."""
    admit(principal=Principal.guest("2001:db8:1:2::1"), product=product)
    cached = cache._cache
    assert len(cached) == 2
    for key in cached:
        assert len(key) < 250
        assert key.isprintable()
        assert " " not in key


@pytest.mark.parametrize("address", ["203.0.113.77", "2001:db8:aaaa:bbbb::1"])
def test_guests_address_is_nowhere_in_the_database(address: str) -> None:
    guest = Principal.guest(address)
    for product in (TRACE_MOE, WHAT_ANIME):
        (held,) = let_in(guest, product, 1)
        give_back(held)
        with admitted(principal=guest, product=product):
            pass
    texts = []
    with connection.cursor() as cursor:
        for model in apps.get_models():
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
            texts += [str(value) for row in cursor.fetchall() for value in row]
    subject = Admission.objects.first().subject
    assert subject in texts
    assert not [text for text in texts if address in text or address.split("::", maxsplit=1)[0] in text]
    assert len(subject) == len("ip:") + 40
