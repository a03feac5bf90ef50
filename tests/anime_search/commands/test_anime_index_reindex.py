"""``anime_index reindex``: to another descriptor, old answers served until it is done."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from anime_search import indexing, runtime
from anime_search.engine.descriptor import DctDescriptor
from anime_search.engine.index.manifest import Geometry
from anime_search.engine.index.store import IndexStore
from anime_search.engine.thumbnails import thumbnail_times, thumbnails_path
from anime_search.models import FrameTrackFile, Video, VideoFile
from tests import footage
from tests.anime_search.commands.conftest import Call
from tests.anime_search.ingest.conftest import InlineDecoder
from tests.command_line import CommandLine, wait_until
from tests.conftest import MakeVideo
from video.decoders import DecoderFailed

pytestmark = pytest.mark.django_db(transaction=True)


class Backwards(DctDescriptor):
    """The first descriptor's numbers in the opposite order: as good, and never to be mistaken for it."""

    name = "backwards-1"

    def describe(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.ascontiguousarray(super().describe(pictures)[:, ::-1])


KNOWN = {made.name: made for made in (DctDescriptor, Backwards)}
GEOMETRIES = [Geometry(name, made.dim) for name, made in KNOWN.items()]


@pytest.fixture
def decoder(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> InlineDecoder:
    """Children's work done in this process, where the second descriptor is known."""
    decoder = InlineDecoder()
    monkeypatch.setattr(runtime, "decoder_pool", lambda workers: decoder)
    monkeypatch.setattr("anime_search.engine.work.descriptor_named", lambda name: KNOWN[name]())
    return decoder


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> Callable[[type[DctDescriptor]], None]:
    """``use(Backwards)``: as a version of the software whose descriptor that is."""

    def use(made: type[DctDescriptor]) -> None:
        store = IndexStore(data_dir / "index", Geometry(made.name, made.dim), known=GEOMETRIES, ef=64)
        monkeypatch.setattr(runtime, "index_store", cache(lambda: store))

    return use


@pytest.fixture
def indexed(
    decoder: InlineDecoder,
    use: Callable[[type[DctDescriptor]], None],
    ingest: Call,
    make_video: MakeVideo,
    collection: Path,
) -> list[str]:
    """Three videos indexed by the old descriptor; then the software has another one."""
    use(DctDescriptor)
    for seed in (1, 2, 3):
        make_video(f"{seed}.mp4", seed=seed)
    assert ingest(collection).returncode == 0
    use(Backwards)
    decoder.done.clear()
    return list(VideoFile.objects.order_by("path").values_list("video__sha256", flat=True))


def reindex(call: Call, *arguments: str) -> dict[str, object]:
    called = call("anime_index", "reindex", *arguments, "--json")
    assert called.returncode == 0, called.error
    return called.summary


def answer(seed: int) -> tuple[str, str, float]:
    """By which descriptor the index in use answers, which video it finds, and its cosine."""
    snapshot, problems = runtime.index_store().load_best()
    assert snapshot is not None
    assert problems == []
    name = snapshot.manifest.geometry.descriptor
    picture = footage.picture_at(seed, 1.5)
    small = cv2.resize(picture, (256, 144), interpolation=cv2.INTER_AREA)
    ((hit, *_),) = snapshot.search(KNOWN[name]().describe(small[None]), 3)
    return name, hit.video, hit.score


def answer_in_use() -> str:
    snapshot, _problems = runtime.index_store().load_best()
    assert snapshot is not None
    return snapshot.manifest.geometry.descriptor


def finds_all(indexed: list[str], name: str) -> bool:
    found = [answer(seed) for seed in (1, 2, 3)]
    return [(of, video) for of, video, _score in found] == [(name, video) for video in indexed] and all(
        score > 0.95 for *_, score in found
    )


def test_videos_are_described_out_of_their_thumbnails(
    call: Call, indexed: list[str], collection: Path
) -> None:
    assert finds_all(indexed, "dct96-1")
    for path in collection.iterdir():
        path.unlink()
    summary = reindex(call)
    assert (summary["from_thumbnails"], summary["decoded"], summary["failed"]) == (3, 0, 0)
    assert summary["published"] is True
    assert finds_all(indexed, "backwards-1")
    assert FrameTrackFile.objects.filter(descriptor="backwards-1").count() == 3


def test_videos_without_thumbnails_are_decoded_and_get_them(
    call: Call, indexed: list[str], data_dir: Path
) -> None:
    for video in indexed[:2]:
        thumbnails_path(data_dir / "thumbnails", video).unlink()
    summary = reindex(call)
    assert (summary["from_thumbnails"], summary["decoded"]) == (1, 2)
    assert finds_all(indexed, "backwards-1")
    assert all(len(thumbnail_times(thumbnails_path(data_dir / "thumbnails", video))) for video in indexed)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-7])])
