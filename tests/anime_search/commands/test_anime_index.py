"""``anime_index``: status, build, merge, verify and rollback, on whole and on damaged files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from anime_search import indexing, runtime
from anime_search.models import FrameTrackFile, VideoFile
from anime_search.services import search_picture
from tests import footage
from tests.anime_search.commands.conftest import Call
from tests.conftest import MakeVideo

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("data_dir", "decoders")]


@pytest.fixture
def index(ingest: Call, make_video: MakeVideo, collection: Path, data_dir: Path) -> Path:
    """Three videos that came one after the other: three generations, of one to three segments."""
    for seed in (1, 2, 3):
        make_video(f"{seed}.mp4", seed=seed)
        assert ingest(collection).returncode == 0
    return data_dir / "index"


def act(call: Call, *arguments: str) -> dict[str, object]:
    called = call("anime_index", *arguments, "--json")
    assert called.returncode == 0, called.error
    return called.summary


def found(seed: int) -> bool:
    runtime.index.cache_clear()
    picture = footage.picture_at(seed, 1.5)
    return search_picture(rgb=picture, flat=False, limit=1, videos=None).confident


def segment_files(index: Path, name: str) -> list[Path]:
    """A file of each segment, the newest segment first."""
    return sorted(index.glob(f"segments/*/{name}"), key=lambda path: -path.stat().st_mtime_ns)


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


HARM: list[Callable[[Path], object]] = [flip_a_byte, cut, Path.unlink]


def test_status_of_no_index_is_empty(call: Call) -> None:
    status = act(call, "status")
    assert status["generation"] is None
    assert (status["videos"], status["frames"], status["problems"]) == (0, 0, [])


def test_status_says_what_is_in_use(call: Call, index: Path) -> None:
    status = act(call, "status")
    assert (status["generation"], status["videos"], status["segments"]) == (3, 3, 3)
    assert status["frames"] == sum(FrameTrackFile.objects.values_list("frames", flat=True))
    assert status["generations_on_disk"] == [1, 2, 3]
    assert (status["videos_waiting"], status["problems"]) == (0, [])
    assert status["descriptor"] == runtime.geometry().descriptor


def test_status_is_told_in_plain_lines_too(call: Call, index: Path) -> None:
    assert "videos: 3" in call("anime_index", "status").stdout.splitlines()


def test_build_makes_one_segment_of_all_tracks(call: Call, index: Path) -> None:
    built = act(call, "build")
    assert (built["generation"], built["segments"]) == (4, 1)
    assert all(found(seed) for seed in (1, 2, 3))


def test_build_leaves_out_a_lost_track_and_has_it_made_again(
    call: Call, ingest: Call, index: Path, collection: Path, data_dir: Path
) -> None:
    lost = VideoFile.objects.get(path=str(collection / "2.mp4")).video
    (track,) = data_dir.glob(f"tracks/*/*/{lost.sha256}.safetensors")
    flip_a_byte(track)
    called = call("anime_index", "build")
    assert called.returncode == 0
    assert "1 frame tracks are missing or damaged: run anime_ingest" in called.stderr
    assert [found(seed) for seed in (1, 2, 3)] == [True, False, True]
    assert ingest(collection).summary["indexed"] == 1
    assert found(2)


def test_merge_makes_one_segment_without_the_videos_that_are_gone(
    call: Call, ingest: Call, index: Path, collection: Path
) -> None:
    (collection / "1.mp4").write_bytes(footage.video_bytes(seed=4))
    ingest(collection)
    before = act(call, "status")
    merged = act(call, "merge")
    assert merged["segments"] == 1
    assert merged["frames"] == before["frames"]
    assert [found(seed) for seed in (1, 2, 3, 4)] == [False, True, True, True]


def test_merge_of_no_index_is_nothing(call: Call) -> None:
    assert act(call, "merge") == {"generation": None, "frames": 0, "segments": 0}


def test_rollback_uses_the_generation_before(call: Call, index: Path) -> None:
    assert act(call, "rollback")["generation"] == 2
    assert [found(seed) for seed in (1, 2, 3)] == [True, True, False]
    assert act(call, "rollback")["generation"] == 1
    assert call("anime_index", "rollback").error == "there is no older generation to go back to"


def test_verify_of_a_whole_index_succeeds(call: Call, index: Path) -> None:
    assert act(call, "verify")["verified"]


@pytest.mark.parametrize("name", ["frames.hnsw", "times.safetensors", "segment.json"])
@pytest.mark.parametrize("harm", HARM)
def test_damage_is_found_and_a_build_mends_it(
    call: Call, index: Path, name: str, harm: Callable[[Path], object]
) -> None:
    harm(segment_files(index, name)[0])

    assert call("anime_index", "verify").returncode == 1
    status = act(call, "status")
    assert (status["generation"], status["videos"]) == (2, 2)
    assert len(status["problems"]) == 1
    assert "generation 3 is not usable" in str(status["problems"])

    act(call, "build")
    assert call("anime_index", "verify").returncode == 0
    assert all(found(seed) for seed in (1, 2, 3))


@pytest.mark.parametrize("content", ["", "seven", "99", "\udcff"])
def test_pointer_that_is_damaged_is_told(call: Call, index: Path, content: str) -> None:
    (index / "CURRENT").write_bytes(content.encode(errors="surrogateescape"))
    called = call("anime_index", "verify")
    assert called.returncode == 1
    assert called.error
    assert act(call, "status")["videos"] == 3


def test_next_ingest_goes_on_from_what_is_whole(
    call: Call, ingest: Call, index: Path, make_video: MakeVideo, collection: Path
) -> None:
    cut(segment_files(index, "frames.hnsw")[0])
    make_video("4.mp4", seed=4)
    assert ingest(collection).returncode == 0
    assert all(found(seed) for seed in (1, 2, 3, 4))
    assert call("anime_index", "verify").returncode == 0


def test_check_for_deployment_names_the_broken_generation(index: Path) -> None:
    call_command("check", "--deploy", "--tag", "index", "--fail-level", "WARNING")
    flip_a_byte(segment_files(index, "frames.hnsw")[0])
    runtime.index.cache_clear()
    with pytest.raises(SystemCheckError, match=r"generation 3 is not usable: frames\.hnsw was altered"):
        call_command("check", "--deploy", "--tag", "index", "--fail-level", "WARNING")


@pytest.mark.parametrize("action", ["build", "merge", "rollback"])
def test_dry_run_changes_nothing(call: Call, index: Path, action: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in index.rglob("*")}
    summary = act(call, action, "--dry-run")
    assert (summary["would"], summary["generation"]) == (action, 3)
    assert {path: path.stat().st_mtime_ns for path in index.rglob("*")} == before


def test_folder_that_cannot_be_written_is_told(call: Call, data_dir: Path) -> None:
    (data_dir / "index").write_text("a file where a folder must be")
    called = call("anime_index", "build")
    assert called.returncode == 1
    assert "cannot be written" in called.error


def test_unknown_action_is_refused(call: Call) -> None:
    assert "invalid choice: 'rebuild'" in call("anime_index", "rebuild").error


def test_generation_manifest_is_readable_json(index: Path) -> None:
    manifest = json.loads((index / "generations" / "00000003.json").read_text())
    assert manifest["geometry"]["descriptor"] == runtime.geometry().descriptor
    assert manifest["geometry"]["dim"] == runtime.geometry().dim


def test_publishing_twice_makes_no_second_generation(index: Path) -> None:
    before = indexing.publish_tracks()
    assert before is not None
    assert before.number == 3
    assert indexing.is_published()
