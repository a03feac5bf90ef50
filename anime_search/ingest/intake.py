"""From found files to jobs: what is new, what is known, and what was broken before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from anime_search import runtime
from anime_search.engine.stamp import FileStamp
from anime_search.ingest.discovery import FoundFile, path_key
from anime_search.models import IngestJob, JobOutcome, JobStatus, VideoFile
from core import clock

#: Files that are looked up at a time: far below the parameters that SQLite takes in one statement.
BATCH = 500

Item = TypeVar("Item")


@dataclass(slots=True)
class Sorted:
    """Files by what is to be done about them; the keys are those of :func:`path_key`.

    Attributes:
        new: files to be indexed: never seen, changed, or not indexed by the current descriptor.
        known: files that are indexed already and unchanged.
        broken: paths and reasons of files that were broken before and have not changed since.
    """

    new: dict[str, FoundFile] = field(default_factory=dict)
    known: dict[str, FoundFile] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Enqueued:
    """What became of some files.

    Attributes:
        jobs: ids of the open jobs for them, old and new.
        known: how many are indexed already and unchanged.
        broken: paths and reasons of files that were broken before and have not changed since.
    """

    jobs: list[int] = field(default_factory=list)
    known: int = 0
    broken: dict[str, str] = field(default_factory=dict)


def sort_files(*, files: Sequence[FoundFile], retry: bool = False) -> Sorted:
    """Tell new files from known and broken ones. Nothing is written.

    Args:
        retry: files that were broken before and have not changed count as new.
    """
    result = Sorted()
    for batch in batches(files):
        _sort_batch({path_key(file.path): file for file in batch}, result, retry=retry)
    return result


def _sort_batch(files: dict[str, FoundFile], result: Sorted, *, retry: bool) -> None:
    indexed = VideoFile.objects.filter(
        path_sha256__in=files, video__tracks__descriptor=runtime.geometry().descriptor
    ).values_list("path_sha256", "size", "mtime_ns", "inode")
    known = {
        key for key, size, mtime_ns, inode in indexed if files[key].stamp == FileStamp(size, mtime_ns, inode)
    }
    result.known |= {key: files[key] for key in known}
    pending = {key: file for key, file in files.items() if key not in known}
    if pending and not retry:
        broken = IngestJob.objects.filter(path_sha256__in=pending, outcome=JobOutcome.BROKEN)
        for key, message, size, mtime_ns, inode in broken.order_by("pk").values_list(
            "path_sha256", "message", "size", "mtime_ns", "inode"
        ):
            if key in pending and pending[key].stamp == FileStamp(size, mtime_ns, inode):
                result.broken[str(pending.pop(key).path)] = message
    result.new |= pending


def enqueue_files(*, files: Sequence[FoundFile], retry: bool = False) -> Enqueued:
    """Make a job of each file that is new or changed, and has none yet.

    Args:
        retry: also of those that were broken before and have not changed.
    """
    found = sort_files(files=files, retry=retry)
    now = clock.now()
    for keys in batches(found.known):
        VideoFile.objects.filter(path_sha256__in=keys).update(seen_at=now)
    jobs: list[int] = []
    for part in batches(found.new.items()):
        # A job that another command makes of the same file in this moment is as good: the database keeps one.
        IngestJob.objects.bulk_create((_job_of(file, key) for key, file in part), ignore_conflicts=True)
        open_jobs = IngestJob.objects.filter(
            path_sha256__in=[key for key, _ in part], status__in=[JobStatus.QUEUED, JobStatus.RUNNING]
        )
        jobs += open_jobs.order_by("pk").values_list("pk", flat=True)
    return Enqueued(jobs, len(found.known), found.broken)


def _job_of(file: FoundFile, key: str) -> IngestJob:
    return IngestJob(
        path=str(file.path),
        path_sha256=key,
        root=str(file.root),
        size=file.stamp.size,
        mtime_ns=file.stamp.mtime_ns,
        inode=file.stamp.inode,
    )


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Lists of :data:`BATCH` items, the last one shorter."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
