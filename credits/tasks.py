"""Periodic work of metering."""

from __future__ import annotations

from celery import shared_task

from credits.retention import purge_metering
from credits.services import refund_expired


@shared_task(ignore_result=True)
def refund_expired_admissions() -> None:
    """Give back what processes took that died before their work was done."""
    refund_expired()


@shared_task(ignore_result=True)
def purge_metering_rows() -> None:
    """Delete counters and admissions that are older than they are kept."""
    purge_metering()
