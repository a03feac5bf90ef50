"""``differences()`` finds whatever does not agree, and nothing where all does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from accounts.principal import Principal
from core.clock import now
from credits.ledger import account_of, grant_credits
from credits.models import (
    Admission,
    AdmissionStatus,
    Counted,
    CreditAccount,
    DayCount,
    EntryKind,
    LedgerEntry,
)
from credits.policies import Product
from credits.reconcile import Difference, differences
from credits.services import admit, count_request, refund, settle
from tests.policies import set_policy

pytestmark = pytest.mark.django_db

GUEST = Principal.guest("203.0.113.1")


@pytest.fixture(autouse=True)
def _used(member: Principal) -> None:
    """Of every kind of use some, of every state: free and paid, settled, held and refunded."""
    grant_credits(user_id=member.account_id, amount=9, reason="a test", actor="command")
    set_policy(Product.WHAT_ANIME, "free", free_credits=3)
    for product in (Product.WHAT_ANIME, Product.TRACE_MOE, Product.ANALYSIS):
        for number in range(6):
            ticket = admit(principal=member, product=product)
            assert ticket.admission_id is not None
            if number % 3 == 0:
                settle(ticket=ticket)
            elif number % 3 == 1:
                refund(admission_id=ticket.admission_id)
    for _ in range(3):
        admit(principal=GUEST, product=Product.TRACE_MOE)
        count_request(principal=member, product=Product.API_V1)


def found() -> list[tuple[int, int]]:
    return [(each.is_value, each.should_be) for each in differences()]


def test_use_of_every_kind_and_state_agrees(member: Principal) -> None:
    assert differences() == []
    assert Admission.objects.filter(paid__gt=0, status=AdmissionStatus.REFUNDED).exists()
    assert Admission.objects.filter(free__gt=0, status=AdmissionStatus.REFUNDED).exists()


@pytest.mark.parametrize("by", [1, -1])
def test_balance_that_is_not_its_ledgers_sum_is_found(member: Principal, by: int) -> None:
    account = account_of(user_id=member.account_id)
    CreditAccount.objects.update(balance=F("balance") + by)
    assert found() == [(account.balance + by, account.balance)]
    assert f"balance of account {account.pk}: {account.balance + by}, should be" in str(differences()[0])


def test_balance_without_any_entry_is_found() -> None:
    CreditAccount.objects.create(balance=5)
    assert found() == [(5, 0)]


def test_charge_without_an_admission_is_found(member: Principal) -> None:
    enter(member, EntryKind.CHARGE, -2)
    ((taken, entered),) = found()
    assert entered - taken == 2


def test_charge_of_an_account_without_admissions_is_found() -> None:
    account = CreditAccount.objects.create(balance=3)
    for kind, amount in ((EntryKind.GRANT, 5), (EntryKind.CHARGE, -2)):
        LedgerEntry.objects.create(account=account, kind=kind, amount=amount, key=kind, created_at=now())
    assert found() == [(0, 2)]


def test_refund_without_an_admission_is_found(member: Principal) -> None:
    enter(member, EntryKind.REFUND, 1)
    ((taken, entered),) = found()
    assert taken - entered == 1


def enter(member: Principal, kind: EntryKind, amount: int) -> None:
    """An entry that the balance agrees with."""
    account = account_of(user_id=member.account_id)
    CreditAccount.objects.update(balance=F("balance") + amount)
    LedgerEntry.objects.create(account=account, kind=kind, amount=amount, key="planted", created_at=now())


def test_admission_whose_charge_was_not_entered_is_found(member: Principal) -> None:
    Admission.objects.filter(pk__in=Admission.objects.filter(paid=0, status="settled")[:1]).update(paid=1)
    assert len(found()) == 1


@pytest.mark.parametrize("by", [1, -1])
@pytest.mark.parametrize("counts", list(Counted))
def test_counter_that_is_not_the_sum_of_admissions_is_found(counts: Counted, by: int) -> None:
    rows = DayCount.objects.filter(counts=counts).exclude(product=Product.API_V1).order_by("-used")
    row = rows[0]
    DayCount.objects.filter(pk=row.pk).update(used=row.used + by)
    assert found() == [(row.used + by, row.used)]
    assert row.subject in str(differences()[0])


def test_admission_that_was_deleted_is_missed_by_its_day() -> None:
    Admission.objects.filter(subject__startswith="ip:").first().delete()
    assert found() == [(3, 2)]


def test_counter_of_requests_without_admissions_is_not_looked_at() -> None:
    DayCount.objects.filter(product=Product.API_V1).update(used=99)
    assert differences() == []


def test_day_that_is_over_is_not_looked_at() -> None:
    DayCount.objects.update(used=99, ends_at=now() - timedelta(days=1))
    assert differences() == []


def test_differences_are_told_in_words() -> None:
    assert str(Difference("balance of account 5", 3, 4)) == "balance of account 5: 3, should be 4"
