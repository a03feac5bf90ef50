"""The life of a job: claimed by one, renewed, ended, and taken from the dead."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from datetime import timedelta

import psutil
import pytest
from django.db import connection

from anime_search.ingest import jobs
from anime_search.models import IngestJob, JobOutcome, JobStatus
from core import clock
from tests.anime_search.ingest.conftest import MakeJob

pytestmark = pytest.mark.django_db

CONTENT = "c" * 64


def claimed(job: IngestJob) -> IngestJob:
    taken = jobs.claim_job(job_id=job.pk)
    assert taken is not None
    return taken


def expire(job: IngestJob) -> None:
    IngestJob.objects.filter(pk=job.pk).update(leased_until=clock.now() - timedelta(seconds=1))


def process_name(pid: int, *, host: str = "", started: float | None = None) -> str:
    started = psutil.Process(pid).create_time() if started is None else started
    return f"{host or socket.gethostname()}:{pid}:{started:.2f}"


@pytest.fixture
def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_queued_job_is_claimed_once(make_job: MakeJob) -> None:
    job = make_job()
    taken = claimed(job)
    assert (taken.status, taken.attempts, taken.owner) == (JobStatus.RUNNING, 1, process_name(os.getpid()))
    assert jobs.claim_job(job_id=job.pk) is None


@pytest.mark.parametrize("status", [JobStatus.DONE, JobStatus.FAILED])
def test_job_that_has_ended_is_not_claimed(make_job: MakeJob, status: JobStatus) -> None:
    assert jobs.claim_job(job_id=make_job(status=status).pk) is None


def test_job_that_does_not_exist_is_not_claimed(db: None) -> None:
    assert jobs.claim_job(job_id=1_000_000) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_threads_each_job_is_claimed_by_one(make_job: MakeJob) -> None:
    ids = [make_job(f"/videos/{number}.mp4").pk for number in range(20)]
    wins: list[int] = []
    start = threading.Barrier(8)

    def claim_all() -> None:
        start.wait()
        try:
            wins.extend(pk for pk in ids if jobs.claim_job(job_id=pk) is not None)
        finally:
            connection.close()

    threads = [threading.Thread(target=claim_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins) == ids
    assert set(IngestJob.objects.values_list("attempts", flat=True)) == {1}


def test_expired_lease_lets_another_claim_the_job(make_job: MakeJob) -> None:
    job = claimed(make_job())
    expire(job)
    assert claimed(job).attempts == 2


def test_job_is_not_claimed_a_fourth_time(make_job: MakeJob) -> None:
    job = make_job()
    for _ in range(IngestJob.MAX_ATTEMPTS):
        claimed(job)
        expire(job)
    assert jobs.claim_job(job_id=job.pk) is None


def test_renewing_prolongs_the_lease_and_notes_the_progress(make_job: MakeJob) -> None:
    job = claimed(make_job())
    expire(job)
    assert jobs.renew_lease(job=job, done_s=3.0, total_s=10.0)
    job.refresh_from_db()
    assert job.leased_until is not None
    assert job.leased_until > clock.now() + timedelta(seconds=30)
    assert (job.done_s, job.total_s) == (3.0, 10.0)


class TestJobThatWasTakenAway:
    """The first worker slept through its lease; the second is of the same process, as threads are."""

    @pytest.fixture
    def first(self, make_job: MakeJob) -> IngestJob:
        first = claimed(make_job())
        expire(first)
        claimed(first)
        return first

    def test_is_not_renewed_by_the_first(self, first: IngestJob) -> None:
        assert not jobs.renew_lease(job=first, done_s=1, total_s=2)

    def test_is_not_ended_by_the_first(self, first: IngestJob) -> None:
        assert not jobs.end_job(job=first, outcome=JobOutcome.BROKEN, message="late")
        first.refresh_from_db()
        assert (first.status, first.outcome) == (JobStatus.RUNNING, "")

    def test_is_not_postponed_by_the_first(self, first: IngestJob) -> None:
        jobs.postpone_job(job=first)
        first.refresh_from_db()
        assert (first.status, first.attempts) == (JobStatus.RUNNING, 2)


def test_same_content_is_decoded_by_one_job_at_a_time(make_job: MakeJob) -> None:
    first, second = claimed(make_job("/videos/1.mp4")), claimed(make_job("/videos/2.mp4"))
    assert jobs.claim_content(job=first, content=CONTENT)
    assert not jobs.claim_content(job=second, content=CONTENT)
    jobs.postpone_job(job=second)
    second.refresh_from_db()
    assert (second.status, second.attempts) == (JobStatus.QUEUED, 0)


def test_postponed_job_waits_until_its_content_is_free(make_job: MakeJob) -> None:
    first, second = claimed(make_job("/videos/1.mp4")), claimed(make_job("/videos/2.mp4"))
    unrelated = make_job("/videos/3.mp4")
    jobs.claim_content(job=first, content=CONTENT)
    jobs.claim_content(job=second, content=CONTENT)
    jobs.postpone_job(job=second)
    assert jobs.waiting_jobs() == [unrelated.pk]
    jobs.end_job(job=first, outcome=JobOutcome.INDEXED)
    assert jobs.waiting_jobs() == [second.pk, unrelated.pk]


def test_job_of_a_dead_process_is_queued_again_at_once(make_job: MakeJob, dead_pid: int) -> None:
    job = claimed(make_job())
    IngestJob.objects.update(owner=process_name(dead_pid, started=1.0), content=CONTENT)
    assert jobs.recover_jobs() == [job.pk]
    job.refresh_from_db()
    assert (job.status, job.owner, job.leased_until, job.content) == (JobStatus.QUEUED, "", None, "")


def test_job_of_a_killed_process_that_nobody_has_buried_is_queued_again(make_job: MakeJob) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        job = claimed(make_job())
        IngestJob.objects.update(owner=process_name(process.pid))
        assert jobs.recover_jobs() == []
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert jobs.recover_jobs() == [job.pk]
    finally:
        process.communicate()


def test_number_of_a_dead_process_that_another_one_got_is_no_sign_of_life(make_job: MakeJob) -> None:
    job = claimed(make_job())
    IngestJob.objects.update(owner=process_name(os.getpid(), started=psutil.boot_time() - 1000))
    assert jobs.recover_jobs() == [job.pk]


@pytest.mark.parametrize("step_s", [-1.0, 0.5, 10.0])
def test_correcting_the_clock_kills_nobody(make_job: MakeJob, step_s: float) -> None:
    claimed(make_job())
    started = psutil.Process().create_time() + step_s
    IngestJob.objects.update(owner=process_name(os.getpid(), started=started))
    assert jobs.recover_jobs() == []


def test_worker_on_another_host_is_alive_until_its_lease_ends(make_job: MakeJob, dead_pid: int) -> None:
    job = claimed(make_job())
    IngestJob.objects.update(owner=process_name(dead_pid, host="elsewhere", started=1.0))
    assert jobs.recover_jobs() == []
    expire(job)
    assert jobs.recover_jobs() == [job.pk]


def test_job_whose_workers_died_three_times_is_given_up(make_job: MakeJob) -> None:
    job = make_job()
    for attempt in range(1, IngestJob.MAX_ATTEMPTS + 1):
        claimed(job)
        expire(job)
        assert jobs.recover_jobs() == ([job.pk] if attempt < IngestJob.MAX_ATTEMPTS else [])
    job.refresh_from_db()
    assert (job.status, job.outcome) == (JobStatus.FAILED, JobOutcome.ERROR)
    assert job.message == "given up: its worker died 3 times"
    assert job.ended_at is not None


def test_job_that_is_renewed_while_the_dead_are_looked_for_stays_with_its_worker(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = claimed(make_job())
    expire(job)

    def renew_and_judge(*_: object) -> bool:
        jobs.renew_lease(job=job, done_s=0, total_s=0)
        return True

    monkeypatch.setattr(jobs, "_is_dead", renew_and_judge)
    assert jobs.recover_jobs() == []
    job.refresh_from_db()
    assert job.status == JobStatus.RUNNING


def test_long_reason_is_kept_as_far_as_there_is_room(make_job: MakeJob) -> None:
    job = claimed(make_job())
    assert jobs.end_job(job=job, outcome=JobOutcome.BROKEN, message="x" * 1000)
    job.refresh_from_db()
    assert job.message == "x" * 255
