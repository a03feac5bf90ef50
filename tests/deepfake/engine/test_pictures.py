"""Small pictures of frames, and what is coloured in them."""

from __future__ import annotations

import cv2
import numpy as np

from deepfake.engine.pictures import LONG_SIDE, pictures_of
from deepfake.engine.verdict import Box

FRAMES = np.full((2, 360, 640, 3), 128, np.uint8)
WHOLE = Box(0, 0, 1, 1)


def decoded(content: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).astype(int)


def colour(content: bytes) -> np.ndarray:
    picture = decoded(content)
    return picture.max(axis=2) - picture.min(axis=2)


def test_pictures_are_small_and_keep_their_shape_and_colours() -> None:
    frames = FRAMES.copy()
    frames[0, :, :] = (200, 40, 40)
    first, second = pictures_of(frames, None, None)
    assert decoded(first.plain).shape == (LONG_SIDE * 9 // 16, LONG_SIDE, 3)
    blue, green, red = decoded(first.plain).mean(axis=(0, 1))
    assert (abs(red - 200) < 5, abs(green - 40) < 5, abs(blue - 40) < 5) == (True, True, True)
    assert first.heat == second.heat == b""
    assert len(second.plain) < 20_000


def test_small_frames_are_not_blown_up() -> None:
    assert decoded(pictures_of(np.zeros((1, 120, 90, 3), np.uint8), None, None)[0].plain).shape == (
        120,
        90,
        3,
    )


def test_what_speaks_against_a_fake_is_not_coloured() -> None:
    heat = np.full((2, 4, 4), -1.0, np.float32)
    assert all(picture.heat == b"" for picture in pictures_of(FRAMES, heat, WHOLE))
    heat[0, 0, 0] = 5.0
    first, second = pictures_of(FRAMES, heat, WHOLE)
    assert colour(first.heat)[:20, :20].mean() > 40
    assert colour(first.heat)[100:, 160:].max() < 12
    assert colour(second.heat).max() < 12


def test_frames_are_measured_alike() -> None:
    heat = np.zeros((2, 4, 4), np.float32)
    heat[0, 0, 0], heat[1, 0, 0] = 10.0, 0.1
    strong, weak = pictures_of(FRAMES, heat, WHOLE)
    assert colour(strong.heat)[:20, :20].mean() > 3 * colour(weak.heat)[:20, :20].mean()


def test_heat_stays_in_the_part_that_the_model_sees() -> None:
    heat = np.ones((2, 4, 4), np.float32)
    first, _ = pictures_of(FRAMES, heat, Box(0.25, 0.0, 0.5, 1.0))
    coloured = colour(first.heat).mean(axis=0)
    assert coloured[100:220].min() > 30
    assert coloured[:70].max() < 12
    assert coloured[-70:].max() < 12
