"""From a picture to scenes, over a real index of drawn videos."""

from __future__ import annotations

import json
from dataclasses import asdict

import cv2
import numpy as np
import pytest

from anime_search.engine.descriptor import DctDescriptor, at_frame_size
from anime_search.engine.index.manifest import Geometry
from anime_search.engine.index.segment import VideoFrames
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.index.store import IndexStore
from anime_search.engine.search import RUNS_PER_VIEW, Scene, SceneSearcher, SearchOutcome
from anime_search.engine.similarity import CALIBRATIONS, Calibration, VerifiedWeights
from tests.anime_search.engine.clips import Rgb

DCT = DctDescriptor()
CALIBRATION = CALIBRATIONS[DCT.name]
SEARCHER = SceneSearcher(DCT, CALIBRATION)


def shot(seed: int, step: int = 0, size: tuple[int, int] = (384, 216)) -> Rgb:
    """Frame ``step`` of a shot in which shapes drift slowly to the right."""
    random = np.random.default_rng(seed)
    width, height = size
    rgb = np.empty((height, width, 3), np.uint8)
    rgb[:] = random.integers(40, 200, 3)
    for _ in range(14):
        centre = (int(random.uniform(0, width)) + 3 * step, int(random.uniform(0, height)))
        axes = (int(random.uniform(0.04, 0.3) * width), int(random.uniform(0.04, 0.4) * height))
        colour = tuple(int(value) for value in random.integers(0, 256, 3))
        cv2.ellipse(rgb, centre, axes, random.uniform(0, 180), 0, 360, colour, -1)
    return rgb


def film(video: str, seeds: range, steps: int = 5) -> VideoFrames:
    """Shots of ``steps`` runs of half a second, each shot ten seconds after the one before."""
    pictures = [at_frame_size(shot(seed, step)) for seed in seeds for step in range(steps)]
    start = np.array([10_000 * n + 500 * step for n in range(len(seeds)) for step in range(steps)], np.int32)
    return VideoFrames(video, DCT.describe(np.stack(pictures)), np.stack([start, start + 200, start + 400]))


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    store = IndexStore(tmp_path_factory.mktemp("index"), Geometry(DCT.name, DCT.dim), ef=256)
    films = [film("one", range(100, 130)), film("two", range(200, 230)), film("copy", range(100, 103))]
    with store.writing():
        store.build(iter(films), sum(len(part.vectors) for part in films), threads=1)
    snapshot, problems = store.load_best()
    assert snapshot is not None
    assert not problems
    return snapshot


def search(
    rgb: Rgb, snapshot: Snapshot, *, limit: int = 5, videos: set[str] | None = None, flat: bool = False
) -> SearchOutcome:
    chosen = None if videos is None else frozenset(videos)
    return SEARCHER.search(rgb, snapshot, limit=limit, videos=chosen, flat=flat)


def framed(rgb: Rgb, lines: int) -> Rgb:
    return cv2.copyMakeBorder(rgb, lines, lines, 0, 0, cv2.BORDER_CONSTANT, value=(0, 0, 0))


QUERIES = {
    "as it is": (shot(212, 2), "full"),
    "small": (cv2.resize(shot(212, 2), (120, 68), interpolation=cv2.INTER_AREA), "full"),
    "mirrored": (np.ascontiguousarray(shot(212, 2)[:, ::-1]), "full+mirrored"),
    "letterboxed": (framed(shot(212, 2), 40), "borders_removed"),
    "letterboxed and mirrored": (
        np.ascontiguousarray(framed(shot(212, 2), 40)[:, ::-1]),
        "borders_removed+mirrored",
    ),
}


@pytest.mark.parametrize("case", QUERIES)
def test_the_scene_is_found_by_the_view_that_undoes_the_change(case: str, snapshot: Snapshot) -> None:
    rgb, view = QUERIES[case]
    outcome = search(rgb, snapshot)
    best = outcome.scenes[0]
    assert (best.video, best.view) == ("two", view)
    assert best.from_s <= 121.0 <= best.to_s
    assert best.at_s == pytest.approx(121.2, abs=0.55)
    assert 120.0 <= best.from_s <= best.at_s <= best.to_s <= 122.4
    assert outcome.confident
    assert best.similarity > 0.97
    assert best.probability >= CALIBRATION.confident


