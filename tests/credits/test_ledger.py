"""The ledger: only ever added to, each cause once, and its sum is the balance."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from core.clock import now
from credits.errors import AmountInvalid, BalanceTooSmall, ReasonMissing, UserUnknown
from credits.ledger import MOST_CREDITS, account_of, balance_of, grant_credits, revoke_credits
from credits.models import CreditAccount, EntryKind, LedgerEntry
from credits.reconcile import differences
from credits.selectors import export_credits, ledger_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _reconciled() -> object:
    yield
    assert differences() == []


def grant(user: User, amount: Any = 10, reason: str = "a test", **more: Any) -> LedgerEntry | None:
    return grant_credits(user_id=user.pk, amount=amount, reason=reason, actor="staff:1", **more)


def revoke(user: User, amount: Any = 10, reason: str = "a test", **more: Any) -> LedgerEntry | None:
    return revoke_credits(user_id=user.pk, amount=amount, reason=reason, actor="staff:1", **more)


def test_grant_and_revocation_are_entries(user: User) -> None:
    granted, revoked = grant(user, 10, " welcome "), revoke(user, 4, "a mistake")
    assert granted is not None
    assert revoked is not None
    assert (granted.kind, granted.amount, granted.reason) == (EntryKind.GRANT, 10, "welcome")
    assert (revoked.kind, revoked.amount, revoked.actor) == (EntryKind.REVOKE, -4, "staff:1")
    assert balance_of(user_id=user.pk) == 6
    assert list(ledger_of(user_id=user.pk)) == [revoked, granted]
    assert [entry["amount"] for entry in export_credits(user_id=user.pk)] == [10, -4]


@pytest.mark.parametrize("amount", [0, -1, 10**9, MOST_CREDITS + 1, True, 1.5, 10.0, "5", None])
@pytest.mark.parametrize("move", [grant, revoke])
def test_amount_is_a_whole_number_up_to_a_million(user: User, move: Any, amount: object) -> None:
    with pytest.raises(AmountInvalid):
        move(user, amount)
    assert not LedgerEntry.objects.exists()


@pytest.mark.parametrize("amount", [1, MOST_CREDITS])
def test_smallest_and_largest_amount_are_moved(user: User, amount: int) -> None:
    grant(user, amount)
    revoke(user, amount)
    assert balance_of(user_id=user.pk) == 0


@pytest.mark.parametrize("reason", ["", "  ", "\n\t"])
@pytest.mark.parametrize("move", [grant, revoke])
def test_nothing_is_moved_without_a_reason(user: User, move: Any, reason: str) -> None:
    with pytest.raises(ReasonMissing):
        move(user, 5, reason)


def test_reason_of_any_length_is_kept_as_far_as_there_is_room(user: User) -> None:
    entry = grant(user, 1, "ü" * 500)
    assert entry is not None
    entry.refresh_from_db()
    assert entry.reason == "ü" * 200


@pytest.mark.parametrize("move", [grant, revoke])
def test_credits_belong_to_a_user(user: User, move: Any) -> None:
    with pytest.raises(UserUnknown):
        move(User(pk=10**9))


def test_cause_gives_once(user: User) -> None:
    entries = [grant(user, 5, kind=EntryKind.PURCHASE, key="event 1") for _ in range(3)]
    assert [entry is not None for entry in entries] == [True, False, False]
    assert grant(user, 5, kind=EntryKind.PURCHASE, key="event 2") is not None
    assert balance_of(user_id=user.pk) == 10


def test_cause_of_another_users_grant_gives_nothing(user: User) -> None:
    other = User.objects.create_user("other@example.com", "x")
    grant(user, key="event 1")
    assert grant(other, key="event 1") is None
    assert balance_of(user_id=other.pk) == 0


def test_cause_takes_once(user: User) -> None:
    grant(user, 10)
    taken = [revoke(user, 4, kind=EntryKind.REVERSAL, key="refund 1") for _ in range(2)]
    assert [entry is not None for entry in taken] == [True, False]
    assert balance_of(user_id=user.pk) == 6


def test_no_more_is_taken_than_there_is(user: User) -> None:
    with pytest.raises(BalanceTooSmall):
        revoke(user, 1)
    grant(user, 3)
    with pytest.raises(BalanceTooSmall):
        revoke(user, 4)
    assert balance_of(user_id=user.pk) == 3


def test_purchase_that_is_undone_takes_what_is_left(user: User) -> None:
    grant(user, 3)
    for taken in (-3, None):
        entry = revoke(user, 10, kind=EntryKind.REVERSAL, as_far_as_possible=True)
        assert (entry.amount if entry else None) == taken
    assert balance_of(user_id=user.pk) == 0


def test_entry_is_never_changed_or_deleted(user: User) -> None:
    entry = grant(user)
    assert entry is not None
    entry.amount = 1000
    for change in (entry.save, entry.delete, LedgerEntry.objects.get().save):
        with pytest.raises(TypeError, match="ledger entry is never"):
            change()
    assert LedgerEntry.objects.get().amount == 10


@pytest.mark.parametrize(
    ("kind", "amount"),
    [("grant", -1), ("grant", 0), ("purchase", -1), ("refund", -1), ("revoke", 1), ("reversal", 1),
     ("charge", 1), ("charge", 0), ("gift", 1)],
)  # fmt: skip
def test_database_refuses_an_amount_of_the_wrong_sign(user: User, kind: str, amount: int) -> None:
    account = account_of(user_id=user.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(account=account, kind=kind, amount=amount, key="x", created_at=now())


def test_database_refuses_a_negative_balance(user: User) -> None:
    account = account_of(user_id=user.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        CreditAccount.objects.filter(pk=account.pk).update(balance=-1)


def test_account_outlives_its_user_without_a_name(user: User) -> None:
    grant(user)
    user.delete()
    account = CreditAccount.objects.get()
    assert (account.user_id, account.balance, account.entries.count()) == (None, 10, 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM credits_ledgerentry")
        assert "someone@example.com" not in str(cursor.fetchall())