def test_thumbnails_alone_are_made_for_an_index_of_the_same_descriptor(
    call: Call,
    indexed: list[str],
    use: Callable[[type[DctDescriptor]], None],
    data_dir: Path,
    harm: Callable[[Path], object],
) -> None:
    use(DctDescriptor)
    path = thumbnails_path(data_dir / "thumbnails", indexed[0])
    harm(path)
    summary = reindex(call)
    assert (summary["decoded"], summary["from_thumbnails"]) == (1, 0)
    assert len(thumbnail_times(path)) > 0
    assert finds_all(indexed, "dct96-1")


def test_reindex_with_nothing_to_do_changes_nothing(call: Call, indexed: list[str], data_dir: Path) -> None:
    reindex(call)
    before = {path: path.stat().st_mtime_ns for path in (data_dir / "index").rglob("*.json")}
    summary = reindex(call)
    assert (summary["from_thumbnails"], summary["decoded"], summary["published"]) == (0, 0, True)
    assert {path: path.stat().st_mtime_ns for path in (data_dir / "index").rglob("*.json")} == before


def test_half_done_the_old_index_answers_and_the_rest_is_done_later(
    call: Call, indexed: list[str], decoder: InlineDecoder
) -> None:
    left = 2

    def stop(_name: str) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1

    decoder.before = stop
    assert call("anime_index", "reindex").returncode == 130
    # What is finished while a thread is interrupted may or may not be noted.
    assert FrameTrackFile.objects.filter(descriptor="backwards-1").count() < 3
    assert finds_all(indexed, "dct96-1")
    published = indexing.publish_tracks()
    assert published is not None
    assert published.geometry.descriptor == "dct96-1"
    assert indexing.is_published()
    assert finds_all(indexed, "dct96-1")

    decoder.before = lambda name: None
    decoder.done.clear()
    reindex(call)
    assert 1 <= len(decoder.done) <= 3
    assert finds_all(indexed, "backwards-1")


def test_new_videos_wait_until_the_old_ones_are_described(
    call: Call, ingest: Call, indexed: list[str], make_video: MakeVideo, collection: Path
) -> None:
    new = make_video("new/4.mp4", seed=4)
    assert ingest(new).returncode == 0
    assert finds_all(indexed, "dct96-1")
    status = call("anime_index", "status", "--json").summary
    assert (status["descriptor"], status["videos_to_reindex"], status["videos_waiting"]) == ("dct96-1", 3, 1)
    reindex(call)
    assert finds_all(indexed, "backwards-1")
    assert answer(4)[1] == Video.objects.get(filename="4.mp4").sha256


def test_ingest_of_all_videos_is_as_good_as_reindex(
    ingest: Call, indexed: list[str], collection: Path, decoder: InlineDecoder
) -> None:
    assert ingest(collection).returncode == 0
    assert finds_all(indexed, "backwards-1")


def test_video_that_is_gone_is_not_waited_for(call: Call, indexed: list[str]) -> None:
    VideoFile.objects.filter(video__sha256=indexed[2]).delete()
    summary = reindex(call)
    assert summary["from_thumbnails"] == 2
    assert answer(1)[:2] == ("backwards-1", indexed[0])
    assert answer(3)[1] != indexed[2]


def test_failed_videos_keep_the_old_index_in_use(
    call: Call, indexed: list[str], collection: Path, data_dir: Path
) -> None:
    thumbnails_path(data_dir / "thumbnails", indexed[1]).unlink()
    (collection / "2.mp4").unlink()
    called = call("anime_index", "reindex", "--json")
    assert called.returncode == 1
    assert "1 of the videos could not be described" in called.error
    assert called.summary["published"] is False
    assert called.summary["failures"] == [
        "2.mp4: its file is gone, or was replaced since it was indexed: run anime_ingest on it"
    ]
    assert finds_all(indexed, "dct96-1")
    refused = call("anime_index", "build")
    assert refused.returncode == 1
    assert "1 videos that are found now have no track by backwards-1 yet" in refused.error

    left_out = call("anime_index", "reindex", "--leave-out-failed", "--json")
    assert left_out.returncode == 1
    assert left_out.summary["published"] is True
    assert answer(1)[:2] == ("backwards-1", indexed[0])
    assert answer(2)[1] != indexed[1]


