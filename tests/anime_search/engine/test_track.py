"""A track is a video's runs of like frames, whole on disk or not there."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors.numpy import load_file, save

from anime_search.engine.descriptor import DctDescriptor
from anime_search.engine.runs import LONGEST_RUN_MS
from anime_search.engine.track import (
    FrameTrack,
    TrackError,
    describe_again,
    load_track,
    make_track,
    save_track,
    track_path,
)
from anime_search.engine.whole_file import write_whole
from tests.anime_search.engine.clips import Clip, Rgb, write_clip
from video.faults import VideoFault
from video.reader import VideoError, VideoInfo, VideoLimits

VIDEO = "ab" * 32
DCT = DctDescriptor()
SIZE = (128, 72)


def drawing(seed: int) -> Rgb:
    """A picture of soft shapes; another for every seed."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (5, 8, 3), np.uint8)
    return cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC)


def plain(level: int) -> Rgb:
    return np.full((SIZE[1], SIZE[0], 3), level, np.uint8)


def track_of(path: Path, shown: list[Rgb], *, fps: Fraction | int = 12, rate_hz: float = 12.0) -> FrameTrack:
    clip = Clip(size=SIZE, frames=len(shown), fps=fps, options={"preset": "ultrafast", "crf": "12"})
    write_clip(path, clip, pictures=shown)
    return make_track(path, video=VIDEO, descriptor=DCT, rate_hz=rate_hz, limits=VideoLimits())


@pytest.fixture
def mp4(tmp_path: Path) -> Path:
    return tmp_path / "a.mp4"


def spans(track: FrameTrack) -> list[tuple[int, int]]:
    return list(zip(track.from_ms.tolist(), track.to_ms.tolist(), strict=True))


def test_like_frames_become_one_run(mp4: Path) -> None:
    track = track_of(mp4, [drawing(1)] * 6 + [drawing(2)] * 12 + [drawing(3)] * 6)
    assert spans(track) == [(0, 417), (500, 1417), (1500, 1917)]
    assert track.at_ms.tolist() == [208, 958, 1708]
    assert track.shots_ms.tolist() == [0, 500, 1500]


def test_a_run_has_the_descriptor_of_its_picture(mp4: Path) -> None:
    track = track_of(mp4, [drawing(n) for n in (1, 1, 2, 2)])
    expected = DCT.describe(np.stack([cv2.resize(drawing(n), (256, 144)) for n in (1, 2)]))
    assert np.sum(track.descriptors * expected, axis=1) == pytest.approx([1, 1], abs=0.02)
    assert np.linalg.norm(track.descriptors.astype(np.float32), axis=1) == pytest.approx(1, abs=0.002)
    assert (track.video, track.descriptor) == (VIDEO, "dct96-1")


def test_a_drawing_that_returns_is_a_run_of_its_own(mp4: Path) -> None:
    track = track_of(mp4, [drawing(1)] * 4 + [drawing(2)] * 4 + [drawing(1)] * 4)
    assert len(track) == 3
    assert float(track.descriptors[0] @ track.descriptors[2]) == pytest.approx(1, abs=0.01)


def test_slow_change_opens_a_new_run_without_a_new_shot(mp4: Path) -> None:
    one, other = drawing(1).astype(float), drawing(2).astype(float)
    fade = [(one + (other - one) * n / 47).astype(np.uint8) for n in range(48)]
    track = track_of(mp4, fade)
    assert 3 < len(track) < 48
    assert track.shots_ms.tolist() == [0]


def test_a_still_is_cut_into_runs_of_limited_length(mp4: Path) -> None:
    track = track_of(mp4, [drawing(1)] * 25, fps=1, rate_hz=12.0)
    assert spans(track) == [(0, 9000), (10_000, 19_000), (20_000, 24_000)]
    assert max(to - start for start, to in spans(track)) < LONGEST_RUN_MS
    assert track.shots_ms.tolist() == [0]


