"""Animated GIF, PNG and WebP: untrusted bytes to a few of their frames.

The limits of :mod:`anime_search.engine.image` hold for the animation as a whole: all frames that are decoded have no
more pixels together than one picture may have (64 megapixels are 490 frames of 480 x 270), the file's parsers get no
more reads, and where one frame cannot be read the clip ends before it. What Pillow 13.0 does not check:

* A GIF's later frames may lie outside of its screen, and enlarge it, or be disposed of as an area of their own; either
  is allocated before anything can be asked of Pillow, up to 716 MB for a frame of 60 bytes. So the file itself looks
  at what is read from it, and ends before the first frame that does not lie within the picture.
* Frames of WebP are decoded onto two canvases in any case; those of GIF and PNG are composed of up to five copies.
"""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from anime_search.engine.image import (
    DEFAULT_LIMITS,
    ImageError,
    ImageFault,
    ImageLimits,
    MeteredReader,
    check_size,
    fit,
    shrink,
    sniff_format,
)
from anime_search.engine.moving import LONGEST_S, MOST_FRAMES, MovingPicture, Thinned, chosen, still_of

#: Frames that are walked through at most; at 50 a second they last 30 seconds.
MOST_WALKED = 1500
#: Peak of what a composed frame takes, its predecessor and their copies included.
_BYTES_PER_PIXEL = 24
#: Browsers show frames that last no longer than 10 ms for 100 ms, in GIFs, whose makers relied on it.
_HASTY_MS, _HASTY_SHOWN_MS = 10.0, 100.0


class _WatchedReader(MeteredReader):
    """A file that ends where a GIF's frame does not lie within ``screen``, a width and height, once that is known.

    Pillow reads a frame's place as 9 bytes behind the one that announces it, and a block of data as so many bytes as
    the one before it says: a comma is no 9, so that the two cannot be taken for each other.
    """

    screen: tuple[int, int] | None = None
    _last: bytes = b""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if self.screen is not None and size == 9 and len(data) == 9 and self._last == b",":
            left, top, width, height, _ = struct.unpack("<4HB", data)
            if left + width > self.screen[0] or top + height > self.screen[1]:
                raise ImageError(ImageFault.UNDECODABLE, "a frame outside of the picture")
        self._last = data if size == 1 else b""
        return data


def read_animation(
    data: bytes, limits: ImageLimits = DEFAULT_LIMITS, *, most_frames: int = MOST_FRAMES
) -> MovingPicture | None:
    """The frames of an animated GIF, PNG or WebP that are worth a search; None for a picture that stands still.

    Whether the bytes are a picture at all is for :func:`~anime_search.engine.image.decode_image` to say: None for
    whatever cannot be read, too. Frames are laid over black, as sRGB.

    Args:
        limits: bounds on the sum of all frames; ``working_side`` is that of a frame.
    """
    image_format = sniff_format(data)
    if image_format not in {"GIF", "PNG", "WEBP"} or len(data) > limits.max_bytes:
        return None
    try:
        file = _WatchedReader(data)
        with Image.open(file, formats=(image_format,)) as image:
            check_size(image, image_format, limits)
            if image_format == "GIF":
                file.screen = image.size
            if image.width * image.height * _BYTES_PER_PIXEL > limits.max_decoder_bytes:
                return None
            budget = limits.max_pixels // (image.width * image.height)
            walked = min(MOST_WALKED, budget)
            if walked < 2 or not getattr(image, "is_animated", False):
                return None
            return _read(image, image_format, walked, limits.working_side, most_frames)
    except Exception:  # noqa: BLE001 - as in decode_image, whose part it is to say what is wrong with it
        return None


def _read(
    image: Image.Image, image_format: str, walked: int, side: int, most_frames: int
) -> MovingPicture | None:
    thinned, time_ms, read = Thinned(), 0.0, 0
    target = fit(image.size, side)
    # A PNG's first picture may be one for viewers that know no animations.
    first = 1 if image_format == "PNG" and getattr(image, "default_image", False) else 0
    for number in range(first, walked):
        try:
            image.seek(number)
            image.load()
            if thinned.wants_next():
                box = (0.0, 0.0, float(image.width), float(image.height))
                small = shrink(image, target, box, image.info.get("icc_profile"))
                thinned.keep(still_of(time_ms / 1000, np.array(small)))
        except Exception:  # noqa: BLE001 - whatever a parser raises, the clip ends here
            break
        read += 1
        shown_ms = float(image.info.get("duration") or 0.0)
        if image_format == "GIF" and shown_ms <= _HASTY_MS:
            shown_ms = _HASTY_SHOWN_MS
        time_ms += max(0.0, shown_ms)
        if time_ms > 1000 * LONGEST_S:
            break
    if read < 2:
        return None
    stills = chosen(thinned.kept, most=most_frames)
    return MovingPicture(stills, max(time_ms / 1000, stills[-1].time_s))
