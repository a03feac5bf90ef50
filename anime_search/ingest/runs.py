"""One run of ingest: find, enqueue, watch until all is searchable, and say what came of it."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from pathlib import Path

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Least, NullIf

from anime_search.engine.stamp import FileStamp
from anime_search.ingest.discovery import FoundFile, UnusablePath, find_files, path_key
from anime_search.ingest.intake import BATCH, batches, enqueue_files
from anime_search.models import IngestJob, JobOutcome, JobStatus

#: Walks over the same paths at most: files that keep changing must not keep a run going for ever.
MOST_WALKS = 5

#: Seconds between two looks at the jobs while they are worked on.
LOOK_EVERY_S = 0.5
#: Seconds after which what is described so far is made searchable, and after which dead workers are looked for.
PUBLISH_EVERY_S = 15.0
RECOVER_EVERY_S = 2.0

_OPEN = (JobStatus.QUEUED, JobStatus.RUNNING)
_SEARCHABLE = (JobOutcome.INDEXED, JobOutcome.KNOWN)
#: Stretches of consecutive ids in one statement.
_STRETCHES = 100


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How a run stands: files, bytes and seconds of video."""

    files: int = 0
    files_ended: int = 0
    size: int = 0
    size_done: float = 0.0
    video_s: float = 0.0
    current: str = ""