def test_decoder_that_crashes_costs_one_video(
    call: Call, indexed: list[str], decoder: InlineDecoder, data_dir: Path
) -> None:
    crashed: list[str] = []

    def crash(name: str) -> None:
        if not crashed:
            crashed.append(name)
            raise DecoderFailed("the decoder crashed")

    decoder.before = crash
    called = call("anime_index", "reindex", "--json")
    assert called.returncode == 1
    assert called.summary["from_thumbnails"] == 2
    assert str(called.summary["failures"]).count("the decoder crashed") == 1
    assert finds_all(indexed, "dct96-1")
    reindex(call)
    assert finds_all(indexed, "backwards-1")


def test_lost_track_of_the_new_descriptor_is_made_again(
    call: Call, indexed: list[str], data_dir: Path
) -> None:
    reindex(call)
    (track,) = data_dir.glob(f"tracks/backwards-1/*/{indexed[0]}.safetensors")
    track.unlink()
    assert reindex(call)["from_thumbnails"] == 1
    assert finds_all(indexed, "backwards-1")


def test_going_back_to_the_old_index_works(call: Call, indexed: list[str]) -> None:
    reindex(call)
    assert call("anime_index", "rollback").returncode == 0
    assert finds_all(indexed, "dct96-1")
    # What publishes every half a minute must not undo what an operator decided.
    indexing.publish_tracks()
    assert indexing.is_published()
    assert finds_all(indexed, "dct96-1")
    reindex(call)
    assert finds_all(indexed, "backwards-1")


def test_broken_new_index_is_made_anew_although_the_old_one_is_whole(
    call: Call, indexed: list[str], data_dir: Path
) -> None:
    reindex(call)
    newest = max((data_dir / "index" / "segments").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    (newest / "times.safetensors").write_bytes(b"cut")
    assert answer_in_use() == "dct96-1"
    indexing.publish_tracks()
    assert finds_all(indexed, "backwards-1")


def test_dry_run_says_what_would_be_done(call: Call, indexed: list[str], data_dir: Path) -> None:
    thumbnails_path(data_dir / "thumbnails", indexed[0]).unlink()
    before = {path: path.stat().st_mtime_ns for path in data_dir.rglob("*") if path.suffix != ".sqlite3"}
    summary = reindex(call, "--dry-run")
    assert (summary["would"], summary["from_thumbnails"], summary["to_decode"]) == ("reindex", 2, 1)
    assert {
        path: path.stat().st_mtime_ns for path in data_dir.rglob("*") if path.suffix != ".sqlite3"
    } == before


def test_second_reindex_at_once_is_refused(call: Call, indexed: list[str], data_dir: Path) -> None:
    with (data_dir / "tracks" / ".reindex.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        called = call("anime_index", "reindex")
    assert (called.returncode, called.error) == (1, "another reindex is running")
    assert finds_all(indexed, "dct96-1")


@pytest.mark.slow
def test_reindex_that_was_killed_goes_on_where_it_was(
    command_line: CommandLine, make_video: MakeVideo, collection: Path, tmp_path: Path
) -> None:
    for seed in range(3):
        make_video(f"{seed}.mp4", seed=seed, seconds=3, repeat=8)
    assert command_line.run("anime_ingest", collection).returncode == 0
    folder = command_line.data_dir / "thumbnails"
    for path in folder.rglob("*.thumbs"):
        path.unlink()

    running = command_line.start("anime_index", "reindex")
    wait_until(lambda: list(folder.rglob("*.thumbs")), "a video is done")
    running.kill()
    done = {path: path.stat().st_mtime_ns for path in folder.rglob("*.thumbs")}

    again = command_line.run("anime_index", "reindex", "--json")
    assert again.returncode == 0, again.stderr
    assert 3 - len(done) <= again.summary["decoded"] <= 3
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert len(list(folder.rglob("*.thumbs"))) == 3
    assert [path for path in folder.rglob("*.part") if path.parent in {p.parent for p in done}] == []
