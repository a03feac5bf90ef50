"""The work of a decoding child on one file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from anime_search.engine.faults import VideoFault
from anime_search.engine.stamp import FileStamp
from anime_search.engine.track import load_track, track_path
from anime_search.engine.video import VideoError, VideoLimits
from anime_search.engine.work import FileChanged, TrackOrder, carry_out, descriptor_named, digest_file
from tests.anime_search.engine.clips import Clip, write_clip

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
