"""Hostile and unusual pictures; every file is built here."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

from anime_search.engine.image import (
    MAX_JPEG_MARKERS,
    MAX_JPEG_SCANS,
    ImageError,
    ImageFault,
    ImageLimits,
    Picture,
    decode_image,
    sniff_format,
)

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    size: tuple[int, int], depth: int, colour: int, rows: bytes, *, before: bytes = b"", after: bytes = b""
) -> bytes:
    """A PNG of unfiltered ``rows``, each led by its filter byte, with chunks before and after IDAT."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    return PNG_SIGNATURE + header + before + chunk(b"IDAT", zlib.compress(rows)) + after + chunk(b"IEND", b"")


def blank_png(width: int, height: int) -> bytes:
    """A complete black greyscale PNG, deflated row by row so that building a huge one takes no memory."""
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(1 + width)) for _ in range(height)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return PNG_SIGNATURE + header + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def quadrants(width: int = 64, height: int = 48) -> Image.Image:
    """Red, green over blue, white: no symmetry hides a wrong turn."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(WHITE, (width // 2, height // 2, width, height))
    return image


SAMPLE_OPTIONS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
}


def sample(kind: str, image: Image.Image | None = None) -> bytes:
    return encode(image or quadrants(), kind, **SAMPLE_OPTIONS.get(kind, {}))


def segment(code: int, body: bytes) -> bytes:
    return bytes((0xFF, code)) + struct.pack(">H", len(body) + 2) + body


def jpeg_with(segments: bytes, jpeg: bytes | None = None) -> bytes:
    """Put segments right after the start of a JPEG."""
    jpeg = jpeg or sample("JPEG")
    return jpeg[:2] + segments + jpeg[2:]


def exif(*entries: tuple[int, int, int, int], order: str = "<") -> bytes:
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}LH", 8, len(entries))
    return head + b"".join(struct.pack(f"{order}HHLHxx", *entry) for entry in entries) + bytes(4)


def webp_with(kind: bytes, body: bytes, flag: int) -> bytes:
    """The quadrants as extended WebP with one more chunk."""
    image = sample("WEBP")[12:]
    size = struct.pack("<I", 63)[:3] + struct.pack("<I", 47)[:3]
    more = kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    header = b"VP8X" + struct.pack("<I", 10) + bytes((flag, 0, 0, 0)) + size
    content = header + (more + image if kind == b"ICCP" else image + more)
    return b"RIFF" + struct.pack("<I", len(content) + 4) + b"WEBP" + content


def refusal(data: bytes, limits: ImageLimits | None = None) -> ImageFault:
    with pytest.raises(ImageError) as caught:
        decode_image(data, limits or ImageLimits())
    return caught.value.reason


def decoded(data: bytes, limits: ImageLimits | None = None) -> Picture:
    picture = decode_image(data, limits or ImageLimits())
    height, width, _ = picture.rgb.shape
    assert picture.rgb.shape == (height, width, 3)
    assert picture.rgb.dtype == np.uint8
    assert picture.rgb.flags.c_contiguous
    assert 1 <= max(width, height) <= (limits or ImageLimits()).working_side
    assert picture.format in FORMATS
    return picture


def close(pixels: NDArray[np.uint8], expected: object, tolerance: int = 0) -> bool:
    return bool((np.abs(pixels.astype(int) - np.asarray(expected)) <= tolerance).all())


# Formats


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_keeps_its_pixels(kind: str) -> None:
    picture = decoded(sample(kind))
    assert (picture.format, picture.original_size, picture.flat) == (kind, (64, 48), False)
    assert close(picture.rgb, np.asarray(quadrants()), tolerance=3)


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">%s</svg>'


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(SVG % b'<image href="file:///etc/passwd"/>', id="svg-file"),
        pytest.param(SVG % b"<script>alert(1)</script>", id="svg-script"),
        pytest.param(encode(quadrants(), "EPS"), id="eps"),
        pytest.param(encode(quadrants(), "PDF"), id="pdf-renamed"),
        pytest.param(encode(quadrants(), "TIFF"), id="tiff"),
        pytest.param(encode(Image.new("F", (8, 8), 0.5), "TIFF"), id="tiff-float"),
        pytest.param(encode(Image.new("LAB", (8, 8)), "TIFF"), id="tiff-lab"),
        pytest.param(encode(quadrants(), "ICO"), id="ico"),
        pytest.param(encode(quadrants(), "JPEG2000"), id="jpeg2000"),
        pytest.param(encode(quadrants(), "AVIF"), id="avif"),
        pytest.param(b"\0\0\0\x18ftypheic" + bytes(64), id="heic"),
        pytest.param(b"ffconcat version 1.0\nfile /etc/passwd\n", id="ffconcat"),
        pytest.param(b"BMW is a maker of cars and motorcycles", id="text-like-bmp"),
        pytest.param(b"\0", id="one-byte"),
    ],
)
def test_other_formats_are_unsupported(data: bytes) -> None:
    assert sniff_format(data) is None
    assert refusal(data) is ImageFault.UNSUPPORTED


def test_run_length_bmp_is_unsupported() -> None:
    body = b"\x08\x01\0\0" * 8 + b"\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 8, 1, len(body), 0, 0, 256, 0)
    assert refusal(
        b"BM" + struct.pack("<IHHI", 1078 + len(body), 0, 0, 1078) + head + bytes(1024) + body
    ) is (ImageFault.UNSUPPORTED)


@pytest.mark.parametrize(
    ("kind", "tail"),
    [
        ("GIF", b"/*<script>*/alert(1)"),
        ("JPEG", b"PK\x03\x04" + bytes(60)),
        ("PNG", b"<?php system($_GET[0]); ?>"),
    ],
)
def test_trailing_bytes_of_a_polyglot_change_nothing(kind: str, tail: bytes) -> None:
    assert (decoded(sample(kind) + tail).rgb == decoded(sample(kind)).rgb).all()


# Modes: a row of pixels each, as the format's own bits


def row16(*samples: int) -> bytes:
    return b"\0" + struct.pack(f">{len(samples)}H", *samples)


PALETTE = chunk(b"PLTE", bytes((*RED, *GREEN, *BLUE, *WHITE)))
GREY_ALPHA_8 = b"\0" + bytes((200, 255, 200, 51, 200, 0))
MODES: dict[str, tuple[bytes, list[object]]] = {
    "grey1": (png((2, 1), 1, 0, b"\0\x40"), [0, 255]),
    "grey1-transparent": (png((2, 1), 1, 0, b"\0\x40", before=chunk(b"tRNS", b"\0\1")), [0, 0]),
    "grey2": (png((4, 1), 2, 0, b"\0\x1b"), [0, 85, 170, 255]),
    "grey4": (png((2, 1), 4, 0, b"\0\x3f"), [51, 255]),
    "grey8": (png((3, 1), 8, 0, b"\0\x00\x80\xff"), [0, 128, 255]),
    "grey8-transparent": (png((2, 1), 8, 0, b"\0\x80\x90", before=chunk(b"tRNS", b"\0\x80")), [0, 144]),
    "grey16": (png((4, 1), 16, 0, row16(0, 300, 32768, 65535)), [0, 1, 128, 255]),
    "grey16-transparent": (
        png((2, 1), 16, 0, row16(40000, 65535), before=chunk(b"tRNS", struct.pack(">H", 40000))),
        [0, 255],
    ),
    "rgb16": (png((1, 1), 16, 2, row16(65535, 32768, 300)), [(255, 128, 1)]),
    "rgb8-transparent": (
        png((2, 1), 8, 2, b"\0" + bytes((*RED, *GREEN)), before=chunk(b"tRNS", bytes((0, 255, 0, 0, 0, 0)))),
        [BLACK, GREEN],
    ),
    "palette": (png((4, 1), 2, 3, b"\0\x1b", before=PALETTE), [RED, GREEN, BLUE, WHITE]),
    "palette-one-transparent": (
        png((4, 1), 2, 3, b"\0\x1b", before=PALETTE + chunk(b"tRNS", b"\xff\0")),
        [RED, BLACK, BLUE, WHITE],
    ),
    "palette-alpha": (
        png((4, 1), 2, 3, b"\0\x1b", before=PALETTE + chunk(b"tRNS", b"\xff\x33\x66")),
        [RED, (0, 51, 0), (0, 0, 102), WHITE],
    ),
    "grey-alpha8": (png((3, 1), 8, 4, GREY_ALPHA_8), [200, 40, 0]),
    "grey-alpha16": (png((2, 1), 16, 4, row16(51400, 65535, 51400, 13107)), [200, 40]),
    "rgba8": (
        png((2, 1), 8, 6, b"\0" + bytes((255, 100, 0, 255, 255, 100, 0, 51))),
        [(255, 100, 0), (51, 20, 0)],
    ),
    "rgba16": (png((1, 1), 16, 6, row16(65535, 25700, 0, 13107)), [(51, 20, 0)]),
    "gif-palette": (encode(Image.new("P", (2, 1), 0), "GIF"), [0, 0]),
    "gif-transparent": (
        encode(Image.frombytes("RGBA", (2, 1), bytes((*RED, 255, *WHITE, 0))), "GIF"),
        [RED, BLACK],
    ),
    "bmp1": (encode(Image.new("1", (2, 1), 1), "BMP"), [255, 255]),
    "bmp8": (encode(Image.new("L", (2, 1), 77), "BMP"), [77, 77]),
    "bmp32": (encode(Image.new("RGBA", (1, 1), (9, 8, 7, 255)), "BMP"), [(9, 8, 7)]),
    "webp-alpha": (
        encode(Image.frombytes("RGBA", (2, 1), bytes((*RED, 255, *WHITE, 0))), "WEBP", lossless=True),
        [RED, BLACK],
    ),
    "jpeg-grey": (encode(Image.new("L", (2, 1), 77), "JPEG"), [77, 77]),
    "jpeg-cmyk": (encode(Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "JPEG"), [RED]),
    "jpeg-cmyk-key": (encode(Image.new("CMYK", (1, 1), (0, 0, 0, 155)), "JPEG"), [100]),
    # Adobe's transform flag makes YCCK of the four planes: the complements of cyan's Y, Cb and Cr.
    "jpeg-ycck": (
        encode(Image.new("CMYK", (1, 1), (76, 84, 255, 0)), "JPEG").replace(
            b"Adobe\0d\0\0\0\0\0", b"Adobe\0d\0\0\0\0\2"
        ),
        [RED],
    ),
}


@pytest.mark.parametrize("name", MODES)
def test_every_mode_becomes_rgb_over_black(name: str) -> None:
    data, colours = MODES[name]
    expected = [colour if isinstance(colour, tuple) else (colour,) * 3 for colour in colours]
    assert close(decoded(data).rgb[0], expected, tolerance=3 if name.startswith("jpeg") else 0)


def test_interlaced_png_is_decoded() -> None:
    passes = b"\0\1" + b"\0\2" + b"\0\3\4"  # the Adam7 passes 1, 6 and 7 of a 2x2 picture
    data = bytearray(png((2, 2), 8, 0, passes))
    data[28] = 1
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    assert decoded(bytes(data)).rgb[:, :, 0].tolist() == [[1, 2], [3, 4]]


# Orientation and colour

UPRIGHT: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored, 1),
    9: lambda stored: stored,
}
CARRIERS: dict[str, Callable[[bytes], bytes]] = {
    "JPEG": lambda block: jpeg_with(segment(0xE1, b"Exif\0\0" + block)),
    "PNG": lambda block: sample("PNG")[:33] + chunk(b"eXIf", block) + sample("PNG")[33:],
    "PNG-after-pixels": lambda block: sample("PNG")[:-12] + chunk(b"eXIf", block) + sample("PNG")[-12:],
    "WEBP": lambda block: webp_with(b"EXIF", block, 0x08),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_exif_orientation_is_applied(carrier: str, orientation: int, order: str) -> None:
    block = exif((0x0100, 3, 1, 64), (0x0112, 3, 1, orientation), order=order)
    picture = decoded(CARRIERS[carrier](block))
    upright = UPRIGHT[orientation](np.asarray(quadrants()))
    assert picture.original_size == (upright.shape[1], upright.shape[0])
    assert close(picture.rgb, upright, tolerance=3)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"II*\0\xff\xff\xff\xff", id="offset-outside"),
        pytest.param(exif((0x0112, 3, 1, 6))[:14], id="truncated"),
        pytest.param(exif((0x0112, 2, 9, 6)), id="wrong-type"),
        pytest.param(b"not TIFF at all", id="noise"),
        pytest.param(
            exif(*((tag, 7, 60_000, 8) for tag in range(4_000))), id="directory-of-overlapping-values"
        ),
        pytest.param(exif((0x8825, 4, 1, 26)) + exif((1, 2, 2, 78))[8:], id="gps"),
    ],
)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_other_exif_is_ignored_without_a_word(carrier: str, block: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert close(decoded(CARRIERS[carrier](block)).rgb, np.asarray(quadrants()), tolerance=3)


DISPLAY_P3 = {
    "rXYZ": (0.5151, 0.2412, -0.0011),
    "gXYZ": (0.2920, 0.6922, 0.0419),
    "bXYZ": (0.1571, 0.0666, 0.7841),
}


def display_p3_profile() -> bytes:
    """An ICC v2 matrix profile (ICC.1:2001-04) with D50-adapted Display P3 primaries and gamma 2.2."""

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))

    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(2.2 * 256))
    tags = {name.encode(): xyz(values) for name, values in DISPLAY_P3.items()}
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve, b"wtpt": xyz((0.9642, 1.0, 0.8249))}
    tags |= {
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"desc": b"desc\0\0\0\0" + struct.pack(">I3s", 3, b"P3") + bytes(81),
    }
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, value in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(value))
        body += value
    header = struct.pack(">II4s4s4s", start + len(body), 0x02100000, b"mntr", b"RGB ", b"XYZ ")[4:]
    head = (
        struct.pack(">I4x", start + len(body))
        + header
        + struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
        + b"acsp"
        + bytes(28)
    )
    return head + struct.pack(">3i", 63190, 65536, 54061) + bytes(48) + table + body


def p3_to_srgb(colour: tuple[int, int, int]) -> NDArray[np.float64]:
    """The same colour by hand, with the D50-adapted sRGB primaries and IEC 61966-2-1's curve."""
    srgb = np.array([(0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)]).T
    linear = (np.array(colour) / 255) ** 2.2
    light = np.linalg.solve(srgb, np.array(list(DISPLAY_P3.values())).T @ linear)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("carrier", ["JPEG", "PNG", "WEBP"])