def test_neighbouring_runs_are_one_scene(snapshot: Snapshot) -> None:
    outcome = search(shot(212, 2), snapshot, limit=50)
    near = [scene for scene in outcome.scenes if scene.video == "two" and 118 < scene.at_s < 124]
    assert len(near) == 1
    assert near[0].to_s - near[0].from_s > 0.4


def test_scenes_come_best_first_and_no_more_than_asked(snapshot: Snapshot) -> None:
    for limit in (0, 1, 3, 50):
        scenes = search(shot(115), snapshot, limit=limit).scenes
        assert len(scenes) <= limit
        assert [s.similarity for s in scenes] == sorted((s.similarity for s in scenes), reverse=True)
    assert len(search(shot(115), snapshot, limit=3).scenes) == 3


def test_a_picture_in_two_videos_is_found_in_both(snapshot: Snapshot) -> None:
    scenes = search(shot(101), snapshot).scenes
    assert {(scene.video, round(scene.from_s)) for scene in scenes[:2]} == {("one", 10), ("copy", 10)}
    assert scenes[0].similarity == pytest.approx(scenes[1].similarity, abs=1e-4)


def test_looking_in_some_videos_only(snapshot: Snapshot) -> None:
    assert {scene.video for scene in search(shot(101), snapshot, videos={"copy"}).scenes} == {"copy"}
    other = search(shot(101), snapshot, videos={"two"})
    assert {scene.video for scene in other.scenes} == {"two"}
    assert not other.confident
    assert search(shot(101), snapshot, videos=set()).scenes == ()
    assert search(shot(101), snapshot, videos={"none of them"}).scenes == ()


def test_a_picture_of_no_video_is_no_match(snapshot: Snapshot) -> None:
    for seed in range(900, 912):
        outcome = search(shot(seed), snapshot)
        assert not outcome.confident
        assert outcome.scenes[0].similarity < 0.87
        assert outcome.scenes[0].probability < 0.5


def test_a_flat_picture_is_never_called_a_match(snapshot: Snapshot) -> None:
    outcome = search(shot(212, 2), snapshot, flat=True)
    assert not outcome.confident
    assert {scene.probability for scene in outcome.scenes} == {0.0}
    assert outcome.scenes[0].video == "two"


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((300, 500, 3), np.uint8),
        np.full((2, 2000, 3), 255, np.uint8),
        np.random.default_rng(0).integers(0, 256, (40, 3, 3), np.uint8),
    ],
    ids=["one pixel", "black", "a thread", "noise"],
)
def test_any_picture_may_be_searched(rgb: Rgb, snapshot: Snapshot) -> None:
    outcome = search(rgb, snapshot)
    assert not outcome.confident
    for scene in outcome.scenes:
        assert 0 <= scene.similarity <= 1
        assert 0 <= scene.probability <= 1


def test_an_empty_index_finds_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    store = IndexStore(tmp_path_factory.mktemp("empty"), Geometry(DCT.name, DCT.dim), ef=16)
    with store.writing():
        store.build(iter([]), 0, threads=1)
    snapshot, _ = store.load_best()
    assert snapshot is not None
    outcome = search(shot(1), snapshot)
    assert (outcome.scenes, outcome.confident, outcome.frames) == ((), False, 0)


def test_an_outcome_says_where_it_was_found_and_what_it_cost(snapshot: Snapshot) -> None:
    ticks = iter(range(100))
    searcher = SceneSearcher(DCT, CALIBRATION, timer=lambda: 0.001 * next(ticks))
    outcome = searcher.search(shot(212), snapshot, limit=1)
    assert (outcome.frames, outcome.generation) == (315, 1)
    stages = {"views": 1, "describe": 1, "index": 1, "verify": 1, "group": 1}
    assert outcome.timings_ms == pytest.approx(stages)


def asked_of(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, object]]:
    asked: list[tuple[int, int, object]] = []
    original = snapshot.search

    def spy(queries: np.ndarray, k: int, videos: frozenset[str] | None) -> object:
        asked.append((len(queries), k, videos))
        return original(queries, k, videos)

    monkeypatch.setattr(snapshot, "search", spy)
    return asked


