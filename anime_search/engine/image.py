"""Search pictures: untrusted bytes to a small sRGB array.

Every bound on the work is an argument or a constant of this file, and nothing process-global is touched.
``Image.MAX_IMAGE_PIXELS``, ``PngImagePlugin.MAX_TEXT_CHUNK`` (1 MiB per decompressed text or iCCP chunk) and
``ImageFile.LOAD_TRUNCATED_IMAGES`` (off) are relied on at Pillow's defaults. No warning filter is set, since
``warnings.catch_warnings`` is not thread-safe before Python 3.14 and searches run on threads; what Pillow
merely warns of (``DecompressionBombWarning``) is refused between the lazy ``Image.open`` and the decode.

The checks that Pillow 13.0 does not make, and what was measured without them:

* A picture costs far more than its file. 64 megapixels are 38 bytes of lossless WebP and take 985 MB to
  decode (two RGBA canvases, two copies), 613 MB as progressive JPEG, 246 MB as PNG: `max_decoder_bytes`.
* A progressive JPEG may hold any number of scans, each over the whole picture; 53 bytes cost 15 ms at
  16 megapixels ("Two Issues with the JPEG Standard", libjpeg-turbo project): the cap on scans.
* JPEG metadata is parsed in Python, Exif segments are joined in quadratic time (4 MB in 2.4 s), and a
  damaged Exif directory prints a warning per entry: metadata is cut out before Pillow sees the file.
* 25 MB of empty chunks keep the PNG and GIF parsers busy for 5 to 11 s: the cap on reads.
* A wrong CRC on IDAT passes: the CRC walk.

AVIF is left out because its pixels cannot be counted before the decode: a file of 1.1 kB whose ``ispe`` box
says 64x64 made libavif decode its coded frame of 8000x8000, and libavif's own bound is 268 megapixels.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, WebPImagePlugin

MEBIBYTE = 1024 * 1024
#: The largest press profiles in circulation are below 3 MB.
MAX_ICC_BYTES = 4 * MEBIBYTE
#: Room for 255 ICC segments, some hundred of XMP, the tables and the scans.
MAX_JPEG_MARKERS = 1000
#: libjpeg's default progressive script has 10.
MAX_JPEG_SCANS = 32
#: Flat: this share of the pixels lies within so many of 256 levels, in each channel. JPEG noise on a plain
#: surface stays within 3 of its colour; a line of text on black covers more than the remaining share.
FLAT_SHARE = 0.99
FLAT_SPREAD = 8

#: Peak memory of Pillow and the codec for the costliest variant. JPEG: the coefficients of a progressive file
#: of four components, which ``draft`` does not shrink; WebP: lossless.
_DECODER_BYTES_PER_PIXEL = {"JPEG": 8, "PNG": 4, "GIF": 4, "BMP": 4, "WEBP": 16}
#: Neither a stuffed zero, nor a fill byte, nor a restart marker.
_JPEG_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_BMP_HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})
_BMP_UNCOMPRESSED = frozenset({0, 3})  # BI_RGB, BI_BITFIELDS
#: What brings a picture of this Exif orientation upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class ImageFault(StrEnum):
    """Why a picture was refused.

    TOO_LARGE is about bytes. UNSUPPORTED is another format, or a variant or shape that is not taken.
    UNDECODABLE is damage, or more metadata or structure than a picture needs.
    """

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    UNDECODABLE = "undecodable"
    TOO_MANY_PIXELS = "too_many_pixels"


class ImageError(Exception):
    """A refused picture. The detail is for logs; it never quotes the file's content."""

    def __init__(self, reason: ImageFault, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Inclusive bounds of what is decoded; sides and pixels are those of the file.

    Attributes:
        max_pixels: a 50-megapixel photograph of a screen passes; 64 megapixels take 256 MB as PNG.
        max_decoder_bytes: estimated peak of the decoder; an 8K screenshot (33.2 megapixels) passes as WebP.
        max_aspect: long to short side; at 20, the short side of the reduced picture is down to 64 pixels.
        working_side: decoded pictures are reduced to at most this long side, and never enlarged.
    """

    max_bytes: int = 25 * MEBIBYTE
    max_pixels: int = 64_000_000
    max_decoder_bytes: int = 512 * MEBIBYTE
    max_side: int = 20_000
    min_side: int = 1
    max_aspect: float = 20.0
    working_side: int = 1280


DEFAULT_LIMITS = ImageLimits()


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture: upright, opaque, free of metadata.

    Attributes:
        rgb: (height, width, 3) uint8 sRGB, C-contiguous.
        original_size: upright (width, height) in pixels before the reduction.
        format: as `sniff_format` names it.
        flat: hardly any information, as in an all black or all white frame; not to be matched in confidence.
    """

    rgb: NDArray[np.uint8]
    original_size: tuple[int, int]
    format: str
    flat: bool


def sniff_format(data: bytes) -> str | None:
    """Tell the format by its signature: JPEG, PNG, GIF, BMP, WEBP, or None for anything else.

    File names and media types are the sender's claim and are never asked.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP" if WebPImagePlugin.SUPPORTED else None
    return None


def decode_image(data: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> Picture:
    """Decode the first frame of an untrusted picture and reduce it to ``limits.working_side``.

    Sizes are checked from the header, before any pixel is decoded. Transparency is laid over black: invisible
    pixels and window shadows, which are black with alpha, become plain black bars, which a search crops like
    any letterbox; over white they would be gradients. Colours of an embedded ICC profile become sRGB; a
    profile that does not parse or does not fit the pixels is ignored, as browsers do.

    Raises:
        ImageError: the picture is refused; no other exception leaves this function.
    """
    if not data:
        raise ImageError(ImageFault.EMPTY)
    if len(data) > limits.max_bytes:
        raise ImageError(ImageFault.TOO_LARGE, f"{len(data)} bytes")
    image_format = sniff_format(data)
    if image_format is None:
        raise ImageError(ImageFault.UNSUPPORTED, "unknown signature")
    try:
        image, original_size = _open_and_reduce(data, image_format, limits)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise ImageError(ImageFault.TOO_MANY_PIXELS, type(error).__name__) from error
    except Exception as error:
        # On damage Pillow's parsers raise whatever the line at hand raises: OSError, SyntaxError, ValueError,
        # TypeError, struct.error, zlib.error, LookupError, AttributeError, a warning that was made an error.
        raise ImageError(ImageFault.UNDECODABLE, type(error).__name__) from error
    return Picture(np.array(image), original_size, image_format, is_flat(image))


def _open_and_reduce(
    data: bytes, image_format: str, limits: ImageLimits
) -> tuple[Image.Image, tuple[int, int]]:
    """Return the upright working picture as RGB, and the upright size that it had."""
    exif = b""
    if image_format == "JPEG":
        data, exif = _without_jpeg_metadata(data)
    with Image.open(MeteredReader(data), formats=(image_format,)) as image:
        original_size = image.size
        check_size(image, image_format, limits)
        target = fit(original_size, limits.working_side)
        drafted = image.draft(None, target)
        box = drafted[1] if drafted else (0.0, 0.0, float(image.width), float(image.height))
        image.load()
        if image_format == "PNG":
            _check_png_crc(data)
        icc = image.info.get("icc_profile")
        orientation = _orientation(exif or image.info.get("exif"))
        reduced = shrink(image, target, box, icc)
    if orientation in _TURNS:
        reduced = reduced.transpose(_TURNS[orientation])
    if orientation >= 5:
        original_size = original_size[1], original_size[0]
    return reduced, original_size


def shrink(
    image: Image.Image, target: tuple[int, int], box: tuple[float, float, float, float], icc: object
) -> Image.Image:
    """A loaded picture's part ``box`` as opaque sRGB of ``target`` width and height, which are no larger."""
    factor = max(1, max(image.size) // (2 * max(target)))
    reduced = _to_srgb(_reduce(image, factor), icc)
    if reduced.size == target:
        return reduced
    # HAMMING averages over an area like BOX, without the latter's uneven steps below 2:1.
    corners = (box[0] / factor, box[1] / factor, box[2] / factor, box[3] / factor)
    return reduced.resize(target, Image.Resampling.HAMMING, box=corners)


class MeteredReader(io.BytesIO):
    """A file that grants only so many reads: Pillow's parsers take two or three per chunk, in Python."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads_left = 20_000 + len(data) // 64

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise ImageError(ImageFault.UNDECODABLE, "too many chunks")
        return super().read(size)


def check_size(image: Image.Image, image_format: str, limits: ImageLimits) -> None:
    """Judge a picture that was opened and not decoded yet.

    Raises:
        ImageError: it would take more than the limits allow.
    """
    short, long = sorted(image.size)
    pixels = short * long
    needed = pixels * _DECODER_BYTES_PER_PIXEL[image_format]
    if long > limits.max_side or pixels > limits.max_pixels or needed > limits.max_decoder_bytes:
        raise ImageError(ImageFault.TOO_MANY_PIXELS, f"{image_format} of {image.width}x{image.height}")
    if short < limits.min_side or long > short * limits.max_aspect:
        raise ImageError(ImageFault.UNSUPPORTED, f"shape of {image.width}x{image.height}")
    if len(image.info.get("icc_profile") or b"") > MAX_ICC_BYTES:
        raise ImageError(ImageFault.UNDECODABLE, "ICC profile too large")
    if image_format == "BMP" and image.info["compression"] not in _BMP_UNCOMPRESSED:
        raise ImageError(ImageFault.UNSUPPORTED, "run-length BMP is decoded byte by byte in Python")


def fit(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Width and height reduced, in proportion, to at most ``side``."""
    width, height = size
    long = max(size)
    if long <= side:
        return size
    return max(1, round(width * side / long)), max(1, round(height * side / long))


def _reduce(image: Image.Image, factor: int) -> Image.Image:
    """Flatten and average ``factor`` x ``factor`` pixels, about a megapixel at a time.

    Done at once, it would hold two further copies of the picture at four bytes a pixel.
    """
    if factor == 1:
        return _flatten(image)
    rows = factor * max(1, 1_000_000 // (image.width * factor))
    size = -(-image.width // factor), -(-image.height // factor)
    whole = Image.new(_flatten(image.crop((0, 0, 1, 1))).mode, size)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        whole.paste(_flatten(band).reduce(factor), (0, top // factor))
    return whole


def _flatten(image: Image.Image) -> Image.Image:
    """Return the pixels over black as L, RGB or CMYK: eight bits a channel, neither palette nor alpha."""
    transparent = image.info.get("transparency")
    if image.mode == "I;16":
        # Pillow's own conversion clips at 255. The high byte is what it keeps of 16-bit RGB.
        samples = np.asarray(image)
        high = (samples >> 8).astype(np.uint8)
        if transparent is not None:
            high[samples == transparent] = 0
        return Image.fromarray(high)
    if image.mode == "1" and transparent is None:
        return image.convert("L")
    if image.mode in {"L", "RGB", "CMYK"} and transparent is None:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, (0, 0, 0, 255)), layer).convert("RGB")


def _to_srgb(image: Image.Image, icc: object) -> Image.Image:
    if isinstance(icc, bytes) and icc:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), image.mode, "RGB")
            return transform.apply(image)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
    return image.convert("RGB")


def is_flat(image: Image.Image) -> bool:
    """Whether an RGB picture is all but one colour; see :data:`FLAT_SHARE`."""
    shares = np.array(image.histogram()).reshape(3, 256).cumsum(axis=1) / (image.width * image.height)
    tail = (1 - FLAT_SHARE) / 2
    spread = (shares >= 1 - tail).argmax(axis=1) - (shares > tail).argmax(axis=1)
    return bool(spread.max() <= FLAT_SPREAD)


def _orientation(exif: object) -> int:
    """Return the orientation, 1 to 8, of an Exif block (Exif 2.32, 4.6.4); 1 if none can be read."""
    if not isinstance(exif, bytes):
        return 1
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(f"{order}L", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
        for index in range(entries):
            tag, kind, count, value = struct.unpack_from(f"{order}HHLH", tiff, directory + 2 + 12 * index)
            if tag == 0x0112:
                return int(value) if (kind, count) == (3, 1) and value in _TURNS else 1
    except struct.error:
        pass
    return 1


def _without_jpeg_metadata(data: bytes) -> tuple[bytes, bytes]:
    """Return the file less its metadata segments, and its Exif block (ITU-T T.81, annex B).

    Of the application segments, JFIF and Adobe (they tell the colour space) and the ICC profile stay.
    """
    kept: list[bytes | memoryview] = [b"\xff\xd8"]
    exif = b""
    position, first_scan, scans, icc_bytes = 2, 0, 0, 0
    for _ in range(MAX_JPEG_MARKERS):
        match = _JPEG_MARKER.search(data, position)
        if match is None or match[1] == b"\xd9":
            break
        code, start, position = match[1][0], match.start(), match.end()
        if code in {0x01, 0xD8}:
            continue
        position += max(2, int.from_bytes(data[position : position + 2]))
        if code == 0xDA:
            first_scan = first_scan or start
            scans += 1
        if first_scan:
            continue
        segment = data[start:position]
        if code == 0xE1 and not exif and segment[4:10] == b"Exif\0\0":
            exif = segment[4:]
        is_icc = code == 0xE2 and segment[4:16] == b"ICC_PROFILE\0"
        icc_bytes += len(segment) if is_icc else 0
        if is_icc or code in {0xE0, 0xEE} or not (0xE0 <= code <= 0xEF or code == 0xFE):
            kept.append(segment)
    else:
        raise ImageError(ImageFault.UNDECODABLE, "too many JPEG markers")
    if not first_scan:
        raise ImageError(ImageFault.UNDECODABLE, "JPEG without a scan")
    if scans > MAX_JPEG_SCANS:
        raise ImageError(ImageFault.UNDECODABLE, f"JPEG of {scans} scans")
    if icc_bytes > MAX_ICC_BYTES:
        raise ImageError(ImageFault.UNDECODABLE, "ICC profile too large")
    return b"".join((*kept, memoryview(data)[first_scan:])), exif


def _check_png_crc(data: bytes) -> None:
    """Check the chunks up to IEND, or to an animation's second frame (PNG specification, third edition, 5.3).

    Their number is bounded: Pillow has read them through a `MeteredReader` before.
    """
    position, has_pixels = 8, False
    while True:
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if (zlib.crc32(memoryview(data)[position + 4 : end]),) != struct.unpack_from(">I", data, end):
            raise ImageError(ImageFault.UNDECODABLE, "wrong PNG checksum")
        has_pixels = has_pixels or kind in {b"IDAT", b"fdAT"}
        if kind == b"IEND" or (kind == b"fcTL" and has_pixels):
            return
        position = end + 4
