"""Animations read within the limits of a picture: what is taken of them, and what may not be decoded."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from anime_search.engine.animation import MOST_WALKED, read_animation
from anime_search.engine.image import DEFAULT_LIMITS, ImageLimits
from anime_search.engine.moving import LONGEST_S, MOST_FRAMES
from tests.anime_search.engine.drawings import drawing

FORMATS = ["GIF", "PNG", "WEBP"]


def pictures(count: int, size: tuple[int, int] = (160, 90)) -> list[Image.Image]:
    return [Image.fromarray(drawing(seed, size=size)) for seed in range(count)]


def animation(frames: list[Image.Image], kind: str = "GIF", shown_ms: Any = 100, **options: Any) -> bytes:
    file = io.BytesIO()
    quality = {"lossless": True} if kind == "WEBP" else {}
    frames[0].save(
        file, kind, save_all=True, append_images=frames[1:], duration=shown_ms, **quality, **options
    )
    return file.getvalue()


Box = tuple[int, int, int, int]
#: What a frame of the GIFs by hand is disposed of by: its own area, in the colour of the background.
DISPOSE = b"\x21\xf9\x04\x08\x0a\x00\x00\x00"


def gif(*frames: tuple[Box, bytes], screen: tuple[int, int] = (8, 8)) -> bytes:
    """A GIF by hand: frames as left, top, width and height, and what comes before each."""
    head = b"GIF89a" + struct.pack("<2H3B", *screen, 0x80, 0, 0) + bytes(range(6))
    body = (before + b"," + struct.pack("<4HB", *box, 0) + _pixels(box[2] * box[3]) for box, before in frames)
    return head + b"".join(body) + b";"


def _pixels(count: int) -> bytes:
    """So many pixels, 400 at most, by turns of both colours, in codes of 3 bits: 4 clears the table, 5 ends."""
    codes = [code for n in range(0, min(count, 400), 2) for code in (4, 0, 1)] + [5]
    bits = sum(code << 3 * n for n, code in enumerate(codes))
    packed = bits.to_bytes(-(-3 * len(codes) // 8), "little")
    blocks = [packed[at : at + 255] for at in range(0, len(packed), 255)]
    return b"\x02" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\x00"


@pytest.mark.parametrize("kind", FORMATS)
def test_frames_come_with_their_times(kind: str) -> None:
    shown = pictures(4)
    clip = read_animation(animation(shown, kind, [100, 300, 200, 400]))
    assert clip is not None
    assert [still.time_s for still in clip.stills] == pytest.approx([0.0, 0.1, 0.4, 0.6])
    assert clip.length_s == pytest.approx(1.0)
    for still, picture in zip(clip.stills, shown, strict=True):
        assert still.rgb.shape == (90, 160, 3)
        assert np.abs(still.rgb.astype(int) - np.asarray(picture).astype(int)).mean() < 6
        assert not still.flat


def test_hasty_gif_is_shown_as_browsers_show_it() -> None:
    clip = read_animation(animation(pictures(3), shown_ms=10))
    assert clip is not None
    assert [still.time_s for still in clip.stills] == pytest.approx([0.0, 0.1, 0.2])


@pytest.mark.parametrize("kind", [*FORMATS, "JPEG", "BMP"])
def test_picture_that_stands_still_is_no_clip(kind: str) -> None:
    file = io.BytesIO()
    pictures(1)[0].save(file, kind)
    assert read_animation(file.getvalue()) is None


@pytest.mark.parametrize("kind", FORMATS)
def test_large_frames_are_reduced(kind: str) -> None:
    clip = read_animation(animation(pictures(2, (960, 540)), kind), ImageLimits(working_side=480))
    assert clip is not None
    assert {still.rgb.shape for still in clip.stills} == {(270, 480, 3)}


def test_long_animation_gives_a_dozen_frames_over_its_length() -> None:
    clip = read_animation(animation(pictures(70, (64, 36))))
    assert clip is not None
    times = [still.time_s for still in clip.stills]
    assert len(times) <= MOST_FRAMES
    assert len(times) >= MOST_FRAMES - 2
    assert times[0] == 0.0
    assert times[-1] > 6.0
    assert np.diff(times).max() < 1.0


def test_no_more_than_the_first_seconds_are_looked_at() -> None:
    clip = read_animation(animation(pictures(8), shown_ms=10_000))
    assert clip is not None
    assert clip.stills[-1].time_s <= LONGEST_S


def test_repeated_and_flat_frames_are_left_out() -> None:
    one, other = pictures(2)
    black = Image.new("RGB", one.size)
    clip = read_animation(animation([black, one, one, one, other, black, other], "WEBP"))
    assert clip is not None
    assert [round(still.time_s, 2) for still in clip.stills] == [0.1, 0.4]


def test_all_black_animation_is_one_flat_frame() -> None:
    frames = [Image.new("RGB", (160, 90), (0, 0, level)) for level in (0, 1, 2)]
    clip = read_animation(animation(frames, "WEBP"))
    assert clip is not None
    assert [still.flat for still in clip.stills] == [True]


def test_picture_of_a_png_for_old_viewers_is_no_frame() -> None:
    frames = pictures(3)
    clip = read_animation(animation(frames, "PNG", default_image=True))
    assert clip is not None
    assert len(clip.stills) == 2
    assert np.array_equal(clip.stills[0].rgb, np.asarray(frames[1]))


@pytest.mark.parametrize("kind", FORMATS)
def test_frames_have_no_more_pixels_together_than_a_picture(kind: str) -> None:
    data = animation(pictures(20), kind, 100)
    clip = read_animation(data, ImageLimits(max_pixels=5 * 160 * 90))
    assert clip is not None
    assert [round(still.time_s, 2) for still in clip.stills] == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert read_animation(data, ImageLimits(max_pixels=160 * 90)) is None
    assert read_animation(data, ImageLimits(max_pixels=160 * 90 - 1)) is None
    assert read_animation(data, ImageLimits(max_decoder_bytes=160 * 90 * 23)) is None
    assert read_animation(data, ImageLimits(max_bytes=len(data) - 1)) is None


@pytest.fixture
def allocated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Sizes of pictures that Pillow was about to make."""
    sizes: list[tuple[int, int]] = []
    check, fill = Image._decompression_bomb_check, Image.core.fill

    def note_check(size: tuple[int, int], **options: bool) -> None:
        sizes.append(size)
        check(size, **options)

    def note_fill(mode: str, size: tuple[int, int], *colour: Any) -> Any:
        sizes.append(size)
        return fill(mode, size, *colour)

    monkeypatch.setattr(Image, "_decompression_bomb_check", note_check)
    monkeypatch.setattr(Image.core, "fill", note_fill)
    return sizes


