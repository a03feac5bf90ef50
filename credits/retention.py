"""How long admissions and counters are kept."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q

from core import clock
from credits.models import Admission, AdmissionStatus, DayCount

#: A guest's admissions say nothing once their day is over and no answer of theirs can be asked for again.
GUESTS_KEPT = timedelta(days=2)
#: A user's are the usage chart and what support asks for; the ledger itself is kept for good.
USERS_KEPT = timedelta(days=400)
#: An answer can be asked for again for a day.
ANSWERS_KEPT = timedelta(days=1)
_BATCH = 5_000


def purge_metering() -> int:
    """Delete what is older than it is kept, in small batches; returns how many rows went."""
    moment, gone = clock.now(), 0
    stale = Q(account__isnull=True, created_at__lt=moment - GUESTS_KEPT) | Q(
        created_at__lt=moment - USERS_KEPT, paid=0
    )
    while True:
        batch = Admission.objects.filter(stale).exclude(status=AdmissionStatus.HELD)
        keys = list(batch.values_list("pk", flat=True)[:_BATCH])
        if not keys:
            break
        gone += Admission.objects.filter(pk__in=keys).delete()[0]
    Admission.objects.filter(created_at__lt=moment - ANSWERS_KEPT, answer__isnull=False).update(
        answer=None, idempotency_key=""
    )
    used = Exists(Admission.objects.filter(Q(day=OuterRef("pk")) | Q(free_day=OuterRef("pk"))))
    old = Q(subject__startswith="ip:", ends_at__lt=moment - GUESTS_KEPT) | Q(ends_at__lt=moment - USERS_KEPT)
    last = DayCount.objects.filter(old).exclude(used)
    gone += last.delete()[0]
    return gone