def test_display_p3_colours_become_srgb(carrier: str) -> None:
    colour = (200, 120, 100)
    assert not close(np.array(colour, np.uint8), p3_to_srgb(colour), tolerance=8)
    image = Image.new("RGB", (16, 16), colour)
    data = encode(image, carrier, icc_profile=display_p3_profile(), **SAMPLE_OPTIONS.get(carrier, {}))
    assert close(decoded(data).rgb, p3_to_srgb(colour), tolerance=3)


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        pytest.param("RGB", b"no profile", id="noise"),
        pytest.param("RGB", display_p3_profile()[:200], id="truncated"),
        pytest.param("RGB", display_p3_profile().replace(b"XYZ \0", b"ZYX \0"), id="damaged-tags"),
        pytest.param("RGB", display_p3_profile().replace(b"mntrRGB ", b"mntrCMYK"), id="cmyk-profile"),
        pytest.param(
            "RGB", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(), id="lab-profile"
        ),
        pytest.param("L", display_p3_profile(), id="rgb-profile-on-grey"),
    ],
)
def test_profile_that_does_not_fit_is_ignored(mode: str, profile: bytes) -> None:
    image = quadrants().convert(mode)
    assert (decoded(encode(image, "PNG", icc_profile=profile)).rgb == np.asarray(image.convert("RGB"))).all()


