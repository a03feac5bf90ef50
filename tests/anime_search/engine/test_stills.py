"""A still is the frame that is on screen at a time, upright, in its shape, and not too wide."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from anime_search.engine.stills import still_at
from tests.anime_search.engine.clips import (
    Clip,
    Rgb,
    ask_to_turn,
    jpeg_decoded,
    number_in,
    picture,
    write_clip,
)
from video.faults import VideoFault
from video.reader import VideoError, VideoLimits, VideoReader

LIMITS = VideoLimits()
GROUPS = {
    "preset": "veryfast",
    "x264-params": "bframes=3:b-adapt=0:b-pyramid=normal:scenecut=0:keyint=50:min-keyint=50",
}
TWO_B = {"g": "50", "bf": "2"}


def still(path: Path, time_s: float, width: int = 640) -> Rgb:
    jpeg = still_at(path, time_s, width=width, limits=LIMITS)
    return cv2.cvtColor(jpeg_decoded(jpeg), cv2.COLOR_BGR2RGB)


def long_clip(codec: str, options: dict[str, str] | None, **more: object) -> Clip:
    """Ten seconds of 25 pictures each, with a keyframe every two seconds."""
    return Clip(codec=codec, options=options, frames=250, fps=25, **more)


VP8 = {"deadline": "realtime", "cpu-used": "8", "b": "1M", "g": "50"}
#: By how many frames a still may be off: MPEG program streams and AVI files store no time with every picture.
KINDS: dict[str, tuple[Clip, int]] = {
    "a.mp4": (long_clip("libx264", GROUPS), 0),
    "fragments.mp4": (long_clip("libx264", GROUPS, muxer={"movflags": "frag_keyframe+empty_moov"}), 0),
    "a.mkv": (long_clip("libx264", GROUPS), 0),
    "a.ts": (long_clip("libx264", GROUPS), 0),
    "hours.ts": (long_clip("libx264", GROUPS, start_s=20_000.0), 0),
    "a.flv": (long_clip("libx264", GROUPS), 0),
    "a.nut": (long_clip("libx264", GROUPS), 0),
    "a.h264": (long_clip("libx264", GROUPS), 0),
    "a.webm": (long_clip("libvpx", VP8), 0),
    "a.ogv": (long_clip("libvpx", VP8), 0),
    "a.wmv": (long_clip("wmv2", {"g": "50"}), 0),
    "a.mxf": (long_clip("mpeg2video", TWO_B), 0),
    "a.rm": (long_clip("rv20", {"g": "50"}, size=(176, 144)), 0),
    "plain.avi": (long_clip("mpeg4", {"g": "50"}), 0),
    "h264.avi": (long_clip("libx264", GROUPS), 0),
    "b-frames.avi": (long_clip("mpeg4", TWO_B), 2),
    "a.mpg": (long_clip("mpeg2video", TWO_B), 3),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_frame_on_screen_is_found(name: str, tmp_path: Path) -> None:
    clip, slack = KINDS[name]
    path = write_clip(tmp_path / name, clip)
    # Of an elementary stream nobody knows how long it is without reading all of it.
    far_s = 12.0 if name.endswith("h264") else 5000.0
    for time_s in (0.0, 0.02, 0.5, 1.99, 2.0, 2.01, 3.3, 5.96, 8.5, 9.9, 9.96, 9.999, 12.0, far_s):
        with VideoReader(path, LIMITS) as reader:
            number = number_in(reader.frame_at(time_s, 30.0).to_ndarray(format="rgb24"))
        assert abs(number - min(249, int(time_s * 25 + 1e-6))) <= slack, time_s


def test_one_reader_goes_back_and_forth(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.ts", "a.avi"):
        path = write_clip(tmp_path / name, long_clip("libx264", GROUPS))
        with VideoReader(path, LIMITS) as reader:
            assert len(list(reader.samples(2.0))) == 20
            for time_s in (9.0, 1.0, 5.04, 0.0, 9.96):
                frame = reader.frame_at(time_s, 30.0)
                assert number_in(frame.to_ndarray(format="rgb24")) == round(time_s * 25), name


def test_what_a_sample_shows_is_what_a_still_of_its_time_shows(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv", "a.ts"):
        path = write_clip(tmp_path / name, long_clip("libx264", GROUPS, start_s=3.21))
        with VideoReader(path, LIMITS) as reader:
            samples = [(sample.time_s, number_in(sample.rgb)) for sample in reader.samples(12.0)]
        for time_s, number in samples[::17]:
            assert number_in(still(path, round(time_s, 3))) == number


def test_a_search_for_a_keyframe_has_an_end(tmp_path: Path) -> None:
    """One keyframe for a whole hour: the still is not the right one, and it does not take an hour's decoding."""
    clip = Clip(
        frames=720, fps=Fraction(1, 5), options={"preset": "ultrafast", "g": "9999", "sc_threshold": "0"}
    )
    path = write_clip(tmp_path / "a.mp4", clip)
    with VideoReader(path, LIMITS) as reader:
        assert number_in(reader.frame_at(3000.0, 30.0).to_ndarray(format="rgb24")) == 0
        assert number_in(reader.frame_at(28.0, 30.0).to_ndarray(format="rgb24")) == 5


