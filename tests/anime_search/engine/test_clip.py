"""A clip shows exactly the passage that was asked for, whatever the source is made of."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from anime_search.engine.clip import LONGEST_S, cut_clip
from tests.anime_search.engine.clips import (
    PYRAMID,
    Clip,
    ask_to_turn,
    picture,
    show_only,
    write_clip,
)
from tests.anime_search.engine.cuttings import Played, cut, cut_file
from video.faults import VideoFault
from video.reader import VideoError, VideoLimits

LIMITS = VideoLimits()
OPEN_GROUPS = {
    "preset": "veryfast",
    "crf": "20",
    "x264-params": "bframes=3:b-adapt=0:b-pyramid=normal:scenecut=0:keyint=24:min-keyint=24:open-gop=1",
}
TWO_B = {"g": "24", "bf": "2", "qscale": "3"}


def six_seconds(codec: str = "libx264", options: dict[str, str] | None = None, **more: Any) -> Clip:
    """144 frames at 24 a second, with a keyframe every second."""
    if options is None and codec == "libx264":
        options = PYRAMID
    return Clip(codec=codec, options=options, **({"frames": 144, "fps": 24} | more))


#: Source, and by how many frames a clip may be off: MPEG program streams and AVI store no time with a picture.
KINDS: dict[str, tuple[Clip, int]] = {
    "a.mp4": (six_seconds(), 0),
    "open.mp4": (six_seconds(options=OPEN_GROUPS), 0),
    "open.mkv": (six_seconds(options=OPEN_GROUPS), 0),
    "open.ts": (six_seconds(options=OPEN_GROUPS), 0),
    "fragments.mp4": (six_seconds(muxer={"movflags": "frag_keyframe+empty_moov"}), 0),
    "late.mp4": (six_seconds(start_s=3.21), 0),
    "a.mkv": (six_seconds(), 0),
    "a.ts": (six_seconds(), 0),
    "hours.ts": (six_seconds(start_s=20_000.0), 0),
    "a.flv": (six_seconds(), 0),
    "hevc.mp4": (
        six_seconds(
            "libx265",
            {"preset": "ultrafast", "x265-params": "log-level=error:keyint=24:pools=1:frame-threads=1"},
        ),
        0,
    ),
    "hevc10.mkv": (
        six_seconds(
            "libx265",
            {"preset": "ultrafast", "x265-params": "log-level=error:keyint=24:pools=1:frame-threads=1"},
            pix_fmt="yuv420p10le",
        ),
        0,
    ),
    "av1.mkv": (
        six_seconds(
            "libsvtav1", {"preset": "13", "svtav1-params": "lp=1:keyint=24"}, pix_fmt="yuv420p10le", frames=96
        ),
        0,
    ),
    "vp9.webm": (
        six_seconds(
            "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0", "g": "24"}
        ),
        0,
    ),
    "mpeg4.avi": (six_seconds("mpeg4", {"g": "24", "qscale": "3"}), 0),
    "b-frames.avi": (six_seconds("mpeg4", TWO_B), 2),
    "h264.avi": (six_seconds(), 0),
    "a.mpg": (six_seconds("mpeg2video", TWO_B, fps=25), 3),
    "a.wmv": (six_seconds("wmv2", {"g": "24"}), 0),
}


@pytest.mark.parametrize("name", KINDS)
def test_frames_are_those_on_screen_from_start_to_end(name: str, tmp_path: Path) -> None:
    clip, slack = KINDS[name]
    path = write_clip(tmp_path / name, clip)
    fps, last = float(clip.fps), clip.frames - 1
    for start_s, end_s in ((0.0, 1.0), (1.26, 2.3), (2.0, 3.0), (clip.frames / fps - 1.1, clip.frames / fps)):
        played = cut(path, start_s, end_s)
        first = int(start_s * fps + 0.03)
        expected = list(range(first, min(last, int(np.ceil(end_s * fps - 0.03)) - 1) + 1))
        assert abs(played.numbers[0] - first) <= slack, start_s
        assert abs(len(played.numbers) - len(expected)) <= max(slack, 0), start_s
        if not slack:
            assert played.numbers == expected
            # Each at its own time on the clock that starts at start_s.
            for time_s, number in played.frames[1:]:
                assert time_s == pytest.approx(number / fps - start_s, abs=0.0015)
        assert played.frames[0][0] == 0
        assert played.length_s == pytest.approx(end_s - start_s, abs=0.06 + slack / fps)
        assert played.boxes.index("moov") < played.boxes.index("mdat")
        assert played.sound is None


def test_every_start_finds_its_frame(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", six_seconds(options=OPEN_GROUPS, frames=96))
    for number in range(0, 90, 7):
        for offset_s in (0.0, 0.02, 0.040):
            assert cut(path, number / 24 + offset_s, number / 24 + offset_s + 0.1).numbers[0] == number


def test_times_rounded_to_milliseconds_find_their_frame(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", six_seconds(frames=48))
    assert [cut(path, round(n / 24, 3), n / 24 + 0.1).numbers[0] for n in range(20, 32)] == list(
        range(20, 32)
    )


def test_variable_frame_rates_keep_their_times(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 0.5, 0.54, 1.2, 1.24, 1.28, 2.9, 2.94]
    clip = Clip(times_s=times, time_base=Fraction(1, 1000), options=PYRAMID)
    for name in ("a.mkv", "a.mp4"):
        path = write_clip(tmp_path / name, clip)
        played = cut(path, 0.3, 2.0)
        assert played.numbers == [2, 3, 4, 5, 6, 7]
        assert [time_s for time_s, _ in played.frames] == pytest.approx(
            [0, 0.2, 0.24, 0.9, 0.94, 0.98], abs=0.002
        )
        assert played.length_s == pytest.approx(1.7, abs=0.01)
        # In the middle of a picture that stands for 1.6 s.
        still = cut(path, 1.5, 2.5)
        assert (still.numbers, still.length_s) == ([7], pytest.approx(1.0, abs=0.01))


def test_a_start_in_the_middle_of_a_frame_loses_none_after_it(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", six_seconds(frames=48))
    assert cut(path, 24.9 / 24, 30 / 24).numbers == [24, 25, 26, 27, 28, 29]


@pytest.mark.parametrize(("fps", "step"), [(60, 2), (50, 2), (30, 1), (Fraction(60_000, 1001), 2)])
def test_no_clip_has_more_than_thirty_frames_a_second(fps: Fraction | int, step: int, tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "a.mkv", Clip(frames=120, fps=fps, options=PYRAMID, time_base=Fraction(1, 60_000))
    )
    played = cut(path, 20 / float(fps), 60 / float(fps))
    assert played.numbers == list(range(20, 60, step))


def test_edit_lists_are_obeyed(tmp_path: Path) -> None:
    path = show_only(write_clip(tmp_path / "a.mp4", six_seconds()), 1.0, 4.0)
    assert cut(path, 0.0, 0.5).numbers == list(range(24, 36))
    assert cut(path, 2.0, 2.5).numbers == list(range(72, 84))


def test_what_lies_before_time_zero_is_not_shown(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", six_seconds(start_s=-1.5))
    assert cut(path, 0.0, 0.5).numbers == list(range(36, 48))
    assert cut(path, 1.0, 1.5).numbers == list(range(60, 72))


def test_a_clip_beyond_the_end_is_shorter(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv", "a.ts"):
        path = write_clip(tmp_path / name, six_seconds(frames=48))
        played = cut(path, 1.5, 4.5)
        assert played.numbers == list(range(36, 48))
        assert played.length_s == pytest.approx(0.5, abs=0.05)


def test_the_last_frame_is_a_clip_too(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", six_seconds(frames=48))
    played = cut(path, 1.99, 4.5)
    assert played.numbers == [47]
    assert 0 < played.length_s < 0.05


# --- picture


@pytest.mark.parametrize(
    ("size", "aspect", "width", "shown"),
    [
        ((640, 360), None, 320, (320, 180)),
        ((640, 360), None, 160, (160, 90)),
        ((160, 90), None, 640, (160, 90)),
        ((720, 480), Fraction(32, 27), 640, (640, 360)),
        ((720, 480), Fraction(8, 9), 320, (320, 240)),
        ((98, 66), None, 97, (96, 64)),
    ],
)
def test_size_is_even_upright_and_never_enlarged(
    size: tuple[int, int], aspect: Fraction | None, width: int, shown: tuple[int, int], tmp_path: Path
) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(size=size, frames=6, sample_aspect=aspect))
    played = cut(path, 0.0, 0.25, width=width)
    assert played.size == shown
    assert played.numbers == list(range(6))
    with av.open(str(tmp_path / "cut.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio in (None, 1)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_video_gives_an_upright_clip(quarters: int, tmp_path: Path) -> None:
    for shown in ((128, 72), (72, 128)):
        stored = [np.rot90(picture(n, shown), quarters) for n in range(6)]
        size = shown[::-1] if quarters % 2 else shown
        path = ask_to_turn(
            write_clip(tmp_path / "a.mp4", Clip(size=size, frames=6), pictures=stored), quarters
        )
        played = cut(path, 0.0, 0.25, width=64)
        assert played.numbers == list(range(6))
        assert played.size[0] / played.size[1] == pytest.approx(shown[0] / shown[1], rel=0.1)
        with av.open(str(tmp_path / "cut.mp4")) as container:
            assert next(container.decode(video=0)).rotation == 0


@pytest.mark.parametrize(
    ("size", "matrix", "tag"), [((1280, 720), 1, 1), ((640, 360), 5, 6), ((640, 360), 1, 1)]
)
def test_colours_stay_and_are_tagged(size: tuple[int, int], matrix: int, tag: int, tmp_path: Path) -> None:
    red = [np.full((size[1], size[0], 3), (200, 30, 40), np.uint8)] * 3
    path = write_clip(tmp_path / "a.mp4", Clip(size=size, frames=3, matrix=matrix, tagged=True), pictures=red)
    out, _ = cut_file(path, 0.0, 0.1, width=320)
    with av.open(str(out)) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (
            tag,
            tag,
            tag,
            1,
        )
        coded = frame.to_ndarray()
    # Limited range: red of (200, 30, 40) in the matrix that is tagged.
    weights = (0.2126, 0.7152, 0.0722) if tag == 1 else (0.299, 0.587, 0.114)
    luma = 16 + 219 / 255 * float(np.dot(weights, (200, 30, 40)))
    assert coded[: frame.height].mean() == pytest.approx(luma, abs=3)


def test_full_range_becomes_limited(tmp_path: Path) -> None:
    white = [np.full((64, 96, 3), 255, np.uint8)] * 3
    path = write_clip(
        tmp_path / "a.mkv", Clip(codec="mjpeg", pix_fmt="yuvj420p", frames=3, options={}), pictures=white
    )
    out, _ = cut_file(path, 0.0, 0.1)
    with av.open(str(out)) as container:
        assert next(container.decode(video=0)).to_ndarray()[:64].mean() == pytest.approx(235, abs=2)


def test_interlaced_video_loses_its_combs(tmp_path: Path) -> None:
    """A bar that moves 16 pixels from field to field: in a whole picture its edges are straight."""
    frames = []
    for number in range(12):
        woven = np.full((128, 192, 3), 20, np.uint8)
        for field in (0, 1):
            left = (number * 2 + field) * 8 % 160
            woven[field::2, left : left + 24] = 230
        frames.append(woven)
    options = {"preset": "ultrafast", "crf": "12", "x264-params": "tff=1"}
    path = write_clip(tmp_path / "a.mp4", Clip(size=(192, 128), frames=12, options=options), pictures=frames)
    with av.open(str(path)) as container:
        source = list(container.decode(video=0))
    assert all(frame.interlaced_frame for frame in source)
    out, info = cut_file(path, 0.0, 0.5)
    assert info.frames == 12
    with av.open(str(out)) as container:
        combs = [_comb(frame.to_ndarray()[:128].astype(int)) for frame in container.decode(video=0)][2:10]
    assert max(combs) < 0.3 * min(_comb(frame.to_ndarray()[:128].astype(int)) for frame in source[2:10])


def _comb(luma: np.ndarray) -> float:
    return float(np.abs(luma[2:-2:2] - (luma[1:-3:2] + luma[3:-1:2]) / 2).mean())


# --- what cannot be cut


@pytest.mark.parametrize(("start_s", "end_s"), [(-1.0, 1.0), (1.0, 1.0), (2.0, 1.0), (0.0, LONGEST_S + 1)])
def test_times_that_are_no_passage_are_refused(start_s: float, end_s: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no passage"):
        cut_clip(
            tmp_path / "a.mp4",
            start_s=start_s,
            end_s=end_s,
            width=320,
            mute=True,
            limits=LIMITS,
            out=tmp_path / "o",
        )


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_bytes(b"not a video at all" * 100)
    (tmp_path / "evil.mp4").write_bytes(b"ffconcat version 1.0\nfile /etc/passwd\n")
    for name in ("text.mp4", "evil.mp4", "none.mp4"):
        with pytest.raises(VideoError):
            cut(tmp_path / name, 0.0, 1.0)
    with pytest.raises(VideoError) as caught:
        write_clip(tmp_path / "big.mp4", Clip(frames=4))
        cut_clip(
            tmp_path / "big.mp4",
            start_s=0,
            end_s=1,
            width=64,
            mute=True,
            limits=VideoLimits(max_pixels=100),
            out=tmp_path / "o",
        )
    assert caught.value.fault is VideoFault.TOO_LARGE


@pytest.mark.parametrize("name", ["a.mkv", "a.ts", "a.mp4"])
def test_a_cut_file_gives_what_it_has_or_says_what_is_wrong(name: str, tmp_path: Path) -> None:
    path = write_clip(tmp_path / name, six_seconds())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    if name == "a.mp4":
        with pytest.raises(VideoError):
            cut(path, 1.0, 2.0)
        return
    assert cut(path, 1.0, 2.0).numbers == list(range(24, 48))
    with pytest.raises(VideoError):
        cut(path, 5.0, 6.0)


def test_damaged_bytes_never_end_the_process(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", six_seconds(frames=72))
    whole = path.read_bytes()
    random = np.random.default_rng(5)
    for _ in range(25):
        broken = bytearray(whole)
        for at in random.integers(0, len(broken), 40):
            broken[at] ^= int(random.integers(1, 256))
        path.write_bytes(broken)
        try:
            played: Played = cut(path, 1.0, 2.0)
        except VideoError:
            continue
        assert played.frames


def test_work_can_be_ended_from_outside(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", six_seconds())

    def enough() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        cut(path, 0.9, 2.0, on_frame=enough)


def test_a_search_for_a_keyframe_has_an_end(tmp_path: Path) -> None:
    options = {"preset": "ultrafast", "g": "99999", "sc_threshold": "0"}
    path = write_clip(tmp_path / "a.mp4", Clip(size=(32, 32), frames=2400, fps=100, options=options))
    assert cut(path, 17.0, 17.1).numbers[0] == 1700
    with pytest.raises(VideoError) as caught:
        cut(path, 23.0, 23.1)
    assert caught.value.fault is VideoFault.TOO_LARGE


def test_a_full_disk_is_an_os_error(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", six_seconds(frames=48))
    with pytest.raises(OSError, match="No space left"):
        cut_clip(path, start_s=0.0, end_s=2.0, width=640, mute=True, limits=LIMITS, out=Path("/dev/full"))
    with pytest.raises(OSError, match="No such file"):
        cut_clip(
            path, start_s=0.0, end_s=2.0, width=640, mute=True, limits=LIMITS, out=tmp_path / "none" / "o"
        )