# Reduction


@pytest.mark.parametrize(
    ("size", "working_side", "expected"),
    [
        ((64, 48), 1280, (64, 48)),
        ((64, 48), 64, (64, 48)),
        ((65, 48), 64, (64, 47)),
        ((1920, 1080), 640, (640, 360)),
        ((1501, 997), 100, (100, 66)),
        ((997, 1501), 100, (66, 100)),
        ((400, 20), 60, (60, 3)),
    ],
)
@pytest.mark.parametrize("kind", FORMATS)
def test_large_pictures_are_reduced_and_small_ones_never_enlarged(
    kind: str, size: tuple[int, int], working_side: int, expected: tuple[int, int]
) -> None:
    picture = decoded(sample(kind, quadrants(*size)), ImageLimits(working_side=working_side))
    assert picture.original_size == size
    assert picture.rgb.shape == (expected[1], expected[0], 3)
    assert close(picture.rgb[0, 0], RED, tolerance=3)
    assert close(picture.rgb[-1, -1], WHITE, tolerance=3)


def test_thin_picture_keeps_one_pixel_of_breadth() -> None:
    limits = ImageLimits(working_side=16, max_aspect=400)
    assert decoded(blank_png(400, 1), limits).rgb.shape == (1, 16, 3)
    assert decoded(blank_png(1, 400), limits).rgb.shape == (16, 1, 3)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_reduction_in_bands_averages_areas(mode: str) -> None:
    side = 2048  # four megapixels: several bands
    ramp = np.add.outer(np.arange(side) * 3, np.arange(side)) / (side * 4) * 255
    checks = np.where(np.indices((side, side)).sum(axis=0) % 2, 40.0, -40.0)
    grey = np.clip(ramp, 40, 215) + checks
    picture = decoded(
        encode(Image.fromarray(grey.astype(np.uint8)).convert(mode), "PNG", compress_level=1),
        ImageLimits(working_side=64),
    )
    means = np.clip(ramp, 40, 215).reshape(64, 32, 64, 32).mean(axis=(1, 3))
    assert close(picture.rgb, means[..., None], tolerance=2 if mode != "P" else 12)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_reduction_by_a_fraction_does_not_shift_the_picture(kind: str) -> None:
    ramp = np.tile(20 + 215 * (np.arange(65) + 0.5) / 65, (65, 1))
    picture = decoded(sample(kind, Image.fromarray(ramp.astype(np.uint8))), ImageLimits(working_side=8))
    assert close(picture.rgb[..., 0], 20 + 215 * (np.arange(8) + 0.5) / 8, tolerance=4)


