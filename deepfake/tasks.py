"""Celery's entry points: ids in, one service call each."""

from __future__ import annotations

from celery import shared_task
from celery.signals import worker_init, worker_process_shutdown, worker_shutting_down

from core.workers import backlog
from deepfake.files import sweep_files
from deepfake.jobs import LIFE, recover_analyses, waiting_analyses
from deepfake.keepsakes import sweep_keepsakes
from deepfake.retention import purge_analyses, purge_files
from deepfake.work import allow_attempts, call_attempts_off, run_analysis

_LIFE_S = LIFE.total_seconds()


@shared_task(ignore_result=True, soft_time_limit=_LIFE_S, time_limit=_LIFE_S + 60)
def analyze(analysis_id: int) -> None:
    """Carry out one analysis."""
    run_analysis(analysis_id=analysis_id)


@shared_task(ignore_result=True)
def recover() -> None:
    """Give up or hand on what dead workers left, tell workers of what they may not know of, remove stray files.

    A broker can lose its messages. As long as it has some left nothing is sent again: a message too many is
    harmless, since an analysis is claimed once, but all of them again every few seconds would fill the broker.
    """
    waiting = recover_analyses()
    if backlog("deepfake") == 0:
        waiting = waiting_analyses()
    for analysis_id in waiting:
        analyze.delay(analysis_id)
    sweep_files()


@shared_task(ignore_result=True)
def purge() -> None:
    """Delete analyses and files that are older than they are kept, and what a crash left of deleted ones."""
    purge_analyses()
    purge_files()
    sweep_keepsakes()


@worker_init.connect
def _begin(**_: object) -> None:
    # Loaded here, since the web process, which sends tasks, needs no models.
    from deepfake import runtime

    runtime.open_detectors()
    allow_attempts()


@worker_shutting_down.connect
@worker_process_shutdown.connect
def _stop(**_: object) -> None:
    """Analyses that are cut short by this go back to the queue."""
    from deepfake import runtime

    call_attempts_off()
    runtime.close_detectors()
