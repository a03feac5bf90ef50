"""What was used and moved today, for the staff's first page; nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Sum

from core import clock
from credits.models import Admission, AdmissionStatus, EntryKind, LedgerEntry, PaymentEvent
from credits.payment_models import EventOutcome

_MOVED = (EntryKind.PURCHASE, EntryKind.GRANT, EntryKind.REVOKE, EntryKind.REVERSAL)


@dataclass(frozen=True, slots=True)
class UsesToday:
    """Admissions since midnight UTC.

    Attributes:
        counts: how many, by product and status.
        free, paid: credits that were taken and not given back.
    """

    counts: dict[tuple[str, str], int]
    free: int
    paid: int


def today_began() -> datetime:
    """Midnight UTC that began the running day."""
    return clock.next_day_starts() - timedelta(days=1)


def uses_today() -> UsesToday:
    """All uses of the day, in one query over the index of admissions by age."""
    rows = (
        Admission.objects.filter(created_at__gte=today_began())
        .order_by()
        .values_list("product", "status")
        .annotate(count=Count("pk"), free=Sum("free"), paid=Sum("paid"))
    )
    counts, free, paid = {}, 0, 0
    for product, status, count, of_free, of_paid in rows:
        counts[product, status] = count
        if status != AdmissionStatus.REFUNDED:
            free, paid = free + of_free, paid + of_paid
    return UsesToday(counts, free, paid)


def moved_today() -> dict[str, int]:
    """Credits that staff and payments moved since midnight UTC, by kind of entry; what was taken is negative."""
    rows = LedgerEntry.objects.filter(created_at__gte=today_began(), kind__in=_MOVED)
    sums = dict(rows.order_by().values_list("kind").annotate(total=Sum("amount")))
    return {kind: sums.get(kind, 0) for kind in _MOVED}


def overdue_admissions() -> int:
    """Admissions whose process died, and which were not given back yet."""
    return Admission.objects.filter(status=AdmissionStatus.HELD, expires_at__lte=clock.now()).count()


def kept_payment_events(*, since: datetime) -> int:
    """Events of the payment provider that staff have to look at."""
    return PaymentEvent.objects.filter(outcome=EventOutcome.KEPT, received_at__gte=since).count()
