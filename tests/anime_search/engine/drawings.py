"""Drawings to compare: flat areas with edges, another one for every seed."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

#: (144, 256, 3) uint8 RGB.
Rgb = NDArray[Any]


def drawing(seed: int, *, parts: int = 40, size: tuple[int, int] = (512, 288)) -> Rgb:
    """Shapes of random colours; drawn larger, so that it can be cropped and turned."""
    random = np.random.default_rng(seed)
    picture = np.full((size[1], size[0], 3), random.integers(60, 200, 3), np.uint8)
    for _ in range(parts):
        colour = tuple(int(part) for part in random.integers(0, 256, 3))
        corners = random.integers(-20, 60, (int(random.integers(3, 6)), 2)) + random.integers(0, size)
        cv2.fillPoly(picture, [corners.astype(np.int32)], colour, cv2.LINE_AA)
        cv2.polylines(picture, [corners.astype(np.int32)], isClosed=True, color=(20, 20, 20), thickness=2)
    return picture


def frame(rgb: Rgb) -> Rgb:
    """As it is stored: 256 x 144."""
    return cv2.resize(rgb, (256, 144), interpolation=cv2.INTER_AREA)
