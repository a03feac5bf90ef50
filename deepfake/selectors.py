"""What is known of analyses; nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core import clock
from credits.policies import Product
from credits.selectors import count_uses


@dataclass(frozen=True, slots=True)
class AnalysisCounts:
    """Analyses that a user had done: on this UTC day, and in the last 7 and 30 of them, today among these."""

    today: int
    week: int
    month: int


def analysis_counts(*, user_id: int) -> AnalysisCounts:
    """Count a user's analyses that were carried out."""
    today, week, month = (
        count_uses(user_id=user_id, product=Product.ANALYSIS, since=_days_ago(days)) for days in (0, 6, 29)
    )
    return AnalysisCounts(today, week, month)


def _days_ago(days: int) -> datetime:
    return clock.next_day_starts() - timedelta(days=days + 1)