def test_slight_reduction_blends_fine_detail() -> None:
    checks = np.where(np.indices((96, 96)).sum(axis=0) % 2, 255, 0).astype(np.uint8)
    picture = decoded(sample("PNG", Image.fromarray(checks)), ImageLimits(working_side=64))
    assert close(picture.rgb, 127, tolerance=64)


def test_big_jpeg_is_decoded_at_reduced_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[tuple[int, int]] = []
    monkeypatch.setattr(ImageFile.ImageFile, "load_end", lambda image: loaded.append(image.size))
    decoded(sample("JPEG", quadrants(1600, 1200)), ImageLimits(working_side=200))
    assert loaded == [(200, 150)]


@pytest.mark.parametrize(
    ("image", "flat"),
    [
        pytest.param(Image.new("RGB", (320, 180), BLACK), True, id="black"),
        pytest.param(Image.new("RGB", (320, 180), WHITE), True, id="white"),
        pytest.param(Image.new("RGB", (320, 180), (12, 200, 90)), True, id="one-colour"),
        pytest.param(Image.new("1", (1, 1)), True, id="one-pixel"),
        pytest.param(Image.new("RGBA", (64, 64), (255, 0, 0, 0)), True, id="invisible"),
        pytest.param(Image.effect_noise((320, 180), 1.5), True, id="faint-noise"),
        pytest.param(quadrants(), False, id="quadrants"),
        pytest.param(Image.linear_gradient("L").point(lambda level: level // 8), False, id="dark-gradient"),
        pytest.param(
            Image.merge("RGB", [Image.new("L", (256, 256), 90)] * 2 + [Image.linear_gradient("L")]),
            False,
            id="blue",
        ),
    ],
)
def test_picture_of_hardly_any_information_is_flat(image: Image.Image, flat: bool) -> None:
    assert decoded(encode(image, "PNG")).flat is flat
    assert decoded(encode(image.convert("RGB"), "JPEG")).flat is flat


# Hostile files


def test_nothing_is_empty() -> None:
    assert refusal(b"") is ImageFault.EMPTY


def test_size_limit_is_inclusive() -> None:
    data = sample("PNG")
    assert decoded(data, ImageLimits(max_bytes=len(data))).format == "PNG"
    assert refusal(data, ImageLimits(max_bytes=len(data) - 1)) is ImageFault.TOO_LARGE


def jpeg_of_size(width: int, height: int) -> bytes:
    data = sample("JPEG")
    start = data.index(b"\xff\xc0") + 5
    return data[:start] + struct.pack(">HH", height, width) + data[start + 4 :]


def webp_of_size(width: int, height: int) -> bytes:
    data = sample("WEBP")
    return data[:21] + struct.pack("<I", height - 1 << 14 | width - 1) + data[25:]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png((20_000, 20_000), 1, 0, b""), id="png-20000x20000"),
        pytest.param(png((9_000, 9_000), 8, 2, b""), id="png-9000x9000"),
        pytest.param(blank_png(1, 65_535), id="png-1x65535"),
        pytest.param(blank_png(65_535, 1), id="png-65535x1"),
        pytest.param(png((2**31 - 1, 2**31 - 1), 8, 2, b""), id="png-largest"),
        pytest.param(sample("GIF")[:6] + b"\xff" * 4 + sample("GIF")[10:], id="gif-screen"),
        pytest.param(sample("BMP")[:18] + struct.pack("<ii", 30_000, 30_000) + sample("BMP")[26:], id="bmp"),
        pytest.param(jpeg_of_size(65_500, 65_500), id="jpeg-65500x65500"),
        pytest.param(webp_of_size(6_000, 6_000), id="webp-6000x6000"),
        pytest.param(webp_of_size(16_384, 16_384), id="webp-16384x16384"),
    ],
)
@pytest.mark.parametrize("action", ["ignore", "error"])
def test_too_many_pixels_are_refused_from_the_header(data: bytes, action: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        assert refusal(data) is ImageFault.TOO_MANY_PIXELS


def test_gif_frame_that_enlarges_the_screen_counts() -> None:
    data = bytearray(sample("GIF"))
    start = data.index(b",", 25)  # after the palette of four
    data[start + 5 : start + 9] = b"\xff" * 4
    assert refusal(bytes(data)) is ImageFault.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    ("kind", "limits", "fault"),
    [
        ("PNG", ImageLimits(max_pixels=64 * 48), None),
        ("PNG", ImageLimits(max_pixels=64 * 48 - 1), ImageFault.TOO_MANY_PIXELS),
        ("PNG", ImageLimits(max_side=64), None),
        ("PNG", ImageLimits(max_side=63), ImageFault.TOO_MANY_PIXELS),
        ("PNG", ImageLimits(max_decoder_bytes=64 * 48 * 4), None),
        ("PNG", ImageLimits(max_decoder_bytes=64 * 48 * 4 - 1), ImageFault.TOO_MANY_PIXELS),
        ("WEBP", ImageLimits(max_decoder_bytes=64 * 48 * 16), None),
        ("WEBP", ImageLimits(max_decoder_bytes=64 * 48 * 16 - 1), ImageFault.TOO_MANY_PIXELS),
        ("PNG", ImageLimits(min_side=48), None),
        ("PNG", ImageLimits(min_side=49), ImageFault.UNSUPPORTED),
        ("PNG", ImageLimits(max_aspect=64 / 48), None),
        ("PNG", ImageLimits(max_aspect=1.3), ImageFault.UNSUPPORTED),
    ],
)
def test_limits_are_inclusive(kind: str, limits: ImageLimits, fault: ImageFault | None) -> None:
    if fault is None:
        decoded(sample(kind), limits)
    else:
        assert refusal(sample(kind), limits) is fault


