"""The life of an ingest job: claim, renew, end, recover."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta

import psutil
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from anime_search.models import IngestJob, JobOutcome, JobStatus
from core import clock
from video.faults import VideoFault

#: A worker that has not renewed its lease for this long is taken for dead.
LEASE = timedelta(seconds=60)
#: How often a worker renews it; also how fresh the progress is that others see.
RENEW_EVERY_S = 1.0

#: Seconds by which two readings of one process's start may differ: the system's clock is corrected now and then.
_START_TOLERANCE_S = 30.0


def _process_name() -> str:
    """Host, process and its start: a number alone is used again for other processes."""
    process = psutil.Process()
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"


def claim_job(*, job_id: int) -> IngestJob | None:
    """Take a queued job, or one whose worker died; None if it is done or somebody else's."""
    now = clock.now()
    claimed = (
        IngestJob.objects.filter(pk=job_id, attempts__lt=IngestJob.MAX_ATTEMPTS)
        .filter(Q(status=JobStatus.QUEUED) | Q(status=JobStatus.RUNNING, leased_until__lt=now))
        .update(
            status=JobStatus.RUNNING,
            owner=_process_name(),
            leased_until=now + LEASE,
            started_at=now,
            attempts=F("attempts") + 1,
            done_s=0,
            content="",
        )
    )
    return IngestJob.objects.get(pk=job_id) if claimed else None


def renew_lease(*, job: IngestJob, done_s: float, total_s: float) -> bool:
    """Say that the job is alive, and how far it is; False if it was taken away."""
    return _update_own(job, leased_until=clock.now() + LEASE, done_s=done_s, total_s=total_s)


def claim_content(*, job: IngestJob, content: str) -> bool:
    """Note what the file holds; False while another job decodes the same bytes under another name.

    ``job.content`` is set in any case.
    """
    job.content = content
    try:
        with transaction.atomic():
            _update_own(job, content=content)
    except IntegrityError:
        return False
    return True


def postpone_job(*, job: IngestJob) -> None:
    """Give a job back to the queue; it was not the job's fault, so no attempt is counted.

    One whose content another job decodes keeps its content, so that it waits for that other job.
    """
    _update_own(
        job,
        status=JobStatus.QUEUED,
        attempts=F("attempts") - 1,
        leased_until=None,
        content=job.content,
    )


def end_job(
    *,
    job: IngestJob,
    outcome: JobOutcome,
    video_id: int | None = None,
    fault: VideoFault | None = None,
    message: str = "",
    video_s: float | None = None,
) -> bool:
    """Write a job's end; False if it was taken away meanwhile, and nothing was written.

    Args:
        video_s: seconds of video that were decoded; None leaves the last progress.
    """
    failed = outcome not in (JobOutcome.INDEXED, JobOutcome.KNOWN)
    return _update_own(
        job,
        status=JobStatus.FAILED if failed else JobStatus.DONE,
        outcome=outcome,
        fault=fault or "",
        message=message[:255],
        video_id=video_id,
        ended_at=clock.now(),
        leased_until=None,
        **({} if video_s is None else {"done_s": video_s, "total_s": video_s}),
    )


def _update_own(job: IngestJob, **changes: object) -> bool:
    """Change a job as long as it is this attempt's."""
    own = IngestJob.objects.filter(
        pk=job.pk, status=JobStatus.RUNNING, owner=job.owner, attempts=job.attempts
    )
    return bool(own.update(**changes))


def recover_jobs() -> list[int]:
    """Put the jobs of dead workers back into the queue, give up on those that were tried often enough.

    Returns:
        Ids of the jobs that are queued again.
    """
    now = clock.now()
    recovered: list[int] = []
    running = IngestJob.objects.filter(status=JobStatus.RUNNING)
    for pk, owner, attempts, until in running.order_by("pk").values_list(
        "pk", "owner", "attempts", "leased_until"
    ):
        if not _is_dead(owner, until, now):
            continue
        # Unless somebody claimed it, or its worker woke up, in this very moment.
        stale = running.filter(pk=pk, owner=owner, attempts=attempts, leased_until=until)
        if attempts >= IngestJob.MAX_ATTEMPTS:
            stale.update(
                status=JobStatus.FAILED,
                outcome=JobOutcome.ERROR,
                message=f"given up: its worker died {IngestJob.MAX_ATTEMPTS} times",
                ended_at=now,
                leased_until=None,
            )
        elif stale.update(status=JobStatus.QUEUED, leased_until=None, owner="", content=""):
            recovered.append(pk)
    return recovered


def waiting_jobs() -> list[int]:
    """Ids of the queued jobs that a worker could take now: not those whose content is being decoded."""
    decoding = IngestJob.objects.filter(status=JobStatus.RUNNING).exclude(content="").values("content")
    queued = IngestJob.objects.filter(status=JobStatus.QUEUED).exclude(content__in=decoding)
    return list(queued.order_by("pk").values_list("pk", flat=True))


def _is_dead(owner: str, leased_until: datetime | None, now: datetime) -> bool:
    if leased_until is None or leased_until < now:
        return True
    host, pid, started = owner.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        return bool(abs(process.create_time() - float(started)) > _START_TOLERANCE_S)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
