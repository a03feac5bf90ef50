"""Celery workers inside this process: what the embedded profile has in place of worker processes.

The tasks, queues and code are the same; the broker is kombu's in-memory transport, which only threads of
one process can share.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from celery import Celery, signals
from celery.app import app_or_default
from celery.beat import Scheduler, Service
from celery.worker import WorkController, state
from django.conf import settings
from kombu.exceptions import ChannelError

log = logging.getLogger(__name__)

#: Queue to threads. Searches have threads of their own, so that indexing never makes them wait for one.
Threads = Mapping[str, int]

#: Seconds that tasks have to end when the process stops; an ingest job that does not is done again.
DRAIN_S = 5.0
#: Seconds between two looks at the periodic tasks; stopping waits for one.
BEAT_EVERY_S = 0.5


class _Worker(WorkController):
    """A Celery worker that says when it is ready to take tasks."""

    def __init__(self, app: Celery, **options: Any) -> None:
        self.ready = threading.Event()
        super().__init__(app, **options)

    def on_consumer_ready(self, consumer: object) -> None:
        self.ready.set()


class EmbeddedWorkers:
    """Workers of some queues, and the clock of the periodic tasks, as threads; a context manager.

    In the production profile it does nothing: worker processes serve the queues there.

    Args:
        threads: how many tasks of each queue run at a time.
        periodic: whether periodic tasks are sent from this process.
    """

    def __init__(self, threads: Threads, *, periodic: bool = True) -> None:
        self._sizes = dict(threads)
        self._periodic = periodic
        self._app: Celery | None = None
        self._threads: list[threading.Thread] = []
        self._beat: Service | None = None

    def __enter__(self) -> Self:
        if settings.EMBEDDED:
            try:
                self._start(app_or_default())
            except BaseException:
                self.stop()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, app: Celery) -> None:
        self._app = app
        app.finalize()
        state.should_stop = state.should_terminate = None
        for queue, size in self._sizes.items():
            worker = _Worker(
                app=app,
                hostname=f"{queue}@embedded",
                pool="threads",
                concurrency=size,
                queues=[queue],
                loglevel=logging.WARNING,
                without_heartbeat=True,
                without_mingle=True,
                without_gossip=True,
            )
            self._thread(f"celery-{queue}", worker.start)
            # A worker's choice of queues is state of the app: the next may choose once this one consumes its own.
            if not worker.ready.wait(20):
                raise RuntimeError(f"the embedded worker {worker.hostname} did not start")
        if self._periodic:
            self._beat = Service(app, max_interval=BEAT_EVERY_S, scheduler_cls=MemoryScheduler)
            self._thread("celery-beat", lambda beat=self._beat: beat.start(embedded_process=False))

    def _thread(self, name: str, target: Any) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def stop(self) -> None:
        """End the workers; tasks that are running have a few seconds to finish.

        They are told by Celery's signal ``worker_shutting_down``, as in a worker process.
        """
        if self._app is None:
            return
        if self._beat is not None:
            self._beat.stop()
        state.should_stop = 0
        signals.worker_shutting_down.send(sender="embedded", sig="stop", how="Warm", exitcode=0)
        # A consumer looks at the flag after each message, or after two seconds without one, and then waits for
        # one message more.
        for _ in range(2):
            self._app.control.broadcast("clock")
        for thread in self._threads:
            thread.join(DRAIN_S)
        if lasting := [thread.name for thread in self._threads if thread.is_alive()]:
            log.warning("still busy after %.0f s: %s", DRAIN_S, ", ".join(lasting))
        self._threads.clear()
        self._app = self._beat = None
        state.should_stop = None


class MemoryScheduler(Scheduler):
    """Celery's scheduler without a file: when a process starts, every periodic task is due at once.

    Periodic tasks are sweeps that find nothing when they come too often, so none needs its last time kept.
    """

    def setup_schedule(self) -> None:
        self.install_default_entries(self.schedule)
        self.merge_inplace(self.app.conf.beat_schedule)
        for entry in self.schedule.values():
            entry.last_run_at = entry.default_now().replace(year=2000)


def backlog(queue: str) -> int:
    """Messages that wait in a queue of the broker."""
    with app_or_default().pool.acquire(block=True) as connection:
        try:
            return int(connection.default_channel.queue_declare(queue, passive=True).message_count)
        except ChannelError:
            return 0