MEASURE = """
import json, re, sys
from pathlib import Path
from anime_search.engine.image import ImageError, ImageLimits, decode_image

def peak():
    try:
        return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
    except FileNotFoundError:
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024**2

data = Path(sys.argv[1]).read_bytes()
limits = ImageLimits(**json.loads(sys.argv[2]))
before = peak()
try:
    decode_image(data, limits)
    print("decoded", peak() - before)
except ImageError as error:
    print(error.reason, peak() - before)
"""
LIFTED = {"max_pixels": 10**9, "max_decoder_bytes": 10**10}


@pytest.fixture(scope="module")
def bomb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bomb") / "13000x13000.png"
    path.write_bytes(blank_png(13_000, 13_000))
    return path


@pytest.mark.parametrize(
    ("limits", "outcome", "megabytes"),
    [
        pytest.param({}, "too_many_pixels", range(16), id="refused"),
        pytest.param(LIFTED, "decoded", range(150, 250), id="decoded-for-comparison"),
    ],
)
def test_refusing_a_bomb_takes_no_memory(
    bomb: Path, limits: dict[str, int], outcome: str, megabytes: range
) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURE, str(bomb), json.dumps(limits)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    reason, growth = run.stdout.split()
    assert reason == outcome
    assert int(growth) in megabytes


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param(chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(50_000_000), 1)), id="zTXt-50MB"),
        pytest.param(chunk(b"iTXt", b"key\0\1\0\0\0" + zlib.compress(bytes(2_000_000), 1)), id="iTXt-2MB"),
        pytest.param(
            chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(900_000), 1)) * 80, id="80-zTXt-of-900kB"
        ),
        pytest.param(chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(20_000_000), 1)), id="iCCP-20MB"),
        pytest.param(chunk(b"abCd", b"") * 100_000, id="100000-empty-chunks"),
    ],
)
def test_png_stuffed_with_metadata_is_undecodable(where: str, metadata: bytes) -> None:
    assert refusal(png((1, 1), 8, 0, b"\0\x80", **{where: metadata})) is ImageFault.UNDECODABLE


