"""Days: where they begin, what is counted in them, and that no clock makes one twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from accounts.principal import Principal
from core.errors import DomainError
from credits.models import Counted, DayCount
from credits.policies import DayEdge, Product
from credits.reconcile import differences
from credits.services import admit, snapshot
from tests.policies import set_policy

pytestmark = pytest.mark.django_db

SetClock = Callable[[datetime], None]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GUEST = Principal.guest("203.0.113.1")


@pytest.fixture(autouse=True)
def _policies() -> None:
    """Two requests a day of either kind; the minute is no matter here."""
    set_policy(Product.TRACE_MOE, rate=None, daily=2)
    set_policy(Product.WHAT_ANIME, rate=None, daily=2)


@pytest.fixture(autouse=True)
def _reconciled() -> object:
    yield
    assert differences() == []


def let_in(product: Product, principal: Principal = GUEST, most: int = 12) -> int:
    """How many requests pass before one is refused."""
    for number in range(most):
        try:
            admit(principal=principal, product=product)
        except DomainError:
            return number
    return most


def test_day_of_trace_moe_begins_with_the_first_request(set_clock: SetClock) -> None:
    let = []
    for hours in (0, 12, 23.999, 24, 24.001, 47, 48, 100, 123.999, 124):
        set_clock(NOON + timedelta(hours=hours))
        let.append(let_in(Product.TRACE_MOE))
    assert let == [2, 0, 0, 2, 0, 0, 2, 2, 0, 2]
    assert list(DayCount.objects.order_by("serial").values_list("serial", "used")) == [
        (1, 2), (2, 2), (3, 2), (4, 2), (5, 2),
    ]  # fmt: skip


def test_day_that_begins_with_the_first_request_says_when_it_ends(set_clock: SetClock) -> None:
    set_clock(NOON)
    before = snapshot(principal=GUEST, product=Product.TRACE_MOE).quota
    assert before is not None
    assert (before.used, before.seconds_left) == (0, 86_400)
    admit(principal=GUEST, product=Product.TRACE_MOE)
    for seconds, left in [(0, 86_400), (0.5, 86_400), (3600, 82_800), (86_399.9, 1)]:
        set_clock(NOON + timedelta(seconds=seconds))
        state = snapshot(principal=GUEST, product=Product.TRACE_MOE).quota
        assert state is not None
        assert (state.used, state.seconds_left) == (1, left)
        assert state.resets_at == NOON + timedelta(days=1)
    set_clock(NOON + timedelta(days=1))
    after = snapshot(principal=GUEST, product=Product.TRACE_MOE).quota
    assert after is not None
    assert (after.used, after.seconds_left) == (0, 86_400)


def test_day_from_midnight_is_the_utc_day_whatever_clocks_on_walls_do(set_clock: SetClock) -> None:
    """The night of 29 March 2026 has 23 hours in Europe; the day has 24 here, and one grant."""
    let = []
    for moment in (
        datetime(2026, 3, 28, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 29, 0, 0, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 0, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 22, 0, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 30, 0, 0, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ):
        set_clock(moment)
        let.append(let_in(Product.WHAT_ANIME))
    assert let == [2, 2, 0, 0, 0, 0, 2, 2, 0]
    for row in DayCount.objects.all():
        assert row.ends_at - row.starts_at == timedelta(days=1)
        assert row.serial == row.starts_at.date().toordinal()


@pytest.mark.parametrize("product", [Product.TRACE_MOE, Product.WHAT_ANIME])
def test_clock_that_is_set_to_and_fro_gives_nothing_twice(set_clock: SetClock, product: Product) -> None:
    let = []
    for hours in (0, -1, -1, 24, 0, -1, 23, 24, 0):
        set_clock(NOON + timedelta(hours=hours))
        let.append(let_in(product))
    assert let == [2, 0, 0, 2, 0, 0, 0, 0, 0]


def test_clock_that_is_set_back_makes_no_day_longer_than_a_day(set_clock: SetClock) -> None:
    set_clock(NOON)
    admit(principal=GUEST, product=Product.TRACE_MOE)
    set_clock(NOON - timedelta(hours=5))
    state = snapshot(principal=GUEST, product=Product.TRACE_MOE).quota
    assert state is not None
    assert (state.used, state.seconds_left) == (1, 86_400)


def test_free_credits_are_of_the_utc_day_whatever_the_requests_day_is(
    set_clock: SetClock, member: Principal
) -> None:
    set_policy(Product.TRACE_MOE, "free", rate=None, daily=5, cost=1, free_credits=3)
    let = []
    for moment in (
        NOON,
        NOON + timedelta(hours=11.9),
        NOON + timedelta(hours=12),
        NOON + timedelta(hours=24),
    ):
        set_clock(moment)
        let.append(let_in(Product.TRACE_MOE, member))
    assert let == [3, 0, 2, 1]
    free = DayCount.objects.filter(counts=Counted.FREE_CREDITS)
    assert sorted(free.values_list("used", flat=True)) == [3, 3]


def test_day_whose_beginning_staff_change_is_another_day(set_clock: SetClock) -> None:
    set_clock(NOON)
    assert let_in(Product.TRACE_MOE) == 2
    set_policy(Product.TRACE_MOE, day_edge=DayEdge.UTC)
    assert [let_in(Product.TRACE_MOE), let_in(Product.TRACE_MOE)] == [2, 0]
    set_policy(Product.TRACE_MOE, day_edge=DayEdge.FIRST_USE)
    assert let_in(Product.TRACE_MOE) == 0
    set_clock(NOON + timedelta(days=1))
    assert let_in(Product.TRACE_MOE) == 2


def test_tier_that_changes_has_its_new_limit_at_once(member: Principal) -> None:
    from dataclasses import replace

    set_policy(Product.WHAT_ANIME, "pro", free_credits=13)
    assert let_in(Product.WHAT_ANIME, member) == 10
    pro = replace(member, tier="pro")
    assert let_in(Product.WHAT_ANIME, pro) == 3
    assert let_in(Product.WHAT_ANIME, member) == 0
    state = snapshot(principal=member, product=Product.WHAT_ANIME).free
    assert state is not None
    assert (state.used, state.remaining) == (13, 0)
    assert let_in(Product.API_V1, member) == 10
    assert let_in(Product.API_V1, pro, most=100) == 90
