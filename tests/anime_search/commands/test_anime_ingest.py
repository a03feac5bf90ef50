"""What ``anime_ingest`` makes of a folder: good files, broken ones, odd names, and senseless options."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from anime_search import runtime
from anime_search.models import FrameTrackFile, IngestJob, Video
from tests import footage
from tests.anime_search.commands.conftest import Call, best_video
from tests.conftest import MakeCommandLine, MakeVideo

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("data_dir", "decoders")]


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
    assert row.descriptor == runtime.geometry().descriptor
    assert row.frames > 0


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


@pytest.mark.parametrize("key", ["", "given, so that none has to be kept"])
def test_data_directory_that_cannot_be_made_is_named(
    make_command_line: MakeCommandLine, collection: Path, tmp_path: Path, key: str
) -> None:
    (tmp_path / "file").write_text("where a folder must be")
    command_line = make_command_line(DATA_DIR=str(tmp_path / "file" / "data"), SECRET_KEY=key)
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
