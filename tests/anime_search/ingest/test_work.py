"""One job's work: what is stored, how each kind of failure ends it, and what must not be written."""

from __future__ import annotations

import errno
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError

from anime_search.ingest import work
from anime_search.ingest.jobs import claim_job
from anime_search.ingest.work import run_ingest_job
from anime_search.models import FrameTrackFile, IngestJob, JobOutcome, JobStatus, Video, VideoFile
from core import clock
from tests import footage
from tests.anime_search.ingest.conftest import InlineDecoder, MakeJob
from tests.conftest import MakeVideo
from video.decoders import DecoderFailed, DecoderStopped
from video.faults import VideoFault

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def run(job: IngestJob) -> IngestJob:
    run_ingest_job(job_id=job.pk)
    job.refresh_from_db()
    return job


def raising(error: Exception, name: str = "carry_out") -> Callable[[str], None]:
    def before(work_name: str) -> None:
        if work_name == name:
            raise error

    return before


def test_video_is_stored_with_its_track_and_place(
    make_job: MakeJob, make_video: MakeVideo, decoder: InlineDecoder
) -> None:
    path = make_video("21/Show S02E05.mp4")
    job = run(make_job(path, root=str(path.parent.parent)))
    video = Video.objects.get()
    assert (job.status, job.outcome, job.video) == (JobStatus.DONE, JobOutcome.INDEXED, video)
    assert job.done_s == job.total_s == pytest.approx(3, abs=0.1)
    assert (video.filename, video.season, video.episode, video.size) == (path.name, 2, 5, job.size)
    assert video.anime is not None
    assert video.anime.anilist_id == 21
    assert (video.width, video.height, video.codec, video.fps) == (320, 180, "mpeg4", 12)
    assert video.files.get().path == str(path)
    assert video.tracks.get().frames > 0


def test_known_content_is_not_decoded(
    make_job: MakeJob, make_video: MakeVideo, decoder: InlineDecoder
) -> None:
    run(make_job(make_video("1.mp4")))
    decoder.done.clear()
    assert run(make_job(make_video("2.mp4"))).outcome == JobOutcome.KNOWN
    assert decoder.done == ["digest_file"]


def test_track_of_a_worker_that_died_before_it_could_say_so_is_used(
    make_job: MakeJob, make_video: MakeVideo, decoder: InlineDecoder, data_dir: Path
) -> None:
    job = make_job(make_video())
    run(job)
    (track,) = data_dir.glob("tracks/*/*/*.safetensors")
    made_at = track.stat().st_mtime_ns
    Video.objects.all().delete()
    IngestJob.objects.update(status=JobStatus.RUNNING, outcome="", leased_until=clock.now() - timedelta(1))

    assert run(job).outcome == JobOutcome.INDEXED
    assert track.stat().st_mtime_ns == made_at
    assert FrameTrackFile.objects.get().frames > 0


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (footage.truncated, VideoFault.TRUNCATED),
        (footage.sound_only, VideoFault.NO_VIDEO),
        (footage.no_frames, VideoFault.NO_FRAMES),
        (lambda: footage.NOT_A_VIDEO, VideoFault.UNREADABLE),
    ],
)
def test_fault_of_a_broken_file_is_kept(
    make_job: MakeJob,
    collection: Path,
    decoder: InlineDecoder,
    content: Callable[[], bytes],
    fault: VideoFault,
) -> None:
    path = collection / "broken.mkv"
    path.write_bytes(content())
    job = run(make_job(path))
    assert (job.status, job.outcome, job.fault) == (JobStatus.FAILED, JobOutcome.BROKEN, fault)
    assert job.message
    assert not Video.objects.exists()


@pytest.mark.parametrize(
    ("error", "outcome", "message"),
    [
        (DecoderFailed("the decoder crashed"), JobOutcome.BROKEN, "the decoder crashed"),
        (PermissionError(errno.EACCES, "Permission denied"), JobOutcome.ERROR, "Permission denied"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/data/tracks/x"),
            JobOutcome.ERROR,
            "No space left on device: /data/tracks/x",
        ),
        (MemoryError(), JobOutcome.ERROR, "MemoryError: see the log"),
        (OperationalError("database is locked"), JobOutcome.ERROR, "OperationalError: see the log"),
    ],
)
def test_failure_ends_the_job_in_plain_words(
    make_job: MakeJob,
    make_video: MakeVideo,
    decoder: InlineDecoder,
    error: Exception,
    outcome: JobOutcome,
    message: str,
) -> None:
    decoder.before = raising(error)
    job = run(make_job(make_video()))
    assert (job.status, job.outcome, job.message) == (JobStatus.FAILED, outcome, message)


