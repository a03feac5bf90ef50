"""Celery's entry points: one service call each."""

from __future__ import annotations

from celery import shared_task

from status import services


@shared_task(ignore_result=True, acks_late=False)
def mark_search_ready() -> None:
    """Note that the search is ready; sent to its own queue, whose workers are what is to be known about."""
    services.mark_search_ready()


@shared_task(ignore_result=True)
def purge_figures() -> None:
    """Forget what is past its time."""
    services.purge_figures()
