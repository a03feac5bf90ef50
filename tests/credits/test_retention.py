"""What is deleted when, and that the rest still agrees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from accounts.principal import Principal
from credits import retention
from credits.idempotency import NamedRequest
from credits.ledger import balance_of, grant_credits
from credits.models import Admission, AdmissionStatus, DayCount, LedgerEntry
from credits.policies import Product
from credits.reconcile import differences
from credits.retention import purge_metering
from credits.services import admit, admitted, count_request, snapshot
from tests.policies import set_policy

pytestmark = pytest.mark.django_db

SetClock = Callable[[datetime], None]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GUEST = Principal.guest("203.0.113.1")


@pytest.fixture(autouse=True)
def _used(member: Principal, set_clock: SetClock) -> None:
    """At noon: 3 of a guest's searches of each kind, 5 of a user's of which 3 were paid, 2 counted requests."""
    set_clock(NOON)
    set_policy(Product.WHAT_ANIME, "free", free_credits=2)
    grant_credits(user_id=member.account_id, amount=9, reason="a test", actor="command")
    for principal, product, times in [
        (GUEST, Product.WHAT_ANIME, 3),
        (GUEST, Product.TRACE_MOE, 3),
        (member, Product.WHAT_ANIME, 5),
        (member, Product.TRACE_MOE, 4),
    ]:
        for number in range(times):
            name = NamedRequest(f"name {number}", "a")
            with admitted(principal=principal, product=product, request=name) as ticket:
                ticket.answer = {"said": number}
    for _ in range(2):
        count_request(principal=member, product=Product.API_V1)


def rows() -> tuple[int, int]:
    return Admission.objects.count(), DayCount.objects.count()


def test_nothing_goes_before_its_time(set_clock: SetClock) -> None:
    before = rows()
    for after in (timedelta(), timedelta(hours=24), timedelta(hours=48)):
        set_clock(NOON + after)
        assert purge_metering() == 0
        assert rows() == before
        assert differences() == []


def test_guests_go_two_days_after_and_users_stay(set_clock: SetClock, member: Principal) -> None:
    set_clock(NOON + timedelta(days=4))
    assert purge_metering() == 6 + 2
    assert not Admission.objects.filter(account__isnull=True).exists()
    assert not DayCount.objects.filter(subject__startswith="ip:").exists()
    assert rows() == (9, 3)
    assert differences() == []
    assert purge_metering() == 0


def test_users_go_after_four_hundred_days_and_what_was_paid_stays(
    set_clock: SetClock, member: Principal
) -> None:
    set_clock(NOON + timedelta(days=402))
    purge_metering()
    # The ledger's charges keep the admissions that they were for.
    assert set(Admission.objects.values_list("paid", flat=True)) == {1}
    assert rows() == (3, 0)
    assert LedgerEntry.objects.count() == 4
    assert balance_of(user_id=member.account_id) == 6
    assert differences() == []


def test_answers_go_after_a_day(set_clock: SetClock) -> None:
    set_clock(NOON + timedelta(days=1, seconds=1))
    purge_metering()
    assert not Admission.objects.exclude(answer__isnull=True, idempotency_key="").exists()
    assert rows()[0] == 15


def test_held_admission_is_never_purged(set_clock: SetClock) -> None:
    ticket = admit(principal=GUEST, product=Product.TRACE_MOE)
    set_clock(NOON + timedelta(days=500))
    purge_metering()
    assert Admission.objects.get(account__isnull=True).pk == ticket.admission_id
    assert Admission.objects.get(pk=ticket.admission_id).status == AdmissionStatus.HELD
    assert differences() == []


def test_day_that_still_runs_is_kept_while_old_ones_go(set_clock: SetClock) -> None:
    set_clock(NOON + timedelta(days=4))
    with admitted(principal=GUEST, product=Product.TRACE_MOE):
        pass
    purge_metering()
    row = DayCount.objects.get(subject__startswith="ip:")
    assert (row.serial, row.used) == (2, 1)
    assert differences() == []


def test_guest_whose_days_were_purged_begins_anew(set_clock: SetClock) -> None:
    set_clock(NOON + timedelta(days=10))
    purge_metering()
    with admitted(principal=GUEST, product=Product.TRACE_MOE):
        pass
    state = snapshot(principal=GUEST, product=Product.TRACE_MOE).quota
    assert state is not None
    assert state.used == 1


def test_many_rows_go_in_batches(set_clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_BATCH", 2)
    set_clock(NOON + timedelta(days=4))
    assert purge_metering() == 8
