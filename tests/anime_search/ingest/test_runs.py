"""A run as its command sees it: how far it is, what came of it, whom it told."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from anime_search.ingest import runs
from anime_search.ingest.runs import IngestRun, RunProgress
from anime_search.models import IngestJob, JobOutcome, JobStatus
from core import clock
from tests.anime_search.ingest.conftest import MakeJob

pytestmark = pytest.mark.django_db


class Calls:
    """What a run asked for."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.published = self.recovered = 0

    def publish(self) -> None:
        self.published += 1

    def recover(self) -> None:
        self.recovered += 1


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def run(tmp_path: Path, calls: Calls) -> IngestRun:
    return IngestRun([tmp_path], send=calls.sent.append, publish=calls.publish, recover=calls.recover)


def test_progress_of_no_jobs_is_nothing(run: IngestRun) -> None:
    assert run.progress() == RunProgress()


def test_progress_adds_up_files_bytes_and_seconds(run: IngestRun, make_job: MakeJob) -> None:
    made = [
        make_job("/v/1", size=100),
        make_job("/v/2", size=200, status=JobStatus.RUNNING, done_s=30, total_s=120),
        make_job("/v/3", size=400, status=JobStatus.RUNNING, done_s=7, total_s=0),
        make_job("/v/4", size=800, status=JobStatus.RUNNING, done_s=13, total_s=10),
        make_job("/v/5", size=1600, status=JobStatus.DONE, outcome=JobOutcome.INDEXED, done_s=60, total_s=60),
        make_job("/v/6", size=3200, status=JobStatus.FAILED, outcome=JobOutcome.BROKEN, done_s=5, total_s=60),
    ]
    make_job("/v/another run's", size=10**9, status=JobStatus.RUNNING, done_s=1, total_s=1)
    run.jobs = {job.pk for job in made}
    state = run.progress()
    assert (state.files, state.files_ended, state.size) == (6, 2, 6300)
    assert state.size_done == pytest.approx(50 + 800 + 1600 + 3200)
    assert state.video_s == pytest.approx(30 + 7 + 13 + 60 + 5)
    assert state.current == "2"


def bulk(count: int) -> list[IngestJob]:
    return IngestJob.objects.bulk_create(
        IngestJob(
            path=f"/v/{number}",
            path_sha256=f"{number:064}",
            root="/v",
            size=10,
            mtime_ns=1,
            inode="1",
            status=JobStatus.DONE if number % 2 else JobStatus.QUEUED,
            outcome=JobOutcome.INDEXED if number % 2 else "",
            done_s=2.0 if number % 2 else 0.0,
        )
        for number in range(count)
    )


def test_progress_of_ten_thousand_jobs_is_two_statements_and_no_rows(run: IngestRun) -> None:
    run.jobs = {job.pk for job in bulk(10_000)}
    with CaptureQueriesContext(connection) as queries:
        state = run.progress()
    assert (state.files, state.files_ended, state.size_done) == (10_000, 5_000, 50_000)
    assert len(queries) == 2
    assert all(len(query["sql"]) < 2000 for query in queries.captured_queries)
    with CaptureQueriesContext(connection) as queries:
        assert run.outcomes()["indexed"] == 5_000
        assert run.video_seconds() == 10_000
        assert run.failures() == {}
    assert len(queries) == 3


def test_jobs_that_lie_scattered_among_those_of_others_are_counted_right(run: IngestRun) -> None:
    ids = [job.pk for job in bulk(3000)]
    run.jobs = set(random.Random(7).sample(ids, 1000))
    ended = sum(ids.index(pk) % 2 for pk in run.jobs)
    state = run.progress()
    assert (state.files, state.files_ended) == (1000, ended)
    assert run.outcomes()["indexed"] == ended


