"""What processes left that died: given back when their lease is over, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from accounts.principal import Principal
from credits.ledger import balance_of, grant_credits
from credits.models import Admission, AdmissionStatus, EntryKind, LedgerEntry
from credits.policies import LEASES, Product
from credits.reconcile import differences
from credits.services import admit, refund_expired, settle, snapshot
from credits.tasks import purge_metering_rows, refund_expired_admissions
from tests.policies import set_policy

pytestmark = pytest.mark.django_db

SetClock = Callable[[datetime], None]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _reconciled() -> object:
    yield
    assert differences() == []


@pytest.mark.parametrize("product", [Product.WHAT_ANIME, Product.ANALYSIS])
def test_lease_that_is_over_is_refunded_once(
    member: Principal, set_clock: SetClock, product: Product
) -> None:
    set_policy(product, "free", free_credits=0, cost=2)
    set_clock(NOON)
    grant_credits(user_id=member.account_id, amount=2, reason="a test", actor="command")
    ticket = admit(principal=member, product=product)
    lease = LEASES[product]
    for after, refunded, balance in [
        (lease - timedelta(microseconds=1), 0, 0),
        (lease, 1, 2),
        (lease, 0, 2),
        (lease + timedelta(days=3), 0, 2),
    ]:
        set_clock(NOON + after)
        assert refund_expired() == refunded
        assert balance_of(user_id=member.account_id) == balance
    assert not settle(ticket=ticket)
    row = Admission.objects.get()
    assert (row.status, row.ended_at) == (AdmissionStatus.REFUNDED, NOON + lease)
    assert LedgerEntry.objects.filter(kind=EntryKind.REFUND).count() == 1


def test_sweep_leaves_what_is_settled_or_running(member: Principal, set_clock: SetClock) -> None:
    set_clock(NOON)
    settled, refunded = (admit(principal=member, product=Product.WHAT_ANIME) for _ in range(2))
    settle(ticket=settled)
    set_clock(NOON + timedelta(minutes=2))
    admit(principal=member, product=Product.WHAT_ANIME)
    set_clock(NOON + timedelta(minutes=4))
    refund_expired_admissions()
    assert list(Admission.objects.order_by("created_at").values_list("status", flat=True))[2:] == ["held"]
    assert Admission.objects.get(pk=refunded.admission_id).status == AdmissionStatus.REFUNDED
    state = snapshot(principal=member, product=Product.WHAT_ANIME)
    assert state.free is not None
    assert state.free.used == 2


def test_one_refund_that_fails_does_not_take_those_before_it_back(
    member: Principal, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from credits import services

    set_clock(NOON)
    for _ in range(3):
        admit(principal=member, product=Product.WHAT_ANIME)
    set_clock(NOON + timedelta(minutes=4))
    calls, refund = [], services.refund

    def fail_second(**arguments: object) -> bool:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError
        return refund(**arguments)

    with monkeypatch.context() as patch:
        patch.setattr(services, "refund", fail_second)
        with pytest.raises(RuntimeError):
            refund_expired()
    assert Admission.objects.filter(status=AdmissionStatus.HELD).count() == 2
    assert refund_expired() == 2


def test_periodic_tasks_run_with_nothing_to_do(db: None) -> None:
    refund_expired_admissions()
    purge_metering_rows()
