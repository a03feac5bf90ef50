"""Who is let in, what it costs, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache

from accounts.principal import Principal
from core.errors import DomainError
from credits.errors import (
    ConcurrencyExceeded,
    InsufficientCredits,
    QuotaExhausted,
    RateLimited,
)
from credits.ledger import balance_of, grant_credits
from credits.models import Admission, AdmissionStatus, DayCount, LedgerEntry
from credits.policies import LEASES, Product
from credits.reconcile import differences
from credits.services import Ticket, admit, admitted, count_request, settle, snapshot
from tests.credits.asking import GUEST, give_back, let_in, used
from tests.policies import set_policy

pytestmark = pytest.mark.django_db

SetClock = Callable[[datetime], None]
TRACE_MOE, WHAT_ANIME = Product.TRACE_MOE, Product.WHAT_ANIME


# The order in which limits are asked


def test_rate_limit_says_what_is_left_and_when(product: Product) -> None:
    let_in(GUEST, product, 10)
    with pytest.raises(RateLimited) as refusal:
        admit(principal=GUEST, product=product)
    state = refusal.value.data["snapshot"]
    assert (state.limit.remaining, state.quota.remaining) == (0, 5)
    assert 59 <= refusal.value.data["retry_after_s"] == state.limit.seconds_left <= 60


def test_quota_says_what_is_left_and_when(product: Product) -> None:
    set_policy(product, rate=100, daily=2)
    let_in(GUEST, product, 2)
    with pytest.raises(QuotaExhausted) as refusal:
        admit(principal=GUEST, product=product)
    state = refusal.value.data["snapshot"]
    assert (state.limit.remaining, state.quota.remaining) == (97, 0)
    assert 86_390 <= refusal.value.data["retry_after_s"] == state.quota.seconds_left <= 86_400


def test_rate_limited_request_takes_nothing_of_the_day(product: Product) -> None:
    let_in(GUEST, product, 10)
    for _ in range(5):
        with pytest.raises(RateLimited):
            admit(principal=GUEST, product=product)
    assert used(GUEST, product)[1] == 10


def test_limits_are_asked_in_their_order(member: Principal) -> None:
    """Rate window, day, free credits, bought ones: each is touched only when those before it let pass."""
    set_policy(WHAT_ANIME, "free", rate=6, rate_s=3600, daily=5, free_credits=2, cost=1)
    grant_credits(user_id=member.account_id, amount=2, reason="a test", actor="command")
    taken, came_to = [], []
    for _ in range(7):
        try:
            ticket = admit(principal=member, product=WHAT_ANIME)
            row = Admission.objects.get(pk=ticket.admission_id)
            taken.append((row.free, row.paid))
        except DomainError as error:
            came_to.append(error.code)
    assert taken == [(1, 0), (1, 0), (0, 1), (0, 1)]
    # Refusals for want of credits do not use the window up: whoever buys more can go on.
    assert came_to == ["INSUFFICIENT_CREDITS"] * 3
    state = snapshot(principal=member, product=WHAT_ANIME)
    assert state.quota is not None
    assert state.free is not None
    # A request that had no credits was not counted in the day.
    assert (state.quota.used, state.free.used, state.balance) == (4, 2, 0)
    grant_credits(user_id=member.account_id, amount=5, reason="a test", actor="command")
    cache.clear()
    admit(principal=member, product=WHAT_ANIME)
    with pytest.raises(QuotaExhausted):
        admit(principal=member, product=WHAT_ANIME)
    assert balance_of(user_id=member.account_id) == 4
    assert differences() == []


def test_use_that_costs_more_than_is_left_of_the_free_credits_is_paid_whole(member: Principal) -> None:
    set_policy(WHAT_ANIME, "free", free_credits=10, cost=4)
    grant_credits(user_id=member.account_id, amount=5, reason="a test", actor="command")
    let_in(member, WHAT_ANIME, 3)
    with pytest.raises(InsufficientCredits):
        admit(principal=member, product=WHAT_ANIME)
    state = snapshot(principal=member, product=WHAT_ANIME)
    assert state.free is not None
    assert (state.free.used, state.balance) == (8, 1)
    assert differences() == []


def test_guest_has_no_balance_to_pay_from() -> None:
    set_policy(WHAT_ANIME, cost=1, free_credits=1, daily=None)
    let_in(GUEST, WHAT_ANIME, 1)
    with pytest.raises(InsufficientCredits) as refusal:
        admit(principal=GUEST, product=WHAT_ANIME)
    assert refusal.value.data["snapshot"].balance is None
    assert refusal.value.data["resets_at"] > datetime.now(UTC)


def test_user_without_free_credits_is_not_told_when_they_come(member: Principal) -> None:
    with pytest.raises(InsufficientCredits) as refusal:
        admit(principal=member, product=Product.ANALYSIS)
    assert refusal.value.data["resets_at"] is None


def test_guest_has_none_of_what_is_for_users() -> None:
    for product in (Product.ANALYSIS, Product.API_V1):
        with pytest.raises(QuotaExhausted):
            admit(principal=GUEST, product=product)
    with pytest.raises(QuotaExhausted):
        count_request(principal=GUEST, product=Product.API_V1)


def test_limits_of_nothing_let_nobody_in_and_no_limits_let_everybody_in(member: Principal) -> None:
    set_policy(TRACE_MOE, "free", rate=None, daily=0)
    with pytest.raises(QuotaExhausted):
        admit(principal=member, product=TRACE_MOE)
    set_policy(TRACE_MOE, "free", rate=0, daily=None)
    with pytest.raises(RateLimited):
        admit(principal=member, product=TRACE_MOE)
    set_policy(TRACE_MOE, "free", rate=None, daily=None)
    (ticket,) = let_in(member, TRACE_MOE, 1)
    assert (ticket.snapshot.limit, ticket.snapshot.quota, ticket.snapshot.free) == (None, None, None)


# What comes back


def test_refund_gives_the_day_back_and_keeps_the_rate(product: Product) -> None:
    (ticket,) = let_in(GUEST, product, 1)
    assert give_back(ticket)
    assert used(GUEST, product) == (1, 0)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_block_that_fails_is_refunded_and_its_error_passes(
    member: Principal, error: type[BaseException]
) -> None:
    set_policy(WHAT_ANIME, "free", free_credits=0)
    grant_credits(user_id=member.account_id, amount=1, reason="a test", actor="command")
    with pytest.raises(error), admitted(principal=member, product=WHAT_ANIME):
        raise error
    assert balance_of(user_id=member.account_id) == 1
    assert list(LedgerEntry.objects.values_list("amount", flat=True).order_by("pk")) == [1, -1, 1]
    assert differences() == []


def test_block_that_ends_is_charged(product: Product) -> None:
    with admitted(principal=GUEST, product=product) as ticket:
        assert ticket.snapshot.quota
        assert ticket.snapshot.quota.remaining == 14
        assert Admission.objects.get().status == AdmissionStatus.HELD
    assert Admission.objects.get().status == AdmissionStatus.SETTLED
    assert used(GUEST, product) == (1, 1)


def test_refund_that_fails_does_not_hide_what_went_wrong(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> bool:
        raise RuntimeError("the refund's error")

    monkeypatch.setattr("credits.services.refund", broken)
    with (
        pytest.raises(ValueError, match="the search's own error"),
        admitted(principal=GUEST, product=product),
    ):
        raise ValueError("the search's own error")


def test_refund_is_given_once(member: Principal) -> None:
    set_policy(WHAT_ANIME, "free", free_credits=0)
    grant_credits(user_id=member.account_id, amount=1, reason="a test", actor="command")
    (ticket,) = let_in(member, WHAT_ANIME, 1)
    assert [give_back(ticket) for _ in range(3)] == [True, False, False]
    assert not settle(ticket=ticket)
    assert balance_of(user_id=member.account_id) == 1


def test_what_is_settled_is_not_given_back(product: Product) -> None:
    (ticket,) = let_in(GUEST, product, 1)
    assert settle(ticket=ticket)
    assert not settle(ticket=ticket)
    assert not give_back(ticket)
    assert used(GUEST, product)[1] == 1


def test_refund_is_of_the_day_that_was_charged(member: Principal, set_clock: SetClock) -> None:
    set_clock(datetime(2026, 3, 1, 23, 59, tzinfo=UTC))
    yesterdays = let_in(member, WHAT_ANIME, 10)
    set_clock(datetime(2026, 3, 2, 0, 1, tzinfo=UTC))
    let_in(member, WHAT_ANIME, 4)
    for ticket in yesterdays:
        give_back(ticket)
    assert list(DayCount.objects.order_by("serial").values_list("used", flat=True)) == [0, 4]
    assert differences() == []


def test_nothing_is_kept_of_a_request_that_was_refused(member: Principal) -> None:
    set_policy(WHAT_ANIME, "free", free_credits=0, daily=3)
    for _ in range(5):
        with pytest.raises(InsufficientCredits):
            admit(principal=member, product=WHAT_ANIME)
    assert not Admission.objects.exists()
    assert used(member, WHAT_ANIME)[1] == 0


# Requests at a time


def begin(principal: Principal, product: Product = TRACE_MOE) -> Ticket:
    return admit(principal=principal, product=product, limit_concurrency=True)


def test_tier_has_so_many_requests_at_a_time(member: Principal) -> None:
    set_policy(TRACE_MOE, "free", concurrency=2)
    first, second = begin(member), begin(member)
    for _ in range(3):
        with pytest.raises(ConcurrencyExceeded) as refusal:
            begin(member)
        assert refusal.value.data["snapshot"].quota.used == 2
    # What was refused took nothing of the day.
    assert used(member, TRACE_MOE)[1] == 2
    settle(ticket=first)
    third = begin(member)
    with pytest.raises(ConcurrencyExceeded):
        begin(member)
    give_back(second)
    begin(member)
    assert used(member, TRACE_MOE)[1] == 3
    assert settle(ticket=third)
    assert differences() == []


def test_requests_at_a_time_are_of_one_caller_and_product(member: Principal) -> None:
    begin(member)
    begin(GUEST)
    begin(member, WHAT_ANIME)
    # Where it is not asked for, it is not limited.
    let_in(member, TRACE_MOE, 3)
    with pytest.raises(ConcurrencyExceeded):
        begin(member)


def test_request_whose_process_died_is_in_nobodys_way(member: Principal, set_clock: SetClock) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    set_clock(noon)
    begin(member)
    set_clock(noon + LEASES[TRACE_MOE] - timedelta(seconds=1))
    with pytest.raises(ConcurrencyExceeded):
        begin(member)
    set_clock(noon + LEASES[TRACE_MOE])
    begin(member)
