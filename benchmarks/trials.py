"""Queries with a known answer, put to an exact index with and without that answer in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.descriptor import DctDescriptor, Vectors, at_frame_size, is_flat
from anime_search.engine.track import make_track
from anime_search.engine.video import VideoError, VideoLimits, VideoReader
from anime_search.engine.views import query_views
from benchmarks.clips import Picture, at_most, frames_of, read_still
from benchmarks.collection import Item
from benchmarks.distortions import DISTORTIONS
from benchmarks.report import say
from benchmarks.virtual import RATE_HZ, VirtualFilm, make_films

#: The longest side of a query, as the server reduces it before it looks for views.
QUERY_SIDE = 640
NEAR_MS = 2000
_BASE_SIDE = 320
_SEED = 20261122
_FILM_RUNS = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """What is indexed: (N, 96) vectors, and of each the item, the group and the span in milliseconds.

    ``second_group`` and ``third_group`` are -1 but for virtual frames, which are composed of up to three.
    """

    vectors: Vectors
    item: NDArray[np.int32]
    groups: NDArray[np.int32]
    from_ms: NDArray[np.int32]
    to_ms: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One undistorted query: a frame that is not on the sampling grid, and where it is from."""

    rgb: Picture
    item: int
    group: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one distorted query.

    Attributes:
        cosine: of the best frame while the query's group is indexed.
        right: that frame is of the right clip within 2 s, or of another clip of the group.
        without: cosine of the best frame while it is not indexed.
    """

    distortion: str
    item: int
    cosine: float
    right: bool
    without: float
    rival: int


class Bench:
    """The clips and stills of one part, described; and questions about the clips.

    Args:
        each: questions a clip.
    """

    def __init__(self, items: Sequence[Item], each: int) -> None:
        self.items = items
        self._random = np.random.default_rng(_SEED)
        self.group_names = sorted({item.group for item in items})
        self._group = {name: number for number, name in enumerate(self.group_names)}
        self.questions: list[Question] = []
        self._bases: list[tuple[Picture, int]] = []
        self._parts: list[tuple[Vectors, NDArray[np.int32], int, int]] = []
        for number, item in enumerate(items):
            try:
                if item.is_still:
                    self._add_still(item, number)
                else:
                    self._add_clip(item, number, each)
            except (VideoError, ValueError) as error:
                say(f"left out {item.path.name}: {error}")
        say(f"{len(items)} files in {len(self._group)} groups, {len(self.questions)} questions")

    def _add_still(self, item: Item, number: int) -> None:
        rgb = read_still(item.path)
        vectors = DctDescriptor().describe(at_frame_size(rgb)[None])
        group = self._group[item.group]
        self._parts.append((vectors, np.zeros((2, 1), np.int32), number, group))
        self._bases.append((at_most(rgb, _BASE_SIDE), group))

    def _add_clip(self, item: Item, number: int, each: int) -> None:
        sampled, rate_hz = sampled_times(item.path)
        track = make_track(
            item.path, video="0" * 64, descriptor=DctDescriptor(), rate_hz=rate_hz, limits=VideoLimits()
        )
        if not len(track):
            return
        group = self._group[item.group]
        spans = np.stack([track.from_ms, track.to_ms])
        self._parts.append((track.descriptors.astype(np.float32), spans, number, group))
        between = [
            Question(rgb, number, group, round(1000 * time_s))
            for time_s, rgb in frames_of(item.path, most=3000, side=QUERY_SIDE)
            if round(1000 * time_s) not in sampled and not is_flat(at_frame_size(rgb))
        ]
        chosen = np.linspace(0, len(between) - 1, min(each, len(between))).round().astype(int)
        self.questions += [between[position] for position in chosen]
        self._bases += [(at_most(between[position].rgb, _BASE_SIDE), group) for position in chosen[:2]]

    def frames(self, background: int) -> Frames:
        """What is indexed, with so many virtual frames beside it."""
        vectors = [part[0] for part in self._parts]
        items = [np.full(len(part[0]), part[2], np.int32) for part in self._parts]
        groups = [np.tile([part[3], -1, -1], (len(part[0]), 1)) for part in self._parts]
        spans = [part[1] for part in self._parts]
        for of_film, owners in self._virtual(background):
            vectors.append(of_film)
            items.append(np.full(len(of_film), -1, np.int32))
            groups.append(owners)
            spans.append(np.zeros((2, len(of_film)), np.int32))
        joined = np.concatenate(spans, axis=1)
        return Frames(
            np.concatenate(vectors),
            np.concatenate(items),
            np.concatenate(groups).astype(np.int32),
            joined[0],
            joined[1],
        )

    def _virtual(self, count: int) -> Iterator[tuple[Vectors, NDArray[np.int32]]]:
        if not count:
            return
        film = VirtualFilm([rgb for rgb, _group in self._bases], _SEED)
        owners = np.array([group for _rgb, group in self._bases], np.int32)
        orders = [(n, min(_FILM_RUNS, count - n * _FILM_RUNS)) for n in range(-(-count // _FILM_RUNS))]
        for (number, _runs), (frames, places) in zip(orders, make_films(film, orders), strict=True):
            of_shot = np.full((int(places[:, 0].max()) + 1, 3), -1, np.int32)
            for shot in range(len(of_shot)):
                used = film.shot(number, shot).bases
                of_shot[shot, : len(used)] = owners[list(used)]
            say(f"virtual frames: film {number + 1} of {len(orders)}")
            yield frames.vectors.astype(np.float32), of_shot[places[:, 0]]

    def ask(self, frames: Frames) -> list[Answer]:
        """Put every question in every distortion, with its group in the index and without it."""
        answers: list[Answer] = []
        for number, question in enumerate(self.questions):
            random = np.random.default_rng((_SEED, number))
            own = (frames.groups == question.group).any(axis=1)
            composed = own & (frames.item < 0)
            views, ends = [], [0]
            for distort in DISTORTIONS.values():
                views += [
                    view.rgb for view in query_views(at_most(distort(question.rgb, random), QUERY_SIDE))
                ]
                ends.append(len(views))
            scores = DctDescriptor().describe(np.stack(views)) @ frames.vectors.T
            # A virtual frame composed of the query's own group is neither right nor wrong.
            scores[:, composed] = -1.0
            for name, start, end in zip(DISTORTIONS, ends, ends[1:], strict=False):
                best = scores[start:end].max(axis=0)
                at, rival = int(best.argmax()), int(np.where(own, -1.0, best).argmax())
                answers.append(
                    Answer(
                        name,
                        question.item,
                        float(best[at]),
                        self._is_right(frames, at, question),
                        float(best[rival]),
                        rival,
                    )
                )
            if number % 50 == 49:
                say(f"{number + 1} of {len(self.questions)} questions")
        return answers

    def _is_right(self, frames: Frames, at: int, question: Question) -> bool:
        if frames.item[at] != question.item:
            return bool(frames.groups[at, 0] == question.group)
        return bool(frames.from_ms[at] - NEAR_MS <= question.at_ms <= frames.to_ms[at] + NEAR_MS)


def sampled_times(path: Path) -> tuple[frozenset[int], float]:
    """The times in milliseconds that a track of the file is made of, and the rate it is to be made at.

    That is 12 Hz, or half of the file's own rate where this is less: otherwise every frame of an animated
    picture would be on the grid, and none could be a query that is not.
    """
    with VideoReader(path, VideoLimits()) as reader:
        rate_hz = min(RATE_HZ, reader.info.fps / 2 or RATE_HZ)
        return frozenset(round(1000 * sample.time_s) for sample in reader.samples(rate_hz)), rate_hz