def test_failures_are_told_by_path_with_their_reasons(
    run: IngestRun, make_job: MakeJob, tmp_path: Path
) -> None:
    paths = {name: tmp_path / name for name in ("broken", "ours", "gone", "changing", "fine")}
    for name in ("broken", "ours", "changing", "fine"):
        paths[name].write_bytes(b"x")
    made = [
        make_job(paths["broken"], status=JobStatus.FAILED, outcome=JobOutcome.BROKEN, message="no video"),
        make_job(paths["ours"], status=JobStatus.FAILED, outcome=JobOutcome.ERROR, message="disk full"),
        make_job(paths["gone"], status=JobStatus.FAILED, outcome=JobOutcome.GONE),
        make_job(paths["changing"], status=JobStatus.FAILED, outcome=JobOutcome.GONE),
        make_job(paths["fine"], status=JobStatus.DONE, outcome=JobOutcome.INDEXED),
    ]
    run.jobs = {job.pk for job in made}
    assert run.failures() == {
        str(paths["broken"]): "no video",
        str(paths["ours"]): "disk full",
        str(paths["changing"]): "was still being written or replaced: run it again",
    }


@pytest.mark.parametrize("then", [JobOutcome.INDEXED, JobOutcome.KNOWN])
def test_failure_that_a_later_job_of_the_run_made_good_is_none(
    run: IngestRun, make_job: MakeJob, tmp_path: Path, then: JobOutcome
) -> None:
    path = tmp_path / "1.mp4"
    path.write_bytes(b"x")
    before = make_job(path, status=JobStatus.FAILED, outcome=JobOutcome.BROKEN, message="cut")
    after = make_job(path, status=JobStatus.DONE, outcome=then)
    run.jobs = {before.pk, after.pk}
    assert run.failures() == {}


def test_later_failure_of_a_file_that_was_indexed_before_counts(
    run: IngestRun, make_job: MakeJob, tmp_path: Path
) -> None:
    path = tmp_path / "1.mp4"
    path.write_bytes(b"x")
    before = make_job(path, status=JobStatus.DONE, outcome=JobOutcome.INDEXED)
    after = make_job(path, status=JobStatus.FAILED, outcome=JobOutcome.BROKEN, message="cut")
    run.jobs = {before.pk, after.pk}
    assert run.failures() == {str(path): "cut"}


def test_walking_tells_the_workers_of_each_job_once(run: IngestRun, calls: Calls, tmp_path: Path) -> None:
    for name in ("1.mp4", "2.mp4"):
        (tmp_path / name).write_bytes(b"x")
    assert run.walk() == 2
    (tmp_path / "3.mp4").write_bytes(b"x")
    assert run.walk() == 1
    assert run.walk() == 0
    assert sorted(calls.sent) == sorted(run.jobs)
    assert len(calls.sent) == 3


def test_failure_of_ours_is_tried_once_a_run(
    run: IngestRun, calls: Calls, make_job: MakeJob, tmp_path: Path
) -> None:
    path = tmp_path / "1.mp4"
    path.write_bytes(b"x")
    assert run.walk() == 1
    IngestJob.objects.update(status=JobStatus.FAILED, outcome=JobOutcome.ERROR, message="disk full")
    assert run.walk() == 0
    assert run.failures() == {str(path): "disk full"}
    path.write_bytes(b"changed")
    assert run.walk() == 1
    next_run = IngestRun([tmp_path], calls.sent.append, calls.publish, calls.recover)
    assert next_run.walk() == 1


def test_watching_publishes_and_recovers_now_and_then_until_all_has_ended(
    run: IngestRun, calls: Calls, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(0, 10_000, 10))
    monkeypatch.setattr(runs.time, "monotonic", lambda: next(now))
    monkeypatch.setattr(runs.time, "sleep", lambda _: None)
    first, second = make_job("/v/1"), make_job("/v/2")
    run.jobs = {first.pk, second.pk}
    states = run.watch()
    for _ in range(4):
        assert next(states).files_ended == 0
    assert calls.published == 0
    assert calls.recovered > 0
    IngestJob.objects.filter(pk=first.pk).update(status=JobStatus.DONE, ended_at=clock.now())
    for _ in range(6):
        assert next(states).files_ended == 1
    assert calls.published == 1
    IngestJob.objects.filter(pk=second.pk).update(status=JobStatus.FAILED, ended_at=clock.now())
    assert [state.files_ended for state in states] == [2]