# --- shape


@pytest.mark.parametrize(
    ("size", "aspect", "width", "shape"),
    [
        ((640, 360), None, 320, (180, 320)),
        ((640, 360), None, 160, (90, 160)),
        ((160, 90), None, 640, (90, 160)),
        # DVD: 720x480 shown at 16:9.
        ((720, 480), Fraction(32, 27), 320, (180, 320)),
        ((96, 64), Fraction(1, 2), 640, (64, 48)),
    ],
)
def test_a_still_has_the_shape_of_the_screen(
    size: tuple[int, int], aspect: Fraction | None, width: int, shape: tuple[int, int], tmp_path: Path
) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(size=size, frames=2, sample_aspect=aspect))
    assert still(path, 0.0, width).shape[:2] == pytest.approx(shape, abs=1)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_video_gives_an_upright_still(quarters: int, tmp_path: Path) -> None:
    for shown in ((128, 72), (72, 128)):
        stored = [np.rot90(picture(n, shown), quarters) for n in range(6)]
        size = shown[::-1] if quarters % 2 else shown
        path = ask_to_turn(
            write_clip(tmp_path / "a.mp4", Clip(size=size, frames=6), pictures=stored), quarters
        )
        rgb = still(path, 3 / 24, width=64)
        assert number_in(rgb) == 3
        assert rgb.shape[1] <= 64
        assert rgb.shape[1] / rgb.shape[0] == pytest.approx(shown[0] / shown[1], rel=0.1)


@pytest.mark.parametrize("width", [1, 2, 3, 159, 161])
def test_no_still_is_wider_than_asked(width: int, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(size=(320, 180), frames=2))
    assert still(path, 0.0, width).shape[1] <= max(2, width)


@pytest.mark.parametrize("aspect", [Fraction(1, 60_000), Fraction(60_000, 1)])
def test_a_claimed_shape_makes_no_huge_picture(aspect: Fraction, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(codec="ffv1", frames=2, sample_aspect=aspect))
    assert max(still(path, 0.0).shape) <= 4096


def test_colours_of_hd_video_are_right(tmp_path: Path) -> None:
    red = [np.full((720, 1280, 3), (200, 30, 40), np.uint8)] * 2
    path = write_clip(tmp_path / "a.mp4", Clip(size=(1280, 720), frames=2, matrix=1), pictures=red)
    assert np.abs(still(path, 0.0).reshape(-1, 3).mean(axis=0) - (200, 30, 40)).max() < 8


# --- nothing to show


def test_a_broken_file_has_no_still(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"not a video at all" * 100)
    with pytest.raises(VideoError) as caught:
        still_at(tmp_path / "a.mp4", 0.0, width=320, limits=LIMITS)
    assert caught.value.fault is VideoFault.UNREADABLE


def test_a_file_that_was_cut_since_still_shows_what_it_has(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", long_clip("libx264", GROUPS))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert number_in(still(path, 2.0)) == 50
