"""What a frame looks like once it is decoded and reduced: any pixel format, size, matrix of colours."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.anime_search.engine.clips import Clip, Rgb, number_in, picture, write_clip
from video.reader import VideoLimits, VideoReader

BT709, BT470BG, SMPTE170M, BT2020 = 1, 5, 6, 9


def pictures_of(path: Path) -> list[Rgb]:
    with VideoReader(path, VideoLimits()) as reader:
        return [sample.rgb for sample in reader.samples(2000.0)]


FORMATS = [
    ("libx264", "yuv420p10le"),
    ("libx264", "yuv422p"),
    ("libx264", "yuv444p"),
    ("libx264", "yuv444p10le"),
    ("libx264", "yuvj420p"),
    ("libx264", "gray"),
    ("libx264", "nv12"),
    ("libx264rgb", "rgb24"),
    ("libx265", "yuv420p10le"),
    ("libx265", "gbrp"),
    ("libvpx-vp9", "yuva420p"),
    ("libvpx-vp9", "yuv444p"),
    ("ffv1", "yuv410p"),
    ("ffv1", "gray16le"),
    ("ffv1", "ya8"),
    ("ffv1", "bgr0"),
    ("ffv1", "yuva444p16le"),
    ("ffv1", "gbrp10le"),
    ("rawvideo", "yuyv422"),
]


@pytest.mark.parametrize(("codec", "pix_fmt"), FORMATS, ids=lambda value: str(value))
def test_any_pixel_format_gives_the_same_picture(codec: str, pix_fmt: str, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(codec=codec, pix_fmt=pix_fmt, frames=3, first=2730))
    pictures = pictures_of(path)
    assert [number_in(rgb) for rgb in pictures] == [2730, 2731, 2732]
    assert {rgb.shape for rgb in pictures} == {(144, 256, 3)}
    assert {rgb.dtype for rgb in pictures} == {np.dtype(np.uint8)}
    expected = cv2.resize(picture(2730), (256, 144), interpolation=cv2.INTER_LINEAR)
    if pix_fmt.startswith(("gray", "ya")):
        expected = cv2.cvtColor(cv2.cvtColor(expected, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    assert np.abs(pictures[0].astype(int) - expected).mean() < 12


@pytest.mark.parametrize("size", [(97, 65), (1920, 16), (16, 1080), (33, 201)], ids=str)
def test_odd_sizes(size: tuple[int, int], tmp_path: Path) -> None:
    width, height = size
    clip = Clip(codec="ffv1", size=size, frames=3)
    shown = [np.full((height, width, 3), 40 + 80 * n, np.uint8) for n in range(3)]
    for n, rgb in enumerate(pictures_of(write_clip(tmp_path / "a.mkv", clip, pictures=shown))):
        assert rgb.shape == (144, 256, 3)
        assert rgb.mean() == pytest.approx(40 + 80 * n, abs=3)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 100), (100, 1)], ids=str)
def test_the_smallest_pictures(size: tuple[int, int], tmp_path: Path) -> None:
    width, height = size
    clip = Clip(codec="rawvideo", pix_fmt="rgb24", size=size, frames=2)
    shown = [np.full((height, width, 3), (200, 60, 20), np.uint8)] * 2
    for rgb in pictures_of(write_clip(tmp_path / "a.nut", clip, pictures=shown)):
        assert rgb.shape == (144, 256, 3)
        assert np.abs(rgb.reshape(-1, 3).mean(axis=0) - (200, 60, 20)).max() < 6


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"preset": "ultrafast", "x264-params": "tff=1"}),
        ("libx264", {"preset": "ultrafast", "x264-params": "bff=1"}),
        ("mpeg2video", {"flags": "+ildct+ilme"}),
    ],
)
def test_interlaced_video_gives_whole_frames(codec: str, options: dict[str, str], tmp_path: Path) -> None:
    clip = Clip(codec=codec, options=options, size=(128, 96), frames=30)
    pictures = pictures_of(write_clip(tmp_path / "a.mkv", clip))
    assert [number_in(rgb) for rgb in pictures] == list(range(30))


@pytest.mark.parametrize("aspect", [Fraction(16, 11), Fraction(1, 2), Fraction(1000, 1)])
def test_the_shape_of_pixels_changes_no_sample(aspect: Fraction, tmp_path: Path) -> None:
    plain = pictures_of(write_clip(tmp_path / "a.mkv", Clip(codec="ffv1", frames=2)))
    shaped = write_clip(tmp_path / "b.mkv", Clip(codec="ffv1", frames=2, sample_aspect=aspect))
    assert all(np.array_equal(one, other) for one, other in zip(plain, pictures_of(shaped), strict=True))


COLOURS = {"red": (200, 30, 40), "green": (40, 180, 60), "blue": (30, 50, 200), "skin": (230, 180, 150)}
MATRICES: dict[str, Clip] = {
    "BT.601 by custom": Clip(size=(640, 480), matrix=BT470BG),
    "BT.709 by custom": Clip(size=(1280, 720), matrix=BT709),
    "BT.601 by tag": Clip(size=(1280, 720), matrix=SMPTE170M, tagged=True),
    "BT.709 by tag": Clip(size=(320, 240), matrix=BT709, tagged=True),
    "BT.2020 by tag": Clip(size=(320, 240), matrix=BT2020, tagged=True, pix_fmt="yuv420p10le"),
    "all 256 steps": Clip(size=(320, 240), pix_fmt="yuvj420p"),
}


@pytest.mark.parametrize("case", MATRICES)
def test_colours_come_back_as_they_were(case: str, tmp_path: Path) -> None:
    """The matrix is the tag's, or the custom of the size: a wrong one shifts reds and greens by twenty steps."""
    clip = MATRICES[case]
    width, height = clip.size
    shown = [np.full((height, width, 3), colour, np.uint8) for colour in COLOURS.values()]
    spec = replace(clip, frames=len(shown), fps=1, options={"preset": "ultrafast", "crf": "5"})
    seen = pictures_of(write_clip(tmp_path / "a.mkv", spec, pictures=shown))
    for rgb, colour in zip(seen, COLOURS.values(), strict=True):
        assert np.abs(rgb.reshape(-1, 3).mean(axis=0) - colour).max() < 7


def test_a_picture_may_change_its_size_in_the_middle(tmp_path: Path) -> None:
    one = write_clip(tmp_path / "1.ts", Clip(frames=24)).read_bytes()
    two = write_clip(tmp_path / "2.ts", Clip(frames=24, size=(320, 200), start_s=1.0, first=24)).read_bytes()
    (tmp_path / "a.ts").write_bytes(one + two)
    assert [number_in(rgb) for rgb in pictures_of(tmp_path / "a.ts")] == list(range(48))
