"""Jobs and files to try the parts of ingest on, without the command around them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anime_search import runtime
from anime_search.engine.stamp import FileStamp
from anime_search.ingest.discovery import FoundFile, path_key
from anime_search.models import IngestJob
from video.progress import no_progress

MakeJob = Callable[..., IngestJob]


@pytest.fixture
def make_job(db: None) -> MakeJob:
    """``make_job(path)`` queues a file as it is now; one that is not there gets a stamp of ones."""

    def make(path: Path | str = "/videos/1.mp4", **fields: Any) -> IngestJob:
        path = Path(path)
        stamp = FileStamp.of(path) if path.is_file() else FileStamp(1, 1, "1")
        return IngestJob.objects.create(
            **{
                "path": str(path),
                "path_sha256": path_key(path),
                "root": str(path.parent),
                "size": stamp.size,
                "mtime_ns": stamp.mtime_ns,
                "inode": stamp.inode,
                **fields,
            }
        )

    return make


def found(path: Path, root: Path | None = None) -> FoundFile:
    """A file as the walk finds it."""
    return FoundFile(path, root or path.parent, FileStamp.of(path))


class InlineDecoder:
    """Does a child's work in this process, after what a test wants to happen first.

    Attributes:
        before: called with the name of the work before it is done; what it raises comes out of the "child".
        done: names of the works that were carried out.
    """

    def __init__(self) -> None:
        self.before: Callable[[str], object] = lambda name: None
        self.done: list[str] = []

    def run(
        self, work: Callable[..., Any], *args: Any, timeout_s: float, on_progress: Any = no_progress
    ) -> Any:
        self.before(work.__name__)
        on_progress(0.5, 1.0)
        result = work(*args)
        self.done.append(work.__name__)
        return result


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> InlineDecoder:
    decoder = InlineDecoder()
    monkeypatch.setattr(runtime, "decoder_pool", lambda workers: decoder)
    return decoder
