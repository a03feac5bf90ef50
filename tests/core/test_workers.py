"""Workers inside this process: they take tasks, stop quickly, and may be started again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from celery import Task, current_app, signals
from pytest_django import Settings

from core.workers import EmbeddedWorkers, MemoryScheduler, backlog

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def echo() -> Iterator[Task]:
    """A task that returns what it is given, in the thread that it ran in."""

    @current_app.task(name="tests.echo", ignore_result=False)
    def echo(value: str) -> list[str]:
        return [value, threading.current_thread().name]

    yield echo
    current_app.tasks.pop("tests.echo")


@pytest.fixture
def nap() -> Iterator[tuple[Task, threading.Event, threading.Event]]:
    """A task that lasts until it is woken, and events: it has begun, wake it."""
    begun, wake = threading.Event(), threading.Event()

    @current_app.task(name="tests.nap", ignore_result=False)
    def nap() -> str:
        begun.set()
        wake.wait(30)
        return "rested"

    yield nap, begun, wake
    wake.set()
    current_app.tasks.pop("tests.nap")


def result_of(task: Task, *arguments: object, queue: str = "search") -> object:
    pending = task.apply_async(arguments, queue=queue)
    return pending.get(timeout=10, interval=0.005, disable_sync_subtasks=False)


def test_task_is_carried_out_by_another_thread(echo: Task) -> None:
    with EmbeddedWorkers({"search": 1}, periodic=False):
        value, thread = result_of(echo, "hello")
    assert value == "hello"
    assert thread != threading.current_thread().name


def test_round_trip_takes_milliseconds(echo: Task) -> None:
    with EmbeddedWorkers({"search": 1}, periodic=False):
        result_of(echo, "warm")
        took = []
        for _ in range(20):
            started = time.perf_counter()
            result_of(echo, "x")
            took.append(time.perf_counter() - started)
    assert sorted(took)[10] < 0.2


def test_each_queue_has_threads_of_its_own(
    echo: Task, nap: tuple[Task, threading.Event, threading.Event]
) -> None:
    task, begun, wake = nap
    with EmbeddedWorkers({"search": 1, "ingest": 1}, periodic=False):
        pending = task.apply_async(queue="ingest")
        assert begun.wait(10)
        assert result_of(echo, "meanwhile")[0] == "meanwhile"
        wake.set()
        assert pending.get(timeout=10, disable_sync_subtasks=False) == "rested"


def test_queue_without_a_worker_keeps_its_messages(echo: Task) -> None:
    before = backlog("deepfake")
    with EmbeddedWorkers({"search": 1}, periodic=False):
        pending = echo.apply_async(["later"], queue="deepfake")
        time.sleep(0.1)
        assert backlog("deepfake") == before + 1
    with EmbeddedWorkers({"deepfake": 1}, periodic=False):
        assert pending.get(timeout=10, disable_sync_subtasks=False)[0] == "later"
        assert backlog("deepfake") == 0


def test_backlog_of_a_queue_that_nobody_declared_is_nothing() -> None:
    assert backlog("no such queue") == 0


def test_idle_workers_stop_at_once() -> None:
    with EmbeddedWorkers({"search": 1, "ingest": 1, "housekeeping": 1}):
        started = time.monotonic()
    assert time.monotonic() - started < 1.5


def test_workers_may_be_started_again(echo: Task) -> None:
    for turn in range(3):
        with EmbeddedWorkers({"search": 1}, periodic=False):
            assert result_of(echo, f"turn {turn}")[0] == f"turn {turn}"


def test_stopping_lets_a_running_task_finish(nap: tuple[Task, threading.Event, threading.Event]) -> None:
    task, begun, wake = nap
    with EmbeddedWorkers({"search": 1}, periodic=False):
        pending = task.apply_async(queue="search")
        assert begun.wait(10)
        threading.Timer(0.3, wake.set).start()
    assert pending.get(timeout=1, disable_sync_subtasks=False) == "rested"


def test_stopping_does_not_wait_for_ever(
    nap: tuple[Task, threading.Event, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, begun, _ = nap
    monkeypatch.setattr("core.workers.DRAIN_S", 0.3)
    with EmbeddedWorkers({"search": 1}, periodic=False):
        task.apply_async(queue="search")
        assert begun.wait(10)
        started = time.monotonic()
    assert time.monotonic() - started < 3


def test_stopping_is_announced_as_in_a_worker_process() -> None:
    told: list[object] = []

    def listen(**facts: object) -> None:
        told.append(facts["how"])

    signals.worker_shutting_down.connect(listen)
    try:
        with EmbeddedWorkers({"search": 1}, periodic=False):
            assert told == []
        assert told == ["Warm"]
    finally:
        signals.worker_shutting_down.disconnect(listen)


def test_production_profile_starts_nothing(settings: Settings) -> None:
    settings.EMBEDDED = False
    before = threading.active_count()
    with EmbeddedWorkers({"search": 1}):
        assert threading.active_count() == before


def test_periodic_task_comes_at_once_and_again() -> None:
    came: list[float] = []

    @current_app.task(name="tests.tick", ignore_result=True)
    def tick() -> None:
        came.append(time.monotonic())

    schedule = {"tick": {"task": "tests.tick", "schedule": 1.0, "options": {"queue": "housekeeping"}}}
    usual, current_app.conf.beat_schedule = current_app.conf.beat_schedule, schedule
    try:
        started = time.monotonic()
        with EmbeddedWorkers({"housekeeping": 1}):
            while len(came) < 2 and time.monotonic() - started < 20:
                time.sleep(0.02)
    finally:
        current_app.conf.beat_schedule = usual
        current_app.tasks.pop("tests.tick")
    assert len(came) >= 2
    assert came[1] - came[0] > 0.4


def test_every_entry_of_the_schedule_is_due_when_the_process_starts() -> None:
    scheduler = MemoryScheduler(current_app, lazy=False)
    entries = [entry for name, entry in scheduler.schedule.items() if not name.startswith("celery.")]
    assert entries
    assert all(entry.is_due().is_due for entry in entries)


def test_every_periodic_task_exists_and_its_queue_has_a_worker() -> None:
    current_app.loader.import_default_modules()
    for entry in current_app.conf.beat_schedule.values():
        assert entry["task"] in current_app.tasks
        queue = current_app.amqp.router.route({}, entry["task"])["queue"]
        assert queue.name in ("housekeeping", "mail", "deepfake", "ingest", "search")
