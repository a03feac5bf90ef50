"""Pictures that people send, and those that they should not."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

#: A test of what a picture leads to.
Outcome = int

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (640, 360)) -> Image.Image:
    return Image.new("RGB", size, colour)


def noise(size: tuple[int, int] = (320, 180), seed: int = 0) -> Image.Image:
    width, height = size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def animated_gif(*frames: Image.Image) -> bytes:
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=200, loop=0)


def chunk(name: bytes, data: bytes) -> bytes:
    """A PNG chunk: length, name, data, CRC."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int, rows: bytes | None = None, *between: bytes) -> bytes:
    """An 8-bit grey PNG; without ``rows`` its pixels are missing. ``between`` are chunks before the pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = b"" if rows is None else chunk(b"IDAT", zlib.compress(rows, 1))
    return PNG_SIGNATURE + header + b"".join(between) + pixels + chunk(b"IEND", b"")


@cache
def black_png(width: int, height: int) -> bytes:
    """A whole PNG, all black: a few kilobytes for any number of pixels."""
    row, packer = bytes(width + 1), zlib.compressobj(6)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return PNG_SIGNATURE + header + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def with_bad_crc(data: bytes) -> bytes:
    """A PNG one byte of whose pixels was changed."""
    middle = data.index(b"IDAT") + 40
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


def with_gps(jpeg: bytes) -> bytes:
    """A JPEG that says where it was taken."""
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (35.0, 41.0, 22.0), 3: "E", 4: (139.0, 41.0, 30.0)}
    exif[0x010E] = "SECRET-DESCRIPTION"
    return saved(opened(jpeg), "JPEG", exif=exif, quality=90)


@cache
def _long_text() -> bytes:
    return chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000), 9))


@cache
def _large_profile() -> bytes:
    return chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(20_000_000), 9))


@cache
def _many_frames() -> bytes:
    """An animated PNG of 5,000 frames of 8 x 8 pixels."""
    frame = plain((0, 0, 0), (8, 8))
    return saved(frame, "PNG", save_all=True, append_images=[frame, plain((9, 9, 9), (8, 8))] * 2500)


def _text_png() -> bytes:
    info = PngInfo()
    info.add_text("Author", "SECRET-AUTHOR")
    return saved(noise(), "PNG", pnginfo=info)


EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n"
    b"(/etc/passwd) (r) file 100 string readstring pop print\nshowpage\n%%EOF\n"
)
SVG_FILE = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="640" height="360">'
    b'<image href="file:///etc/passwd" width="640" height="360"/></svg>'
)
SVG_SCRIPT = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

#: Name, picture, and the outcomes that are right: 200 searched, 400 refused, 500 "unreadable".
#: An unreadable picture is 400 everywhere but in the old trace.moe dialect, whose document says 500.
HOSTILE: Final[list[tuple[str, Callable[[], bytes], set[Outcome]]]] = [
    ("jpeg-header-only", lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0", {500}),
    ("jpeg-cut", lambda: saved(noise(), "JPEG")[:2000], {500}),
    ("png-without-pixels", lambda: png_of(64, 64), {500}),
    ("png-13000x13000", lambda: black_png(13_000, 13_000), {400}),
    ("png-20000x20000-declared", lambda: png_of(20_000, 20_000, b"\0" * 100), {400}),
    ("png-4-gigapixels-declared", lambda: png_of(2**31 - 1, 2**31 - 1, b"\0" * 100), {400, 500}),
    ("png-1x65535", lambda: black_png(1, 65_535), {400, 500}),
    ("png-65535x1", lambda: black_png(65_535, 1), {400, 500}),
    ("png-0x0", lambda: png_of(0, 0, b""), {500}),
    ("png-zero-width", lambda: png_of(0, 10, b"\0" * 10), {500}),
    ("apng-5000-frames", _many_frames, {200}),
    ("png-50-MB-text", lambda: png_of(64, 64, bytes(65 * 64), _long_text()), {500}),
    ("png-20-MB-icc-profile", lambda: png_of(64, 64, bytes(65 * 64), _large_profile()), {200, 500}),
    ("png-bad-crc", lambda: with_bad_crc(saved(noise(), "PNG")), {500}),
    ("png-with-author", _text_png, {200}),
    ("svg-with-file", lambda: SVG_FILE, {500}),
    ("svg-with-script", lambda: SVG_SCRIPT, {500}),
    ("eps", lambda: EPS, {500}),
    ("pdf", lambda: PDF, {500}),
    ("html", lambda: b"<!doctype html><img src=x onerror=alert(1)>", {500}),
    ("gif-with-script", lambda: saved(noise(), "GIF") + b"=1;alert(1)", {200}),
    ("jpeg-with-zip", lambda: saved(noise(), "JPEG") + b"PK\x03\x04" + bytes(200), {200}),
    ("png-with-php", lambda: saved(noise(), "PNG") + b"<?php system($_GET['c']); ?>", {200}),
    ("tiff", lambda: saved(noise(), "TIFF"), {500}),
    ("ico", lambda: saved(noise((32, 32)), "ICO"), {500}),
    ("one-pixel", lambda: saved(plain((7, 7, 7), (1, 1)), "PNG"), {200}),
    ("nul-bytes", lambda: bytes(1000), {500}),
    ("one-byte", lambda: b"\xff", {500}),
    ("all-black", lambda: saved(plain((0, 0, 0)), "JPEG"), {200}),
    ("all-white", lambda: saved(plain((255, 255, 255)), "JPEG"), {200}),
    ("cmyk-jpeg", lambda: saved(noise().convert("CMYK"), "JPEG"), {200}),
    ("palette-png-with-alpha", lambda: saved(noise().convert("P"), "PNG", transparency=0), {200}),
    ("16-bit-png", lambda: saved(Image.fromarray(np.full((64, 64), 40_000, np.uint16)), "PNG"), {200}),
    ("video-playlist", lambda: b"ffconcat version 1.0\nfile /etc/passwd\n", {500}),
]  # fmt: skip
