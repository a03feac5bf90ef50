"""What ``anime_ingest`` makes of a folder: new, known, moved, copied, replaced and broken files."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from anime_search import runtime
from anime_search.models import Anime, FrameTrackFile, IngestJob, JobOutcome, JobStatus, Video, VideoFile
from anime_search.services import search_picture
from tests import footage
from tests.anime_search.commands.conftest import Call
from tests.conftest import MakeCommandLine, MakeVideo

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("data_dir", "decoders")]


def best_video(seed: int, time_s: float = 1.5) -> str | None:
    """Content of the video that a screenshot of the footage ``seed`` is confidently found in."""
    runtime.index().refresh()
    found = search_picture(rgb=footage.picture_at(seed, time_s), flat=False, limit=5, videos=None)
    return found.scenes[0].video if found.confident else None


def test_videos_become_searchable(ingest: Call, collection: Path, make_video: MakeVideo) -> None:
    make_video("21/Show - 03.mkv", seed=1)
    make_video("a film.mp4", seed=2)

    summary = ingest(collection).summary

    assert summary["indexed"] == 2
    assert summary["failed"] == 0
    assert summary["video_seconds"] == pytest.approx(6, abs=0.5)
    episode = Video.objects.get(anime__anilist_id=21)
    assert (episode.filename, episode.episode) == ("Show - 03.mkv", 3)
    assert best_video(1) == episode.sha256
    assert best_video(2) == Video.objects.get(filename="a film.mp4").sha256


def test_tracks_lie_beside_a_manifest_of_their_descriptor(
    ingest: Call, collection: Path, make_video: MakeVideo, data_dir: Path
) -> None:
    make_video()
    ingest(collection)
    row = FrameTrackFile.objects.get()
    (file,) = data_dir.glob(f"tracks/{row.descriptor}/*/{row.video.sha256}.safetensors")
    assert file.stat().st_size > 0
    assert row.descriptor == runtime.descriptor().name
    assert row.frames > 0


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


BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "half.mkv": (footage.truncated, "ends before its declared end"),
    "song.mp4": (footage.sound_only, "no video track"),
    "noise.mkv": (footage.no_frames, "without a single decodable frame"),
    "notes.mp4": (lambda: footage.NOT_A_VIDEO, "not a video file"),
    "empty.avi": (bytes, "not a video file"),
}


def test_broken_files_are_reported_and_the_others_indexed(
    ingest: Call, collection: Path, make_video: MakeVideo
) -> None:
    for name, (content, _) in BROKEN.items():
        (collection / name).write_bytes(content())
    make_video("whole.mp4")

    called = ingest(collection)

    assert called.returncode == 1
    assert called.summary["indexed"] == 1
    assert called.summary["failed"] == len(BROKEN)
    failures = dict(line.split(": ", 1) for line in called.summary["failures"])
    for name, (_, reason) in BROKEN.items():
        assert reason in failures[str(collection / name)]


def test_broken_files_are_remembered_until_they_change_or_are_asked_for(
    ingest: Call, collection: Path, make_video: MakeVideo
) -> None:
    broken = collection / "half.mkv"
    broken.write_bytes(footage.truncated())
    ingest(collection)

    again = ingest(collection)
    assert (again.returncode, again.summary["failed"]) == (1, 1)
    assert IngestJob.objects.count() == 1

    assert ingest(collection, "--retry").returncode == 1
    assert IngestJob.objects.count() == 2

    broken.write_bytes(footage.video_bytes(seed=900, seconds=20, suffix=".mkv"))
    mended = ingest(collection)
    assert (mended.returncode, mended.summary["indexed"]) == (0, 1)


def test_good_video_with_a_foreign_suffix_is_indexed(ingest: Call, collection: Path) -> None:
    (collection / "really an mp4.mkv").write_bytes(footage.video_bytes(seed=1))
    assert ingest(collection).summary["indexed"] == 1


ODD_NAMES = [
    "with spaces  and tab\there.mp4",
    "[Group] [red]Show[b] - 01 [1080p].mp4",
    "100% #1 & 'quotes' \"more\" ?*.mp4",
    "葬送のフリーレン 第01話.mp4",
    "🎬 ::smile:: \u202eright-to-left.mp4",
    "line\nbreak.mp4",
    "--json.mp4",
]


def test_odd_names_are_indexed_and_told_on_one_line(
    ingest: Call, collection: Path, make_video: MakeVideo
) -> None:
    for seed, name in enumerate(ODD_NAMES):
        make_video(name, seed=seed, seconds=1)
    (collection / "broken\nline.mp4").write_bytes(footage.NOT_A_VIDEO)
    called = ingest(collection, "--workers", 2)
    assert called.summary["indexed"] == len(ODD_NAMES)
    assert set(Video.objects.values_list("filename", flat=True)) == set(ODD_NAMES)
    assert all(len(line.splitlines()) == 1 for line in called.stderr.splitlines())


def test_name_that_is_not_utf8_is_reported(ingest: Call, collection: Path, make_video: MakeVideo) -> None:
    make_video()
    raw = os.fsencode(collection) + b"/caf\xe9.mp4"
    try:
        with open(raw, "wb") as file:
            file.write(footage.video_bytes(seed=2))
    except OSError:
        pytest.skip("this file system has no such names")
    called = ingest(collection)
    assert called.returncode == 1
    assert called.summary["indexed"] == 1
    assert called.summary["failures"] == [f"{collection}/caf\\xe9.mp4: its name is not valid UTF-8"]


@pytest.mark.parametrize("folder", ["0", "99999999999", "20240131"])
def test_folder_whose_number_is_no_title_is_indexed_all_the_same(
    ingest: Call, collection: Path, make_video: MakeVideo, folder: str
) -> None:
    make_video(f"{folder}/1.mp4")
    assert ingest(collection).summary["indexed"] == 1


def test_video_of_plain_colour_is_indexed_without_a_frame(
    ingest: Call, collection: Path, make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footage, "picture_at", lambda seed, time_s: footage.np.zeros((180, 320, 3), "uint8"))
    make_video("black.mp4", seed=77)
    monkeypatch.undo()
    assert ingest(collection).returncode == 0
    assert Video.objects.get().tracks.get().frames == 0
    make_video("another.mp4", seed=2)
    assert ingest(collection).returncode == 0
    assert best_video(2) is not None


def test_empty_folder_is_no_failure(ingest: Call, collection: Path) -> None:
    called = ingest(collection)
    assert called.returncode == 0
    assert called.summary["indexed"] == 0


def test_link_into_its_own_parent_ends(ingest: Call, collection: Path, make_video: MakeVideo) -> None:
    make_video("deep/1.mp4")
    (collection / "deep" / "loop").symlink_to(collection)
    (collection / "self.mp4").symlink_to(collection / "self.mp4")
    called = ingest(collection)
    assert called.summary["indexed"] == 1
    assert called.summary["failures"] == [f"{collection}/self.mp4: Too many levels of symbolic links"]


def test_path_that_does_not_exist_is_named(ingest: Call, tmp_path: Path) -> None:
    called = ingest(tmp_path / "nothing")
    assert called.returncode == 1
    assert called.error == f"no such file or folder: {tmp_path / 'nothing'}"


def test_data_directory_that_cannot_be_written_is_named(
    ingest: Call, collection: Path, make_video: MakeVideo, data_dir: Path
) -> None:
    make_video()
    (data_dir / "tracks").write_text("a file where a folder must be")
    called = ingest(collection)
    assert called.returncode == 1
    assert called.error.startswith(f"DATA_DIR: {data_dir / 'tracks'} cannot be written")
    assert not IngestJob.objects.exists()


def test_data_directory_that_cannot_be_made_is_named(
    make_command_line: MakeCommandLine, collection: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("where a folder must be")
    command_line = make_command_line(DATA_DIR=str(tmp_path / "file" / "data"), SECRET_KEY="")
    finished = command_line.run("anime_ingest", collection)
    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1].endswith(
        f"DATA_DIR: {tmp_path / 'file' / 'data'} cannot be used: Not a directory"
    )


@pytest.mark.parametrize("workers", ["0", "-1", "257", "two", "1.5", "", "٣"])
def test_workers_that_make_no_sense_are_refused(ingest: Call, collection: Path, workers: str) -> None:
    called = ingest(collection, f"--workers={workers}")
    assert called.returncode != 0
    assert "--workers: must be a whole number from 1 to 256" in called.error


def test_dry_run_says_what_it_would_do_and_writes_nothing(
    ingest: Call, collection: Path, make_video: MakeVideo, data_dir: Path
) -> None:
    make_video("1/known - 01.mp4", seed=1)
    (collection / "broken.mp4").write_bytes(footage.NOT_A_VIDEO)
    ingest(collection)
    make_video("2/new - 02.mp4", seed=2)
    before = _everything(data_dir)

    called = ingest(collection, "--dry-run")

    assert called.summary["would_index"] == 1
    assert called.summary["known_already"] == 1
    assert called.summary["failures"][0].startswith(f"{collection}/broken.mp4: not a video file")
    assert "2/new - 02.mp4: AniList 2, new" in called.stderr
    assert _everything(data_dir) == before
    assert Video.objects.count() == 1
    assert IngestJob.objects.count() == 2


def _everything(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


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
                return end(**arguments)  # type: ignore[arg-type]

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
