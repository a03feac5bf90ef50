"""Exact under parallel calls: real threads on SQLite, each with a connection of its own."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from accounts.principal import Principal
from core import clock
from core.errors import DomainError
from credits.errors import BalanceTooSmall, ConcurrencyExceeded
from credits.idempotency import NamedRequest
from credits.ledger import balance_of, grant_credits, revoke_credits
from credits.models import (
    Admission,
    AdmissionStatus,
    Counted,
    CreditAccount,
    DayCount,
    EntryKind,
    LedgerEntry,
)
from credits.policies import DayEdge, Product
from credits.reconcile import differences
from credits.services import Ticket, admit, admitted, refund, refund_expired, settle, snapshot
from tests.policies import set_policy
from tests.rankings.crowd import at_once

pytestmark = pytest.mark.django_db(transaction=True)

GUEST = Principal.guest("203.0.113.1")
NAME = NamedRequest("one", "a" * 64)


@pytest.fixture(autouse=True)
def _reconciled() -> object:
    yield
    assert differences() == []


def search(principal: Principal, product: Product, request: NamedRequest | None = None) -> str:
    try:
        with admitted(principal=principal, product=product, request=request) as ticket:
            if ticket.replay is not None:
                return "replayed"
            ticket.answer = {"by": threading.get_ident()}
    except DomainError as error:
        return error.code
    return "in"


def searches(
    principal: Principal, product: Product, threads: int, calls: int, **more: NamedRequest
) -> Counter[str]:
    def work() -> Counter[str]:
        return Counter(search(principal, product, **more) for _ in range(calls // threads))

    return sum(at_once([work] * threads), Counter())


@pytest.mark.parametrize("bought", [0, 10])
def test_fifty_searches_on_ten_credits(member: Principal, bought: int) -> None:
    if bought:
        set_policy(Product.WHAT_ANIME, "free", free_credits=0)
        grant_credits(user_id=member.account_id, amount=bought, reason="a test", actor="command")
    done = searches(member, Product.WHAT_ANIME, 50, 50)
    assert done == {"in": 10, "INSUFFICIENT_CREDITS": 40}
    assert balance_of(user_id=member.account_id) == 0
    assert LedgerEntry.objects.filter(kind=EntryKind.CHARGE).count() == bought


def test_fifty_searches_on_five_free_credits_and_five_bought_ones(member: Principal) -> None:
    set_policy(Product.WHAT_ANIME, "free", free_credits=5)
    grant_credits(user_id=member.account_id, amount=5, reason="a test", actor="command")
    assert searches(member, Product.WHAT_ANIME, 25, 50) == {"in": 10, "INSUFFICIENT_CREDITS": 40}
    assert balance_of(user_id=member.account_id) == 0


def test_two_hundred_calls_at_a_rate_of_ten() -> None:
    done = searches(GUEST, Product.TRACE_MOE, 100, 200)
    assert done == {"in": 10, "RATE_LIMITED": 190}


@pytest.mark.parametrize("edge", list(DayEdge))
def test_two_hundred_calls_at_ten_a_day(edge: DayEdge) -> None:
    set_policy(Product.TRACE_MOE, rate=None, daily=10, day_edge=edge)
    assert searches(GUEST, Product.TRACE_MOE, 40, 200) == {"in": 10, "QUOTA_EXHAUSTED": 190}
    # The first of many made the day's row.
    assert DayCount.objects.count() == 1


def test_what_is_given_back_can_be_used_again_all_of_it() -> None:
    set_policy(Product.TRACE_MOE, rate=None, daily=10)
    tickets = [admit(principal=GUEST, product=Product.TRACE_MOE) for _ in range(10)]
    ids = [ticket.admission_id for ticket in tickets[:4] if ticket.admission_id]
    refunds = at_once([partial(refund, admission_id=each) for each in ids * 5])
    assert sum(refunds) == 4
    assert searches(GUEST, Product.TRACE_MOE, 20, 40) == {"in": 4, "QUOTA_EXHAUSTED": 36}


def test_refund_that_many_ask_for_is_given_once(member: Principal) -> None:
    set_policy(Product.WHAT_ANIME, "free", free_credits=0, daily=5)
    grant_credits(user_id=member.account_id, amount=3, reason="a test", actor="command")
    ticket = admit(principal=member, product=Product.WHAT_ANIME)
    assert ticket.admission_id is not None
    given = at_once([partial(refund, admission_id=ticket.admission_id)] * 20)
    assert sum(given) == 1
    assert balance_of(user_id=member.account_id) == 3


def test_admission_is_settled_or_refunded_and_never_both(member: Principal) -> None:
    set_policy(Product.WHAT_ANIME, "free", free_credits=0)
    grant_credits(user_id=member.account_id, amount=10, reason="a test", actor="command")
    tickets = [admit(principal=member, product=Product.WHAT_ANIME) for _ in range(10)]

    def give_back(ticket: Ticket) -> str:
        assert ticket.admission_id is not None
        return "refunded" if refund(admission_id=ticket.admission_id) else ""

    def keep(ticket: Ticket) -> str:
        return "settled" if settle(ticket=ticket) else ""

    ends = Counter(at_once([partial(end, ticket) for ticket in tickets for end in (give_back, keep)]))
    assert ends["settled"] + ends["refunded"] == ends[""] == 10
    assert balance_of(user_id=member.account_id) == ends["refunded"]
    assert Admission.objects.filter(status=AdmissionStatus.SETTLED).count() == ends["settled"]


def test_sweeps_at_the_same_time_give_one_refund(member: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    set_policy(Product.WHAT_ANIME, "free", free_credits=0)
    grant_credits(user_id=member.account_id, amount=5, reason="a test", actor="command")
    for _ in range(5):
        admit(principal=member, product=Product.WHAT_ANIME)
    later = clock.now() + timedelta(minutes=4)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert sum(at_once([refund_expired] * 8)) == 5
    assert balance_of(user_id=member.account_id) == 5
    assert LedgerEntry.objects.filter(kind=EntryKind.REFUND).count() == 5


def test_name_that_many_use_at_once_is_charged_once(member: Principal) -> None:
    done = searches(member, Product.WHAT_ANIME, 20, 40, request=NAME)
    assert done["in"] == 1
    assert set(done) <= {"in", "replayed", "REQUEST_IN_PROGRESS"}
    state = snapshot(principal=member, product=Product.WHAT_ANIME)
    assert state.free is not None
    assert state.free.used == 1


def test_last_credit_that_many_ask_for_under_one_name_is_charged_once(member: Principal) -> None:
    set_policy(Product.WHAT_ANIME, "free", free_credits=1)
    done = searches(member, Product.WHAT_ANIME, 20, 40, request=NAME)
    assert done["in"] == 1
    assert set(done) <= {"in", "replayed", "REQUEST_IN_PROGRESS"}


def test_requests_at_a_time_are_as_many_as_the_tier_may_have() -> None:
    set_policy(Product.TRACE_MOE, rate=None, concurrency=3)
    go_on = threading.Event()
    refused: list[str] = []

    def work() -> bool:
        try:
            with admitted(principal=GUEST, product=Product.TRACE_MOE, limit_concurrency=True):
                assert go_on.wait(30)
        except ConcurrencyExceeded as error:
            refused.append(error.code)
            if len(refused) == 17:
                go_on.set()
            return False
        return True

    assert sum(at_once([work] * 20)) == 3
    assert DayCount.objects.get().used == 3


def test_grant_of_one_cause_is_given_once(member: Principal) -> None:
    def grant() -> bool:
        entry = grant_credits(
            user_id=member.account_id, amount=5, reason="bought", actor="stripe",
            kind=EntryKind.PURCHASE, key="event 1",
        )  # fmt: skip
        return entry is not None

    assert sum(at_once([grant] * 20)) == 1
    assert balance_of(user_id=member.account_id) == 5
    assert CreditAccount.objects.count() == 1


@pytest.mark.parametrize("as_far_as_possible", [False, True])
def test_no_more_is_taken_than_there_is(member: Principal, as_far_as_possible: bool) -> None:
    grant_credits(user_id=member.account_id, amount=10, reason="a test", actor="command")

    def revoke() -> int:
        try:
            entry = revoke_credits(
                user_id=member.account_id, amount=3, reason="a test", actor="command",
                as_far_as_possible=as_far_as_possible,
            )  # fmt: skip
        except BalanceTooSmall:
            return 0
        return -entry.amount if entry else 0

    taken = sorted(at_once([revoke] * 12), reverse=True)
    assert taken[:4] == [3, 3, 3, 1 if as_far_as_possible else 0]
    assert balance_of(user_id=member.account_id) == 10 - sum(taken)


def test_midnight_under_load_gives_ten_on_either_side(
    member: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_policy(Product.WHAT_ANIME, "free", rate=None)
    began, midnight_in_s = time.monotonic(), 0.7
    before = datetime(2026, 3, 29, tzinfo=UTC) - timedelta(seconds=midnight_in_s)
    monkeypatch.setattr(clock, "now", lambda: before + timedelta(seconds=time.monotonic() - began))

    def work() -> Counter[str]:
        done: Counter[str] = Counter()
        while time.monotonic() - began < 2 * midnight_in_s:
            done[search(member, Product.WHAT_ANIME)] += 1
            time.sleep(0.01)
        return done

    done: Counter[str] = sum(at_once([work] * 8), Counter())
    assert done["in"] == 20
    assert set(done) == {"in", "INSUFFICIENT_CREDITS"}
    days = DayCount.objects.filter(counts=Counted.FREE_CREDITS).order_by("serial")
    assert [(row.starts_at.day, row.used) for row in days] == [(28, 10), (29, 10)]
    for row in Admission.objects.select_related("free_day"):
        assert row.free_day is not None
        assert row.free_day.starts_at <= row.created_at < row.free_day.ends_at


def test_day_of_first_use_that_ends_under_load_is_followed_by_one_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_policy(Product.TRACE_MOE, rate=None, daily=10)
    admit(principal=GUEST, product=Product.TRACE_MOE)
    began, day_in_s = time.monotonic(), 0.5
    before = clock.now() + timedelta(days=1, seconds=-day_in_s)
    monkeypatch.setattr(clock, "now", lambda: before + timedelta(seconds=time.monotonic() - began))

    def work() -> Counter[str]:
        done: Counter[str] = Counter()
        while time.monotonic() - began < 2 * day_in_s:
            done[search(GUEST, Product.TRACE_MOE)] += 1
            time.sleep(0.01)
        return done

    done: Counter[str] = sum(at_once([work] * 8), Counter())
    assert done["in"] == 19
    assert list(DayCount.objects.order_by("serial").values_list("serial", "used")) == [(1, 10), (2, 10)]
