"""What may have happened to a video before somebody asks about it, drawn by name: the same name, the same alteration.

Clips are (T, H, W, 3) uint8 RGB. An alteration is the same for all frames of a clip, as it would be.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Clip = NDArray[np.uint8]
Random = np.random.Generator

#: The clip as it is, or compressed at a rate, with ``h`` at half the size; the n-th of any number of random alterations.
PLAIN = "plain"
VARIANT = re.compile(r"plainh?|crf(?P<crf>\d{2})(?P<half>h?)|aug(?P<number>\d{1,3})")
#: What the sweep of a model card is measured at.
SWEEP = ("plain", "crf23", "crf32", "crf38", "plainh", "crf38h")
#: Rates of x264 that random alterations compress at.
LOWEST_CRF, HIGHEST_CRF = 20, 42


@dataclass(frozen=True, slots=True)
class Alteration:
    """What is done to a clip, in this order.

    Attributes:
        share: of its width and height that are left.
        gamma: exponent of its levels; 1 leaves them.
        blur: standard deviation in pixels; 0 for none.
        noise: standard deviation in levels; 0 for none.
        colours: of the palette that its frames are dithered to, as GIFs are; 0 for none.
        jpeg: quality that each frame is compressed at by itself; 0 for none.
        crf: rate that x264 compresses it at in the end.
        seed: of the noise.
    """

    share: float = 1.0
    gamma: float = 1.0
    blur: float = 0.0
    noise: float = 0.0
    colours: int = 0
    jpeg: int = 0
    crf: int = 23
    seed: int = 0


def variant_name(text: str) -> str:
    """A variant's name, checked.

    Raises:
        ValueError: it is none.
    """
    if not VARIANT.fullmatch(text):
        raise ValueError(f"{text!r} is no variant: plain, plainh, crf20 to crf51, crf38h, aug0, aug1, ...")
    return text


def alteration_of(variant: str, clip: str) -> Alteration | None:
    """What a variant does to a clip of a name; None if it leaves it as it is.

    Raises:
        ValueError: there is no such variant.
    """
    if variant_name(variant) == "plainh":
        return Alteration(share=0.5, crf=23)
    found = VARIANT.fullmatch(variant)
    if found is not None and found["crf"]:
        return Alteration(share=0.5 if found["half"] else 1.0, crf=int(found["crf"]))
    if found is not None and found["number"]:
        seed = int.from_bytes(hashlib.sha256(f"{variant} {clip}".encode()).digest()[:8])
        return random_alteration(np.random.default_rng(seed))
    return None


def random_alteration(random: Random) -> Alteration:
    """Always some compression, often a smaller size, at times the rest."""
    return Alteration(
        share=float(random.choice([1.0, 0.5, random.uniform(0.5, 1.0)], p=[0.5, 0.2, 0.3])),
        gamma=float(np.exp(random.uniform(-0.35, 0.35))) if random.random() < 0.3 else 1.0,
        blur=float(random.uniform(0.4, 1.6)) if random.random() < 0.25 else 0.0,
        noise=float(random.uniform(1, 6)) if random.random() < 0.15 else 0.0,
        colours=int(random.choice([32, 64, 128, 256])) if random.random() < 0.2 else 0,
        jpeg=int(random.integers(30, 90)) if random.random() < 0.2 else 0,
        crf=int(random.integers(LOWEST_CRF, HIGHEST_CRF + 1)),
        seed=int(random.integers(1 << 31)),
    )


def altered(clip: Clip, alteration: Alteration) -> Clip:
    """A clip after an alteration, but for the compression of it as a video; its sides are even."""
    random = np.random.default_rng(alteration.seed)
    height, width = (max(16, 2 * round(side * alteration.share / 2)) for side in clip.shape[1:3])
    return np.stack([_frame(frame, alteration, (width, height), random) for frame in clip])


def _frame(
    frame: NDArray[np.uint8], alteration: Alteration, size: tuple[int, int], random: Random
) -> NDArray[np.uint8]:
    if frame.shape[1::-1] != size:
        frame = _uint8(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
    if alteration.gamma != 1:
        levels = 255 * (np.arange(256) / 255) ** alteration.gamma
        frame = _uint8(cv2.LUT(frame, levels.round().astype(np.uint8)))
    if alteration.blur:
        frame = _uint8(cv2.GaussianBlur(frame, (0, 0), alteration.blur))
    if alteration.noise:
        noisy = frame + random.normal(0, alteration.noise, frame.shape)
        frame = np.clip(noisy.round(), 0, 255).astype(np.uint8)
    if alteration.colours:
        frame = dithered(frame, alteration.colours)
    if alteration.jpeg:
        frame = jpeg(frame, alteration.jpeg)
    return frame


def dithered(frame: NDArray[np.uint8], colours: int) -> NDArray[np.uint8]:
    """A frame as a GIF of so many colours shows it: its own palette, errors spread to the neighbours."""
    picture = Image.fromarray(frame)
    palette = picture.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    spread = picture.quantize(colours, palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    return np.asarray(spread.convert("RGB"), np.uint8).copy()


def jpeg(frame: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """JPEG of a quality, and back."""
    _done, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(frame[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return np.ascontiguousarray(_uint8(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1])


def _uint8(picture: object) -> NDArray[np.uint8]:
    return np.asarray(picture, np.uint8)
