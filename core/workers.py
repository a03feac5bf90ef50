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

from celery import Celery
from celery.app import app_or_default
from celery.beat import Scheduler, Service
from celery.worker import WorkController, state
from django.conf import settings

log = logging.getLogger(__name__)

#: Queue to threads. Searches have threads of their own, so that indexing never makes them wait for one.
Threads = Mapping[str, int]

#: Seconds that tasks have to end when the process stops; an ingest job that does not is done again.
DRAIN_S = 5.0


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
        self._workers: list[_Worker] = []
        self._threads: list[threading.Thread] = []
        self._beat: Service | None = None

    def __enter__(self) -> Self:
        if settings.EMBEDDED:
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        app = app_or_default()
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
            self._workers.append(worker)
            self._thread(f"celery-{queue}", worker.start)
            # A worker's choice of queues is state of the app: the next may choose once this one consumes its own.
            if not worker.ready.wait(20):
                raise RuntimeError(f"the embedded worker {worker.hostname} did not start")
        if self._periodic:
            self._beat = Service(app, max_interval=5, scheduler_cls=_MemoryScheduler)
            self._thread("celery-beat", lambda beat=self._beat: beat.start(embedded_process=False))

    def _thread(self, name: str, target: Any) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def stop(self) -> None:
        """End the workers; tasks that are running have a few seconds to finish."""
        if not self._threads:
            return
        if self._beat is not None:
            self._beat.stop()
        state.should_terminate = 0
        for thread in self._threads:
            thread.join(DRAIN_S)
        self._threads.clear()
        self._workers.clear()
        state.should_terminate = None


class _MemoryScheduler(Scheduler):
    """Celery's scheduler without a file: when a process starts, every periodic task is due anew."""

    def setup_schedule(self) -> None:
        self.install_default_entries(self.schedule)
        self.merge_inplace(self.app.conf.beat_schedule)
