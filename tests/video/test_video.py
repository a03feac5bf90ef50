"""Every sample of a video carries the right picture at the right time, whatever the file is made of."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.anime_search.engine.clips import (
    PYRAMID,
    Clip,
    ask_to_turn,
    number_in,
    picture,
    show_only,
    write_clip,
)
from video.reader import VideoError, VideoInfo, VideoLimits, VideoReader
from video.timeline import grid_cell

EVERY_FRAME_HZ = 2000.0
#: Some containers keep times in milliseconds.
ROUNDING_S = 0.0011

#: B-frames of which none refers to another: all but one in four frames can be left out.
FLAT_GROUPS = {
    "preset": "veryfast",
    "crf": "20",
    "x264-params": "bframes=3:b-adapt=0:b-pyramid=none:scenecut=0:keyint=24:min-keyint=24",
}
HEVC_GROUPS = {
    "preset": "fast",
    "x265-params": "log-level=error:pools=1:frame-threads=1:bframes=4:b-adapt=0:b-pyramid=1:scenecut=0:keyint=24",
}
TWO_B = {"bf": "2", "b_strategy": "0", "g": "24"}


def read(path: Path, rate_hz: float = EVERY_FRAME_HZ, *, threads: int = 1) -> list[tuple[float, int]]:
    """Time and number of every sample."""
    with VideoReader(path, VideoLimits(), threads=threads) as reader:
        return [(sample.time_s, number_in(sample.rgb)) for sample in reader.samples(rate_hz)]


def info_of(path: Path) -> VideoInfo:
    with VideoReader(path, VideoLimits()) as reader:
        return reader.info


def assert_shows(path: Path, clip: Clip, *, shift_s: float = 0.0, rounding_s: float = ROUNDING_S) -> None:
    """Every frame of the clip comes out, in order, at the time that it was given."""
    expected = [(time_s + shift_s, clip.first + n) for n, time_s in enumerate(clip.times())]
    samples = read(path)
    assert [number for _, number in samples] == [number for _, number in expected]
    assert [time_s for time_s, _ in samples] == pytest.approx(
        [time_s for time_s, _ in expected], abs=rounding_s
    )


KINDS: dict[str, Clip] = {
    "h264.mp4": Clip(options=PYRAMID),
    "h264.mkv": Clip(options=PYRAMID),
    "h264.mov": Clip(options=FLAT_GROUPS),
    "h264.ts": Clip(options=PYRAMID),
    "h264.flv": Clip(options=PYRAMID),
    "h264.avi": Clip(options=PYRAMID),
    "h264.nut": Clip(options=PYRAMID),
    "fragments.mp4": Clip(options=PYRAMID, muxer={"movflags": "frag_keyframe+empty_moov"}),
    "hevc.mp4": Clip(codec="libx265", options=HEVC_GROUPS),
    "hevc.mkv": Clip(codec="libx265", options=HEVC_GROUPS),
    "hevc.ts": Clip(codec="libx265", options=HEVC_GROUPS),
    "vp8.webm": Clip(codec="libvpx"),
    "vp8.ogv": Clip(codec="libvpx"),
    "vp8-altref.webm": Clip(
        codec="libvpx", options={"b": "500k", "lag-in-frames": "16", "auto-alt-ref": "1", "cpu-used": "4"}
    ),
    "vp9.webm": Clip(codec="libvpx-vp9"),
    "vp9.mp4": Clip(codec="libvpx-vp9"),
    "vp9.ivf": Clip(codec="libvpx-vp9"),
    "av1.mp4": Clip(codec="libsvtav1"),
    "av1.webm": Clip(codec="libsvtav1"),
    "mpeg4.avi": Clip(codec="mpeg4", options=TWO_B),
    "mpeg4.mp4": Clip(codec="mpeg4", options=TWO_B),
    "mpeg4.mkv": Clip(codec="mpeg4", options=TWO_B),
    "mpeg4.ts": Clip(codec="mpeg4", options=TWO_B),
    "mpeg4.3gp": Clip(codec="mpeg4"),
    "mpeg2.mpg": Clip(codec="mpeg2video", options=TWO_B),
    "mpeg2.ts": Clip(codec="mpeg2video", options=TWO_B),
    "mpeg2.mxf": Clip(codec="mpeg2video", options=TWO_B),
    "mpeg1.mpg": Clip(codec="mpeg1video"),
    "mjpeg.avi": Clip(codec="mjpeg", pix_fmt="yuvj420p"),
    "mjpeg.mov": Clip(codec="mjpeg", pix_fmt="yuvj420p"),
    "prores.mov": Clip(codec="prores_ks", pix_fmt="yuv422p10le"),
    "wmv2.wmv": Clip(codec="wmv2"),
    "sorenson.flv": Clip(codec="flv"),
    "rv20.rm": Clip(codec="rv20", size=(176, 144)),
    "picture.gif": Clip(codec="gif", pix_fmt="rgb8", fps=10),
    "raw.y4m": Clip(codec="wrapped_avframe"),
    "ffv1.mkv": Clip(codec="ffv1"),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_comes_at_its_time(name: str, tmp_path: Path) -> None:
    assert_shows(write_clip(tmp_path / name, KINDS[name]), KINDS[name])


RATES: list[Fraction | int] = [1, 10, Fraction(24000, 1001), 25, 60, 1000]


@pytest.mark.parametrize("fps", RATES, ids=str)
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
def test_any_frame_rate(name: str, fps: Fraction | int, tmp_path: Path) -> None:
    clip = Clip(fps=fps, frames=30, options=PYRAMID)
    path = write_clip(tmp_path / name, clip)
    assert_shows(path, clip)
    assert info_of(path).fps == pytest.approx(float(fps), rel=0.002)


ONE_FRAME = {"a.mp4": "libx264", "a.mkv": "libx264", "a.ts": "libx264", "a.avi": "mpeg4", "a.webm": "libvpx"}


@pytest.mark.parametrize(("name", "codec"), ONE_FRAME.items())
def test_one_frame_is_a_video(name: str, codec: str, tmp_path: Path) -> None:
    clip = Clip(codec=codec, frames=1, first=77)
    assert_shows(write_clip(tmp_path / name, clip), clip)


UNEVEN = (0.0, 0.1, 0.3, 0.35, 2.0, 2.04, 2.08, 10.0, 10.5)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.flv", "clip.ts"])
def test_variable_frame_rate(name: str, tmp_path: Path) -> None:
    clip = Clip(times_s=UNEVEN, time_base=Fraction(1, 1000), options=FLAT_GROUPS)
    assert_shows(write_clip(tmp_path / name, clip), clip)


def test_dropped_pictures_of_an_avi_are_gaps(tmp_path: Path) -> None:
    clip = Clip(codec="mpeg4", times_s=[0, 1 / 24, 5 / 24, 9 / 24, 20 / 24, 23 / 24])
    assert_shows(write_clip(tmp_path / "clip.avi", clip), clip)


def test_a_last_picture_that_stands_long_is_no_missing_end(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", Clip(times_s=[0, 0.04, 0.08, 60], time_base=Fraction(1, 1000)))
    content = path.read_bytes()
    assert read(path)[-1][0] == pytest.approx(60)
    # The same with the last picture shown for a minute: its duration in stts and the track's in mdhd.
    at = content.index(b"stts") + 8
    entries = int.from_bytes(content[at : at + 4], "big")
    last = at + 4 + 8 * entries - 4
    media = content.index(b"mdhd") + 16
    scale, length = (int.from_bytes(content[i : i + 4], "big") for i in (media, media + 4))
    longer = bytearray(content)
    longer[last : last + 4] = (60 * scale).to_bytes(4, "big")
    longer[media + 4 : media + 8] = (length + 60 * scale).to_bytes(4, "big")
    path.write_bytes(longer)
    assert read(path)[-1][0] == pytest.approx(60)


STARTS = {
    "hours into a broadcast": ("a.ts", 5 * 3600.0, 0.0),
    "at the end of the 33-bit clock": ("a.ts", (1 << 33) / 90_000 - 1.0, 0.0),
    "a program stream": ("a.mpg", 1000.0, 0.0),
    "late in an MP4": ("a.mp4", 3.0, 0.0),
    "late in a Matroska file": ("a.mkv", 3.0, 0.0),
    "negative in a Matroska file": ("a.mkv", -0.5, 0.0),
}


@pytest.mark.parametrize("case", STARTS)
def test_time_counts_from_the_beginning_of_the_file(case: str, tmp_path: Path) -> None:
    name, start_s, shift_s = STARTS[case]
    codec = "mpeg2video" if name.endswith("mpg") else "libx264"
    clip = Clip(codec=codec, start_s=start_s, options=TWO_B if codec == "mpeg2video" else PYRAMID)
    assert_shows(write_clip(tmp_path / name, clip), clip, shift_s=shift_s)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_picture_that_begins_after_the_sound_keeps_its_place(name: str, tmp_path: Path) -> None:
    clip = Clip(start_s=1.0, sound_s=2)
    assert_shows(write_clip(tmp_path / name, clip), clip, shift_s=1.0, rounding_s=0.01)


@pytest.mark.parametrize(("from_s", "length_s"), [(0.0, 2.0), (3.0, 4.0), (1.5, 8.5)])
def test_an_edit_list_shows_its_part_only(from_s: float, length_s: float, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(frames=240, options=PYRAMID))
    samples = read(show_only(path, from_s, length_s))
    first = round(from_s * 24)
    assert [number for _, number in samples] == list(range(first, first + round(length_s * 24)))
    assert [time_s for time_s, _ in samples] == pytest.approx(
        [n / 24 for n in range(len(samples))], abs=0.001
    )


def test_frames_before_time_zero_of_an_mp4_are_not_shown(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(start_s=-0.5))
    time_s, number = read(path)[0]
    assert time_s == pytest.approx(0.0, abs=ROUNDING_S)
    assert number == 12


@pytest.mark.parametrize("second_start_s", [0.0, 0.4, 500.0, 50_000.0])
@pytest.mark.parametrize("name", ["a.ts", "a.mpg"])
def test_joined_recordings_are_one_film(name: str, second_start_s: float, tmp_path: Path) -> None:
    codec, options = ("mpeg2video", {"g": "24"}) if name.endswith("mpg") else ("libx264", PYRAMID)
    one = write_clip(tmp_path / f"1{name}", Clip(codec=codec, options=options, start_s=100.0))
    two = write_clip(
        tmp_path / f"2{name}", Clip(codec=codec, options=options, start_s=second_start_s, first=48)
    )
    path = tmp_path / name
    path.write_bytes(one.read_bytes() + two.read_bytes())
    samples = read(path)
    assert [number for _, number in samples] == list(range(96))
    # The joint itself may be off by the frames that a decoder holds back.
    assert [time_s for time_s, _ in samples] == pytest.approx([n / 24 for n in range(96)], abs=0.13)
    times = [time_s for time_s, _ in samples]
    assert times == sorted(times)


def test_one_wrong_time_costs_one_frame(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(options=PYRAMID, frames=96, fps=1))
    content = bytearray(path.read_bytes())
    # Show the picture of the tenth entry of composition offsets (ctts) a minute later than its neighbours.
    offset = content.index(b"ctts") + 12 + 9 * 8 + 4
    scale = int.from_bytes(content[content.index(b"mdhd") + 16 :][:4], "big")
    content[offset : offset + 4] = (60 * scale).to_bytes(4, "big")
    path.write_bytes(content)
    samples = read(path)
    right = [number for time_s, number in samples if time_s == pytest.approx(number, abs=0.001)]
    assert len(samples) - len(right) == 1
    assert len(right) >= 94


# --- the grid


def decoded(path: Path) -> dict[int, float]:
    """Time of every numbered frame, by PyAV alone; AVI has no times but its rate."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        origin_s = (container.start_time or 0) / 1_000_000
        if container.format.name == "avi":
            return {number_in(f.to_ndarray(format="rgb24")): n / 24 for n, f in enumerate(frames)}
        return {number_in(f.to_ndarray(format="rgb24")): (f.time or 0.0) - origin_s for f in frames}


