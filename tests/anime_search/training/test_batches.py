"""Batches depend on pictures, seed and step alone, and hold what is hard to tell apart."""

from __future__ import annotations

import numpy as np
import pytest

from anime_search.training.batches import PAIRS, Batch, Batches, input_pictures
from anime_search.training.pictures import NO_SHOW, TrainingPictures
from tests.anime_search.training.test_alterations import scene


@pytest.fixture(scope="module")
def pictures() -> TrainingPictures:
    """Four shows of five pictures, one of two, and ten general ones; each picture is its own kin."""
    shows = [show for show in range(4) for _ in range(5)] + [4, 4] + [NO_SHOW] * 10
    return TrainingPictures(
        pixels=np.stack([scene(seed) for seed in range(len(shows))]),
        kin=np.arange(len(shows)),
        shows=np.array(shows),
        sources=(),
    )


@pytest.fixture(scope="module")
def made(pictures: TrainingPictures) -> list[Batch]:
    """The first three steps of seed 7."""
    batches = Batches(pictures, 7)
    return [batches[step] for step in range(3)]


def test_a_step_gives_one_batch_whatever_was_asked_for_before(
    pictures: TrainingPictures, made: list[Batch]
) -> None:
    again = Batches(pictures, 7)[1]
    assert np.array_equal(made[1].keys, again.keys)
    assert np.array_equal(made[1].queries, again.queries)
    assert np.array_equal(made[1].kin, again.kin)
    assert not np.array_equal(made[0].keys, made[1].keys)
    assert not np.array_equal(made[1].keys, Batches(pictures, 8)[1].keys)


def test_a_batch_is_pairs_of_the_networks_input(made: list[Batch]) -> None:
    for batch in made:
        assert batch.keys.shape == batch.queries.shape == (PAIRS, 96, 160, 3)
        assert batch.kin.shape == (PAIRS,)
        assert not np.array_equal(batch.keys, batch.queries)


def test_near_half_of_a_batch_comes_from_shows_that_have_enough(
    pictures: TrainingPictures, made: list[Batch]
) -> None:
    for batch in made:
        first = pictures.shows[batch.kin[:30]]
        assert set(first.tolist()) <= {0, 1, 2, 3}
        # Five at a time, and all of one show.
        assert all(len(set(first[at : at + 5].tolist())) == 1 for at in range(0, 30, 5))
    rest = np.concatenate([pictures.shows[batch.kin[30:]] for batch in made])
    assert NO_SHOW in rest
    assert (rest != NO_SHOW).mean() > 0.6


def test_pictures_that_share_no_show_are_enough_for_a_batch(pictures: TrainingPictures) -> None:
    alone = TrainingPictures(pictures.pixels, pictures.kin, np.arange(len(pictures)), ())
    assert Batches(alone, 0)[0].kin.shape == (PAIRS,)


def test_pictures_are_reduced_to_the_networks_input(pictures: TrainingPictures) -> None:
    assert input_pictures(pictures, 28, 40).shape == (4, 96, 160, 3)
