"""The work of a decoding child on one file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from anime_search.engine.bundle import descriptor_named
from anime_search.engine.descriptor import DctDescriptor
from anime_search.engine.stamp import FileStamp
from anime_search.engine.thumbnails import read_thumbnails, thumbnail_times, thumbnails_path
from anime_search.engine.track import load_track, track_path
from anime_search.engine.work import FileChanged, TrackOrder, carry_out, digest_file
from tests.anime_search.engine.clips import Clip, write_clip
from video.faults import VideoFault
from video.reader import VideoError, VideoLimits

VIDEO = "cd" * 32


def order_for(path: Path, tracks: Path, stamp: FileStamp | None = None) -> TrackOrder:
    return TrackOrder(
        path=path,
        stamp=stamp or FileStamp.of(path),
        video=VIDEO,
        tracks=tracks,
        descriptor="dct96-1",
        rate_hz=12.0,
        limits=VideoLimits(),
    )


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "a.mkv", Clip(frames=48))


def test_a_digest_is_the_file_s(clip: Path) -> None:
    steps: list[tuple[float, float]] = []
    digest = digest_file(clip, FileStamp.of(clip), lambda done, total: steps.append((done, total)))
    assert digest == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert steps == [(0.0, 0.0)]


def test_a_file_that_was_replaced_has_no_digest(clip: Path, tmp_path: Path) -> None:
    stamp = FileStamp.of(clip)
    clip.write_bytes(clip.read_bytes() + b"more")
    with pytest.raises(FileChanged):
        digest_file(clip, stamp)
    clip.unlink()
    with pytest.raises(FileChanged):
        digest_file(clip, stamp)


def test_a_file_that_changes_while_it_is_read_has_no_digest(clip: Path) -> None:
    def grow(_done: float, _total: float) -> None:
        with clip.open("ab") as file:
            file.write(b"x")

    with pytest.raises(FileChanged):
        digest_file(clip, FileStamp.of(clip), grow)


def test_a_track_is_made_once(clip: Path, tmp_path: Path) -> None:
    receipt = carry_out(order_for(clip, tmp_path / "tracks"))
    path = track_path(tmp_path / "tracks", "dct96-1", VIDEO)
    assert receipt.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert receipt.frames == len(load_track(path))
    assert receipt.info.width == 96
    written = path.stat().st_mtime_ns
    assert carry_out(order_for(clip, tmp_path / "tracks")) == receipt
    assert path.stat().st_mtime_ns == written


def test_a_damaged_track_is_made_again(clip: Path, tmp_path: Path) -> None:
    receipt = carry_out(order_for(clip, tmp_path / "tracks"))
    path = track_path(tmp_path / "tracks", "dct96-1", VIDEO)
    broken = bytearray(path.read_bytes())
    broken[-10] ^= 1
    path.write_bytes(broken)
    again = carry_out(order_for(clip, tmp_path / "tracks"))
    assert (again.frames, again.info) == (receipt.frames, receipt.info)
    assert again.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(load_track(path)) == receipt.frames


# --- thumbnails


def with_thumbnails(path: Path, root: Path, **changes: object) -> TrackOrder:
    return replace(order_for(path, root / "tracks"), thumbnails=root / "thumbnails", **changes)


def thumbnails_of(root: Path) -> Path:
    return thumbnails_path(root / "thumbnails", VIDEO)


def test_thumbnails_are_made_with_the_track(clip: Path, tmp_path: Path) -> None:
    receipt = carry_out(with_thumbnails(clip, tmp_path))
    track = load_track(track_path(tmp_path / "tracks", "dct96-1", VIDEO))
    found = list(read_thumbnails(thumbnails_of(tmp_path)))
    assert receipt.decoded
    assert receipt.frames > 3
    assert [from_ms for from_ms, _rgb in found] == track.from_ms.tolist()
    described = DctDescriptor().describe(np.stack([rgb for _ms, rgb in found]))
    assert np.sum(described * track.descriptors, axis=1) == pytest.approx(1, abs=0.01)


def test_what_is_whole_is_not_made_again(clip: Path, tmp_path: Path) -> None:
    first = carry_out(with_thumbnails(clip, tmp_path))
    written = thumbnails_of(tmp_path).stat().st_mtime_ns
    again = carry_out(with_thumbnails(clip, tmp_path))
    assert again == first
    assert not again.decoded
    assert thumbnails_of(tmp_path).stat().st_mtime_ns == written


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-9])])
def test_thumbnails_that_are_lost_are_made_again(
    harm: Callable[[Path], object], clip: Path, tmp_path: Path
) -> None:
    first = carry_out(with_thumbnails(clip, tmp_path))
    whole = thumbnails_of(tmp_path).read_bytes()
    harm(thumbnails_of(tmp_path))
    again = carry_out(with_thumbnails(clip, tmp_path))
    assert again.decoded
    assert (again.frames, again.info) == (first.frames, first.info)
    assert thumbnails_of(tmp_path).read_bytes() == whole


def test_thumbnails_of_other_runs_are_made_again(clip: Path, tmp_path: Path) -> None:
    carry_out(with_thumbnails(clip, tmp_path, rate_hz=3.0))
    track_path(tmp_path / "tracks", "dct96-1", VIDEO).unlink()
    receipt = carry_out(order_for(clip, tmp_path / "tracks"))
    assert len(thumbnail_times(thumbnails_of(tmp_path))) < receipt.frames
    assert carry_out(with_thumbnails(clip, tmp_path)).decoded
    assert len(thumbnail_times(thumbnails_of(tmp_path))) == receipt.frames


def test_a_broken_or_replaced_video_leaves_no_thumbnails(clip: Path, tmp_path: Path) -> None:
    stamp = FileStamp.of(clip)
    os.utime(clip, ns=(0, stamp.mtime_ns + 1))
    with pytest.raises(FileChanged):
        carry_out(with_thumbnails(clip, tmp_path, stamp=stamp))
    clip.write_bytes(clip.read_bytes()[:-1000])
    with pytest.raises(VideoError):
        carry_out(with_thumbnails(clip, tmp_path))
    assert [path for path in (tmp_path / "thumbnails").rglob("*") if path.is_file()] == []
    assert not (tmp_path / "tracks").exists()


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a second descriptor: the first one's numbers, backwards."""

    class Backwards(DctDescriptor):
        name = "backwards-1"

        def describe(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
            return np.ascontiguousarray(super().describe(pictures)[:, ::-1])

    known = {DctDescriptor.name: DctDescriptor, Backwards.name: Backwards}
    monkeypatch.setattr("anime_search.engine.work.descriptor_named", lambda name: known[name]())
    return Backwards.name


def test_another_descriptor_s_track_is_made_without_the_video(clip: Path, tmp_path: Path, other: str) -> None:
    first = carry_out(with_thumbnails(clip, tmp_path))
    order = with_thumbnails(clip, tmp_path, descriptor=other)
    clip.unlink()
    told: list[tuple[float, float]] = []
    receipt = carry_out(order, lambda done_s, total_s: told.append((done_s, total_s)))
    assert not receipt.decoded
    assert (receipt.frames, receipt.info) == (first.frames, first.info)
    old, new = (load_track(track_path(tmp_path / "tracks", name, VIDEO)) for name in ("dct96-1", other))
    assert new.from_ms.tolist() == old.from_ms.tolist()
    assert new.cuts_ms is not None
    assert np.sum(new.descriptors[:, ::-1] * old.descriptors, axis=1) == pytest.approx(1, abs=0.01)
    assert told[-1][0] == old.from_ms[-1] / 1000


def test_damaged_thumbnails_have_the_video_decoded(clip: Path, tmp_path: Path, other: str) -> None:
    carry_out(with_thumbnails(clip, tmp_path))
    whole = thumbnails_of(tmp_path).read_bytes()
    thumbnails_of(tmp_path).write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    receipt = carry_out(with_thumbnails(clip, tmp_path, descriptor=other))
    assert receipt.decoded
    assert thumbnails_of(tmp_path).read_bytes() == whole


def test_thumbnails_without_any_track_have_the_video_decoded(clip: Path, tmp_path: Path, other: str) -> None:
    carry_out(with_thumbnails(clip, tmp_path))
    track_path(tmp_path / "tracks", "dct96-1", VIDEO).unlink()
    assert carry_out(with_thumbnails(clip, tmp_path, descriptor=other)).decoded


# --- files that change


def test_a_video_that_is_still_copied_is_no_broken_video(clip: Path, tmp_path: Path) -> None:
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) // 2])
    stamp = FileStamp.of(clip)
    with pytest.raises(VideoError) as caught:
        carry_out(order_for(clip, tmp_path / "tracks", stamp))
    assert caught.value.fault is VideoFault.TRUNCATED
    with clip.open("ab") as file:
        file.write(whole[len(whole) // 2 : -1000])
    with pytest.raises(FileChanged):
        carry_out(order_for(clip, tmp_path / "tracks", stamp))
    assert not (tmp_path / "tracks").exists()


def test_a_whole_video_that_was_replaced_meanwhile_makes_no_track(clip: Path, tmp_path: Path) -> None:
    stamp = FileStamp.of(clip)
    os.utime(clip, ns=(0, stamp.mtime_ns + 1))
    with pytest.raises(FileChanged):
        carry_out(order_for(clip, tmp_path / "tracks", stamp))
    assert not (tmp_path / "tracks").exists()


def test_an_unknown_descriptor_is_an_error() -> None:
    assert descriptor_named("dct96-1").dim == 96
    with pytest.raises(KeyError):
        descriptor_named("dct96-0")
