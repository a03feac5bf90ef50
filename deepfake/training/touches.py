"""What is done to single frames as they are fitted to: cheap, and other ones at each step.

Frames are (T, H, W, 3) uint8 RGB; the same is done to all frames of a clip.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake.training.alterations import Clip, Random, dithered, jpeg


def framed(clip: Clip, side: int, random: Random) -> Clip:
    """A square part of the frames, mirrored at times, of ``side`` pixels.

    Half of the time it is cut out at the frames' own scale, which keeps what a generator left in single pixels.
    """
    height, width = clip.shape[1:3]
    least = min(height, width)
    part = side if random.random() < 0.5 and least >= side else int(least * random.uniform(0.65, 1.0))
    top, left = int(random.integers(height - part + 1)), int(random.integers(width - part + 1))
    clip = clip[:, top : top + part, left : left + part]
    if random.random() < 0.5:
        clip = clip[:, :, ::-1]
    return resized(clip, side)


def resized(clip: Clip, side: int) -> Clip:
    """Frames at ``side`` x ``side``."""
    way = cv2.INTER_AREA if clip.shape[1] > side else cv2.INTER_CUBIC
    return np.stack(
        [
            np.asarray(cv2.resize(np.ascontiguousarray(frame), (side, side), interpolation=way))
            for frame in clip
        ]
    ).astype(np.uint8)


def touched(clip: Clip, random: Random) -> Clip:
    """Lost size, blur, JPEG, noise, dither, gamma and colours, each at times."""
    if random.random() < 0.25:
        clip = _smaller(clip, random.uniform(0.4, 0.9))
    if random.random() < 0.15:
        sigma = random.uniform(0.4, 1.5)
        clip = _each(clip, lambda frame: cv2.GaussianBlur(frame, (0, 0), sigma))
    if random.random() < 0.35:
        quality = int(random.integers(30, 95))
        clip = _each(clip, lambda frame: jpeg(frame, quality))
    if random.random() < 0.1:
        deviation = random.uniform(1, 6)
        noisy = clip + random.normal(0, deviation, clip.shape)
        clip = np.clip(noisy.round(), 0, 255).astype(np.uint8)
    if random.random() < 0.07:
        colours = int(random.choice([32, 64, 128, 256]))
        clip = _each(clip, lambda frame: dithered(frame, colours))
    if random.random() < 0.35:
        levels = 255 * (np.arange(256) / 255) ** float(np.exp(random.uniform(-0.3, 0.3)))
        gains = random.uniform(0.92, 1.08, 3)
        table = np.clip(levels[:, None] * gains, 0, 255).round().astype(np.uint8)
        clip = np.stack([table[:, colour][clip[..., colour]] for colour in range(3)], axis=-1)
    return clip


def _smaller(clip: Clip, share: float) -> Clip:
    height, width = clip.shape[1:3]
    size = (max(8, int(width * share)), max(8, int(height * share)))

    def down_and_up(frame: NDArray[np.uint8]) -> object:
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)

    return _each(clip, down_and_up)


def _each(clip: Clip, do: Callable[[NDArray[np.uint8]], object]) -> Clip:
    return np.stack([np.asarray(do(np.ascontiguousarray(frame)), np.uint8) for frame in clip])
