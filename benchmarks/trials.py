"""Frames with a known answer: what time grid a clip is indexed on, and whether a drawing is on it at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Picture
from benchmarks.virtual import RATE_HZ
from video.reader import VideoLimits, VideoReader

#: The longest side of a query, as the server reduces it before it looks for views.
QUERY_SIDE = 640
#: An answer this near in time is right.
NEAR_MS = 2000
#: Two pictures whose :func:`glance` differ by less than this, in steps of 255, show one drawing.
SAME_DRAWING = 8.0

_GLANCE = (64, 36)


def glance(rgb: Picture) -> Picture:
    """(36, 64, 3) uint8 of a picture of any size: what pictures are compared by without any descriptor."""
    return np.asarray(cv2.resize(rgb, _GLANCE, interpolation=cv2.INTER_AREA), np.uint8)


def show_one_drawing(frame: Picture, pictures: Sequence[Picture] | Picture) -> NDArray[np.bool_]:
    """Which of some pictures show what a frame shows, by the mean absolute difference of red, green and blue.

    Args:
        frame: the :func:`glance` of a frame that nothing was done to.
        pictures: glances, N of them.

    Returns:
        (N,) bool.
    """
    stack = np.asarray(pictures, np.int16).reshape(-1, *frame.shape)
    difference = np.abs(stack - frame.astype(np.int16)).mean(axis=(1, 2, 3))
    return np.asarray(difference < SAME_DRAWING)


def sampled_times(path: Path) -> tuple[frozenset[int], float]:
    """The times in milliseconds that a track of the file is made of, and the rate it is to be made at.

    That is 12 Hz, as a server samples, or half of the file's own rate where every frame would be sampled at
    12 Hz (an animated picture of 10 frames a second): otherwise none could be a query that is not in the index.
    """
    with VideoReader(path, VideoLimits()) as reader:
        fps = reader.info.fps
        rate_hz = RATE_HZ if fps > 1.05 * RATE_HZ or not fps else fps / 2
        return frozenset(round(1000 * sample.time_s) for sample in reader.samples(rate_hz)), rate_hz
