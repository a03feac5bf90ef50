"""Pictures are found where apps, pages and photos of screens show them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from anime_search.engine.quads import overlap
from anime_search.engine.regions import Region, first_regions, more_regions, rectified
from tests.anime_search.engine.clips import Rgb, as_jpeg
from tests.anime_search.engine.test_borders import detailed

Corners = NDArray[np.float32]


def corners(left: float, top: float, right: float, bottom: float) -> Corners:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)


def chat(rgb: Rgb, *, dark: bool, at: tuple[int, int]) -> Rgb:
    """An upright screen with a bar, bubbles of text, and the picture among them."""
    screen = np.full((640, 300, 3), 20 if dark else 246, np.uint8)
    ink = (230, 230, 230) if dark else (30, 30, 30)
    screen[:44] = 45 if dark else 225
    cv2.putText(screen, "12:34  somebody", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.5, ink)
    for number, y in enumerate([60, 105, 420, 470, 520, 570]):
        left = 90 if number % 2 else 10
        cv2.rectangle(
            screen, (left, y), (left + 200, y + 34), (60, 130, 200) if number % 2 else (120, 120, 120), -1
        )
        cv2.putText(
            screen, "some words here", (left + 8, y + 22), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255)
        )
    left, top = at
    screen[top : top + rgb.shape[0], left : left + rgb.shape[1]] = rgb
    return screen


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [300, 240])
def test_the_picture_in_a_chat_is_the_likeliest_region(width: int, dark: bool) -> None:
    rgb = cv2.GaussianBlur(detailed(width, width * 9 // 16), (0, 0), 1) // 2 + 60
    left = 300 - width - (8 if width < 300 else 0)
    screen = as_jpeg(chat(rgb, dark=dark, at=(left, 176)), 90)
    found = more_regions(screen)[0]
    assert found.name == "picture_in_screenshot"
    assert overlap(found.corners, corners(left, 176, left + width, 176 + len(rgb))) > 0.93


def test_a_dark_picture_on_dark_paper_is_found() -> None:
    """It has no edge to speak of: 4 to 14 of 256 steps of luma on paper of 20, 20, 20."""
    rgb = np.asarray(20 + detailed(300, 168).astype(int) // 25 - 4, np.uint8)
    screen = chat(rgb, dark=True, at=(0, 200))
    place = corners(0, 200, 300, 368)
    assert max(overlap(region.corners, place) for region in more_regions(screen)) > 0.9


def test_a_picture_beside_smaller_ones_is_found() -> None:
    page = np.full((400, 640, 3), 250, np.uint8)
    page[40:265, 20:420] = detailed(400, 225)
    for number in range(4):
        page[40 + 90 * number : 116 + 90 * number, 440:576] = detailed(136, 76, seed=number + 5)
    place = corners(20, 40, 420, 265)
    assert overlap(more_regions(as_jpeg(page, 80))[0].corners, place) > 0.95


def photo(rgb: Rgb, seen: Corners, *, size: tuple[int, int] = (640, 480), bezel: int = 12) -> Rgb:
    """A display seen from the side: a bezel about it, a wall behind, noise and blur over all."""
    random = np.random.default_rng(3)
    wall = cv2.resize(
        random.integers(90, 130, (6, 8, 3)).astype(np.uint8), size, interpolation=cv2.INTER_CUBIC
    )
    middle = seen.mean(axis=0)
    cv2.fillConvexPoly(
        wall, ((seen - middle) * 1.06 + middle).round().astype(np.int32), (bezel, bezel, bezel)
    )
    flat = corners(0, 0, rgb.shape[1], rgb.shape[0])
    matrix = cv2.getPerspectiveTransform(flat - 0.5, seen - 0.5)
    lit = cv2.warpPerspective(rgb, matrix, size)
    where = cv2.warpPerspective(np.ones(rgb.shape[:2], np.uint8), matrix, size)[..., None]
    shown = cv2.GaussianBlur(np.where(where, lit, wall), (0, 0), 0.8)
    return np.clip(shown + random.normal(0, 3, shown.shape), 0, 255).astype(np.uint8)


SEEN = {
    "from the left": np.array([(90, 60), (560, 110), (560, 370), (90, 420)], np.float32),
    "from above": np.array([(60, 120), (580, 120), (520, 380), (120, 380)], np.float32),
    "turned": np.array([(110, 70), (570, 130), (540, 390), (80, 330)], np.float32),
    "far away": np.array([(210, 160), (460, 150), (465, 300), (205, 305)], np.float32),
}


@pytest.mark.parametrize("bezel", [12, 235])
@pytest.mark.parametrize("seen", SEEN)
def test_a_photographed_screen_is_found_and_made_upright(seen: str, bezel: int) -> None:
    rgb = cv2.GaussianBlur(detailed(480, 270), (0, 0), 2)
    taken = photo(rgb, SEEN[seen], bezel=bezel)
    regions = [region for region in more_regions(taken) if region.name == "photo_of_screen"]
    best = max(regions, key=lambda region: overlap(region.corners, SEEN[seen]))
    assert overlap(best.corners, SEEN[seen]) > 0.93
    upright = rectified(taken, best, (256, 144))
    shown = cv2.GaussianBlur(cv2.resize(rgb, (256, 144), interpolation=cv2.INTER_AREA), (0, 0), 2)
    likeness = np.corrcoef(cv2.GaussianBlur(upright, (0, 0), 2).ravel(), shown.ravel())[0, 1]
    assert likeness > 0.8


def test_a_screen_whose_left_edge_is_outside_of_the_photo_is_found() -> None:
    seen = np.array([(-30, 90), (520, 60), (530, 400), (-30, 380)], np.float32)
    found = [region.corners for region in more_regions(photo(detailed(480, 270), seen))]
    assert max(overlap(region, seen) for region in found) > 0.88


@pytest.mark.parametrize("degrees", [-4, 3])
def test_a_turned_picture_is_turned_back(degrees: int) -> None:
    rgb = detailed(640, 360)
    matrix = cv2.getRotationMatrix2D((320, 180), degrees, 1.0)
    turned = cv2.warpAffine(rgb, matrix, (640, 360))
    place = np.hstack([corners(0, 0, 640, 360), np.ones((4, 1), np.float32)]) @ matrix.T
    found = [region.corners for region in more_regions(np.asarray(turned, np.uint8))]
    assert max(overlap(region, place.astype(np.float32)) for region in found) > 0.93


def test_a_region_within_the_picture_is_cut_out_and_scaled() -> None:
    rgb = detailed(640, 360)
    cut = rectified(rgb, Region("full", corners(64, 36, 576, 324)), (256, 144))
    assert np.array_equal(cut, cv2.resize(rgb[36:324, 64:576], (256, 144), interpolation=cv2.INTER_AREA))


def test_what_lies_beyond_the_picture_repeats_its_edge() -> None:
    rgb = detailed(256, 144)
    shown = rectified(rgb, Region("padded", corners(-64, -36, 320, 180)), (384, 216))
    assert np.array_equal(shown[36:180, 64:320], rgb)
    assert np.array_equal(shown[36:180, 0], rgb[:, 0])
    assert np.array_equal(shown[-1, 64:320], rgb[-1])


def test_regions_of_a_large_query_are_in_its_own_pixels() -> None:
    rgb = detailed(900, 506)
    screen = np.full((1920, 900, 3), 250, np.uint8)
    screen[700:1206] = rgb
    for region in (more_regions(screen)[0], first_regions(screen)[-1]):
        assert overlap(region.corners, corners(0, 700, 900, 1206)) > 0.97