PROFILE_20_MB = b"".join(
    segment(0xE2, b"ICC_PROFILE\0" + bytes((number % 255 + 1, 255)) + bytes(65_000)) for number in range(308)
)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(jpeg_with(PROFILE_20_MB), id="jpeg-icc-20MB"),
        pytest.param(webp_with(b"ICCP", bytes(20_000_000), 0x20), id="webp-icc-20MB"),
        pytest.param(
            jpeg_with(segment(0xE1, b"Exif\0\0" + bytes(90)) * MAX_JPEG_MARKERS), id="jpeg-exif-segments"
        ),
        pytest.param(jpeg_with(b"\xff\xd8" * 100_000), id="jpeg-bare-markers"),
        pytest.param(
            sample("GIF")[:25] + b"!\xfe" + b"\1a" * 50_000 + b"\0" + sample("GIF")[25:], id="gif-comment"
        ),
        pytest.param(sample("JPEG")[: sample("JPEG").index(b"\xff\xda")], id="jpeg-header"),
        pytest.param(sample("JPEG")[:4], id="jpeg-signature"),
        pytest.param(PNG_SIGNATURE, id="png-signature"),
    ],
)
def test_file_of_much_else_than_pixels_is_undecodable(data: bytes) -> None:
    assert refusal(data) is ImageFault.UNDECODABLE


