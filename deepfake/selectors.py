"""What is known of analyses; nothing here writes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from core import clock
from credits.policies import Product
from credits.selectors import count_uses
from deepfake.errors import AnalysisNotFound
from deepfake.models import ID_LENGTH, OPEN, Analysis

_PUBLIC_ID: Final = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class AnalysisCounts:
    """Analyses that a user had done: on this UTC day, and in the last 7 and 30 of them, today among these."""

    today: int
    week: int
    month: int


def analysis_of(*, user_id: int | None, public_id: str, visitor: str = "") -> Analysis:
    """A caller's analysis.

    Args:
        visitor: what a guest's session is known by (:attr:`accounts.principal.Principal.visitor`).

    Raises:
        AnalysisNotFound: the caller has none of this id; whether somebody else has is not told.
    """
    # Not every text can be asked of every database.
    if not _PUBLIC_ID.fullmatch(public_id):
        raise AnalysisNotFound
    row = _owned(user_id, visitor).filter(public_id=public_id).first()
    if row is None:
        raise AnalysisNotFound
    return row


def analyses_of(*, user_id: int | None, visitor: str = "") -> QuerySet[Analysis]:
    """A caller's analyses, newest first, without their evidence."""
    return _owned(user_id, visitor).order_by("-created_at", "-id").defer("evidence")


def analyses_before(analysis: Analysis) -> int:
    """How many analyses, of whomever, are waiting or worked on that were asked for before this one."""
    return Analysis.objects.filter(status__in=OPEN, pk__lt=analysis.pk).count()


def _owned(user_id: int | None, visitor: str) -> QuerySet[Analysis]:
    """What belongs to a user, and what the same browser asked for as a guest."""
    own = Q(owner_id=user_id) if user_id is not None else Q(pk__in=())
    return Analysis.objects.filter(own | Q(visitor=visitor) if visitor else own)


def analysis_counts(*, user_id: int) -> AnalysisCounts:
    """Count a user's analyses that were carried out."""
    today, week, month = (
        count_uses(user_id=user_id, product=Product.ANALYSIS, since=_days_ago(days)) for days in (0, 6, 29)
    )
    return AnalysisCounts(today, week, month)


def _days_ago(days: int) -> datetime:
    return clock.next_day_starts() - timedelta(days=days + 1)
