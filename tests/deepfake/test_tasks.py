"""The queue of analyses, with a worker of this process: messages, lost messages, a worker that stops."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app, signals

from accounts.principal import Principal
from config.settings.queues import BEAT
from core import clock
from core.workers import EmbeddedWorkers, backlog
from credits.models import Admission
from deepfake import files
from deepfake.models import Analysis
from deepfake.services import VideoAt, request_analysis, request_verdict
from deepfake.tasks import analyze, purge, recover
from tests.deepfake.conftest import MakeAnalysis
from tests.deepfake.seams import FakeDetector, FakeDownloader

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("own_data_dir", "fresh_windows"),
]

Balance = Callable[[], int]
SOURCE = VideoAt("https://videos.example/a.mp4")


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_tasks_have_their_queues() -> None:
    route = current_app.amqp.router.route
    assert route({}, analyze.name)["queue"].name == "deepfake"
    assert route({}, recover.name)["queue"].name == "housekeeping"
    assert route({}, purge.name)["queue"].name == "housekeeping"
    assert {task for task, _ in BEAT.values()} >= {recover.name, purge.name}


def test_analysis_goes_through_the_queue(
    principal: Principal, detector: FakeDetector, downloader: FakeDownloader, analysis_workers: None,
    balance: Balance,
) -> None:  # fmt: skip
    done = request_verdict(principal=principal, source=SOURCE)
    assert (done.status, done.attempts) == ("done", 1)
    assert done.started_at is not None
    assert done.ended_at is not None
    assert done.created_at <= done.started_at <= done.ended_at
    assert balance() == 4


def test_message_that_was_lost_is_sent_again(
    principal: Principal, detector: FakeDetector, downloader: FakeDownloader, analysis_workers: None,
    balance: Balance, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with monkeypatch.context() as lost:
        lost.setattr(analyze, "delay", lambda *_: None)
        row = request_analysis(principal=principal, source=SOURCE)
    recover()
    wait_until(lambda: Analysis.objects.get(pk=row.pk).status == "done")
    assert balance() == 4


def test_messages_that_come_twice_are_one_analysis(
    principal: Principal, detector: FakeDetector, downloader: FakeDownloader, analysis_workers: None,
    balance: Balance,
) -> None:  # fmt: skip
    detector.hold = True
    row = request_analysis(principal=principal, source=SOURCE)
    for _ in range(3):
        analyze.delay(row.pk)
    assert detector.began.wait(10)
    wait_until(lambda: backlog("deepfake") == 0)
    detector.release.set()
    wait_until(lambda: Analysis.objects.get(pk=row.pk).status == "done")
    assert len(detector.seen) == 1
    assert Admission.objects.count() == 1
    assert balance() == 4


def test_analysis_of_a_dead_worker_is_taken_up_by_another(
    make_analysis: MakeAnalysis, detector: FakeDetector, downloader: FakeDownloader, analysis_workers: None
) -> None:
    row = make_analysis(status="running", leased_until=clock.now() - timedelta(seconds=1))
    recover()
    wait_until(lambda: Analysis.objects.get(pk=row.pk).status == "done")
    assert Analysis.objects.get(pk=row.pk).attempts == 2


def test_recovery_leaves_what_is_alone_while_messages_wait(
    make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(analyze, "delay", sent.append)
    monkeypatch.setattr("deepfake.tasks.backlog", lambda queue: 5)
    make_analysis()
    stale = make_analysis(status="running", leased_until=clock.now() - timedelta(seconds=1))
    recover()
    assert sent == [stale.pk]


def test_recovery_removes_stray_files(own_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "GRACE_S", -1.0)
    stray = own_data_dir / "analyses" / "0123456789ab"
    stray.mkdir(parents=True)
    recover()
    assert not stray.exists()


def test_purge_task_forgets_old_ones(make_analysis: MakeAnalysis) -> None:
    make_analysis(status="done", ended_at=clock.now() - timedelta(days=5000))
    purge()
    assert Analysis.objects.count() == 0


def test_worker_that_stops_hands_its_analysis_on(
    principal: Principal, detector: FakeDetector, downloader: FakeDownloader, balance: Balance,
    analysis_workers: None,
) -> None:  # fmt: skip
    detector.hold = True
    row = request_analysis(principal=principal, source=SOURCE)
    assert detector.began.wait(10)
    signals.worker_shutting_down.send(sender="test", sig="stop", how="Warm", exitcode=0)
    try:
        assert detector.called_off.wait(5)
        wait_until(lambda: Analysis.objects.get(pk=row.pk).status == "queued")
    finally:
        signals.worker_init.send(sender="test")
    assert Analysis.objects.get(pk=row.pk).attempts == 0
    detector.release.set()
    recover()
    wait_until(lambda: Analysis.objects.get(pk=row.pk).status == "done")
    assert balance() == 4


def test_server_of_the_embedded_profile_has_a_worker_for_analyses(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.management import call_command

    from core.management.commands import serve

    class Stop(Exception):
        pass

    made: list[dict[str, int]] = []

    def workers(threads: dict[str, int]) -> EmbeddedWorkers:
        made.append(threads)
        raise Stop

    monkeypatch.setattr(serve, "EmbeddedWorkers", workers)
    monkeypatch.setattr(serve, "collect_static", lambda: None)
    monkeypatch.setattr(serve.signal, "signal", lambda *_: None)
    with pytest.raises(Stop):
        call_command("serve")
    assert made[0]["deepfake"] >= 1
