"""``anime_ingest`` on what it has seen: moved, copied and replaced files, lost results, changes under way."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from anime_search.models import Anime, FrameTrackFile, IngestJob, JobOutcome, JobStatus, Video, VideoFile
from tests import footage
from tests.anime_search.commands.conftest import Call, best_video
from tests.conftest import MakeVideo

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("data_dir", "decoders")]


def test_unchanged_files_are_not_touched_again(ingest: Call, collection: Path, make_video: MakeVideo) -> None:
    make_video()
    ingest(collection)
    summary = ingest(collection).summary
    assert (summary["indexed"], summary["known_already"]) == (0, 1)
    assert IngestJob.objects.count() == 1


def test_renamed_file_is_known_by_its_content(ingest: Call, collection: Path, make_video: MakeVideo) -> None:
    before = make_video("old name - 01.mp4")
    ingest(collection)
    after = collection / "5114" / "New Name - 07.mp4"
    after.parent.mkdir()
    before.rename(after)

    summary = ingest(collection).summary

    assert (summary["indexed"], summary["known_by_content"]) == (0, 1)
    video = Video.objects.get()
    assert (video.filename, video.episode, video.anime) == (after.name, 7, Anime.objects.get(anilist_id=5114))
    assert VideoFile.objects.get().path == str(after)


def test_copy_is_one_video_with_two_files(ingest: Call, collection: Path, make_video: MakeVideo) -> None:
    original = make_video("1/Show - 01.mp4")
    shutil.copy(original, collection / "again.mp4")

    summary = ingest(collection, "--workers", 2).summary

    assert summary["indexed"] == 1
    assert summary["known_by_content"] == 1
    assert Video.objects.get().files.count() == 2
    assert FrameTrackFile.objects.count() == 1


def test_replaced_content_leaves_the_search(ingest: Call, collection: Path, make_video: MakeVideo) -> None:
    path = make_video("1.mp4", seed=1)
    ingest(collection)
    old = best_video(1)
    path.write_bytes(footage.video_bytes(seed=2))

    assert ingest(collection).summary["indexed"] == 1

    assert old is not None
    assert best_video(1) is None
    assert best_video(2) == VideoFile.objects.get().video.sha256


def test_replaced_content_stays_where_another_file_holds_it(
    ingest: Call, collection: Path, make_video: MakeVideo
) -> None:
    path = make_video("1.mp4", seed=1)
    make_video("copy.mp4", seed=1)
    ingest(collection)
    path.write_bytes(footage.video_bytes(seed=2))
    ingest(collection)
    assert best_video(1) is not None
    assert best_video(2) is not None


def test_content_that_was_moved_and_then_replaced_leaves_the_search(
    ingest: Call, collection: Path, make_video: MakeVideo
) -> None:
    path = make_video("1.mp4", seed=1)
    ingest(collection)
    path = path.rename(collection / "2.mp4")
    ingest(collection)
    path.write_bytes(footage.video_bytes(seed=2))
    ingest(collection)
    assert best_video(1) is None


def test_content_that_comes_back_is_searchable_without_decoding(
    ingest: Call, collection: Path, make_video: MakeVideo
) -> None:
    path = make_video("1.mp4", seed=1)
    ingest(collection)
    path.write_bytes(footage.video_bytes(seed=2))
    ingest(collection)
    path.write_bytes(footage.video_bytes(seed=1))
    assert ingest(collection).summary["known_by_content"] == 1
    assert best_video(1) == VideoFile.objects.get().video.sha256
    assert best_video(2) is None


def test_run_with_nothing_to_do_starts_no_worker(
    ingest: Call, collection: Path, make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_video()
    ingest(collection)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr("core.workers.EmbeddedWorkers", refuse)
    assert ingest(collection).summary["known_already"] == 1


def test_described_video_that_never_reached_the_index_is_published_by_the_next_run(
    ingest: Call, collection: Path, make_video: MakeVideo, data_dir: Path
) -> None:
    make_video()
    ingest(collection)
    shutil.rmtree(data_dir / "index")
    summary = ingest(collection).summary
    assert (summary["indexed"], summary["known_already"]) == (0, 1)
    assert best_video(1) is not None


def test_index_that_was_left_half_built_is_built(
    ingest: Call, collection: Path, make_video: MakeVideo, data_dir: Path, call: Call
) -> None:
    make_video()
    ingest(collection)
    index = data_dir / "index"
    (segment,) = (index / "segments").iterdir()
    segment.rename(segment.with_name(f".{segment.name}.part"))
    (index / "CURRENT").unlink()
    for manifest in (index / "generations").iterdir():
        manifest.unlink()
    assert ingest(collection).summary["failed"] == 0
    assert best_video(1) is not None
    assert call("anime_index", "verify").returncode == 0
    assert not list((index / "segments").glob(".*.part"))


@pytest.mark.parametrize("harm", ["missing", "cut", "another's"])
def test_lost_track_is_made_again_in_the_same_run(
    ingest: Call, collection: Path, make_video: MakeVideo, data_dir: Path, harm: str
) -> None:
    make_video("1.mp4", seed=1)
    make_video("2.mp4", seed=2)
    ingest(collection)
    shutil.rmtree(data_dir / "index")
    content = Video.objects.get(filename="1.mp4").sha256
    other = Video.objects.get(filename="2.mp4").sha256
    tracks = {path.stem: path for path in data_dir.glob("tracks/*/*/*.safetensors")}
    match harm:
        case "missing":
            tracks[content].unlink()
        case "cut":
            tracks[content].write_bytes(tracks[content].read_bytes()[:-100])
        case _:
            shutil.copy(tracks[other], tracks[content])

    summary = ingest(collection).summary

    assert summary["indexed"] == 1
    assert summary["failed"] == 0
    assert best_video(1) == content
    assert best_video(2) == other


class TestFilesThatChangeWhileTheCommandRuns:
    """The change is made when the first file has been decoded."""

    @pytest.fixture
    def meanwhile(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
        def at_first_end(change: Callable[[], object]) -> None:
            from anime_search.ingest import work

            end, lock, changed = work.end_job, threading.Lock(), threading.Event()

            def end_job(**arguments: object) -> bool:
                with lock:
                    if not changed.is_set():
                        changed.set()
                        change()
                return end(**arguments)

            monkeypatch.setattr(work, "end_job", end_job)

        return at_first_end

    def test_added_file_is_indexed(
        self, ingest: Call, collection: Path, make_video: MakeVideo, meanwhile: Callable[..., None]
    ) -> None:
        make_video("1.mp4", seed=1)
        meanwhile(lambda: make_video("2.mp4", seed=2))
        assert ingest(collection).summary["indexed"] == 2

    def test_deleted_file_is_no_failure(
        self, ingest: Call, collection: Path, make_video: MakeVideo, meanwhile: Callable[..., None]
    ) -> None:
        make_video("1.mp4", seed=1)
        second = make_video("2.mp4", seed=2)
        meanwhile(second.unlink)
        called = ingest(collection, "--workers", 1)
        assert (called.returncode, called.summary["indexed"], called.summary["failed"]) == (0, 1, 0)
        assert IngestJob.objects.get(path=str(second)).outcome == JobOutcome.GONE

    def test_replaced_file_is_indexed_as_it_is_now(
        self, ingest: Call, collection: Path, make_video: MakeVideo, meanwhile: Callable[..., None]
    ) -> None:
        make_video("1.mp4", seed=1)
        second = make_video("2.mp4", seed=2)
        meanwhile(lambda: second.write_bytes(footage.video_bytes(seed=3)))
        called = ingest(collection, "--workers", 1)
        assert (called.returncode, called.summary["indexed"]) == (0, 2)
        assert best_video(3) is not None
        assert best_video(2) is None

    def test_broken_file_that_is_mended_is_no_failure(
        self, ingest: Call, collection: Path, make_video: MakeVideo, meanwhile: Callable[..., None]
    ) -> None:
        broken = collection / "1.mkv"
        broken.write_bytes(footage.truncated())
        meanwhile(lambda: broken.write_bytes(footage.video_bytes(seed=900, seconds=20, suffix=".mkv")))
        called = ingest(collection)
        assert (called.returncode, called.summary["indexed"], called.summary["failed"]) == (0, 1, 0)

    def test_file_that_keeps_growing_is_reported(
        self, ingest: Call, collection: Path, make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        growing = make_video("1.mp4", seed=1)
        make_video("2.mp4", seed=2)
        from anime_search.ingest import work

        claim = work.claim_job

        def claim_and_grow(*, job_id: int) -> IngestJob | None:
            job = claim(job_id=job_id)
            if job is not None and job.path == str(growing):
                with growing.open("ab") as file:
                    file.write(b"more")
            return job

        monkeypatch.setattr(work, "claim_job", claim_and_grow)
        called = ingest(collection)
        assert (called.returncode, called.summary["indexed"]) == (1, 1)
        assert called.summary["failures"] == [f"{growing}: was still being written or replaced: run it again"]
        assert not IngestJob.objects.filter(status__in=[JobStatus.QUEUED, JobStatus.RUNNING]).exists()