def test_each_view_asks_the_index_for_as_much(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_of(snapshot, monkeypatch)
    search(framed(shot(212), 40), snapshot)
    search(framed(shot(212), 40), snapshot, videos={"two"})
    assert asked == [(4, RUNS_PER_VIEW, None), (4, RUNS_PER_VIEW, frozenset({"two"}))]


def test_more_views_are_made_only_where_the_first_find_no_match(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asked_of(snapshot, monkeypatch)
    search(shot(212), snapshot)
    assert len(asked) == 1
    asked.clear()
    search(shot(901), snapshot)
    assert len(asked) == 2
    assert asked[1][0] >= 2


class TestVerified:
    """With stored pictures to compare with."""

    WEIGHTS = VerifiedWeights(
        bias=-9.0, cosine=4.0, inliers=1.2, coverage=2.0, agreement=8.0, weakest=2.0, compared=1.0
    )
    CALIBRATION = Calibration(
        slope=22.58, midpoint=0.7356, confident=0.758, verified=WEIGHTS, confident_verified=0.95
    )

    @staticmethod
    def picture(video: str, from_ms: int) -> Rgb | None:
        first = {"one": 100, "two": 200, "copy": 100}[video]
        return at_frame_size(shot(first + from_ms // 10_000, from_ms % 10_000 // 500))

    def search(self, rgb: Rgb, snapshot: Snapshot, *, limit: int = 5) -> SearchOutcome:
        searcher = SceneSearcher(DCT, self.CALIBRATION, thumbnails=self.picture)
        return searcher.search(rgb, snapshot, limit=limit)

    @pytest.mark.parametrize("case", QUERIES)
    def test_the_scene_is_a_match(self, case: str, snapshot: Snapshot) -> None:
        rgb, view = QUERIES[case]
        outcome = self.search(rgb, snapshot)
        best = outcome.scenes[0]
        assert outcome.confident
        assert best.is_match
        assert (best.video, best.view) == ("two", view)
        # Neighbouring runs differ by a shift of three pixels, which a border cut a pixel off looks like too.
        assert best.at_s == pytest.approx(121.2, abs=0.01 if "letterbox" not in case else 0.51)

    def test_a_cropped_picture_is_found_with_its_sides_put_back(self, snapshot: Snapshot) -> None:
        cropped = np.ascontiguousarray(shot(217, 1)[26:190, 46:338])
        outcome = self.search(cropped, snapshot)
        assert outcome.confident
        assert outcome.scenes[0].video == "two"
        assert outcome.scenes[0].at_s == pytest.approx(170.7, abs=0.51)

    def test_a_picture_in_two_videos_is_one_scene_with_two_places(self, snapshot: Snapshot) -> None:
        outcome = self.search(shot(101), snapshot)
        best = outcome.scenes[0]
        assert {best.video, *(place.video for place in best.also)} == {"one", "copy"}
        (place,) = best.also
        assert place.at_s == pytest.approx(10.2, abs=0.3)
        assert "copy" not in {scene.video for scene in outcome.scenes[1:]}

    def test_a_picture_of_no_video_is_no_match(self, snapshot: Snapshot) -> None:
        for seed in range(900, 912):
            outcome = self.search(shot(seed), snapshot)
            assert not outcome.confident
            assert outcome.scenes[0].similarity < 0.87
            assert not any(scene.is_match for scene in outcome.scenes)

    def test_a_missing_picture_means_that_the_cosine_decides(self, snapshot: Snapshot) -> None:
        searcher = SceneSearcher(DCT, self.CALIBRATION, thumbnails=lambda video, from_ms: None)
        plain = SEARCHER.search(shot(212, 2), snapshot, limit=3)
        assert searcher.search(shot(212, 2), snapshot, limit=3).scenes == plain.scenes

    def test_scenes_come_likeliest_first(self, snapshot: Snapshot) -> None:
        outcome = self.search(shot(115, 3), snapshot, limit=50)
        chances = [scene.similarity for scene in outcome.scenes]
        assert chances == sorted(chances, reverse=True)

    def test_a_scene_comes_through_json_whole(self, snapshot: Snapshot) -> None:
        for scene in self.search(shot(101), snapshot).scenes:
            assert Scene.of(json.loads(json.dumps(asdict(scene)))) == scene
