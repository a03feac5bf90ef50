"""Celery's entry points: one service call each."""

from __future__ import annotations

from celery import shared_task

from rankings import services


@shared_task(ignore_result=True, soft_time_limit=600, time_limit=660)
def purge_searches() -> None:
    """Forget what is past its time; what is left over after a stop is left for the next run."""
    services.purge_searches()
