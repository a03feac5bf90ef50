"""Alterations are repeatable, of the right size, and do what their names say."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from anime_search.engine.descriptor import DctDescriptor
from anime_search.training import alterations, overlays
from anime_search.training.pictures import HEIGHT, WIDTH, Picture
from tests.anime_search.training.pictures import blocks

Alter = Callable[[Picture, np.random.Generator], Picture]

ALTERATIONS: dict[str, Alter] = {
    "scene_of": alterations.scene_of,
    "key_of": alterations.key_of,
    "query_of": alterations.query_of,
    "cropped": lambda rgb, random: alterations.cropped(rgb, random, 0.5, 0.9, aspect=1.3),
    "narrowed": alterations.narrowed,
    "compressed": lambda rgb, random: alterations.compressed(rgb, int(random.integers(10, 40))),
    "recoloured": alterations.recoloured,
    "warped": lambda rgb, random: alterations.warped(rgb, random, shift=0.04, turn_deg=8),
    "photographed": alterations.photographed,
    "barred": alterations.barred,
    "text": lambda rgb, random: overlays.text(rgb, random, 2),
    "logo": overlays.logo,
    "player": overlays.player,
}
SAME_SIZE = {"compressed", "recoloured", "warped", "photographed", "text", "logo", "player"}


def scene(seed: int = 1) -> Picture:
    """(216, 384, 3): blocks with soft edges."""
    return np.asarray(cv2.resize(blocks(seed), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.mark.parametrize("name", ALTERATIONS)
def test_a_seed_alters_in_one_way_and_leaves_its_picture_alone(name: str) -> None:
    before = scene()
    for seed in range(20):
        given = before.copy()
        one = ALTERATIONS[name](given, np.random.default_rng(seed))
        two = ALTERATIONS[name](given, np.random.default_rng(seed))
        assert one.dtype == np.uint8
        assert np.array_equal(one, two)
        assert np.array_equal(given, before)


@pytest.mark.parametrize("name", ALTERATIONS)
def test_most_seeds_alter_and_differ(name: str) -> None:
    # A key is meant to be the scene as it is, more often than not.
    least = 5 if name == "key_of" else 15
    results = [ALTERATIONS[name](scene(), np.random.default_rng(seed)) for seed in range(20)]
    assert len({(result.shape, result.tobytes()) for result in results}) >= least


@pytest.mark.parametrize("name", sorted(SAME_SIZE))
def test_what_is_laid_over_a_picture_keeps_its_size(name: str) -> None:
    for shape in ((216, 384), (130, 231), (216, 230)):
        rgb = np.ascontiguousarray(scene()[: shape[0], : shape[1]])
        for seed in range(10):
            assert ALTERATIONS[name](rgb, np.random.default_rng(seed)).shape == rgb.shape


def test_keys_and_queries_are_frames_of_the_index() -> None:
    for seed in range(30):
        random = np.random.default_rng(seed)
        made = alterations.scene_of(scene(seed), random)
        assert made.shape == (HEIGHT, WIDTH, 3)
        assert alterations.key_of(made, random).shape == (144, 256, 3)
        assert alterations.query_of(made, random).shape == (144, 256, 3)


def test_a_crop_is_a_part_of_the_stated_size() -> None:
    # Bytes that say where they were: the row, and the column in two of them.
    rows, columns = np.mgrid[:216, :384]
    rgb = np.dstack([rows, columns // 256, columns % 256]).astype(np.uint8)
    for seed in range(50):
        part = alterations.cropped(rgb, np.random.default_rng(seed), 0.6, 0.8, aspect=1.3)
        high, wide = part.shape[:2]
        assert 0.59**2 < high * wide / (216 * 384) < 0.81**2
        top, left = int(part[0, 0, 0]), 256 * int(part[0, 0, 1]) + int(part[0, 0, 2])
        assert np.array_equal(part, rgb[top : top + high, left : left + wide])


def test_a_query_is_nearer_to_its_own_scene_than_to_others_more_often_than_not() -> None:
    keys, queries = [], []
    for seed in range(60):
        random = np.random.default_rng(seed)
        made = alterations.scene_of(scene(seed), random)
        keys.append(alterations.key_of(made, random))
        queries.append(alterations.query_of(made, random))
    descriptor = DctDescriptor()
    alike = descriptor.describe(np.stack(queries)) @ descriptor.describe(np.stack(keys)).T
    found = float((alike.argmax(1) == np.arange(60)).mean())
    # Hard for a layout, which mirroring alone defeats, and far from hopeless: chance is 0.017.
    assert 0.2 < found < 0.9
