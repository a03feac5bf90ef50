"""The proof that nothing was lost: balances against the ledger, counters against admissions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Count, F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.db.models.query import QuerySet

from core import clock
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

_KEPT = (AdmissionStatus.HELD, AdmissionStatus.SETTLED)


@dataclass(frozen=True, slots=True)
class Difference:
    """Two numbers that must be the same and are not.

    Attributes:
        what: which row, in words.
        is_value: what the row says.
        should_be: what follows from the others.
    """

    what: str
    is_value: int
    should_be: int

    def __str__(self) -> str:
        return f"{self.what}: {self.is_value}, should be {self.should_be}"


def differences() -> list[Difference]:
    """Everything that does not agree; empty where all is well.

    Each check is one statement, so that it sees one state of the database while requests go on.
    """
    return [*_balances(), *_charges(), *_requests(), *_free_credits()]


def _balances() -> list[Difference]:
    """A balance is the sum of its ledger."""
    rows = CreditAccount.objects.annotate(total=Coalesce(Sum("entries__amount"), Value(0))).exclude(
        balance=F("total")
    )
    return [Difference(f"balance of account {row.pk}", row.balance, row.total) for row in rows]


def _charges() -> list[Difference]:
    """What an admission took and did not give back is what the ledger says of it."""
    taken = Admission.objects.filter(account=OuterRef("pk"), status__in=_KEPT)
    entered = LedgerEntry.objects.filter(
        account=OuterRef("pk"), kind__in=(EntryKind.CHARGE, EntryKind.REFUND)
    )
    rows = CreditAccount.objects.annotate(
        taken=_sum_of(taken, "paid"), entered=_sum_of(entered, "amount")
    ).exclude(taken=-F("entered"))
    return [Difference(f"charges of account {row.pk}", row.taken, -row.entered) for row in rows]


def _sum_of(rows: QuerySet[Any], name: str) -> Coalesce:
    """The sum of a column over an account's rows, 0 without any."""
    total = rows.order_by().values("account").annotate(total=Sum(name)).values("total")
    return Coalesce(Subquery(total, output_field=BigIntegerField()), Value(0))


def _requests() -> list[Difference]:
    """A day's requests are the admissions in it that were not refunded."""
    held = Count("admissions", filter=Q(admissions__status__in=_KEPT))
    return _days(Counted.REQUESTS, held)


def _free_credits() -> list[Difference]:
    """A day's free credits are those that its admissions took and did not give back."""
    free = Coalesce(Sum("free_admissions__free", filter=Q(free_admissions__status__in=_KEPT)), Value(0))
    return _days(Counted.FREE_CREDITS, free)


def _days(counts: Counted, should_be: object) -> list[Difference]:
    # Requests of /api/v1 are counted without an admission; days whose admissions were purged are over.
    rows: QuerySet[DayCount] = (
        DayCount.objects.filter(counts=counts, ends_at__gt=clock.now())
        .exclude(product=Product.API_V1)
        .annotate(should_be=should_be)
        .exclude(used=F("should_be"))
    )
    return [
        Difference(f"{row.product} {counts.label} of {row.subject}", row.used, row.should_be)  # type: ignore[attr-defined]
        for row in rows
    ]
