"""Celery's entry points: ids in, one service call each."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_init, worker_process_shutdown, worker_shutting_down
from django.conf import settings
from django.core.cache import cache

from anime_search import indexing, past_searches, runtime
from anime_search.clip_search import answer_clip
from anime_search.covers import fetch_covers as fetch_missing_covers
from anime_search.ingest.jobs import recover_jobs, waiting_jobs
from anime_search.ingest.work import run_ingest_job
from anime_search.services import answer_search
from anime_search.shared_pictures import sweep_pictures
from anime_search.sharing import purge_shares
from core.workers import backlog

#: Videos that were described become searchable together, at most so many seconds later.
PUBLISH_WITHIN_S = 10


@shared_task(acks_late=False, ignore_result=False)
def search(search_id: str) -> dict[str, Any]:
    """Answer the search that is laid down in the cache under this id.

    It is not tried again when its worker dies: whoever asked has gone by then.
    """
    return answer_search(search_id=search_id)


@shared_task(acks_late=False, ignore_result=False)
def search_clip(search_id: str) -> dict[str, Any]:
    """The same for a clip."""
    return answer_clip(search_id=search_id)


@shared_task(ignore_result=True, soft_time_limit=6.5 * 3600, time_limit=6.75 * 3600)
def ingest(job_id: int) -> None:
    """Carry out one ingest job, and see to it that its video becomes searchable even if nobody waits for it."""
    run_ingest_job(job_id=job_id, workers=settings.INGEST_WORKERS)
    if cache.add("publish-tracks-soon", True, timeout=PUBLISH_WITHIN_S):
        publish_tracks.apply_async(countdown=PUBLISH_WITHIN_S)


@shared_task(ignore_result=False)
def publish_tracks() -> int | None:
    """Make newly described videos searchable; the result is the number of the generation in use."""
    manifest = indexing.publish_tracks()
    return manifest.number if manifest else None


@shared_task(ignore_result=True)
def requeue_ingest() -> None:
    """Tell workers of jobs that they may not know of: those of dead workers, and all if the queue is empty.

    A broker can lose its messages. As long as it has some left nothing is sent again: a message too many is
    harmless, since a job is claimed once, but every job again every few seconds would fill the broker.
    """
    jobs = recover_jobs()
    if backlog("ingest") == 0:
        jobs = waiting_jobs()
    for job_id in jobs:
        ingest.delay(job_id)


@shared_task(ignore_result=True, soft_time_limit=300, time_limit=330)
def fetch_covers() -> None:
    """Fetch covers that are missing; what is left over is left for the next run."""
    fetch_missing_covers()


@shared_task(ignore_result=True)
def purge_shared_results() -> None:
    """Delete shared results whose time is over, and pictures that a crash left of deleted ones."""
    purge_shares()
    sweep_pictures()


@shared_task(ignore_result=True, soft_time_limit=600, time_limit=660)
def purge_history() -> None:
    """Forget past searches that are past their time; what is left over is left for the next run."""
    past_searches.purge_history()


@worker_init.connect
def _begin_decoding(**_: object) -> None:
    runtime.open_decoder_pools()


@worker_shutting_down.connect
@worker_process_shutdown.connect
def _end_decoding(**_: object) -> None:
    """A job that is cut short by this goes back to the queue."""
    runtime.close_decoder_pools()