def test_file_that_cannot_be_read_is_named_without_repeating_its_path(
    make_job: MakeJob, make_video: MakeVideo, decoder: InlineDecoder
) -> None:
    path = make_video()
    decoder.before = raising(PermissionError(errno.EACCES, "Permission denied", str(path)), "digest_file")
    assert run(make_job(path)).message == "Permission denied"


@pytest.mark.parametrize("name", ["digest_file", "carry_out"])
def test_job_that_is_cut_short_goes_back_without_counting_the_attempt(
    make_job: MakeJob, make_video: MakeVideo, decoder: InlineDecoder, name: str
) -> None:
    decoder.before = raising(DecoderStopped(), name)
    job = run(make_job(make_video()))
    assert (job.status, job.attempts, job.leased_until) == (JobStatus.QUEUED, 0, None)
    decoder.before = lambda _: None
    assert run(job).outcome == JobOutcome.INDEXED


@pytest.mark.parametrize("change", ["grow", "delete", "replace"])
@pytest.mark.parametrize("name", ["digest_file", "carry_out"])
def test_file_that_changes_under_the_worker_is_gone(
    make_job: MakeJob, make_video: MakeVideo, decoder: InlineDecoder, name: str, change: str
) -> None:
    path = make_video()

    def meddle(work_name: str) -> None:
        if work_name != name:
            return
        match change:
            case "grow":
                with path.open("ab") as file:
                    file.write(b"more")
            case "delete":
                path.unlink()
            case _:
                make_video("other.mp4", seed=2).replace(path)

    decoder.before = meddle
    job = run(make_job(path))
    assert job.outcome == JobOutcome.GONE
    assert not VideoFile.objects.exists()


@pytest.mark.parametrize("name", ["digest_file", "carry_out"])
def test_worker_that_lost_its_lease_writes_nothing(
    make_job: MakeJob, make_video: MakeVideo, decoder: InlineDecoder, name: str
) -> None:
    job = make_job(make_video())

    def take_away(work_name: str) -> None:
        if work_name == name:
            IngestJob.objects.update(leased_until=clock.now() - timedelta(seconds=1))
            assert claim_job(job_id=job.pk) is not None

    decoder.before = take_away
    run(job)
    assert (job.status, job.outcome, job.attempts) == (JobStatus.RUNNING, "", 2)
    assert not Video.objects.exists()
    assert not VideoFile.objects.exists()
    assert not FrameTrackFile.objects.exists()


def test_lease_that_is_lost_after_decoding_undoes_the_result(
    make_job: MakeJob, make_video: MakeVideo, decoder: InlineDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(make_video())
    store = work._store_video

    def store_and_lose(*arguments: object) -> Video:
        IngestJob.objects.update(owner="elsewhere:1:1.0")
        return store(*arguments)

    monkeypatch.setattr(work, "_store_video", store_and_lose)
    run(job)
    assert job.status == JobStatus.RUNNING
    assert not Video.objects.exists()


def test_second_job_of_the_same_content_waits_for_the_first(
    make_job: MakeJob, make_video: MakeVideo, decoder: InlineDecoder
) -> None:
    first, second = make_job(make_video("1.mp4")), make_job(make_video("2.mp4"))
    decoder.before = lambda name: run(second) if name == "carry_out" else None
    run(first)
    assert (first.outcome, second.status, second.attempts) == (JobOutcome.INDEXED, JobStatus.QUEUED, 0)
    assert decoder.done.count("carry_out") == 1
    decoder.before = lambda _: None
    assert run(second).outcome == JobOutcome.KNOWN


def test_job_that_has_ended_is_not_run_again(
    make_job: MakeJob, make_video: MakeVideo, decoder: InlineDecoder
) -> None:
    job = run(make_job(make_video()))
    decoder.done.clear()
    run(job)
    assert decoder.done == []


def test_progress_is_noted_while_the_child_works(
    make_job: MakeJob, make_video: MakeVideo, decoder: InlineDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "RENEW_EVERY_S", 0.0)
    job = make_job(make_video())
    seen: list[tuple[float, float]] = []

    def look(name: str) -> None:
        job.refresh_from_db()
        seen.append((job.done_s, job.total_s))

    decoder.before = look
    run(job)
    assert seen == [(0.0, 0.0), (0.5, 1.0)]
