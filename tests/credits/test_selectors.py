"""What is told of use, and how it is written into headers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import User
from accounts.principal import Principal
from credits.days import DayState
from credits.headers import ratelimit_headers
from credits.ledger import grant_credits, revoke_credits
from credits.models import LedgerEntry
from credits.policies import Limits, Product
from credits.selectors import count_uses, export_credits, ledger_of, uses_by_day
from credits.services import Snapshot, admit, admitted, count_request
from credits.windows import WindowState

SetClock = Callable[[datetime], None]
NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)
RESET = NOW + timedelta(hours=12)


def use(principal: Principal, product: Product, times: int = 1) -> None:
    for _ in range(times):
        with admitted(principal=principal, product=product):
            pass


@pytest.fixture
def used(member: Principal, set_clock: SetClock) -> Principal:
    for days_ago, product, times in [
        (30, Product.WHAT_ANIME, 9),
        (29, Product.WHAT_ANIME, 2),
        (1, Product.TRACE_MOE, 3),
        (1, Product.WHAT_ANIME, 1),
        (0, Product.WHAT_ANIME, 4),
    ]:
        set_clock(NOW - timedelta(days=days_ago))
        use(member, product, times)
    set_clock(NOW)
    for _ in range(5):
        count_request(principal=member, product=Product.API_V1)
    # Neither what failed, nor what is running, nor what others do is a use.
    with pytest.raises(ZeroDivisionError), admitted(principal=member, product=Product.WHAT_ANIME):
        raise ZeroDivisionError
    admit(principal=member, product=Product.WHAT_ANIME)
    use(Principal.guest("203.0.113.1"), Product.WHAT_ANIME)
    return member


def test_use_of_thirty_days_is_told_day_by_day(used: Principal) -> None:
    days = uses_by_day(user_id=used.account_id)
    assert [day.day for day in days] == [date(2026, 3, 1) + timedelta(days=number) for number in range(30)]
    told = {str(day.day): (day.total, day.uses) for day in days if day.total}
    assert told == {
        "2026-03-01": (2, {"whatanime": 2}),
        "2026-03-29": (4, {"tracemoe": 3, "whatanime": 1}),
        "2026-03-30": (9, {"whatanime": 4, "api_v1": 5}),
    }


def test_days_of_midnight_are_told_on_their_own_day(member: Principal, set_clock: SetClock) -> None:
    for moment in (NOW.replace(hour=0), NOW.replace(hour=23, minute=59, second=59, microsecond=999_999)):
        set_clock(moment)
        use(member, Product.WHAT_ANIME)
    assert [day.total for day in uses_by_day(user_id=member.account_id, days=2)] == [0, 2]


def test_user_without_use_has_thirty_empty_days(user: User) -> None:
    days = uses_by_day(user_id=user.pk)
    assert len(days) == 30
    assert sum(day.total for day in days) == 0


def test_uses_are_counted_since_a_moment(used: Principal) -> None:
    def count(since: datetime) -> int:
        return count_uses(user_id=used.account_id, product=Product.WHAT_ANIME, since=since)

    assert [count(NOW), count(NOW - timedelta(days=1)), count(datetime(2000, 1, 1, tzinfo=UTC))] == [4, 5, 16]


@pytest.mark.django_db
def test_ledger_is_told_newest_first_and_exported_oldest_first(user: User, set_clock: SetClock) -> None:
    other = User.objects.create_user("other@example.com", "x")
    grant_credits(user_id=other.pk, amount=1, reason="theirs", actor="command")
    set_clock(NOW)
    for amount in (5, 6):
        grant_credits(user_id=user.pk, amount=amount, reason="welcome", actor="staff:1")
    revoke_credits(user_id=user.pk, amount=2, reason="mistake", actor="staff:1")
    assert [entry.amount for entry in ledger_of(user_id=user.pk)] == [-2, 6, 5]
    exported = list(export_credits(user_id=user.pk))
    assert [entry["amount"] for entry in exported] == [5, 6, -2]
    assert set(exported[0]) == {"at", "kind", "amount", "product", "reason"}
    assert LedgerEntry.objects.count() == 4


@pytest.mark.parametrize(
    ("state", "policy", "left"),
    [
        (Snapshot(Limits(), None, None), None, None),
        (
            Snapshot(Limits(rate=100, rate_s=3600), WindowState(100, 3, 3599), None),
            '"window";q=100;w=3600',
            '"window";r=97;t=3599',
        ),
        (
            Snapshot(
                Limits(rate=10, daily=5), WindowState(10, 12, 1), DayState(5, 9, 43_200, RESET),
                DayState(10, 4, 7, RESET), 3,
            ),
            '"window";q=10;w=60, "day";q=5;w=86400, "free";q=10;w=86400',
            '"window";r=0;t=1, "day";r=0;t=43200, "free";r=6;t=7',
        ),
        (Snapshot(Limits(daily=0), None, DayState(0, 0, 5, RESET)), '"day";q=0;w=86400', '"day";r=0;t=5'),
    ],
)  # fmt: skip
def test_headers_say_every_limit_and_what_is_left_of_it(
    state: Snapshot, policy: str | None, left: str | None
) -> None:
    headers = ratelimit_headers(state)
    assert (headers.get("RateLimit-Policy"), headers.get("RateLimit")) == (policy, left)
