"""From found files to jobs: what is new, known, changed, or was broken before."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from anime_search import runtime
from anime_search.engine.stamp import FileStamp
from anime_search.ingest.discovery import FoundFile, path_key
from anime_search.ingest.intake import BATCH, enqueue_files, sort_files
from anime_search.models import FrameTrackFile, IngestJob, JobOutcome, JobStatus, Video, VideoFile
from core import clock
from tests.anime_search.ingest.conftest import MakeJob, found

pytestmark = pytest.mark.django_db


def index_rows(files: list[FoundFile], *, descriptor: str | None = None) -> None:
    """Rows as an ingest of these files would have left them."""
    videos = Video.objects.bulk_create(
        Video(
            sha256=path_key(file.path),
            size=1,
            filename=file.path.name,
            title="",
            kind="episode",
            duration_ms=1,
            width=1,
            height=1,
            fps=1,
            codec="x",
        )
        for file in files
    )
    VideoFile.objects.bulk_create(
        VideoFile(
            video=video,
            path=str(file.path),
            path_sha256=path_key(file.path),
            size=file.stamp.size,
            mtime_ns=file.stamp.mtime_ns,
            inode=file.stamp.inode,
            seen_at=clock.now(),
        )
        for video, file in zip(videos, files, strict=True)
    )
    FrameTrackFile.objects.bulk_create(
        FrameTrackFile(
            video=video, descriptor=descriptor or runtime.geometry().descriptor, frames=1, sha256="0" * 64
        )
        for video in videos
    )


def stubs(count: int) -> list[FoundFile]:
    return [
        FoundFile(Path(f"/videos/{number // 100}/{number}.mkv"), Path("/videos"), FileStamp(number, 1, "7"))
        for number in range(count)
    ]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "1.mp4"
    path.write_bytes(b"as it was")
    return path


def test_new_file_gets_one_job(file: Path) -> None:
    first = enqueue_files(files=[found(file)])
    second = enqueue_files(files=[found(file)])
    assert first.jobs == second.jobs == [IngestJob.objects.get().pk]


def test_indexed_file_gets_none(file: Path) -> None:
    index_rows([found(file)])
    enqueued = enqueue_files(files=[found(file)])
    assert (enqueued.jobs, enqueued.known) == ([], 1)


def test_looking_at_an_indexed_file_notes_that_it_was_seen(file: Path) -> None:
    index_rows([found(file)])
    before = VideoFile.objects.get().seen_at
    enqueue_files(files=[found(file)])
    assert VideoFile.objects.get().seen_at > before


def test_file_that_is_indexed_by_another_descriptor_only_gets_a_job(file: Path) -> None:
    index_rows([found(file)], descriptor="an older one")
    assert len(enqueue_files(files=[found(file)]).jobs) == 1


@pytest.mark.parametrize("change", ["content", "time", "inode"])
def test_file_that_is_not_what_it_was_gets_a_job(file: Path, change: str) -> None:
    index_rows([found(file)])
    match change:
        case "content":
            file.write_bytes(b"longer than it was")
        case "time":
            os.utime(file, ns=(1, 1))
        case _:
            stat = file.stat()
            other = file.with_name("2.mp4")
            other.write_bytes(file.read_bytes())
            os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            other.replace(file)
    assert len(enqueue_files(files=[found(file)]).jobs) == 1


def test_broken_file_gets_no_second_job_until_it_changes(file: Path, make_job: MakeJob) -> None:
    make_job(file, status=JobStatus.FAILED, outcome=JobOutcome.BROKEN, message="has no video track")
    enqueued = enqueue_files(files=[found(file)])
    assert (enqueued.jobs, enqueued.broken) == ([], {str(file): "has no video track"})
    file.write_bytes(b"another one")
    assert len(enqueue_files(files=[found(file)]).jobs) == 1


def test_broken_file_gets_a_job_when_asked_for(file: Path, make_job: MakeJob) -> None:
    make_job(file, status=JobStatus.FAILED, outcome=JobOutcome.BROKEN)
    assert len(enqueue_files(files=[found(file)], retry=True).jobs) == 1


@pytest.mark.parametrize("outcome", [JobOutcome.ERROR, JobOutcome.GONE])
def test_failure_of_ours_is_tried_again(file: Path, make_job: MakeJob, outcome: JobOutcome) -> None:
    make_job(file, status=JobStatus.FAILED, outcome=outcome)
    assert len(enqueue_files(files=[found(file)]).jobs) == 1


def test_sorting_writes_nothing(file: Path) -> None:
    index_rows([found(file)])
    with CaptureQueriesContext(connection) as queries:
        sort_files(files=[found(file), *stubs(3)])
    assert queries.captured_queries
    assert all(query["sql"].startswith("SELECT") for query in queries.captured_queries)


def test_large_unchanged_tree_takes_few_queries() -> None:
    files = stubs(5000)
    index_rows(files)
    with CaptureQueriesContext(connection) as queries:
        enqueued = enqueue_files(files=files)
    assert (enqueued.jobs, enqueued.known) == ([], 5000)
    assert len(queries) <= 2 * 5000 / BATCH


def test_large_new_tree_takes_few_queries() -> None:
    with CaptureQueriesContext(connection) as queries:
        enqueued = enqueue_files(files=stubs(5000))
    assert len(set(enqueued.jobs)) == IngestJob.objects.count() == 5000
    statements = [query for query in queries.captured_queries if "SAVEPOINT" not in query["sql"]]
    # Django puts fifty such rows into one statement of SQLite.
    assert len(statements) <= (3 + BATCH / 50 + 1) * 5000 / BATCH


@pytest.mark.django_db(transaction=True)
def test_two_commands_at_once_make_one_job_a_file() -> None:
    files, seen = stubs(300), []
    start = threading.Barrier(4)

    def enqueue() -> None:
        start.wait()
        try:
            seen.append(enqueue_files(files=files).jobs)
        finally:
            connection.close()

    threads = [threading.Thread(target=enqueue) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = sorted(IngestJob.objects.values_list("pk", flat=True))
    assert len(ids) == 300
    assert [sorted(jobs) for jobs in seen] == [ids] * 4
