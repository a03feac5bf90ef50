"""The workers of a run: worker processes, or threads of this process that are started when there is work."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from anime_search.errors import IngestFailed

if TYPE_CHECKING:
    from core.workers import EmbeddedWorkers

#: Seconds that making everything searchable may take.
PUBLISH_TIMEOUT_S = 6 * 3600.0


class Crew:
    """Hands work to Celery; a context manager. A run that finds nothing to do never loads Celery's workers.

    Args:
        workers: files at a time, where this process does the work itself.
    """

    def __init__(self, workers: int) -> None:
        self._size = workers
        self._workers: EmbeddedWorkers | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._workers is not None:
            self._workers.stop()

    def send(self, job_id: int) -> None:
        """Have a job done."""
        from anime_search import tasks

        self._start()
        tasks.ingest.delay(job_id)

    def recover(self) -> None:
        """Have the jobs done that no living worker knows of."""
        from anime_search import tasks

        self._start()
        tasks.requeue_ingest()

    def publish_soon(self) -> None:
        """Have made searchable what is described so far."""
        from anime_search import tasks

        self._start()
        tasks.publish_tracks.apply_async(ignore_result=True)

    def publish(self) -> None:
        """Have it made searchable, and wait for that.

        Raises:
            IngestFailed: the index could not be built.
        """
        from anime_search import tasks

        self._start()
        try:
            tasks.publish_tracks.delay().get(
                timeout=PUBLISH_TIMEOUT_S, interval=0.02, disable_sync_subtasks=False
            )
        except Exception as error:
            raise IngestFailed(
                f"the videos are described, but the index could not be built: {error}"
            ) from error

    def _start(self) -> None:
        from core.workers import EmbeddedWorkers

        if self._workers is None:
            self._workers = EmbeddedWorkers({"ingest": self._size, "housekeeping": 1}, periodic=False)
            self._workers.__enter__()
