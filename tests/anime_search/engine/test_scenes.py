"""Hits near each other in time are one scene."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anime_search.engine.scenes import SCENE_GAP_MS, Hit, group_scenes


def hit(at_ms: int, score: float, *, video: str = "a", length_ms: int = 0, view: str = "full") -> Hit:
    return Hit(video, at_ms, at_ms + length_ms // 2, at_ms + length_ms, score, view)


CASES: dict[str, tuple[list[Hit], list[tuple[int, int, int, float]]]] = {
    "nothing": ([], []),
    "one": ([hit(5, 0.9)], [(5, 5, 5, 0.9)]),
    "neighbours": ([hit(0, 0.99), hit(1000, 0.98)], [(0, 0, 1000, 0.99)]),
    "as far apart as one scene goes": ([hit(0, 0.99), hit(2000, 0.98)], [(0, 0, 2000, 0.99)]),
    "one step farther": ([hit(0, 0.99), hit(2001, 0.98)], [(0, 0, 0, 0.99), (2001, 2001, 2001, 0.98)]),
    "a weak neighbour does not stretch it": ([hit(0, 0.99), hit(1000, 0.9)], [(0, 0, 0, 0.99)]),
    "nor does what is behind it": (
        [hit(0, 0.99), hit(1500, 0.9), hit(3000, 0.85)],
        [(0, 0, 0, 0.99), (3000, 3000, 3000, 0.85)],
    ),
    "a chain": ([hit(n * 1500, 0.99 - n * 0.005) for n in range(5)], [(0, 0, 6000, 0.99)]),
    "a bridge between two": (
        [hit(0, 0.99), hit(3500, 0.985), hit(1750, 0.98)],
        [(0, 0, 3500, 0.99)],
    ),
    "a bridge to a weaker one": ([hit(0, 0.99), hit(3500, 0.94), hit(1750, 0.96)], [(0, 0, 1750, 0.99)]),
    "two views of one run": (
        [hit(0, 0.9, view="full"), hit(0, 0.95, view="full+mirrored")],
        [(0, 0, 0, 0.95)],
    ),
    "long runs": ([hit(0, 0.99, length_ms=9000), hit(10_500, 0.98)], [(0, 4500, 10_500, 0.99)]),
}


@pytest.mark.parametrize("case", CASES)
def test_grouping(case: str) -> None:
    hits, expected = CASES[case]
    for order in (hits, hits[::-1]):
        assert [(s.from_ms, s.at_ms, s.to_ms, s.score) for s in group_scenes(order)] == expected


def test_the_best_hit_gives_time_score_and_view() -> None:
    (scene,) = group_scenes([hit(0, 0.97), hit(800, 0.99, view="borders_removed"), hit(1600, 0.98)])
    assert scene == Hit("a", 0, 800, 1600, 0.99, "borders_removed", picture_ms=800)


def test_videos_are_never_mixed() -> None:
    scenes = group_scenes([hit(0, 0.9, video="b"), hit(0, 0.95, video="a"), hit(100, 0.92, video="c")])
    assert [scene.video for scene in scenes] == ["a", "c", "b"]


hits = st.lists(
    st.builds(
        hit,
        at_ms=st.integers(0, 30_000),
        score=st.sampled_from([n / 100 for n in range(50, 101)]),
        video=st.sampled_from("abc"),
        length_ms=st.integers(0, 9_999),
        view=st.sampled_from(["full", "borders_removed"]),
    ),
    max_size=40,
)


@given(hits)
@example(
    [
        *[hit(0, 0.5, length_ms=0)] * 4,
        hit(0, 0.5, length_ms=1),
        hit(0, 0.56, length_ms=0),
        hit(2001, 0.5, length_ms=0),
        hit(2001, 0.51, length_ms=0),
    ]
)
def test_scenes_of_any_hits(found: list[Hit]) -> None:
    scenes = group_scenes(found)
    assert [scene.score for scene in scenes] == sorted((scene.score for scene in scenes), reverse=True)
    for one, other in combinations(scenes, 2):
        apart = max(one.from_ms - other.to_ms, other.from_ms - one.to_ms)
        assert one.video != other.video or apart > SCENE_GAP_MS
    for scene in scenes:
        inside = [
            h
            for h in found
            if h.video == scene.video and scene.from_ms <= h.from_ms <= h.to_ms <= scene.to_ms
        ]
        best = max(h.score for h in inside)
        assert best == scene.score
        assert any((h.at_ms, h.score, h.view) == (scene.at_ms, scene.score, scene.view) for h in inside)
        assert scene.from_ms <= scene.at_ms <= scene.to_ms
        assert scene.from_ms in {h.from_ms for h in inside}
        assert scene.to_ms in {h.to_ms for h in inside}
        # Only what is nearly as good stretches a scene.
        for edge in (
            max(h.score for h in inside if h.from_ms == scene.from_ms),
            max(h.score for h in inside if h.to_ms == scene.to_ms),
        ):
            assert edge >= scene.score - 0.04 - 1e-9
    for h in found:
        assert any(
            scene.video == h.video
            and scene.score >= h.score
            and max(scene.from_ms - h.to_ms, h.from_ms - scene.to_ms) <= SCENE_GAP_MS
            for scene in scenes
        )


@given(hits, st.randoms())
def test_the_order_of_the_hits_does_not_matter(found: list[Hit], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    spans = [(s.video, s.from_ms, s.to_ms, s.score) for s in group_scenes(found)]
    assert [(s.video, s.from_ms, s.to_ms, s.score) for s in group_scenes(shuffled)] == spans


@given(hits)
def test_grouping_scenes_again_changes_nothing(found: list[Hit]) -> None:
    scenes = group_scenes(found)
    assert group_scenes(scenes) == scenes
