"""Celery's entry points: ids in, one service call each."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task
from django.conf import settings

from anime_search import indexing
from anime_search.ingest.jobs import recover_jobs
from anime_search.ingest.work import run_ingest_job
from anime_search.services import answer_search


@shared_task(acks_late=False, ignore_result=False)
def search(search_id: str) -> dict[str, Any]:
    """Answer the search that is laid down in the cache under this id.

    It is not tried again when its worker dies: whoever asked has gone by then.
    """
    return answer_search(search_id=search_id)


@shared_task(bind=True, ignore_result=True, soft_time_limit=6.5 * 3600, time_limit=6.75 * 3600)
def ingest(self: Task[..., None], job_id: int) -> None:
    """Carry out one ingest job."""
    run_ingest_job(job_id=job_id, workers=settings.INGEST_WORKERS)


@shared_task(ignore_result=True)
def publish_tracks() -> None:
    """Make newly described videos searchable."""
    indexing.publish_tracks()


@shared_task(ignore_result=True)
def requeue_ingest() -> None:
    """Give the jobs of dead workers to living ones."""
    for job_id in recover_jobs():
        ingest.delay(job_id)
    indexing.publish_tracks()