def assert_fills_grid(path: Path, *rates_hz: float) -> list[int]:
    """One sample for each cell in which a frame is shown, with that frame's time.

    Returns:
        How many frames were decoded at each of the rates.
    """
    truth = decoded(path)
    counts = []
    for rate_hz in rates_hz:
        with VideoReader(path, VideoLimits()) as reader:
            samples = [(sample.time_s, number_in(sample.rgb)) for sample in reader.samples(rate_hz)]
            counts.append(reader._frames)
        cells = [grid_cell(time_s, rate_hz) for time_s, _ in samples]
        assert cells == sorted({grid_cell(time_s, rate_hz) for time_s in truth.values()})
        assert [time_s for time_s, _ in samples] == pytest.approx(
            [truth[number] for _, number in samples], abs=0.002
        )
    return counts


GROUPS: dict[str, tuple[str, dict[str, str]]] = {
    "pyramid": ("libx264", PYRAMID),
    "flat": ("libx264", FLAT_GROUPS),
    "hevc": ("libx265", HEVC_GROUPS),
    "mpeg4": ("mpeg4", TWO_B),
    "mpeg2": ("mpeg2video", TWO_B),
}


@pytest.mark.parametrize("start_s", [0.0, 1 / 24, 3 / 24, 7000.04])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_no_cell_of_the_grid_loses_its_frame(name: str, start_s: float, tmp_path: Path) -> None:
    for kind in ("pyramid", "flat"):
        codec, options = GROUPS[kind]
        path = write_clip(tmp_path / name, Clip(codec=codec, options=options, frames=72, start_s=start_s))
        assert_fills_grid(path, 2.0, 8.0, 12.0, 23.976)


