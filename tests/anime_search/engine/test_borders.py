"""Borders are found, whatever their colour; what is no border stays."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anime_search.engine.borders import Box, inside_borders, inside_soft_bars, without_borders
from tests.anime_search.engine.clips import Rgb, as_jpeg


def picture(width: int = 400, height: int = 225, seed: int = 1) -> Rgb:
    """Soft shapes of full contrast that reach every edge."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (9, 16, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def detailed(width: int = 400, height: int = 225, seed: int = 1) -> Rgb:
    """The same with small shapes over it, as a drawing has them nearly everywhere."""
    random = np.random.default_rng(seed)
    rgb = picture(width, height, seed)
    for _ in range(260):
        x, y, side = int(random.integers(width)), int(random.integers(height)), int(random.integers(3, 14))
        colour = [int(value) for value in random.integers(0, 256, 3)]
        cv2.rectangle(rgb, (x, y), (x + side, y + side // 2), colour, -1)
    return rgb


def framed(rgb: Rgb, sides: tuple[int, int, int, int], colour: tuple[int, int, int], noise: float = 0) -> Rgb:
    """Bars of (top, bottom, left, right) pixels around a picture."""
    top, bottom, left, right = sides
    whole = cv2.copyMakeBorder(rgb, top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour)
    if noise:
        shaken = whole + np.random.default_rng(2).normal(0, noise, whole.shape)
        shaken[top : top + len(rgb), left : left + rgb.shape[1]] = rgb
        whole = shaken.clip(0, 255).astype(np.uint8)
    return whole


SIDES = {
    "letterbox": (40, 40, 0, 0),
    "pillarbox": (0, 0, 60, 60),
    "all around": (30, 30, 50, 50),
    "one side": (0, 35, 0, 0),
    "uneven": (10, 60, 5, 90),
    "thin": (2, 2, 0, 0),
}
COLOURS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "video black": (16, 16, 16),
    "green": (0, 177, 64),
    "pink": (250, 20, 150),
}


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("sides", SIDES)
def test_bars_of_any_colour_are_cut(sides: str, colour: str) -> None:
    rgb = picture()
    inner = without_borders(framed(rgb, SIDES[sides], COLOURS[colour]))
    assert inner.shape == rgb.shape
    assert np.array_equal(inner, rgb)


@pytest.mark.parametrize("noise", [2, 5, 7])
def test_noise_in_the_bars_does_not_save_them(noise: float) -> None:
    rgb = picture()
    inner = without_borders(framed(rgb, (40, 40, 30, 30), (12, 12, 12), noise))
    assert inner.shape == rgb.shape


@pytest.mark.parametrize("quality", [95, 60, 30])
def test_bars_survive_jpeg_no_more_than_a_few_lines(quality: int) -> None:
    rgb = picture()
    inner = without_borders(as_jpeg(framed(rgb, (40, 40, 0, 0), (0, 0, 0)), quality))
    assert abs(len(inner) - len(rgb)) <= 8


@pytest.mark.parametrize("scale", [2, 3, 5])
def test_bars_of_a_large_picture_go_without_a_rest(scale: int) -> None:
    rgb = picture(400 * scale, 225 * scale)
    inner = without_borders(framed(rgb, (40 * scale, 40 * scale, 0, 0), (0, 0, 0)))
    assert len(rgb) - 4 * scale <= len(inner) <= len(rgb)
    assert not np.all(inner[0] < 24)


def dark_scene() -> Rgb:
    """Night: black nearly everywhere, a lit window in the middle."""
    rgb = np.full((225, 400, 3), 6, np.uint8)
    rgb[90:120, 190:230] = (240, 220, 120)
    return rgb


KEPT = {
    "a picture": picture(),
    "a dark scene": dark_scene(),
    "black": np.zeros((225, 400, 3), np.uint8),
    "white": np.full((225, 400, 3), 255, np.uint8),
    "one line": np.zeros((1, 400, 3), np.uint8),
    "one column": np.zeros((400, 1, 3), np.uint8),
    "one pixel": np.zeros((1, 1, 3), np.uint8),
    "two pixels": np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8),
    "a single line of border": framed(picture(), (1, 0, 0, 0), (0, 0, 0)),
    "bars of two colours in one line": np.concatenate(
        [np.zeros((200, 200, 3), np.uint8), picture(200, 200)], axis=1
    )[:, ::-1][:, :10],
}