def test_frame_outside_of_the_screen_is_never_decoded(allocated: list[tuple[int, int]]) -> None:
    """It would enlarge the picture to 65,535 x 2,730, and be disposed of as an area of its own."""
    inside, outside = (0, 0, 8, 8), (0, 0, 65_535, 2_730)
    data = gif(
        (inside, DISPOSE), (inside, DISPOSE), (outside, DISPOSE), (outside, DISPOSE), (inside, DISPOSE)
    )
    clip = read_animation(data)
    assert set(allocated) == {(8, 8)}
    assert clip is not None
    assert clip.stills[0].rgb.shape == (8, 8, 3)
    assert clip.length_s == pytest.approx(0.2)


@pytest.mark.parametrize(
    "hidden",
    [
        # An extension whose first block is empty: Pillow goes on to another one.
        b"\x21\xf9\x00\x09" + b"," + struct.pack("<4H", 0, 0, 60_000, 2_900) + b"\x00",
        b"\x21\xff\x0bNETSCAPE2.0\x00\x00",
        b"\x21\xfe\x00\x00\x00",
        b"\x00\x07junk",
    ],
)
def test_frame_outside_of_the_screen_cannot_be_hidden(
    hidden: bytes, allocated: list[tuple[int, int]]
) -> None:
    data = gif(
        ((0, 0, 8, 8), b""), ((0, 0, 8, 8), hidden), ((0, 0, 60_000, 2_900), hidden), ((0, 0, 8, 8), b"")
    )
    clip = read_animation(data)
    assert set(allocated) <= {(8, 8)}
    assert clip is None or {still.rgb.shape for still in clip.stills} == {(8, 8, 3)}


def test_first_frame_may_be_larger_than_the_screen_within_the_limits() -> None:
    data = gif(((0, 0, 20, 20), b""), ((12, 12, 8, 8), b""))
    clip = read_animation(data)
    assert clip is not None
    assert clip.stills[0].rgb.shape == (20, 20, 3)
    assert read_animation(data, ImageLimits(max_pixels=399)) is None


@pytest.mark.parametrize("kind", FORMATS)
def test_broken_animation_is_read_as_far_as_it_can_be(kind: str) -> None:
    data = animation(pictures(6), kind)
    for share in (0.9, 0.6, 0.3, 0.1):
        clip = read_animation(data[: int(share * len(data))])
        assert clip is None or 0 < len(clip.stills) < 6
    random = np.random.default_rng(3)
    for _ in range(60):
        damaged = bytearray(data)
        for at in random.integers(20, len(data), 4):
            damaged[at] = random.integers(256)
        clip = read_animation(bytes(damaged))
        assert clip is None or 0 < len(clip.stills) <= 6


def test_gif_of_which_half_came_has_its_first_frames() -> None:
    clip = read_animation((data := animation(pictures(6)))[: len(data) // 2])
    assert clip is not None
    assert len(clip.stills) >= 2


def test_file_of_nothing_but_blocks_is_refused() -> None:
    many = b"\x21\xfe" + b"\x01a" * 400_000 + b"\x00"
    assert read_animation(gif(((0, 0, 8, 8), b""), ((0, 0, 8, 8), many))) is None


def test_number_of_frames_is_bounded() -> None:
    data = gif(*[((0, 0, 8, 8), b"\x21\xf9\x04\x00\x02\x00\x00\x00")] * (MOST_WALKED + 500))
    clip = read_animation(data)
    assert clip is not None
    assert clip.length_s <= MOST_WALKED * 0.02 + 1e-6


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"\x89PNG\r\n\x1a\n", b"hello" * 99])
def test_what_is_no_picture_is_no_clip(data: bytes) -> None:
    assert read_animation(data) is None


def test_limits_are_those_of_pictures() -> None:
    assert DEFAULT_LIMITS.max_pixels // (480 * 270) > 490
