"""What is known of use and credits; nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate

from core import clock
from credits.models import Admission, AdmissionStatus, Counted, DayCount, LedgerEntry
from credits.policies import Product


@dataclass(frozen=True, slots=True)
class DayUse:
    """Uses of each product on a UTC day."""

    day: date
    uses: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.uses.values())


def count_uses(*, user_id: int, product: Product, since: datetime) -> int:
    """Uses of a product that were settled, from ``since`` on."""
    return Admission.objects.filter(
        subject=f"user:{user_id}",
        product=product,
        status=AdmissionStatus.SETTLED,
        created_at__gte=since,
    ).count()


def count_held(*, subject: str, product: Product) -> int:
    """Uses of a product that are neither settled nor refunded: what is being worked on for a caller.

    Args:
        subject: whom they are counted for (:func:`credits.services.subject_of`).
    """
    return Admission.objects.filter(subject=subject, product=product, status=AdmissionStatus.HELD).count()


def uses_by_day(*, user_id: int, days: int = 30) -> list[DayUse]:
    """What a user used on each of the last ``days`` UTC days, today last; days without use are there too."""
    today = clock.today()
    first = today - timedelta(days=days - 1)
    since = datetime.combine(first, datetime.min.time(), tzinfo=clock.now().tzinfo)
    by_day: dict[date, dict[str, int]] = {first + timedelta(days=n): {} for n in range(days)}
    settled = (
        Admission.objects.filter(
            subject=f"user:{user_id}", status=AdmissionStatus.SETTLED, created_at__gte=since
        )
        .annotate(used_on=TruncDate("created_at"))
        .values_list("used_on", "product")
        .annotate(count=Count("pk"))
    )
    for day, product, count in settled:
        if day in by_day:
            by_day[day][product] = count
    requests = DayCount.objects.filter(
        subject=f"user:{user_id}", product=Product.API_V1, counts=Counted.REQUESTS, starts_at__gte=since
    )
    for row in requests:
        if row.starts_at.date() in by_day:
            by_day[row.starts_at.date()][Product.API_V1] = row.used
    return [DayUse(day, uses) for day, uses in by_day.items()]


def ledger_of(*, user_id: int) -> QuerySet[LedgerEntry]:
    """The entries of a user's ledger, newest first."""
    return LedgerEntry.objects.filter(account__user_id=user_id).order_by("-created_at", "-pk")


def export_credits(*, user_id: int) -> Iterator[dict[str, object]]:
    """A user's ledger as plain values, oldest first, for the export of personal data."""
    for entry in ledger_of(user_id=user_id).reverse().iterator():
        yield {
            "at": entry.created_at.isoformat(),
            "kind": entry.kind,
            "amount": entry.amount,
            "product": entry.product,
            "reason": entry.reason,
        }
