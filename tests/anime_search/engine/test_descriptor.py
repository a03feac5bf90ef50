"""What a descriptor must not mind, and what it must."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from anime_search.engine.descriptor import DctDescriptor, at_frame_size, is_flat, unit_length
from tests.anime_search.engine.clips import Rgb, as_jpeg

DCT = DctDescriptor()


def scene(seed: int, size: tuple[int, int] = (256, 144)) -> Rgb:
    """Areas of colour with edges and a little texture, as a drawn picture has."""
    random = np.random.default_rng(seed)
    width, height = size
    rgb = np.empty((height, width, 3), np.float32)
    rgb[:] = random.integers(40, 200, 3)
    for _ in range(12):
        x, y = random.uniform(0, width), random.uniform(0, height)
        axes = (int(random.uniform(0.05, 0.4) * width), int(random.uniform(0.05, 0.4) * height))
        colour = tuple(float(value) for value in random.integers(10, 245, 3))
        cv2.ellipse(rgb, (int(x), int(y)), axes, random.uniform(0, 180), 0, 360, colour, -1)
    return (rgb + random.normal(0, 2, rgb.shape)).clip(0, 255).astype(np.uint8)


def alike(one: Rgb, other: Rgb) -> float:
    vectors = DCT.describe(np.stack([at_frame_size(one), at_frame_size(other)]))
    return float(vectors[0] @ vectors[1])


def scaled(rgb: Rgb, width: int, height: int) -> Rgb:
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)


def toned(rgb: Rgb, gain: float, offset: float) -> Rgb:
    return (rgb * gain + offset).clip(0, 255).astype(np.uint8)


BEARABLE: dict[str, tuple[Callable[[Rgb], Rgb], float]] = {
    "as it is": (lambda rgb: rgb, 0.9999),
    "brighter": (lambda rgb: toned(rgb, 1.0, 25), 0.97),
    "darker": (lambda rgb: toned(rgb, 1.0, -25), 0.97),
    "more contrast": (lambda rgb: toned(rgb, 1.25, -30), 0.97),
    "less contrast": (lambda rgb: toned(rgb, 0.6, 50), 0.97),
    "JPEG 40": (lambda rgb: as_jpeg(rgb, 40), 0.99),
    "JPEG 10": (lambda rgb: as_jpeg(rgb, 10), 0.96),
    "a quarter of the size": (lambda rgb: scaled(rgb, 64, 36), 0.98),
    "twice the size": (lambda rgb: cv2.resize(rgb, (512, 288), interpolation=cv2.INTER_CUBIC), 0.99),
    "squeezed to 4:3": (lambda rgb: scaled(rgb, 192, 144), 0.99),
    "blurred": (lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 2), 0.98),
    "noisy": (
        lambda rgb: (rgb + np.random.default_rng(1).normal(0, 15, rgb.shape)).clip(0, 255).astype(np.uint8),
        0.97,
    ),
    "grey": (lambda rgb: cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), 0.6),
}


@pytest.mark.parametrize("case", BEARABLE)
def test_a_copy_is_like_its_original(case: str) -> None:
    change, least = BEARABLE[case]
    assert np.mean([alike(scene(seed), change(scene(seed))) for seed in range(12)]) >= least


def test_other_pictures_are_unlike() -> None:
    vectors = DCT.describe(np.stack([scene(seed) for seed in range(40)]))
    cosines = (vectors @ vectors.T)[np.triu_indices(40, 1)]
    assert cosines.max() < 0.85
    assert abs(cosines.mean()) < 0.25


@pytest.mark.parametrize(
    "turn",
    [lambda rgb: rgb[:, ::-1], lambda rgb: rgb[::-1], lambda rgb: 255 - rgb],
    ids=["left-right", "up-down", "negative"],
)
def test_a_picture_the_other_way_round_is_another(turn: object) -> None:
    for seed in range(8):
        changed = np.ascontiguousarray(turn(scene(seed)))
        assert alike(scene(seed), changed) < 0.85


def test_colour_tells_pictures_of_one_drawing_apart() -> None:
    rgb = scene(3)
    assert alike(rgb, np.ascontiguousarray(rgb[..., ::-1])) < 0.97


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_a_batch_gives_what_single_pictures_give(count: int) -> None:
    pictures = np.stack([scene(seed) for seed in range(count)])
    single = np.concatenate([DCT.describe(picture[None]) for picture in pictures])
    assert DCT.describe(pictures) == pytest.approx(single, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), spread=st.floats(0, 1), level=st.integers(0, 255))
def test_any_picture_has_a_vector_of_unit_length(seed: int, spread: float, level: int) -> None:
    noise = np.random.default_rng(seed).integers(-255, 256, (1, 144, 256, 3))
    vector = DCT.describe((level + spread * noise).clip(0, 255).astype(np.uint8))
    assert vector.shape == (1, DCT.dim) == (1, 96)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()
    length = float(np.linalg.norm(vector))
    # Pure grey holds nothing at all: its vector is zero and like no other.
    assert length == pytest.approx(1, abs=1e-5) or length == 0


def test_no_picture_gives_no_vector() -> None:
    assert DCT.describe(np.empty((0, 144, 256, 3), np.uint8)).shape == (0, 96)


def test_flat_pictures_are_not_blown_up_to_full_weight() -> None:
    """Two frames of black with other noise in them are no match of each other."""
    random = np.random.default_rng(5)
    dark = [(16 + random.normal(0, 1, (144, 256, 3))).clip(0, 255).astype(np.uint8) for _ in range(2)]
    assert all(is_flat(rgb) for rgb in dark)
    assert alike(*dark) < 0.9


@pytest.mark.parametrize(
    ("rgb", "flat"),
    [
        (np.zeros((144, 256, 3), np.uint8), True),
        (np.full((144, 256, 3), 255, np.uint8), True),
        (np.full((144, 256, 3), (200, 10, 10), np.uint8), True),
        (scene(1), False),
        (toned(scene(1), 0.2, 10), False),
        (np.zeros((1, 1, 3), np.uint8), True),
        (np.zeros((1, 900, 3), np.uint8), True),
    ],
)
def test_flatness(rgb: Rgb, flat: bool) -> None:
    assert is_flat(rgb) is flat


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (256, 144), (4000, 10), (3, 7)])
def test_any_size_is_brought_to_the_frame_s(size: tuple[int, int]) -> None:
    rgb = at_frame_size(np.full((size[1], size[0], 3), (9, 99, 199), np.uint8))
    assert rgb.shape == (144, 256, 3)
    assert np.all(rgb == (9, 99, 199))


def test_rows_are_brought_to_unit_length() -> None:
    rows: NDArray[np.float32] = np.array([[3, 4], [0, 0], [1e-20, 0], [-5, 0]], np.float32)
    expected = np.array([[0.6, 0.8], [0, 0], [1e-11, 0], [-1, 0]])
    assert unit_length(rows) == pytest.approx(expected, abs=1e-6)
    assert unit_length(np.empty((0, 4), np.float32)).shape == (0, 4)
