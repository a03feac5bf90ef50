"""What a network is given: frames cropped, scaled and written as numbers the way its manifest says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake.engine.verdict import Box


class Layout(StrEnum):
    """Order of the axes of a batch: colour last or colour first."""

    NHWC = "nhwc"
    NCHW = "nchw"


class Fit(StrEnum):
    """How a frame of another shape becomes the network's: its middle, or all of it out of shape."""

    COVER = "cover"
    STRETCH = "stretch"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The input of a network.

    Attributes:
        width, height: in pixels.
        crop: share of a frame's width and height that is kept, around its middle, before anything else. 0.86 is what
            the training data were cut to: it takes off the marks that sites and programs leave in corners.
        raw: bytes of 0 to 255 as they are; else float32 of ``(value / 255 - mean) / deviation``.
        mean, deviation: for red, green and blue.
    """

    width: int
    height: int
    crop: float = 1.0
    fit: Fit = Fit.COVER
    layout: Layout = Layout.NHWC
    raw: bool = True
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)


def prepared(frames: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Make (n, H, W, 3) uint8 RGB into a network's batch: (n, height, width, 3), or (n, 3, height, width)."""
    left, top, width, height = _kept(frames.shape[2], frames.shape[1], spec)
    part = frames[:, top : top + height, left : left + width]
    batch = np.empty((len(frames), spec.height, spec.width, 3), np.uint8)
    for number, frame in enumerate(part):
        # Averaging is the right way down; on the way up it would leave steps.
        smaller = frame.shape[0] * frame.shape[1] > spec.height * spec.width
        way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
        batch[number] = cv2.resize(np.ascontiguousarray(frame), (spec.width, spec.height), interpolation=way)
    if spec.raw:
        return batch if spec.layout is Layout.NHWC else np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
    mean, deviation = (np.array(values, np.float32) for values in (spec.mean, spec.deviation))
    scaled: NDArray[np.float32] = ((batch.astype(np.float32) / np.float32(255) - mean) / deviation).astype(
        np.float32
    )
    return scaled if spec.layout is Layout.NHWC else np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def in_batches(
    frames: NDArray[np.uint8], spec: InputSpec, size: int
) -> Iterator[NDArray[np.uint8] | NDArray[np.float32]]:
    """:func:`prepared`, ``size`` frames at a time: the numbers of one frame take twelve times its bytes."""
    for start in range(0, len(frames), size):
        yield prepared(frames[start : start + size], spec)


def seen_part(width: int, height: int, spec: InputSpec) -> Box:
    """The part of a frame of this size that a network sees."""
    left, top, wide, high = _kept(width, height, spec)
    return Box(left / width, top / height, wide / width, high / height)


def _kept(width: int, height: int, spec: InputSpec) -> tuple[int, int, int, int]:
    """Left, top, width and height, in pixels, of what is kept of a frame."""
    wide, high = width * spec.crop, height * spec.crop
    if spec.fit is Fit.COVER:
        shape = spec.width / spec.height
        wide, high = min(wide, high * shape), min(high, wide / shape)
    kept_width, kept_height = max(1, round(wide)), max(1, round(high))
    return (width - kept_width) // 2, (height - kept_height) // 2, kept_width, kept_height
