"""Which frames of a clip are asked about, and those of video files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anime_search.engine.moving import (
    LONGEST_S,
    MOST_FRAMES,
    MOST_HELD,
    SIDE,
    Still,
    Thinned,
    chosen,
    moving_of_video,
    sniff_video,
    still_of,
)
from tests.anime_search.engine.clips import Clip, number_in, write_clip
from tests.anime_search.engine.drawings import drawing, frame
from video.faults import VideoFault
from video.reader import VideoError, VideoLimits

LIMITS = VideoLimits()
DRAWN = [frame(drawing(seed)) for seed in range(40)]


def stills(numbers: list[int], every_s: float = 0.25) -> list[Still]:
    return [Still(every_s * n, DRAWN[number], flat=False) for n, number in enumerate(numbers)]


def test_every_different_frame_of_a_short_clip_is_chosen() -> None:
    assert [still.time_s for still in chosen(stills([0, 0, 1, 1, 1, 2]))] == [0.0, 0.5, 1.25]


def test_drawing_that_comes_again_is_chosen_again() -> None:
    assert [still.time_s for still in chosen(stills([0, 1, 0]))] == [0.0, 0.25, 0.5]


def test_noise_of_compression_makes_no_other_frame() -> None:
    random = np.random.default_rng(0)
    noisy = (DRAWN[0].astype(int) + random.integers(-9, 10, DRAWN[0].shape)).clip(0, 255).astype(np.uint8)
    assert len(chosen([Still(0.0, DRAWN[0], flat=False), Still(0.1, noisy, flat=False)])) == 1


def test_a_dozen_of_many_is_spread_evenly() -> None:
    times = [still.time_s for still in chosen(stills([*range(40)]))]
    assert len(times) == MOST_FRAMES
    assert (times[0], times[-1]) == (0.0, 39 * 0.25)
    assert np.diff(times).max() <= 1.25 * 39 * 0.25 / (MOST_FRAMES - 1)


def test_flat_frames_are_chosen_only_where_there_are_no_others() -> None:
    flat = still_of(0.0, np.zeros((36, 64, 3), np.uint8))
    assert flat.flat
    telling = Still(0.5, DRAWN[0], flat=False)
    assert chosen([flat, telling, flat]) == (telling,)
    assert chosen([flat, flat]) == (flat,)


@pytest.mark.parametrize("count", [1, MOST_HELD, MOST_HELD + 1, 1000])
def test_frames_are_held_evenly_and_never_too_many(count: int) -> None:
    thinned = Thinned()
    for number in range(count):
        if thinned.wants_next():
            thinned.keep(Still(float(number), DRAWN[0], flat=False))
        assert len(thinned.kept) <= MOST_HELD
    times = [still.time_s for still in thinned.kept]
    assert times[0] == 0.0
    assert len({*np.diff(times)}) <= 1
    assert times[-1] >= count - 1 - 2 * count / MOST_HELD
    assert len(times) >= min(count, MOST_HELD // 2)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm"])
def test_frames_of_a_video_come_with_their_times(tmp_path: Path, suffix: str) -> None:
    codec = {"webm": "libvpx"}.get(suffix, "libx264")
    path = write_clip(tmp_path / f"a.{suffix}", Clip(codec=codec, frames=48, fps=24))
    assert sniff_video(path.read_bytes()) is not None
    clip = moving_of_video(path, limits=LIMITS)
    assert 6 <= len(clip.stills) <= MOST_FRAMES
    assert clip.length_s == pytest.approx(2.0, abs=0.2)
    for still in clip.stills:
        assert still.rgb.shape == (64, 96, 3)
        assert number_in(still.rgb) == pytest.approx(24 * still.time_s, abs=1)


def test_frames_are_shown_in_their_aspect_and_no_larger_than_needed(tmp_path: Path) -> None:
    wide = moving_of_video(write_clip(tmp_path / "w.mp4", Clip(size=(1280, 720), frames=4)), limits=LIMITS)
    assert {still.rgb.shape for still in wide.stills} == {(270, 480, 3)}
    tall = moving_of_video(write_clip(tmp_path / "t.mp4", Clip(size=(360, 1280), frames=4)), limits=LIMITS)
    assert {max(still.rgb.shape) for still in tall.stills} == {SIDE}


def test_only_the_beginning_of_a_long_video_is_looked_at(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(frames=200, fps=2))
    clip = moving_of_video(path, limits=LIMITS)
    assert LONGEST_S - 1 <= clip.length_s <= LONGEST_S
    assert clip.stills[-1].time_s <= LONGEST_S


def test_video_beyond_the_limits_is_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip())
    with pytest.raises(VideoError) as refused:
        moving_of_video(path, limits=replace(LIMITS, max_pixels=96 * 64 - 1))
    assert refused.value.fault is VideoFault.TOO_LARGE


def test_damaged_video_is_read_as_far_as_it_can_be_or_refused(tmp_path: Path) -> None:
    content = bytearray(write_clip(tmp_path / "a.mkv", Clip(frames=96)).read_bytes())
    for at in range(len(content) // 2, len(content) - 100, 7):
        content[at] ^= 0x55
    path = tmp_path / "b.mkv"
    path.write_bytes(content)
    try:
        clip = moving_of_video(path, limits=LIMITS)
    except VideoError:
        return
    assert number_in(clip.stills[0].rgb) == 0


@pytest.mark.parametrize(
    "data",
    [
        b"", b"hello", b"ffconcat version 1.0\n", b"#EXTM3U\n", b"\0\0\0\x20ftypavif\0\0\0\0",
        b"\0\0\0\x20ftypheic\0\0\0\0", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\0\0\0\0AVI LIST",
    ],
)  # fmt: skip
def test_what_is_no_video_is_not_taken_for_one(data: bytes) -> None:
    assert sniff_video(data) is None
