"""Pairs of one scene as the index holds it and as it is asked for, a batch a step."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.training.alterations import key_of, query_of, scene_of
from anime_search.training.pictures import NO_SHOW, TrainingPictures

#: Width and height of the network's input.
INPUT_WIDTH, INPUT_HEIGHT = 160, 96
#: Pairs of a batch.
PAIRS = 64
#: A batch begins with up to so many pictures of each of this many shows: what is drawn alike is the hard case.
_SHOWS, _OF_A_SHOW = 6, 5
#: Pictures that a show must have to be taken from.
_LEAST_OF_A_SHOW = 3
#: In the rest, the share that is taken of drawn pictures alone, and not of all.
_DRAWN = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Keys and queries of one step, pair by pair.

    Attributes:
        keys, queries: (``PAIRS``, 96, 160, 3) uint8 RGB.
        kin: (``PAIRS``,) of the pictures that they were made of.
    """

    keys: NDArray[np.uint8]
    queries: NDArray[np.uint8]
    kin: NDArray[np.int64]


class Batches:
    """Makes the batch of any step: it depends on the pictures, the seed and the step's number alone.

    So a run that is taken up again goes on as it would have done, however many processes make batches.
    """

    def __init__(self, pictures: TrainingPictures, seed: int) -> None:
        self._pictures, self._seed = pictures, seed
        by_show: dict[int, list[int]] = defaultdict(list)
        for index, show in enumerate(pictures.shows):
            by_show[int(show)].append(index)
        by_show.pop(NO_SHOW, None)
        self._drawn = np.flatnonzero(pictures.shows != NO_SHOW)
        self._shows = [np.array(of) for _show, of in sorted(by_show.items()) if len(of) >= _LEAST_OF_A_SHOW]

    def __getitem__(self, step: int) -> Batch:
        random = np.random.default_rng((self._seed, step))
        chosen = self._choose(random)
        keys, queries = [], []
        for index in chosen:
            scene = scene_of(self._pictures.pixels[index], random)
            keys.append(_input_size(key_of(scene, random)))
            queries.append(_input_size(query_of(scene, random)))
        return Batch(np.stack(keys), np.stack(queries), self._pictures.kin[chosen])

    def _choose(self, random: np.random.Generator) -> list[int]:
        chosen: list[int] = []
        if self._shows:
            for _show in range(_SHOWS):
                of_show = self._shows[int(random.integers(len(self._shows)))]
                chosen += random.choice(of_show, min(len(of_show), _OF_A_SHOW), replace=False).tolist()
        while len(chosen) < PAIRS:
            drawn = random.random() < _DRAWN
            chosen.append(int(random.choice(self._drawn) if drawn else random.integers(len(self._pictures))))
        return chosen


def input_pictures(pictures: TrainingPictures, start: int, stop: int) -> NDArray[np.uint8]:
    """Some of the pictures as they are, (N, 96, 160, 3), for statistics and checks of a network."""
    return np.stack([_input_size(each) for each in pictures.pixels[start:stop]])


def _input_size(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(rgb, (INPUT_WIDTH, INPUT_HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