@pytest.mark.parametrize("kind", KEPT)
def test_what_has_no_bars_is_returned_whole(kind: str) -> None:
    assert np.array_equal(without_borders(KEPT[kind]), KEPT[kind])


def test_bars_that_leave_too_little_are_no_bars() -> None:
    rgb = framed(picture(400, 60), (160, 160, 0, 0), (0, 0, 0))
    assert without_borders(rgb).shape == rgb.shape


@settings(max_examples=150, deadline=None)
@given(
    width=st.integers(1, 700),
    height=st.integers(1, 700),
    kind=st.sampled_from(["noise", "flat", "soft", "half"]),
    seed=st.integers(0, 1000),
)
def test_a_part_of_any_picture_comes_back(width: int, height: int, kind: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    rgb = np.full((height, width, 3), random.integers(0, 256, 3), np.uint8)
    if kind == "noise":
        rgb = random.integers(0, 256, rgb.shape, np.uint8)
    elif kind == "soft":
        rgb = picture(width, height, seed)
    elif kind == "half":
        rgb[height // 2 :, width // 3 :] = random.integers(0, 256, 3)
    inner = without_borders(rgb)
    assert inner.shape[0] >= 0.3 * height - 1
    assert inner.shape[1] >= 0.3 * width - 1
    assert min(inner.shape[:2]) >= 1
    box = inside_borders(rgb)
    assert 0 <= box.top < box.bottom <= height
    assert 0 <= box.left < box.right <= width


@pytest.mark.parametrize("sides", [(70, 70, 0, 0), (0, 0, 80, 80), (50, 50, 70, 70)])
@pytest.mark.parametrize("around", ["gradient", "blur"])
def test_soft_bars_are_cut(sides: tuple[int, int, int, int], around: str) -> None:
    rgb = detailed()
    whole = framed(rgb, sides, (0, 0, 0))
    height, width = whole.shape[:2]
    if around == "blur":
        back = cv2.GaussianBlur(cv2.resize(rgb, (width, height)), (0, 0), 25)
    else:
        down = np.linspace(0, 1, height)[:, None, None]
        back = (np.array([200, 40, 90]) * (1 - down) + np.array([20, 30, 160]) * down).repeat(width, axis=1)
    top, _, left, _ = sides
    back = back.astype(np.uint8)
    back[top : top + len(rgb), left : left + rgb.shape[1]] = rgb
    box = inside_borders(back)
    assert np.abs(np.array([box.top - top, box.left - left])).max() <= 6
    assert abs(box.bottom - box.top - len(rgb)) <= 8
    assert abs(box.right - box.left - rgb.shape[1]) <= 8


def test_a_frame_within_bars_is_cut_with_them() -> None:
    rgb = detailed()
    inner = inside_borders(framed(framed(rgb, (5, 5, 5, 5), (240, 240, 240)), (40, 40, 0, 0), (0, 0, 0)))
    assert (inner.top, inner.bottom, inner.left, inner.right) == (45, 45 + len(rgb), 5, 5 + rgb.shape[1])


@pytest.mark.parametrize("seed", range(4))
def test_a_picture_whose_upper_part_is_soft_keeps_it(seed: int) -> None:
    """A sky is no bar: there is nothing like it at the other end."""
    rgb = detailed(seed=seed)
    rgb[:90] = np.linspace(80, 200, 90)[:, None, None].astype(np.uint8)
    assert inside_soft_bars(rgb) == Box.whole(rgb)


def test_looking_for_borders_is_quick() -> None:
    """It took ten milliseconds when every pixel was compared in numpy; the whole search takes about as long."""
    rgb = framed(picture(640, 300), (30, 30, 0, 0), (0, 0, 0))
    without_borders(rgb)
    spent = []
    for _ in range(15):
        started = time.thread_time()
        without_borders(rgb)
        spent.append(time.thread_time() - started)
    assert min(spent) < 0.003
