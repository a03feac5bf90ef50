"""One run of ingest: find, enqueue, watch until all is searchable, and say what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.db.models import Sum

from anime_search.ingest.discovery import FoundFile, UnusablePath, find_files
from anime_search.ingest.jobs import enqueue_files, recover_jobs
from anime_search.models import IngestJob, JobOutcome, JobStatus

#: Walks over the same paths at most: files that keep changing must not keep a run going for ever.
MOST_WALKS = 5

_CHUNK = 500
_OPEN = (JobStatus.QUEUED, JobStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How a run stands: files, bytes and seconds of video."""

    files: int
    files_ended: int
    size: int
    size_done: float
    video_s: float
    current: str


@dataclass(slots=True)
class IngestRun:
    """The files of one call of the command.

    Args:
        send: hands a job to a worker.
        publish: makes what is described so far searchable.
        retry: also files that were broken before and have not changed.
    """

    paths: Sequence[Path]
    send: Callable[[int], object]
    publish: Callable[[], object]
    retry: bool = False
    jobs: set[int] = field(default_factory=set)
    known: int = 0
    unusable: dict[str, str] = field(default_factory=dict)
    _walks: int = 0

    def walk(self) -> int:
        """Enqueue what is new or changed below the paths, and return how many jobs that made."""
        before = len(self.jobs)
        self._walks += 1
        chunk: list[FoundFile] = []
        for found in find_files(self.paths):
            if isinstance(found, UnusablePath):
                self.unusable[found.path] = found.reason
                continue
            chunk.append(found)
            if len(chunk) == _CHUNK:
                self._enqueue(chunk)
                chunk = []
        self._enqueue(chunk)
        return len(self.jobs) - before

    def _enqueue(self, files: list[FoundFile]) -> None:
        enqueued = enqueue_files(files=files, retry=self.retry)
        # A later walk finds what the first has indexed: only files that were known before count as such.
        self.known += enqueued.known if self._walks == 1 else 0
        self.unusable.update(enqueued.broken)
        for job_id in enqueued.jobs:
            if job_id not in self.jobs:
                self.jobs.add(job_id)
                self.send(job_id)

    def watch(self, every_s: float = 0.5, publish_every_s: float = 15.0) -> Iterator[RunProgress]:
        """Say how the run stands until every job has ended, over and over."""
        published_at, ended_then, recovered_at = time.monotonic(), 0, time.monotonic()
        while True:
            state = self.progress()
            yield state
            if state.files_ended == state.files:
                return
            now = time.monotonic()
            if now - published_at > publish_every_s and state.files_ended > ended_then:
                published_at, ended_then = now, state.files_ended
                self.publish()
            if now - recovered_at > 5:
                recovered_at = now
                for job_id in recover_jobs():
                    self.send(job_id)
            time.sleep(every_s)

    def progress(self) -> RunProgress:
        """How the run stands now."""
        rows = list(
            IngestJob.objects.filter(pk__in=self.jobs).values_list(
                "status", "size", "done_s", "total_s", "path"
            )
        )
        running = [Path(path).name for status, _, _, _, path in rows if status == JobStatus.RUNNING]
        return RunProgress(
            files=len(rows),
            files_ended=sum(status not in _OPEN for status, *_ in rows),
            size=sum(size for _, size, *_ in rows),
            size_done=sum(
                size if status not in _OPEN else size * min(1.0, done_s / total_s) if total_s else 0.0
                for status, size, done_s, total_s, _ in rows
            ),
            video_s=sum(done_s for _, _, done_s, _, _ in rows),
            current=running[0] if running else "",
        )

    def outcomes(self) -> dict[str, int]:
        """How many jobs ended in which way."""
        counts = dict.fromkeys(JobOutcome.values, 0)
        for outcome in IngestJob.objects.filter(pk__in=self.jobs).values_list("outcome", flat=True):
            if outcome:
                counts[outcome] += 1
        return counts

    def failures(self) -> dict[str, str]:
        """Paths that are not searchable, each with the reason: this run's, and those that are still broken.

        A file that vanished, or was replaced and then indexed under its new content, is no failure.
        """
        failed = IngestJob.objects.filter(
            pk__in=self.jobs, outcome__in=[JobOutcome.BROKEN, JobOutcome.ERROR]
        ).order_by("pk")
        latest = {job.path: job.message for job in failed}
        return {**self.unusable, **latest}

    def video_seconds(self) -> float:
        """Seconds of video that this run decoded."""
        jobs = IngestJob.objects.filter(pk__in=self.jobs, outcome=JobOutcome.INDEXED)
        return float(jobs.aggregate(total=Sum("done_s"))["total"] or 0.0)
