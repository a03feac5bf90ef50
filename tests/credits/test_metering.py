"""Who is let in, what it costs, and what comes back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from pytest_django import Settings

from accounts.principal import Principal, PrincipalKind
from core.errors import DomainError, Unavailable
from credits.errors import LimitExceeded, QuotaExhausted, RateLimited
from credits.services import (
    POLICIES,
    TRACE_MOE,
    WHAT_ANIME,
    Admission,
    Policy,
    admit,
    admitted,
    refund,
    snapshot,
)
from tests.credits.conftest import redis_cache

GUEST = Principal.guest("203.0.113.1")


def used(principal: Principal, product: str) -> tuple[int, int]:
    state = snapshot(principal=principal, product=product)
    return state.limit.used, state.quota.used if state.quota else 0


def let_in(principal: Principal, product: str, times: int) -> list[Admission]:
    return [admit(principal=principal, product=product) for _ in range(times)]


def test_policies_are_the_documented_ones() -> None:
    assert POLICIES[TRACE_MOE] == Policy(rate=10, rate_s=60, daily=150)
    assert (POLICIES[WHAT_ANIME].rate, POLICIES[WHAT_ANIME].rate_s) == (100, 3600)


def test_ten_of_two_hundred_simultaneous_requests_are_let_in(product: str) -> None:
    def ask(_: int) -> str:
        try:
            admit(principal=GUEST, product=product)
        except LimitExceeded as error:
            return error.code
        return "in"

    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(ask, range(200)))
    assert answers.count("in") == 10
    assert answers.count("RATE_LIMITED") == 190
    assert used(GUEST, product)[1] == 10


def test_day_is_exact_under_simultaneous_requests_and_refunds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICIES, "day", Policy(rate=10_000, rate_s=60, daily=10))

    def ask(number: int) -> Admission | None:
        try:
            return admit(principal=GUEST, product="day")
        except QuotaExhausted:
            return None

    with ThreadPoolExecutor(50) as pool:
        admissions = [admission for admission in pool.map(ask, range(200)) if admission]
        assert len(admissions) == 10
        # The refused ones took nothing: what is refunded can be used again, all of it.
        list(pool.map(lambda admission: refund(admission=admission), admissions[:4]))
        assert used(GUEST, "day")[1] == 6
        again = [admission for admission in pool.map(ask, range(200)) if admission]
    assert len(again) == 4


def test_rate_limit_says_what_is_left_and_when(product: str) -> None:
    let_in(GUEST, product, 10)
    with pytest.raises(RateLimited) as refusal:
        admit(principal=GUEST, product=product)
    state = refusal.value.data["snapshot"]
    assert (state.limit.remaining, state.quota.remaining) == (0, 5)
    assert 59 <= refusal.value.data["retry_after_s"] == state.limit.seconds_left <= 60


def test_quota_says_what_is_left_and_when(monkeypatch: pytest.MonkeyPatch, product: str) -> None:
    monkeypatch.setitem(POLICIES, product, Policy(rate=100, rate_s=60, daily=2))
    let_in(GUEST, product, 2)
    with pytest.raises(QuotaExhausted) as refusal:
        admit(principal=GUEST, product=product)
    state = refusal.value.data["snapshot"]
    assert (state.limit.remaining, state.quota.remaining) == (97, 0)
    assert 86_390 <= refusal.value.data["retry_after_s"] == state.quota.seconds_left <= 86_400


def test_rate_limited_request_takes_nothing_of_the_day(product: str) -> None:
    let_in(GUEST, product, 10)
    for _ in range(5):
        with pytest.raises(RateLimited):
            admit(principal=GUEST, product=product)
    assert used(GUEST, product)[1] == 10


def test_refund_gives_the_day_back_and_keeps_the_rate(product: str) -> None:
    (admission,) = let_in(GUEST, product, 1)
    refund(admission=admission)
    assert used(GUEST, product) == (1, 0)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_block_that_fails_is_refunded_and_its_error_passes(product: str, error: type[BaseException]) -> None:
    with pytest.raises(error), admitted(principal=GUEST, product=product):
        raise error
    assert used(GUEST, product) == (1, 0)


def test_block_that_ends_is_charged(product: str) -> None:
    with admitted(principal=GUEST, product=product) as admission:
        assert admission.snapshot.quota
        assert admission.snapshot.quota.remaining == 14
    assert used(GUEST, product) == (1, 1)


def test_refund_that_fails_does_not_hide_what_went_wrong(product: str, settings: Settings) -> None:
    def fail() -> None:
        with admitted(principal=GUEST, product=product):
            settings.CACHES = redis_cache("x", "redis://127.0.0.1:1/0")
            raise ValueError("the search's own error")

    with pytest.raises(ValueError, match="the search's own error"):
        fail()


def test_product_without_a_day_counts_the_rate_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICIES, "rate", Policy(rate=1, rate_s=60, daily=None))
    (admission,) = let_in(GUEST, "rate", 1)
    assert admission.snapshot.quota is None
    refund(admission=admission)
    with pytest.raises(RateLimited):
        admit(principal=GUEST, product="rate")


def test_products_are_counted_apart(product: str) -> None:
    let_in(GUEST, product, 10)
    let_in(GUEST, TRACE_MOE, 1)
    assert used(GUEST, TRACE_MOE) == (1, 1)


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
def test_guests_are_told_apart_by_their_network(product: str, one: str, other: str, same: bool) -> None:
    let_in(Principal.guest(one), product, 10)
    if same:
        with pytest.raises(RateLimited):
            admit(principal=Principal.guest(other), product=product)
    else:
        admit(principal=Principal.guest(other), product=product)


def test_user_is_counted_by_the_account_wherever_it_is(product: str) -> None:
    for number in range(10):
        admit(principal=user(1, f"203.0.113.{number}"), product=product)
    with pytest.raises(RateLimited):
        admit(principal=user(1, "198.51.100.1"), product=product)
    admit(principal=user(2, "203.0.113.1"), product=product)
    admit(principal=GUEST, product=product)


def user(user_id: int, address: str) -> Principal:
    return Principal(kind=PrincipalKind.USER, user_id=user_id, address=address, tier="free")


def test_operator_is_never_counted(product: str) -> None:
    for _ in range(50):
        with pytest.raises(ZeroDivisionError), admitted(principal=Principal.operator(), product=product):
            raise ZeroDivisionError
    assert used(Principal.operator(), product) == (0, 0)


def test_operators_refund_takes_nothing_off_an_unknown_guest(product: str) -> None:
    nobody = Principal.guest("")
    let_in(nobody, product, 3)
    refund(admission=admit(principal=Principal.operator(), product=product))
    assert used(nobody, product) == (3, 3)


def test_nobody_is_let_in_while_nothing_can_be_counted(product: str, settings: Settings) -> None:
    settings.CACHES = redis_cache("x", "redis://127.0.0.1:1/0")
    for call in (admit, snapshot):
        with pytest.raises(Unavailable):
            call(principal=GUEST, product=product)


def test_refusals_are_errors_of_the_domain() -> None:
    assert issubclass(RateLimited, LimitExceeded)
    assert issubclass(QuotaExhausted, LimitExceeded)
    assert issubclass(LimitExceeded, DomainError)
    assert {RateLimited.code, QuotaExhausted.code} == {"RATE_LIMITED", "QUOTA_EXHAUSTED"}


def test_keys_hold_nothing_that_a_cache_refuses(product: str) -> None:
    """Memcached's rules, which Django warns of: no space or control character, 250 characters at most."""
    admit(principal=Principal.guest("2001:db8:1:2::1"), product=product)
    cached = cache._cache  # type: ignore[attr-defined]
    assert len(cached) == 4
    for key in cached:
        assert len(key) < 250
        assert key.isprintable()
        assert " " not in key