@pytest.mark.parametrize("kind", GROUPS)
def test_frames_that_no_other_refers_to_are_left_out(kind: str, tmp_path: Path) -> None:
    codec, options = GROUPS[kind]
    path = write_clip(tmp_path / "a.mkv", Clip(codec=codec, options=options, frames=96))
    some, every = assert_fills_grid(path, 4.0, 100.0)
    assert some < 80
    assert every == 96


@pytest.mark.parametrize("kind", ["pyramid", "hevc"])
def test_more_threads_change_nothing(kind: str, tmp_path: Path) -> None:
    codec, options = GROUPS[kind]
    path = write_clip(tmp_path / "a.mkv", Clip(codec=codec, options=options, frames=96))
    assert read(path, 12.0, threads=3) == read(path, 12.0)


def test_avi_fills_the_grid_although_its_packets_have_no_times(tmp_path: Path) -> None:
    for codec, options in (GROUPS["pyramid"], GROUPS["mpeg4"]):
        assert_fills_grid(write_clip(tmp_path / "a.avi", Clip(codec=codec, options=options, frames=96)), 12.0)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gaps_ms=st.lists(st.sampled_from([1, 5, 17, 33, 42, 83, 84, 250, 900]), min_size=1, max_size=40),
    start_ms=st.sampled_from([0, 7, 41, 42, 12_345]),
    rate_hz=st.sampled_from([1.0, 7.3, 12.0, 30.0]),
    kind=st.sampled_from(["pyramid", "flat"]),
)
def test_no_cell_loses_its_frame_at_any_times(
    gaps_ms: list[int], start_ms: int, rate_hz: float, kind: str, tmp_path: Path
) -> None:
    times_s = np.cumsum([0, *gaps_ms]) / 1000
    clip = Clip(
        options=GROUPS[kind][1], times_s=tuple(times_s), start_s=start_ms / 1000, time_base=Fraction(1, 1000)
    )
    for name in ("a.mp4", "a.mkv"):
        assert_fills_grid(write_clip(tmp_path / name, clip), rate_hz)


