"""The life of an ingest job: enqueue, claim, renew, end, recover."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psutil
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from anime_search import runtime
from anime_search.engine.video import VideoFault
from anime_search.engine.work import FileStamp
from anime_search.ingest.discovery import FoundFile, path_key
from anime_search.models import IngestJob, JobOutcome, JobStatus, VideoFile
from core import clock

#: A worker that has not renewed its lease for this long is taken for dead.
LEASE = timedelta(seconds=60)
#: How often a worker renews it; also how fresh the progress is that others see.
RENEW_EVERY_S = 1.0

_BATCH = 200


def _process_name() -> str:
    """Host, process and its start: a number alone is used again for other processes."""
    process = psutil.Process()
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"


@dataclass(slots=True)
class Enqueued:
    """What became of some files.

    Attributes:
        jobs: ids of the open jobs for them, old and new.
        known: files that are indexed already and unchanged.
        broken: paths and reasons of files that were broken before and have not changed since.
    """

    jobs: list[int] = field(default_factory=list)
    known: int = 0
    broken: list[tuple[str, str]] = field(default_factory=list)


def enqueue_files(*, files: Sequence[FoundFile], retry: bool = False) -> Enqueued:
    """Make a job of each file that is new or changed.

    Args:
        retry: also of those that were broken before and have not changed.
    """
    result = Enqueued()
    for start in range(0, len(files), _BATCH):
        _enqueue_batch({path_key(file.path): file for file in files[start : start + _BATCH]}, retry, result)
    return result


def _enqueue_batch(files: dict[str, FoundFile], retry: bool, result: Enqueued) -> None:
    now = clock.now()
    indexed = {
        key: FileStamp(size, mtime_ns, inode)
        for key, size, mtime_ns, inode in VideoFile.objects.filter(
            path_sha256__in=files, video__tracks__descriptor=runtime.descriptor().name
        ).values_list("path_sha256", "size", "mtime_ns", "inode")
    }
    unchanged = [key for key, stamp in indexed.items() if files[key].stamp == stamp]
    VideoFile.objects.filter(path_sha256__in=unchanged).update(seen_at=now)
    result.known += len(unchanged)
    pending = {key: file for key, file in files.items() if key not in set(unchanged)}
    if not retry:
        for job in IngestJob.objects.filter(path_sha256__in=pending, outcome=JobOutcome.BROKEN).order_by(
            "pk"
        ):
            file = pending.get(job.path_sha256)
            if file is not None and file.stamp == _stamp_of(job):
                result.broken.append((job.path, job.message))
                del pending[job.path_sha256]
    open_jobs = dict(
        IngestJob.objects.filter(
            path_sha256__in=pending, status__in=[JobStatus.QUEUED, JobStatus.RUNNING]
        ).values_list("path_sha256", "pk")
    )
    result.jobs += open_jobs.values()
    for key, file in pending.items():
        if key in open_jobs:
            continue
        job = IngestJob(
            path=str(file.path),
            path_sha256=key,
            root=str(file.root),
            size=file.stamp.size,
            mtime_ns=file.stamp.mtime_ns,
            inode=file.stamp.inode,
        )
        try:
            with transaction.atomic():
                job.save()
        except IntegrityError:
            # Another command enqueued the same file in this moment: its job is as good.
            result.jobs += IngestJob.objects.filter(
                path_sha256=key, status__in=[JobStatus.QUEUED, JobStatus.RUNNING]
            ).values_list("pk", flat=True)
        else:
            result.jobs.append(job.pk)


def _stamp_of(job: IngestJob) -> FileStamp:
    return FileStamp(job.size, job.mtime_ns, job.inode)


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
    return bool(
        IngestJob.objects.filter(
            pk=job.pk, status=JobStatus.RUNNING, owner=job.owner, attempts=job.attempts
        ).update(leased_until=clock.now() + LEASE, done_s=done_s, total_s=total_s)
    )


def claim_content(*, job: IngestJob, content: str) -> bool:
    """Note what the file holds; False while another job decodes the same bytes under another name."""
    try:
        with transaction.atomic():
            IngestJob.objects.filter(pk=job.pk, owner=job.owner).update(content=content)
    except IntegrityError:
        return False
    job.content = content
    return True


def postpone_job(*, job: IngestJob) -> None:
    """Give a job back to the queue; it was not the job's fault, so no attempt is counted."""
    IngestJob.objects.filter(pk=job.pk, owner=job.owner, status=JobStatus.RUNNING).update(
        status=JobStatus.QUEUED, attempts=F("attempts") - 1, leased_until=None, content=""
    )


def end_job(
    *,
    job: IngestJob,
    outcome: JobOutcome,
    video_id: int | None = None,
    fault: VideoFault | None = None,
    message: str = "",
) -> None:
    """Write a job's end, unless it was taken away meanwhile."""
    failed = outcome not in (JobOutcome.INDEXED, JobOutcome.KNOWN)
    IngestJob.objects.filter(pk=job.pk, status=JobStatus.RUNNING, owner=job.owner).update(
        status=JobStatus.FAILED if failed else JobStatus.DONE,
        outcome=outcome,
        fault=fault or "",
        message=message[:255],
        video_id=video_id,
        ended_at=clock.now(),
        leased_until=None,
    )


def recover_jobs() -> list[int]:
    """Put the jobs of dead workers back into the queue, give up on those that were tried often enough.

    Returns:
        Ids of all queued jobs: a broker that lost its messages is told of them again, and a message too
        many is harmless, since a job is claimed once.
    """
    now = clock.now()
    running = IngestJob.objects.filter(status=JobStatus.RUNNING)
    dead = [
        pk
        for pk, owner, until in running.values_list("pk", "owner", "leased_until")
        if _is_dead(owner, until, now)
    ]
    stale = running.filter(pk__in=dead)
    stale.filter(attempts__gte=IngestJob.MAX_ATTEMPTS).update(
        status=JobStatus.FAILED,
        outcome=JobOutcome.ERROR,
        message=f"given up: its worker died {IngestJob.MAX_ATTEMPTS} times",
        ended_at=now,
        leased_until=None,
    )
    stale.filter(attempts__lt=IngestJob.MAX_ATTEMPTS).update(
        status=JobStatus.QUEUED, leased_until=None, owner="", content=""
    )
    return list(IngestJob.objects.filter(status=JobStatus.QUEUED).order_by("pk").values_list("pk", flat=True))


def _is_dead(owner: str, leased_until: datetime | None, now: datetime) -> bool:
    if leased_until is None or leased_until < now:
        return True
    host, pid, created = owner.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != created
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def open_count(*, jobs: Iterable[int]) -> int:
    """How many of the jobs have not ended."""
    return IngestJob.objects.filter(
        pk__in=list(jobs), status__in=[JobStatus.QUEUED, JobStatus.RUNNING]
    ).count()
