"""What is stored of a user's analyses, for the export of one's data, and how they end with the user."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.urls import reverse

from accounts.models import User
from deepfake.errors import AnalysisCancelled
from deepfake.jobs import withdraw_analysis
from deepfake.keepsakes import forget_all, pictures_kept
from deepfake.models import OPEN, Analysis


def own_analyses(user: User) -> list[dict[str, Any]]:
    """A user's analyses with their evidence, oldest first; of pictures of their frames, the addresses on this site."""
    return [
        {
            "id": row.public_id,
            "source": row.source_type,
            "url": row.source_url or None,
            "title": row.title,
            "status": row.status,
            "result": row.result or None,
            "probFake": row.prob_fake,
            "evidence": row.evidence,
            "error": row.error_message or None,
            "at": row.created_at.isoformat(),
            "ended": row.ended_at.isoformat() if row.ended_at is not None else None,
            "fileKept": row.keeps_file,
            "pictures": [
                reverse("detect-frame", args=[row.public_id, frame])
                for frame in sorted(pictures_kept(row.public_id).plain)
            ],
        }
        for row in Analysis.objects.filter(owner=user).order_by("pk").iterator()
    ]


def end_analyses(user: User) -> None:
    """Refund what is open and remove all files; the rows themselves are deleted with the user's."""
    for row in Analysis.objects.filter(owner=user, status__in=OPEN):
        withdraw_analysis(analysis=row, error=AnalysisCancelled())
    for public_id in Analysis.objects.filter(owner=user).values_list("public_id", flat=True):
        transaction.on_commit(partial(forget_all, public_id), robust=True)