def test_a_sample_is_the_picture_that_full_decoding_gives(tmp_path: Path) -> None:
    """Frames left out must not spoil those that stay."""
    for kind, (codec, options) in GROUPS.items():
        path = write_clip(tmp_path / "a.mkv", Clip(codec=codec, options=options, frames=72))
        with VideoReader(path, VideoLimits()) as reader:
            full = {round(sample.time_s, 6): sample.rgb for sample in reader.samples(EVERY_FRAME_HZ)}
        with VideoReader(path, VideoLimits()) as reader:
            for sample in reader.samples(6.0):
                assert np.array_equal(sample.rgb, full[round(sample.time_s, 6)]), kind


# --- turning


@pytest.fixture
def upright(tmp_path: Path) -> Iterator[list[np.ndarray]]:
    clip = Clip(size=(128, 72), frames=6)
    with VideoReader(write_clip(tmp_path / "upright.mp4", clip), VideoLimits()) as reader:
        yield [sample.rgb for sample in reader.samples(EVERY_FRAME_HZ)]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_video_gives_the_upright_picture(
    quarters: int, upright: list[np.ndarray], tmp_path: Path
) -> None:
    stored = [np.rot90(picture(n, (128, 72)), quarters) for n in range(6)]
    size = (72, 128) if quarters % 2 else (128, 72)
    path = write_clip(tmp_path / "a.mp4", Clip(size=size, frames=6), pictures=stored)
    with VideoReader(ask_to_turn(path, quarters), VideoLimits()) as reader:
        turned = [sample.rgb for sample in reader.samples(EVERY_FRAME_HZ)]
    assert [number_in(rgb) for rgb in turned] == list(range(6))
    for one, other in zip(turned, upright, strict=True):
        assert one.shape == (144, 256, 3)
        assert np.abs(one.astype(int) - other).mean() < 8


def test_a_broken_video_leaves_no_open_file(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(frames=10))
    path.write_bytes(path.read_bytes()[:-300])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with pytest.raises(VideoError):
            read(path)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
