"""How long analyses are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import QuerySet

from core import clock
from deepfake.keepsakes import forget_all, forget_video
from deepfake.models import Analysis

_BATCH: Final = 1_000


def purge_analyses() -> int:
    """Delete ended analyses that are older than they are kept, in small batches; returns how many went.

    That is ``DEEPFAKE_KEPT_DAYS``; of a guest at the pages no longer than a session lasts, since nobody can look at
    them after that.
    """
    gone = _purge(Analysis.objects.exclude(visitor=""), timedelta(seconds=settings.SESSION_COOKIE_AGE))
    if settings.DEEPFAKE_KEPT_DAYS:
        gone += _purge(Analysis.objects.all(), timedelta(days=settings.DEEPFAKE_KEPT_DAYS))
    return gone


def purge_files() -> int:
    """Forget files that their owners asked to keep, after ``DEEPFAKE_FILE_KEPT_DAYS``; returns how many went."""
    edge = clock.now() - timedelta(days=settings.DEEPFAKE_FILE_KEPT_DAYS)
    rows = Analysis.objects.filter(keeps_file=True, ended_at__lt=edge)
    gone = 0
    for key, public_id in rows.values_list("pk", "public_id"):
        forget_video(public_id)
        gone += Analysis.objects.filter(pk=key).update(keeps_file=False)
    return gone


def _purge(rows: QuerySet[Analysis], age: timedelta) -> int:
    gone = 0
    stale = rows.filter(ended_at__lt=clock.now() - age).order_by("ended_at")
    while found := list(stale.values_list("pk", "public_id")[:_BATCH]):
        gone += Analysis.objects.filter(pk__in=[key for key, _ in found]).delete()[0]
        for _, public_id in found:
            forget_all(public_id)
    return gone
