"""The life of an index on disk: built, grown, merged, gone back."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from anime_search.engine.index.manifest import Geometry, ManifestError, SegmentRef
from anime_search.engine.index.segment import VideoFrames
from anime_search.engine.index.store import (
    KEPT_GENERATIONS,
    MOST_SEGMENTS,
    IndexStore,
    OtherDescriptorError,
    smallest_segments,
)
from tests.anime_search.index.made import (
    DIM,
    added,
    built,
    clustered,
    files_of,
    finds,
    found,
    frames,
    loaded,
    store_at,
)

A, B, C = (frames(name) for name in "abc")


@pytest.fixture
def store(tmp_path: Path) -> IndexStore:
    return store_at(tmp_path / "index")


def test_before_the_first_generation_there_is_nothing(store: IndexStore) -> None:
    assert store.load_best() == (None, [])
    assert store.current_number() is None
    assert store.usable() is None
    assert store.numbers() == []
    assert store.verify() == []
    assert store.remove(["a"]) is None
    assert store.merge(threads=1) is None
    with pytest.raises(ManifestError):
        store.rollback()


def test_what_was_built_is_found(store: IndexStore) -> None:
    manifest = built(store, A, B)
    assert (manifest.number, manifest.count, len(manifest.segments)) == (1, 60, 1)
    snapshot = loaded(store)
    assert (snapshot.number, snapshot.count, sorted(snapshot.videos)) == (1, 60, ["a", "b"])
    assert all(finds(snapshot, [A, B]))
    assert store.verify() == []


def test_times_and_scores_are_those_of_the_frame(store: IndexStore) -> None:
    built(store, A, B)
    hit = loaded(store).search(B.vectors[7:8].astype(np.float32), 1)[0][0]
    assert (hit.video, hit.from_ms, hit.at_ms, hit.to_ms) == ("b", 3500, 3700, 3900)
    assert hit.score == pytest.approx(1.0, abs=1e-3)
    assert hit.run == 7


def test_a_hit_says_which_run_of_its_video_it_is(store: IndexStore) -> None:
    built(store, A, B)
    added(store, C)
    snapshot = loaded(store)
    for video in (A, B, C):
        query = video.vectors[11:12].astype(np.float32)
        for hits in (*snapshot.search(query, 90), *snapshot.search(query, 90, frozenset(video.video))):
            assert all(500 * hit.run == hit.from_ms for hit in hits)
        assert snapshot.search(query, 1, frozenset(video.video))[0][0].run == 11


def test_hits_come_best_first_and_for_each_query(store: IndexStore) -> None:
    built(store, A)
    added(store, B)
    queries = np.concatenate([A.vectors[:2], B.vectors[:1]]).astype(np.float32)
    results = loaded(store).search(queries, 10)
    assert [len(hits) for hits in results] == [10, 10, 10]
    assert [hits[0].video for hits in results] == ["a", "a", "b"]
    for hits in results:
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_what_is_added_is_found_beside_the_old(store: IndexStore) -> None:
    built(store, A)
    manifest = added(store, B, C)
    assert (manifest.number, len(manifest.segments)) == (2, 2)
    assert all(finds(loaded(store), [A, B, C]))
    assert store.videos(manifest) == {"a", "b", "c"}


def test_building_anew_forgets_the_old(store: IndexStore) -> None:
    built(store, A, B)
    built(store, C)
    assert loaded(store).videos == {"c"}


def test_a_removed_video_is_not_found(store: IndexStore) -> None:
    built(store, A, B)
    with store.writing():
        manifest = store.remove(["a"])
    assert manifest is not None
    assert manifest.gone == ("a",)
    snapshot = loaded(store)
    assert (sorted(snapshot.videos), snapshot.count) == (["b"], 30)
    assert {video for video, _ in found(snapshot, A, 0, 60)} == {"b"}
    assert snapshot.search(A.vectors[:1].astype(np.float32), 5, frozenset("a")) == [[]]


def test_removing_all_leaves_an_index_that_finds_nothing(store: IndexStore) -> None:
    built(store, A, B)
    with store.writing():
        store.remove(["a", "b"])
    assert loaded(store).count == 0
    assert found(loaded(store), A) == []
    with store.writing():
        merged = store.merge(threads=1)
    assert merged is not None
    assert (merged.count, merged.segments, merged.gone) == (0, (), ())
    assert found(loaded(store), A) == []
    added(store, C)
    assert all(finds(loaded(store), [C]))


def test_a_video_that_comes_back_is_found_once(store: IndexStore) -> None:
    built(store, A, B)
    added(store, C)
    with store.writing():
        store.remove(["a", "b"])
    again = frames("a", 20, seed=77)
    manifest = added(store, again)
    assert manifest.gone == ("b",)
    snapshot = loaded(store)
    assert (sorted(snapshot.videos), snapshot.count) == (["a", "c"], 50)
    assert all(finds(snapshot, [again, C]))
    assert len([video for video, _ in found(snapshot, again, 0, 100) if video == "a"]) == 20


def test_merging_keeps_the_living_and_drops_the_gone(store: IndexStore) -> None:
    built(store, A)
    added(store, B)
    added(store, C)
    with store.writing():
        store.remove(["b"])
        merged = store.merge(threads=1)
    assert merged is not None
    assert (len(merged.segments), merged.count, merged.gone) == (1, 60, ())
    assert all(finds(loaded(store), [A, C]))
    with store.writing():
        assert store.merge(threads=1) == merged


def test_vectors_survive_merging_bit_by_bit(store: IndexStore) -> None:
    built(store, A)
    before = loaded(store).segments[0].frames("a")
    added(store, B)
    with store.writing():
        store.merge(threads=1)
    after = loaded(store).segments[0].frames("a")
    assert np.array_equal(before.times_ms, after.times_ms)
    assert before.vectors.dtype == after.vectors.dtype == np.int8
    assert np.array_equal(before.vectors, after.vectors)


def test_many_small_additions_are_merged_now_and_then(store: IndexStore) -> None:
    videos = [frames(f"video{n}", 5) for n in range(25)]
    sizes = [len(added(store, video).segments) for video in videos]
    assert max(sizes) <= MOST_SEGMENTS
    assert all(finds(loaded(store), videos))
    assert loaded(store).count == 125


def test_the_largest_segments_are_left_alone() -> None:
    refs = [SegmentRef(str(n), "", count) for n, count in enumerate([1000, 1, 5000, 2, 3, 4, 100, 200, 5])]
    assert {ref.count for ref in smallest_segments(refs)} == {1, 2, 3, 4, 5}


def test_a_video_without_frames_is_known_and_never_found(store: IndexStore) -> None:
    empty = frames("empty", 0)
    built(store, empty)
    assert (sorted(loaded(store).videos), loaded(store).count) == (["empty"], 0)
    assert found(loaded(store), A) == []
    assert loaded(store).search(A.vectors[:2].astype(np.float32), 5, frozenset({"empty"})) == [[], []]
    added(store, A, frames("hollow", 0), B)
    added(store, frames("void", 0))
    snapshot = loaded(store)
    assert snapshot.videos == {"empty", "hollow", "void", "a", "b"}
    assert all(finds(snapshot, [A, B]))
    with store.writing():
        store.merge(threads=1)
    snapshot = loaded(store)
    assert snapshot.videos == {"empty", "hollow", "void", "a", "b"}
    assert all(finds(snapshot, [A, B]))


def test_an_index_of_nothing_can_be_built(store: IndexStore) -> None:
    built(store)
    assert loaded(store).count == 0
    assert found(loaded(store), A) == []


# --- generations


def test_rolling_back_uses_the_generation_before(store: IndexStore) -> None:
    built(store, A)
    added(store, B)
    added(store, C)
    with store.writing():
        assert store.rollback().number == 2
    assert loaded(store).videos == {"a", "b"}
    with store.writing():
        assert store.rollback().number == 1
    assert loaded(store).videos == {"a"}
    with store.writing(), pytest.raises(ManifestError):
        store.rollback()
    manifest = added(store, C)
    assert manifest.number == 4
    assert loaded(store).videos == {"a", "c"}


def test_old_generations_and_their_segments_are_collected(store: IndexStore) -> None:
    for name in "abcdefgh":
        built(store, frames(name))
    assert store.numbers() == list(range(8 - KEPT_GENERATIONS, 9))
    assert len(list((store.root / "segments").iterdir())) == KEPT_GENERATIONS + 1
    for _ in range(KEPT_GENERATIONS):
        with store.writing():
            store.rollback()
        assert loaded(store).count == 30


def test_what_a_killed_writer_left_is_collected(store: IndexStore) -> None:
    built(store, A)
    (store.root / "segments" / ".abc.part").mkdir()
    (store.root / "segments" / ".abc.part" / "frames.hnsw").write_bytes(b"half")
    (store.root / "segments" / "f00d").mkdir()
    (store.root / "generations" / ".xyz.part").write_bytes(b"{")
    (store.root / ".cur.part").write_bytes(b"1")
    added(store, B)
    assert len(list((store.root / "segments").iterdir())) == 2
    assert not list(store.root.rglob("*.part"))
    assert all(finds(loaded(store), [A, B]))


def test_an_index_of_another_descriptor_is_refused(store: IndexStore, tmp_path: Path) -> None:
    built(store, A)
    for geometry in (
        Geometry("made-2", DIM),
        Geometry("made-1", DIM * 2),
        Geometry("made-1", DIM, "l2"),
        Geometry("made-1", DIM, storage="f4"),
    ):
        other = store_at(tmp_path / "index", geometry=geometry)
        snapshot, problems = other.load_best()
        assert snapshot is None
        assert "was made by" in problems[0]
        assert other.usable() is None


def test_a_new_descriptor_s_index_leaves_the_old_one_to_go_back_to(store: IndexStore, tmp_path: Path) -> None:
    built(store, A)
    newer = store_at(tmp_path / "index", geometry=Geometry("made-2", DIM))
    assert built(newer, B).number == 2
    assert loaded(newer).videos == {"b"}
    snapshot, problems = store.load_best()
    assert snapshot is not None
    assert snapshot.videos == {"a"}
    assert len(problems) == 1


# --- from one descriptor to the next

NEWER = Geometry("made-2", 24)
E, F = (frames(name, dim=NEWER.dim) for name in "ef")


@pytest.fixture
def newer(store: IndexStore) -> IndexStore:
    """The store of a process that describes anew, and still knows the descriptor before."""
    return store_at(store.root, geometry=NEWER, known=[store.geometry])


def test_the_old_descriptor_s_answers_are_served_until_the_swap(store: IndexStore, newer: IndexStore) -> None:
    built(store, A)
    added(store, B)
    snapshot = loaded(newer)
    assert snapshot.manifest.geometry == store.geometry
    assert all(finds(snapshot, [A, B]))
    assert newer.verify() == []
    assert built(newer, E, F).number == 3
    assert loaded(newer).manifest.geometry == NEWER
    assert all(finds(loaded(newer), [E, F]))
    assert newer.verify() == []
    # Whoever searches the old one still does.
    assert all(finds(snapshot, [A, B]))


def test_nothing_is_written_beside_another_descriptor_s_index(store: IndexStore, newer: IndexStore) -> None:
    """One new video, described anew, must not become all that is found."""
    built(store, A, B)
    before = files_of(store.root)
    assert newer.usable() is None
    assert (other := newer.in_use_of_another())
    assert (other.number, other.geometry) == (1, store.geometry)
    with newer.writing():
        with pytest.raises(OtherDescriptorError, match=r"generation 1.* made by made-1 and not by made-2"):
            newer.add(iter([E]), len(E.vectors), threads=1)
        assert newer.remove(["a"]) is None
        assert newer.merge(threads=1) is None
    assert files_of(store.root) == before
    assert loaded(newer).videos == {"a", "b"}
    built(newer, E)
    assert newer.in_use_of_another() is None
    added(newer, F)
    assert all(finds(loaded(newer), [E, F]))


def test_an_older_index_of_one_s_own_is_not_continued_past_another_s(
    store: IndexStore, newer: IndexStore
) -> None:
    built(newer, E)
    built(store, A)
    assert newer.usable() is None
    with newer.writing(), pytest.raises(OtherDescriptorError):
        newer.add(iter([F]), len(F.vectors), threads=1)
    assert loaded(newer).videos == {"a"}


def test_going_back_across_descriptors_and_forth(store: IndexStore, newer: IndexStore) -> None:
    built(store, A)
    built(newer, E)
    added(newer, F)
    for number, geometry in ((2, NEWER), (1, store.geometry)):
        with newer.writing():
            assert newer.rollback().number == number
        assert loaded(newer).manifest.geometry == geometry
    assert all(finds(loaded(newer), [A]))
    # A process that only knows the old one goes on from there.
    added(store, B)
    assert loaded(store).videos == {"a", "b"}
    assert built(newer, E).number == 5
    assert loaded(newer).videos == {"e"}


def test_a_broken_new_index_falls_back_to_the_old_descriptor_s(store: IndexStore, newer: IndexStore) -> None:
    built(store, A)
    manifest = built(newer, E)
    (store.root / "segments" / manifest.segments[0].segment / "times.safetensors").write_bytes(b"")
    snapshot, problems = newer.load_best()
    assert snapshot is not None
    assert snapshot.manifest.geometry == store.geometry
    assert all(finds(snapshot, [A]))
    assert len(problems) == 1


def test_segments_are_of_their_generation_s_descriptor(store: IndexStore, newer: IndexStore) -> None:
    """A generation that names a segment of another known geometry is refused."""
    theirs = built(store, A)
    mine = built(newer, E)
    forged = replace(mine, segments=theirs.segments)
    newer._generation_path(mine.number).write_bytes(forged.encode())
    snapshot, problems = newer.load_best()
    assert snapshot is not None
    assert snapshot.number == theirs.number
    assert "was made by" in problems[0]


def test_generations_are_dated(tmp_path: Path) -> None:
    store = IndexStore(
        tmp_path, Geometry("made-1", DIM), ef=16, now=lambda: datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
    )
    assert built(store, A).created == "2026-03-04T05:06:07+00:00"


def test_progress_is_told(store: IndexStore) -> None:
    told: list[int] = []
    with store.writing():
        store.build(iter([A, B, C]), 90, threads=1, on_progress=told.append)
        assert told == [30, 60, 90]
        store.add(iter([frames("d")]), 30, threads=1)
        store.merge(threads=1, on_progress=told.append)
    assert told[-1] == 120


@pytest.mark.parametrize("count", [59, 61, 0])
def test_a_wrong_count_builds_nothing(count: int, store: IndexStore) -> None:
    built(store, C)
    before = files_of(store.root)
    with store.writing(), pytest.raises(Exception, match="vectors"):
        store.build(iter([A, B]), count, threads=1)
    assert files_of(store.root) == before
    assert loaded(store).videos == {"c"}


def test_an_exception_while_building_leaves_no_trace(store: IndexStore) -> None:
    built(store, C)
    before = files_of(store.root)

    def videos() -> object:
        yield A
        raise KeyboardInterrupt

    with store.writing(), pytest.raises(KeyboardInterrupt):
        store.build(videos(), 60, threads=1)
    assert files_of(store.root) == before
    assert list((store.root / "segments").glob(".*")) == []


def test_one_writer_at_a_time(store: IndexStore) -> None:
    """Sixteen threads add a video each; each continues from what the one before it left."""
    videos = [frames(f"t{n}", 4) for n in range(16)]
    threads = [threading.Thread(target=added, args=(store_at(store.root), video)) for video in videos]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded(store).videos == {video.video for video in videos}
    assert all(finds(loaded(store), videos))


# --- what the gone must not do to the living


def test_frames_of_the_gone_do_not_crowd_out_the_living(store: IndexStore) -> None:
    """A replaced video has more frames like the query than the index is asked for."""
    base = clustered(1, seed=5)[0]
    random = np.random.default_rng(1)

    def near(video: str, count: int, spread: float) -> VideoFrames:
        rows = base + spread * random.normal(size=(count, DIM))
        times = np.tile(np.arange(count, dtype=np.int32), (3, 1))
        return VideoFrames(video, rows / np.linalg.norm(rows, axis=1, keepdims=True), times)

    gone, living = near("gone", 300, 0.01), near("living", 3, 0.1)
    built(store, gone, living, frames("other", 200))
    with store.writing():
        store.remove(["gone"])
    hits = loaded(store).search(base[None], 10)[0]
    assert len(hits) == 10
    assert [hit.video for hit in hits[:3]] == ["living"] * 3
    assert {hit.video for hit in hits} == {"living", "other"}


# --- against a model


class Life(RuleBasedStateMachine):
    """Any order of operations: what should be found is found, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.store = store_at(Path(self._folder.name))
        self.now: dict[str, VideoFrames] = {}
        self.before: list[dict[str, VideoFrames]] = []

    def teardown(self) -> None:
        self._folder.cleanup()

    def _changed(self) -> None:
        self.before.append(dict(self.now))

    @rule(name=st.sampled_from("abcdef"), count=st.sampled_from([0, 1, 6]), seed=st.integers(0, 10**6))
    def add(self, name: str, count: int, seed: int) -> None:
        if name in self.now:
            return
        self._changed()
        self.now[name] = frames(name, count, seed=seed)
        added(self.store, self.now[name])

    @precondition(lambda self: self.now)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.now)))
        self._changed()
        del self.now[name]
        with self.store.writing():
            self.store.remove([name])

    @precondition(lambda self: self.before)
    @rule()
    def merge(self) -> None:
        with self.store.writing():
            self.store.merge(threads=1)

    @rule()
    def build(self) -> None:
        self._changed()
        built(self.store, *self.now.values())

    @invariant()
    def holds_what_it_should(self) -> None:
        snapshot, problems = self.store.load_best()
        assert problems == []
        if snapshot is None:
            assert not self.now
            return
        assert snapshot.videos == self.now.keys()
        assert snapshot.count == sum(len(video.vectors) for video in self.now.values())
        for video in self.now.values():
            for row in range(0, len(video.vectors), 3):
                query = video.vectors[row : row + 1].astype(np.float32)
                best = snapshot.search(query, 3)[0][0]
                assert best.score == pytest.approx(1, abs=1e-3)
        usable = self.store.usable()
        assert usable is not None
        assert self.store.videos(usable) == self.now.keys()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=15, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
)