def test_flat_frames_are_left_out(mp4: Path) -> None:
    black, white = plain(16), plain(240)
    track = track_of(mp4, [black] * 6 + [drawing(1)] * 6 + [white] * 6 + [drawing(1)] * 6 + [black] * 6)
    assert spans(track) == [(500, 917), (1500, 1917)]


def test_a_video_of_nothing_but_black_has_an_empty_track(mp4: Path, tmp_path: Path) -> None:
    track = track_of(mp4, [plain(16)] * 12)
    assert len(track) == 0
    assert track.descriptors.shape == (0, DCT.dim)
    save_track(track, path := track_path(tmp_path, track.descriptor, VIDEO))
    assert load_track(path).descriptors.shape == (0, DCT.dim)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
def test_times_ascend_and_stay_inside_the_video(name: str, tmp_path: Path) -> None:
    track = track_of(tmp_path / name, [drawing(n // 5) for n in range(60)], fps=24)
    assert np.all(np.diff(track.from_ms) > 0)
    assert np.all((track.from_ms <= track.at_ms) & (track.at_ms <= track.to_ms))
    assert np.all(track.to_ms[:-1] < track.from_ms[1:])
    assert 0 <= track.from_ms[0] <= track.to_ms[-1] <= 1000 * track.info.duration_s
    assert track.info.duration_s == pytest.approx(2.5, abs=0.1)
    assert set(track.shots_ms.tolist()) <= set(track.from_ms.tolist())


def test_joined_recordings_have_the_length_that_was_seen(tmp_path: Path) -> None:
    parts = []
    for start_s in (100.0, 50_000.0):
        clip = Clip(size=SIZE, frames=24, start_s=start_s)
        parts.append(write_clip(tmp_path / "part.ts", clip).read_bytes())
    (tmp_path / "a.ts").write_bytes(b"".join(parts))
    track = make_track(tmp_path / "a.ts", video=VIDEO, descriptor=DCT, rate_hz=12, limits=VideoLimits())
    assert track.info.duration_s == pytest.approx(2.0, abs=0.2)
    assert track.to_ms[-1] <= 1000 * track.info.duration_s


def test_progress_ascends_to_the_length_of_the_video(mp4: Path) -> None:
    write_clip(mp4, Clip(frames=300, fps=30))
    told: list[tuple[float, float]] = []
    make_track(
        mp4,
        video=VIDEO,
        descriptor=DCT,
        rate_hz=30,
        limits=VideoLimits(),
        on_progress=lambda done_s, total_s: told.append((done_s, total_s)),
    )
    assert [total for _, total in told] == [10.0] * len(told)
    done = [done for done, _ in told]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(10.0, abs=0.1)
    assert len(told) >= 3


# --- by another descriptor


class SmallPicture:
    """The picture itself, reduced to 8 x 4 grey pixels; remembers what it was asked to describe."""

    name = "small32-1"
    dim = 32

    def __init__(self) -> None:
        self.asked: list[Rgb] = []

    def describe(self, pictures: Rgb) -> Rgb:
        self.asked += list(pictures)
        small = [cv2.resize(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), (8, 4)).ravel() for each in pictures]
        vectors = np.array(small, np.float32) - 128
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def by_both(path: Path, shown: list[Rgb]) -> tuple[FrameTrack, FrameTrack, SmallPicture]:
    dct, other = track_of(path, shown), SmallPicture()
    track = make_track(path, video=VIDEO, descriptor=other, rate_hz=12, limits=VideoLimits())
    return dct, track, other


def test_runs_are_the_same_whatever_describes_them(mp4: Path) -> None:
    shown = [drawing(n // 3) for n in range(90)] + [plain(16)] * 12 + [drawing(40)] * 130
    dct, track, other = by_both(mp4, shown)
    assert len(track) == len(dct) > 20
    for name in ("from_ms", "at_ms", "to_ms", "shots_ms", "cuts_ms"):
        assert np.array_equal(getattr(track, name), getattr(dct, name)), name
    assert (track.descriptor, track.descriptors.shape) == ("small32-1", (len(dct), 32))
    assert track.descriptors.dtype == np.float16
    assert len(other.asked) == len(track)


def test_a_run_is_described_by_its_first_frame(mp4: Path) -> None:
    _dct, track, _other = by_both(mp4, [drawing(n) for n in (1, 1, 2, 2, 3)])
    expected = SmallPicture().describe(np.stack([cv2.resize(drawing(n), (256, 144)) for n in (1, 2, 3)]))
    assert np.sum(track.descriptors * expected, axis=1) == pytest.approx([1, 1, 1], abs=0.03)


def test_a_video_of_nothing_but_black_is_empty_by_any_descriptor(mp4: Path) -> None:
    _dct, track, other = by_both(mp4, [plain(16)] * 12)
    assert track.descriptors.shape == (0, 32)
    assert other.asked == []


def test_each_run_s_first_frame_is_handed_out(mp4: Path) -> None:
    clip = Clip(size=SIZE, frames=150, fps=12, options={"preset": "ultrafast", "crf": "12"})
    write_clip(mp4, clip, pictures=[drawing(n // 2) for n in range(150)])
    got: list[tuple[int, Rgb]] = []
    track = make_track(
        mp4,
        video=VIDEO,
        descriptor=DCT,
        rate_hz=12,
        limits=VideoLimits(),
        on_run=lambda from_ms, rgb: got.append((from_ms, rgb)),
    )
    assert [from_ms for from_ms, _rgb in got] == track.from_ms.tolist()
    cosines = np.sum(DCT.describe(np.stack([rgb for _ms, rgb in got])) * track.descriptors, axis=1)
    assert cosines == pytest.approx(1, abs=0.002)


def test_a_track_is_described_again_from_its_pictures(mp4: Path) -> None:
    dct, track, other = by_both(mp4, [drawing(n // 2) for n in range(160)])
    again = describe_again(dct, iter(other.asked), SmallPicture())
    assert np.array_equal(again.descriptors, track.descriptors)
    assert (again.descriptor, again.video, again.info) == ("small32-1", VIDEO, dct.info)
    assert spans(again) == spans(dct)
    for wrong in (other.asked[1:], [*other.asked, other.asked[0]]):
        with pytest.raises(ValueError, match="pictures for"):
            describe_again(dct, wrong, SmallPicture())


# --- on disk


@pytest.fixture
def track(mp4: Path) -> FrameTrack:
    return track_of(mp4, [drawing(n // 3) for n in range(36)])


def test_a_track_comes_back_as_it_was_saved(track: FrameTrack, tmp_path: Path) -> None:
    path = track_path(tmp_path, track.descriptor, track.video)
    assert path == tmp_path / "dct96-1" / "ab" / f"{VIDEO}.safetensors"
    digest = save_track(track, path)
    loaded = load_track(path)
    for name in ("descriptors", "from_ms", "at_ms", "to_ms", "shots_ms", "cuts_ms"):
        one, other = getattr(track, name), getattr(loaded, name)
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    assert (loaded.video, loaded.descriptor, loaded.info) == (track.video, track.descriptor, track.info)
    assert loaded.descriptors.dtype == np.float16
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


def test_every_flipped_byte_is_noticed(track: FrameTrack, tmp_path: Path) -> None:
    path = tmp_path / f"{VIDEO}.safetensors"
    save_track(track, path)
    whole = path.read_bytes()
    for at in np.random.default_rng(3).integers(0, len(whole), 300):
        broken = bytearray(whole)
        broken[at] ^= 1 << (at % 8)
        path.write_bytes(broken)
        # A space of the header's padding or a number in it may be spelled another way: it then says the same.
        try:
            loaded = load_track(path)
        except TrackError:
            continue
        assert np.array_equal(loaded.descriptors, track.descriptors)
        assert spans(loaded) == spans(track)
        assert loaded.info == track.info


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.99, 0.9999])
def test_a_cut_track_is_no_track(share: float, track: FrameTrack, tmp_path: Path) -> None:
    path = tmp_path / f"{VIDEO}.safetensors"
    save_track(track, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(TrackError):
        load_track(path)


def test_other_files_are_no_tracks(track: FrameTrack, tmp_path: Path) -> None:
    path = tmp_path / f"{VIDEO}.safetensors"
    tensors = {
        name: getattr(track, name) for name in ("descriptors", "from_ms", "at_ms", "to_ms", "shots_ms")
    }
    for content in (
        b"",
        b"text",
        save({"weights": np.zeros(4, np.float32)}),
        save(tensors),
        save({**tensors, "more": np.zeros(4)}, metadata={"video": VIDEO}),
        save({**tensors, "from_ms": track.from_ms.astype(np.float32)}, metadata={"video": VIDEO}),
    ):
        path.write_bytes(content)
        with pytest.raises(TrackError):
            load_track(path)
    for missing in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(TrackError):
            load_track(missing)


def test_a_track_under_another_video_s_name_is_refused(track: FrameTrack, tmp_path: Path) -> None:
    save_track(track, tmp_path / f"{'cd' * 32}.safetensors")
    with pytest.raises(TrackError, match="another video"):
        load_track(tmp_path / f"{'cd' * 32}.safetensors")


def test_a_track_says_what_it_is_to_other_readers(track: FrameTrack, tmp_path: Path) -> None:
    save_track(track, path := tmp_path / f"{VIDEO}.safetensors")
    assert set(load_file(path)) == {"descriptors", "from_ms", "at_ms", "to_ms", "shots_ms", "cuts_ms"}


def test_a_track_from_before_cuts_were_looked_for_stays_readable(track: FrameTrack, tmp_path: Path) -> None:
    old = replace(track, cuts_ms=None)
    save_track(old, path := tmp_path / f"{VIDEO}.safetensors")
    assert set(load_file(path)) == {"descriptors", "from_ms", "at_ms", "to_ms", "shots_ms"}
    loaded = load_track(path)
    assert loaded.cuts_ms is None
    assert spans(loaded) == spans(track)


def test_cuts_of_another_version_count_as_none(
    track: FrameTrack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_track(track, path := tmp_path / f"{VIDEO}.safetensors")
    monkeypatch.setattr("anime_search.engine.track.CUTS_VERSION", "cuts-0")
    assert load_track(path).cuts_ms is None


def test_a_track_holds_the_cuts_between_its_shots(mp4: Path) -> None:
    track = track_of(mp4, [drawing(1)] * 12 + [drawing(2)] * 12 + [drawing(3)] * 12, fps=24, rate_hz=12)
    # The old shot's last sample is at 0.417 s and lasts a frame; the new one's first is at 0.5 s.
    assert track.cuts_ms is not None
    assert track.cuts_ms.tolist() == [[459, 500], [959, 1000]]


def test_half_a_file_never_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "folder" / "file"
    write_whole(target, b"old")
    for step in ("fsync", "replace"):

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(*((os, "fsync", fail) if step == "fsync" else (Path, "replace", fail)))
            with pytest.raises(OSError, match="No space"):
                write_whole(target, b"new")
        assert target.read_bytes() == b"old"
        assert list(target.parent.iterdir()) == [target]
    with pytest.raises(TypeError):
        write_whole(target, "no bytes")
    assert list(target.parent.iterdir()) == [target]


def test_file_and_folder_reach_the_disk_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    sync, rename = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def replace_(path: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace_)
    write_whole(tmp_path / "file", b"content")
    assert steps == ["file", "rename", "folder"]


def test_a_broken_video_leaves_no_track(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(frames=60))
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(VideoError) as caught:
        make_track(path, video=VIDEO, descriptor=DCT, rate_hz=12, limits=VideoLimits())
    assert caught.value.fault is VideoFault.TRUNCATED
    assert list(tmp_path.iterdir()) == [path]


def test_info_survives_odd_values(track: FrameTrack, tmp_path: Path) -> None:
    info = VideoInfo(1, 2, 23.976023976023978, 1e-9, 'co"dec\n', "日本語")
    save_track(replace(track, info=info), path := tmp_path / f"{VIDEO}.safetensors")
    assert load_track(path).info == info
