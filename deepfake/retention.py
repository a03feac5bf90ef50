"""How long analyses are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings

from core import clock
from deepfake.models import Analysis

_BATCH: Final = 1_000


def purge_analyses() -> int:
    """Delete ended analyses that are older than ``DEEPFAKE_KEPT_DAYS``, in small batches; returns how many went."""
    gone = 0
    if not settings.DEEPFAKE_KEPT_DAYS:
        return gone
    stale = Analysis.objects.filter(ended_at__lt=clock.now() - timedelta(days=settings.DEEPFAKE_KEPT_DAYS))
    while keys := list(stale.order_by("ended_at").values_list("pk", flat=True)[:_BATCH]):
        gone += Analysis.objects.filter(pk__in=keys).delete()[0]
    return gone
