"""The balance of credits and its ledger: every change of one is an entry of the other, in one transaction."""

from __future__ import annotations

import secrets

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import User
from core.clock import now
from credits.errors import AmountInvalid, BalanceTooSmall, ReasonMissing, UserUnknown
from credits.models import CreditAccount, EntryKind, LedgerEntry

#: Credits that one change may move; a slip of the hand in the admin moves no more.
MOST_CREDITS = 1_000_000


def account_of(*, user_id: int) -> CreditAccount:
    """The credit account of a user, made when it is first asked for.

    Raises:
        UserUnknown: there is no such user.
    """
    row = CreditAccount.objects.filter(user_id=user_id).first()
    if row is not None:
        return row
    if not User.objects.filter(pk=user_id).exists():
        raise UserUnknown
    CreditAccount.objects.bulk_create([CreditAccount(user_id=user_id)], ignore_conflicts=True)
    return CreditAccount.objects.get(user_id=user_id)


def balance_of(*, user_id: int) -> int:
    """Credits that a user has, free ones of the day not counted."""
    return CreditAccount.objects.filter(user_id=user_id).values_list("balance", flat=True).first() or 0


def grant_credits(
    *,
    user_id: int,
    amount: int,
    reason: str,
    actor: str,
    kind: EntryKind = EntryKind.GRANT,
    key: str = "",
) -> LedgerEntry | None:
    """Give a user credits.

    Args:
        amount: 1 to ``MOST_CREDITS``.
        reason: shown to the user and to staff.
        actor: who gives: ``staff:5``, ``command``, ``stripe``.
        kind: a grant, or a purchase.
        key: name of the cause; with the same name nothing is given a second time.

    Returns:
        The entry; None where ``key`` was given for before.

    Raises:
        AmountInvalid, ReasonMissing, UserUnknown: as the names say.
    """
    _check(amount, reason)
    account = account_of(user_id=user_id)
    try:
        with transaction.atomic():
            CreditAccount.objects.filter(pk=account.pk).update(balance=F("balance") + amount)
            return _enter(account, kind, amount, reason=reason, actor=actor, key=key)
    except IntegrityError:
        if key and LedgerEntry.objects.filter(key=key).exists():
            return None
        raise


def revoke_credits(
    *,
    user_id: int,
    amount: int,
    reason: str,
    actor: str,
    kind: EntryKind = EntryKind.REVOKE,
    key: str = "",
    as_far_as_possible: bool = False,
) -> LedgerEntry | None:
    """Take credits from a user.

    Args:
        kind: taken by staff, or a purchase that was undone.
        as_far_as_possible: take what is there where it is less than ``amount``: a purchase that was undone
            after its credits were used.

    Returns:
        The entry; None where ``key`` was taken for before, or where nothing could be taken.

    Raises:
        BalanceTooSmall: the user has less.
        AmountInvalid, ReasonMissing, UserUnknown: as the names say.
    """
    _check(amount, reason)
    account = account_of(user_id=user_id)
    try:
        with transaction.atomic():
            if as_far_as_possible:
                locked = CreditAccount.objects.select_for_update().get(pk=account.pk)
                amount = min(amount, locked.balance)
                if amount == 0:
                    return None
            if not take_from_balance(account_id=account.pk, amount=amount):
                raise BalanceTooSmall
            return _enter(account, kind, -amount, reason=reason, actor=actor, key=key)
    except IntegrityError:
        if key and LedgerEntry.objects.filter(key=key).exists():
            return None
        raise


def take_from_balance(*, account_id: int, amount: int) -> bool:
    """Take credits off a balance if it has them, by one conditional update; the caller writes the entry."""
    enough = CreditAccount.objects.filter(pk=account_id, balance__gte=amount)
    return enough.update(balance=F("balance") - amount) == 1


def add_to_balance(*, account_id: int, amount: int) -> None:
    """Put credits on a balance; the caller writes the entry."""
    CreditAccount.objects.filter(pk=account_id).update(balance=F("balance") + amount)


def _check(amount: int, reason: str) -> None:
    # True is an int, and a fraction would be one sum on the balance and another in the ledger.
    if type(amount) is not int or not 1 <= amount <= MOST_CREDITS:
        raise AmountInvalid
    if not reason.strip():
        raise ReasonMissing


def _enter(
    account: CreditAccount, kind: EntryKind, amount: int, *, reason: str, actor: str, key: str
) -> LedgerEntry:
    return LedgerEntry.objects.create(
        account=account,
        kind=kind,
        amount=amount,
        key=key or f"{kind}:{secrets.token_hex(16)}",
        reason=reason.strip()[:200],
        actor=actor,
        created_at=now(),
    )