@dataclass(slots=True)
class IngestRun:
    """The files of one call of the command.

    Args:
        send: hands a job to a worker.
        publish: makes what is described so far searchable.
        recover: hands on the jobs of dead workers, and those that no worker was told of.
        retry: also files that were broken before and have not changed.
    """

    paths: Sequence[Path]
    send: Callable[[int], object]
    publish: Callable[[], object]
    recover: Callable[[], object]
    retry: bool = False
    jobs: set[int] = field(default_factory=set)
    known: int = 0
    unusable: dict[str, str] = field(default_factory=dict)
    _walks: int = 0
    _given_up: set[FoundFile] = field(default_factory=set)

    def walk(self) -> int:
        """Enqueue what is new or changed below the paths, and return how many jobs that made."""
        before = len(self.jobs)
        self._walks += 1
        self._given_up = self._files_given_up()
        self.unusable.clear()
        chunk: list[FoundFile] = []
        for found in find_files(self.paths):
            if isinstance(found, UnusablePath):
                self.unusable[found.path] = found.reason
                continue
            chunk.append(found)
            if len(chunk) == BATCH:
                self._enqueue(chunk)
                chunk = []
        self._enqueue(chunk)
        return len(self.jobs) - before

    def _files_given_up(self) -> set[FoundFile]:
        """Files, as they were then, that a job of this run failed on through no fault of theirs."""
        return {
            FoundFile(Path(path), Path(root), FileStamp(size, mtime_ns, inode))
            for jobs in self._own_jobs()
            for path, root, size, mtime_ns, inode in jobs.filter(outcome=JobOutcome.ERROR).values_list(
                "path", "root", "size", "mtime_ns", "inode"
            )
        }

    def _enqueue(self, files: list[FoundFile]) -> None:
        # What failed in this run would fail in its next walk, too: asked for once, it is tried once.
        files = [file for file in files if file not in self._given_up]
        enqueued = enqueue_files(files=files, retry=self.retry and self._walks == 1)
        # A later walk finds what the first has indexed: only files that were known before count as such.
        self.known += enqueued.known if self._walks == 1 else 0
        self.unusable.update(enqueued.broken)
        for job_id in enqueued.jobs:
            if job_id not in self.jobs:
                self.jobs.add(job_id)
                self.send(job_id)

    def watch(self) -> Iterator[RunProgress]:
        """Say how the run stands until every job has ended, over and over."""
        published_at = recovered_at = time.monotonic()
        ended_then, pause_s = 0, LOOK_EVERY_S / 8
        while True:
            state = self.progress()
            yield state
            if state.files_ended == state.files:
                return
            now = time.monotonic()
            if now - published_at > PUBLISH_EVERY_S and state.files_ended > ended_then:
                published_at, ended_then = now, state.files_ended
                self.publish()
            if now - recovered_at > RECOVER_EVERY_S:
                recovered_at = now
                self.recover()
            time.sleep(pause_s)
            pause_s = min(LOOK_EVERY_S, 2 * pause_s)

    def progress(self) -> RunProgress:
        """How the run stands now; the database adds it up, however many jobs there are."""
        ended = ~Q(status__in=_OPEN)
        share = Least(F("done_s") / NullIf(F("total_s"), 0.0), 1.0)
        total: Counter[str] = Counter()
        current = ""
        for jobs in self._own_jobs():
            sums = jobs.aggregate(
                files=Count("pk"),
                files_ended=Count("pk", filter=ended),
                bytes=Sum("size"),
                bytes_ended=Sum("size", filter=ended),
                bytes_begun=Sum(F("size") * share, filter=Q(status=JobStatus.RUNNING)),
                video_s=Sum("done_s"),
            )
            total.update({name: value or 0 for name, value in sums.items()})
            running = jobs.filter(status=JobStatus.RUNNING).order_by("pk").values_list("path", flat=True)
            current = current or Path(running.first() or "").name
        return RunProgress(
            files=total["files"],
            files_ended=total["files_ended"],
            size=total["bytes"],
            size_done=total["bytes_ended"] + total["bytes_begun"],
            video_s=total["video_s"],
            current=current,
        )

    def outcomes(self) -> dict[str, int]:
        """How many jobs ended in which way."""
        counts = dict.fromkeys(JobOutcome.values, 0)
        for jobs in self._own_jobs():
            for outcome, count in jobs.exclude(outcome="").values_list("outcome").annotate(Count("pk")):
                counts[outcome] += count
        return counts

    def failures(self) -> dict[str, str]:
        """Paths that are not searchable, each with the reason: this run's, and those that are still broken.

        A file that vanished, or was replaced and then indexed under its new content, is no failure; one
        that was still being written when the run ended is.
        """
        latest: dict[str, tuple[int, str, str]] = {}
        for jobs in self._own_jobs():
            failed = jobs.exclude(outcome__in=["", *_SEARCHABLE]).order_by("pk")
            for pk, path, outcome, message in failed.values_list("pk", "path", "outcome", "message"):
                latest[path] = max((pk, outcome, message), latest.get(path, (0, "", "")))
        for path, pk in self._searchable_jobs(latest):
            if pk > latest[path][0]:
                del latest[path]
        failures = dict(self.unusable)
        for path, (_, outcome, message) in latest.items():
            if os.path.lexists(path):
                still_changing = "was still being written or replaced: run it again"
                failures[path] = still_changing if outcome == JobOutcome.GONE else message
        return failures

    def _searchable_jobs(self, paths: Iterable[str]) -> Iterator[tuple[str, int]]:
        """Path and id of the newest job of each path that made it searchable."""
        newest: dict[str, int] = {}
        for part in batches(paths):
            jobs = IngestJob.objects.filter(
                path_sha256__in=[path_key(path) for path in part], outcome__in=_SEARCHABLE
            )
            newest.update(jobs.order_by("pk").values_list("path", "pk"))
        return iter(newest.items())

    def video_seconds(self) -> float:
        """Seconds of video that this run decoded."""
        indexed = (jobs.filter(outcome=JobOutcome.INDEXED) for jobs in self._own_jobs())
        return sum(float(jobs.aggregate(total=Sum("done_s"))["total"] or 0.0) for jobs in indexed)

    def _own_jobs(self) -> Iterator[QuerySet[IngestJob]]:
        """The run's jobs, by stretches of consecutive ids: a list of ids would outgrow a statement."""
        stretches: list[list[int]] = []
        for pk in sorted(self.jobs):
            if stretches and stretches[-1][1] == pk - 1:
                stretches[-1][1] = pk
            else:
                stretches.append([pk, pk])
        for start in range(0, len(stretches), _STRETCHES):
            part = stretches[start : start + _STRETCHES]
            yield IngestJob.objects.filter(reduce(or_, (Q(pk__range=stretch) for stretch in part)))
