"""Frames that find a scene together: by sightings that are written down, and over a real index of drawn videos."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anime_search.engine.descriptor import DctDescriptor, at_frame_size
from anime_search.engine.index.manifest import Geometry
from anime_search.engine.index.segment import VideoFrames
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.index.store import IndexStore
from anime_search.engine.search import SceneSearcher
from anime_search.engine.sightings import AskedFrame, Sighting, sightings_of
from anime_search.engine.similarity import CALIBRATIONS
from anime_search.engine.votes import CERTAIN, MOST_LOG_ODDS, Verdict, vote
from tests.anime_search.engine.drawings import drawing, frame

DCT = DctDescriptor()
SEARCHER = SceneSearcher(DCT, CALIBRATIONS[DCT.name])
#: Seconds that a drawing is shown in the drawn videos, and how many there are.
HELD_S, DRAWINGS = 0.5, 24


def seen(at_s: float, odds: float = 5.0, *, video: str = "a", held_s: float = 0.2, **more: Any) -> Sighting:
    return Sighting(video, at_s, at_s, at_s + held_s, odds, **more)


def asked(*sightings: Sighting | None, every_s: float = 1.0) -> list[AskedFrame]:
    """Frames with one sighting each, or none."""
    return [AskedFrame(every_s * n, () if one is None else (one,)) for n, one in enumerate(sightings)]


def verdict_of(frames: list[AskedFrame], limit: int = 5) -> Verdict:
    return vote(frames, length_s=frames[-1].time_s + 0.2, limit=limit)


def agreeing(verdict: Verdict) -> list[int]:
    return [number for number, says in enumerate(verdict.scenes[0].evidence) if says.agrees]


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.0, 1.5, 2.0])
def test_frames_in_order_are_one_scene_at_any_ordinary_speed(speed: float) -> None:
    verdict = verdict_of(asked(*(seen(60 + speed * n, 3.0) for n in range(6))))
    best = verdict.scenes[0]
    assert best.video == "a"
    assert best.at_s == best.from_s == pytest.approx(60, abs=0.01)
    assert best.to_s == pytest.approx(60 + speed * 5.2, abs=0.1)
    assert best.speed == pytest.approx(speed, abs=0.01)
    assert best.agreeing == 6
    assert verdict.confident
    assert len(verdict.scenes) == 1


@pytest.mark.parametrize("speed", [-1.0, 0.2, 4.0])
def test_frames_in_no_order_of_a_clip_are_no_match(speed: float) -> None:
    """Backwards, or as no clip is slowed or sped up, although each frame is surely somewhere."""
    verdict = verdict_of(
        asked(*(seen(60 + speed * n * 2, 6.0, is_match=True) for n in range(8)), every_s=2.0)
    )
    best = verdict.scenes[0]
    assert best.agreeing <= 2
    assert best.probability < 0.5
    assert not verdict.confident


def test_times_may_be_half_a_second_off() -> None:
    off = [0.0, 0.4, -0.4, 0.3, -0.3, 0.1]
    assert agreeing(verdict_of(asked(*(seen(60 + n + by, held_s=0.0) for n, by in enumerate(off))))) == [
        *range(6)
    ]
    off[2] = 2.0
    assert agreeing(verdict_of(asked(*(seen(60 + n + by, held_s=0.0) for n, by in enumerate(off))))) == [
        0,
        1,
        3,
        4,
        5,
    ]


@pytest.mark.parametrize("wrong", [0, 3, 7])
def test_wrong_frame_among_right_ones_is_outvoted(wrong: int) -> None:
    frames = asked(
        *(seen(60 + n) if n != wrong else seen(5, 8.0, video="b", is_match=True) for n in range(8))
    )
    verdict = verdict_of(frames)
    assert verdict.scenes[0].video == "a"
    assert agreeing(verdict) == [n for n in range(8) if n != wrong]
    assert verdict.confident
    assert verdict.scenes[1].video == "b"
    assert verdict.scenes[1].probability < 0.5


def test_frames_of_another_origin_at_the_ends_are_no_part_of_the_scene() -> None:
    title = seen(5, 8.0, video="b")
    best = verdict_of(asked(title, *(seen(60 + n) for n in range(1, 6)), None, title)).scenes[0]
    assert (best.from_s, best.at_s, best.to_s) == pytest.approx((61, 61, 66))


def test_frames_that_say_nothing_take_nothing_away() -> None:
    right = [seen(60 + n) for n in range(4)]
    alone = verdict_of(asked(*right)).scenes[0]
    with_mute = verdict_of(asked(*right, None, None, None, None)).scenes[0]
    assert with_mute.log_odds == pytest.approx(alone.log_odds)
    assert with_mute.agreeing == 4
    assert len(with_mute.evidence) == 8
    assert with_mute.to_s == pytest.approx(67.2)


def test_one_frame_of_many_is_no_match_however_sure() -> None:
    """Of a dozen frames one looks like something by chance."""
    sure = seen(60, 8.0, is_match=True)
    assert not verdict_of(asked(sure, *[None] * 11)).confident
    assert verdict_of(asked(sure, None)).confident
    assert verdict_of(asked(sure)).confident


def test_still_drawing_is_one_witness_and_may_be_the_whole_clip() -> None:
    still = [seen(60, 2.0, held_s=9.0) for _ in range(8)]
    verdict = verdict_of(asked(*still))
    assert verdict.scenes[0].log_odds == pytest.approx(2.0)
    assert verdict.scenes[0].agreeing == 8
    assert not verdict.confident
    assert verdict_of(asked(*(replace(one, is_match=True) for one in still))).confident


def test_drawings_that_agree_are_worth_less_each() -> None:
    odds = [
        verdict_of(asked(*(seen(60 + n, 3.0) for n in range(count)))).scenes[0].log_odds
        for count in range(1, 13)
    ]
    gains = np.diff(odds)
    assert odds[0] == pytest.approx(3.0)
    assert np.all(gains > 0)
    assert np.all(np.diff(gains) < 0)
    assert odds[-1] < 5 * odds[0]


def test_weak_frames_that_agree_in_time_are_a_match_together() -> None:
    weak = [seen(60 + n, 1.0) for n in range(8)]
    assert verdict_of(asked(*weak)).scenes[0].probability > CERTAIN
    assert verdict_of(asked(*weak)).confident
    assert not verdict_of(asked(weak[0])).confident


def test_the_right_scene_need_not_be_the_likeliest_of_a_frame() -> None:
    frames = [
        AskedFrame(n, (seen(300 + 40 * (n % 3), 3.0, video="b"), seen(60 + n, 2.0, shown=1)))
        for n in range(6)
    ]
    best = verdict_of(frames).scenes[0]
    assert (best.video, best.agreeing) == ("a", 6)


def test_repeated_opening_is_listed_once_with_its_other_places() -> None:
    frames = [
        AskedFrame(n, tuple(seen(30 * (1 + episode) + n, video=f"e{episode}") for episode in range(3)))
        for n in range(5)
    ]
    verdict = verdict_of(frames)
    assert len(verdict.scenes) == 1
    best = verdict.scenes[0]
    starts = {best.video: best.at_s, **{place.video: place.at_s for place in best.also}}
    assert starts == pytest.approx({"e0": 30, "e1": 60, "e2": 90})


def test_other_scenes_with_an_order_of_their_own_are_listed_as_well() -> None:
    frames = [
        AskedFrame(n, (seen(60 + n, 4.0), seen(500 + n, 2.5, shown=1), seen(9 + n, 2.0, video="b", shown=2)))
        for n in range(5)
    ]
    scenes = verdict_of(frames).scenes
    assert [(scene.video, round(scene.at_s), scene.agreeing) for scene in scenes] == [
        ("a", 60, 5),
        ("a", 500, 5),
        ("b", 9, 5),
    ]
    assert [scene.log_odds for scene in scenes] == sorted((scene.log_odds for scene in scenes), reverse=True)
    assert len(verdict_of(frames, limit=2).scenes) == 2


def test_clip_of_which_nothing_is_known_finds_nothing() -> None:
    assert verdict_of(asked(None, None)) == Verdict((), confident=False)


def test_scene_before_the_beginning_of_a_video_begins_with_it() -> None:
    best = verdict_of(asked(None, seen(0.2), seen(1.2), seen(2.2))).scenes[0]
    assert best.from_s == best.at_s == 0.0


odds = st.floats(-6, 12, allow_nan=False)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(odds, st.floats(0, 90), odds), min_size=1, max_size=7),
    st.integers(0, 6),
    st.floats(0, 6),
)
def test_probability_never_falls_with_a_frames_evidence(
    says: list[tuple[float, float, float]], raised: int, by: float
) -> None:
    """Each frame is seen in order, and somewhere else; one of them then more surely where it belongs."""

    def best(says: list[tuple[float, float, float]]) -> float:
        frames = [
            AskedFrame(n, (seen(60 + n, here), seen(at, there, video="b", shown=1)))
            for n, (here, at, there) in enumerate(says)
        ]
        scenes = vote(frames, length_s=9, limit=99).scenes
        # Of what lies on the line of all of them: each place, as every frame has one there, is found.
        return max(scene.log_odds for scene in scenes if scene.video == "a")

    here, at, there = says[raised % len(says)]
    more = [*says]
    more[raised % len(says)] = (here + by, at, there)
    assert best(more) >= best(says) - 1e-6


def test_single_vote_is_cut() -> None:
    assert verdict_of(asked(seen(60, 30.0))).scenes[0].log_odds == MOST_LOG_ODDS


# --- over an index --------------------------------------------------------------------------------------------------


def film(video: str, seeds: range) -> VideoFrames:
    """Drawings of half a second each, from second 10 on."""
    pictures = np.stack([at_frame_size(drawing(seed)) for seed in seeds])
    start = np.array([10_000 + round(1000 * HELD_S * n) for n in range(len(seeds))], np.int32)
    return VideoFrames(video, DCT.describe(pictures), np.stack([start, start + 200, start + 400]))


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    store = IndexStore(tmp_path_factory.mktemp("index"), Geometry(DCT.name, DCT.dim), ef=256)
    films = [film("one", range(100, 100 + DRAWINGS)), film("two", range(200, 200 + DRAWINGS))]
    with store.writing():
        store.build(iter(films), sum(len(part.vectors) for part in films), threads=1)
    snapshot, problems = store.load_best()
    assert snapshot is not None
    assert not problems
    return snapshot


def searched(
    snapshot: Snapshot, shown: list[int], every_s: float, change: Callable[[np.ndarray], np.ndarray]
) -> Verdict:
    """The verdict over drawings that are shown in this order, so many seconds apart."""
    frames = [
        AskedFrame(
            every_s * n, sightings_of(SEARCHER.search(change(frame(drawing(seed))), snapshot, limit=10))
        )
        for n, seed in enumerate(shown)
    ]
    return vote(frames, length_s=every_s * len(shown), limit=5)


def unchanged(rgb: np.ndarray) -> np.ndarray:
    return rgb


def mirrored(rgb: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rgb[:, ::-1])


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("change", [unchanged, mirrored])
def test_clip_is_found_in_the_index(
    snapshot: Snapshot, speed: float, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    verdict = searched(snapshot, [*range(206, 212)], HELD_S / speed, change)
    best = verdict.scenes[0]
    assert verdict.confident
    assert (best.video, best.agreeing) == ("two", 6)
    assert best.at_s == pytest.approx(13.2, abs=0.4)
    assert math.isclose(best.speed, speed, rel_tol=0.15)
    assert best.view.endswith("mirrored") == (change is mirrored)


def test_reversed_clip_is_not_found_as_a_whole(snapshot: Snapshot) -> None:
    verdict = searched(snapshot, [*reversed(range(204, 214))], HELD_S, unchanged)
    assert not verdict.confident
    assert verdict.scenes[0].agreeing <= 3


def test_clip_that_is_not_in_the_index_is_no_match(snapshot: Snapshot) -> None:
    for first in range(900, 950, 10):
        assert not searched(snapshot, [*range(first, first + 8)], HELD_S, unchanged).confident


def test_frame_of_another_video_among_right_ones_changes_nothing(snapshot: Snapshot) -> None:
    verdict = searched(snapshot, [206, 207, 105, 209, 210, 211], HELD_S, unchanged)
    assert verdict.confident
    assert verdict.scenes[0].video == "two"
    assert agreeing(verdict) == [0, 1, 3, 4, 5]