def test_metadata_of_a_camera_is_no_obstacle() -> None:
    extended = segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(60_000)) * 100
    thumbnail = segment(0xE1, b"Exif\0\0" + exif((0x0112, 3, 1, 3)) + sample("JPEG"))
    second = segment(0xE1, b"Exif\0\0" + exif((0x0112, 3, 1, 6))) + segment(0xFE, b"comment")
    picture = decoded(jpeg_with(thumbnail + extended + second) + sample("JPEG") * 3)
    assert close(picture.rgb[::-1, ::-1], np.asarray(quadrants()), tolerance=3)


@pytest.mark.parametrize(
    ("extra", "accepted"), [(0, True), (MAX_JPEG_SCANS - 10, True), (MAX_JPEG_SCANS - 9, False)]
)
def test_scans_of_a_progressive_jpeg_are_limited(extra: int, accepted: bool) -> None:
    data = encode(quadrants(), "JPEG", progressive=True, quality=95)
    assert data.count(b"\xff\xda") == 10
    last = data[data.rindex(b"\xff\xc4", 0, data.rindex(b"\xff\xda")) : -2]
    stuffed = data[:-2] + last * extra + data[-2:]
    if accepted:
        assert decoded(stuffed).original_size == (64, 48)
    else:
        assert refusal(stuffed) is ImageFault.UNDECODABLE


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"IEND"])
def test_png_with_a_wrong_checksum_is_undecodable(kind: bytes) -> None:
    data = bytearray(sample("PNG"))
    start = data.index(kind)
    data[start + 4 + int.from_bytes(data[start - 4 : start])] ^= 1
    assert refusal(bytes(data)) is ImageFault.UNDECODABLE


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_file_is_undecodable(kind: str, share: float) -> None:
    data = sample(kind, Image.effect_noise((64, 48), 60).convert("RGB"))
    assert refusal(data[: int(len(data) * share)]) in {ImageFault.UNDECODABLE, ImageFault.UNSUPPORTED}


# Animations: what follows the first frame is rubbish, so whoever decodes it fails

FRAMES = 5_000


def animated_png() -> bytes:
    still = sample("PNG")
    idat = still.index(b"IDAT") - 4
    control = struct.pack(">IIIIIHHBB", 0, 64, 48, 0, 0, 1, 10, 0, 0)
    rubbish = struct.pack(">I", 8) + b"fdATrubbish!" + bytes(4)
    head = (
        still[:idat]
        + chunk(b"acTL", struct.pack(">II", FRAMES, 0))
        + chunk(b"fcTL", control)
        + still[idat:-12]
    )
    return head + (chunk(b"fcTL", control) + rubbish) * (FRAMES - 1) + still[-12:]


