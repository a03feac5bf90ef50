"""Noticing that files were added or replaced."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from watchfiles import watch

from anime_search.errors import IngestFailed

#: A change is told of once nothing has changed for this long, so that a copy can finish …
QUIET_S = 1.5
#: … or after this long, so that one slow download does not keep other files waiting.
MOST_PATIENCE_S = 30.0
#: Seconds within which the watch is set up or stopped.
_TICK_S = 0.2


class FolderWatch:
    """Watches from when it is entered, whatever its user does meanwhile; a context manager.

    Raises:
        IngestFailed: the system watches no more files (Linux: ``fs.inotify.max_user_watches``).
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        folders = [path for path in paths if path.is_dir()]
        # A file that is replaced is another file: its folder tells of that.
        beside = [path.parent for path in paths if not path.is_dir()]
        self._groups = [(group, deep) for group, deep in ((folders, True), (beside, False)) if group]
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        for group, deep in self._groups:
            ready = threading.Event()
            thread = threading.Thread(target=self._watch, args=(group, deep, ready), daemon=True)
            thread.start()
            self._threads.append(thread)
            ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(5 * _TICK_S)

    def wait(self) -> None:
        """Wait until something has changed since the last call, and has come to rest."""
        self._changed.wait()
        patience = time.monotonic() + MOST_PATIENCE_S
        while self._error is None and time.monotonic() < patience:
            self._changed.clear()
            if not self._changed.wait(QUIET_S):
                return
        if self._error is not None:
            raise IngestFailed(f"the folders cannot be watched: {self._error}") from self._error
        self._changed.clear()

    def _watch(self, paths: list[Path], deep: bool, ready: threading.Event) -> None:
        try:
            for changes in watch(
                *paths,
                watch_filter=None,
                recursive=deep,
                stop_event=self._stop,
                rust_timeout=int(1000 * _TICK_S),
                yield_on_timeout=True,
                raise_interrupt=False,
            ):
                ready.set()
                if changes:
                    self._changed.set()
        except Exception as error:  # noqa: BLE001  whatever it was, the user's thread raises it
            self._error = error
            self._changed.set()
        finally:
            ready.set()