def animated_gif() -> bytes:
    still = sample("GIF")
    rubbish = b"," + struct.pack("<HHHHB", 0, 0, 64, 48, 0) + b"\x08\x08rubbish!\0"
    return still[:-1] + rubbish * (FRAMES - 1) + still[-1:]


def animated_webp() -> bytes:
    image = sample("WEBP")[12:]
    size = struct.pack("<I", 63)[:3] + struct.pack("<I", 47)[:3]

    def frame(content: bytes) -> bytes:
        body = bytes(6) + size + bytes((10, 0, 0, 0)) + content
        return b"ANMF" + struct.pack("<I", len(body)) + body

    rubbish = frame(image[:13] + bytes(len(image) - 13))
    head = (
        b"VP8X"
        + struct.pack("<I", 10)
        + bytes((2, 0, 0, 0))
        + size
        + b"ANIM"
        + struct.pack("<I", 6)
        + bytes(6)
    )
    content = b"WEBP" + head + frame(image) + rubbish * (FRAMES - 1)
    return b"RIFF" + struct.pack("<I", len(content)) + content


@pytest.mark.parametrize("build", [animated_png, animated_gif, animated_webp])
def test_only_the_first_frame_of_an_animation_is_decoded(build: Callable[[], bytes]) -> None:
    data = build()
    with Image.open(io.BytesIO(data)) as image:
        assert getattr(image, "n_frames", 1) == FRAMES
        with pytest.raises((OSError, SyntaxError, EOFError)):
            image.seek(1)
            image.load()
    assert (decoded(data).rgb == np.asarray(quadrants())).all()


# Whatever comes


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (MemoryError(), ImageFault.TOO_MANY_PIXELS),
        (Image.DecompressionBombError(), ImageFault.TOO_MANY_PIXELS),
        *(
            (kind(), ImageFault.UNDECODABLE)
            for kind in (OSError, SyntaxError, struct.error, zlib.error, RecursionError)
        ),
    ],
)
def test_errors_of_the_decoder_are_translated(
    monkeypatch: pytest.MonkeyPatch, error: Exception, fault: ImageFault
) -> None:
    def load(image: ImageFile.ImageFile) -> None:
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    assert refusal(sample("PNG")) is fault


def test_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(ImageError(ImageFault.TOO_LARGE, "9 bytes")))
    assert (error.reason, str(error)) == (ImageFault.TOO_LARGE, "too_large: 9 bytes")


def survives(data: bytes) -> None:
    try:
        decoded(data, ImageLimits(max_pixels=1_000_000, working_side=64))
    except ImageError as error:
        assert error.reason in ImageFault


SEEDS = [sample(kind) for kind in FORMATS] + [data for data, _ in MODES.values()]
SEEDS += [carry(exif((0x0112, 3, 1, 6))) for carry in CARRIERS.values()]
SEEDS += [encode(quadrants(), kind, icc_profile=display_p3_profile()) for kind in ("JPEG", "PNG", "WEBP")]
SEEDS += [encode(quadrants(), "JPEG", progressive=True), encode(quadrants(), "WEBP"), animated_gif()[:4_000]]
SIGNATURES = [b"", b"\xff\xd8\xff", PNG_SIGNATURE, b"GIF89a", b"RIFF\x40\0\0\0WEBPVP8 ", sample("BMP")[:18]]


@settings(max_examples=150, deadline=None)
@given(signature=st.sampled_from(SIGNATURES), noise=st.binary(max_size=300))
def test_noise_is_refused_in_order(signature: bytes, noise: bytes) -> None:
    survives(signature + noise)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), seed=st.sampled_from(SEEDS))
def test_damaged_file_is_decoded_or_refused(data: st.DataObject, seed: bytes) -> None:
    damaged = bytearray(seed)
    for position in data.draw(st.lists(st.integers(0, len(seed) - 1), max_size=6)):
        damaged[position] = data.draw(st.integers(0, 255))
    survives(bytes(damaged[: data.draw(st.integers(0, len(seed)))]))
    survives(bytes(damaged))
