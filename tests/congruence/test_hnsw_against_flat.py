"""The graph answers as the exact index does, but for what an approximation may miss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from anime_search.engine.index import hnsw
from anime_search.engine.index.codes import encode
from anime_search.engine.index.flat import FlatIndex
from anime_search.engine.index.hnsw import HnswIndex, build_graph
from anime_search.engine.index.manifest import Geometry
from anime_search.engine.index.segment import FrameHit, Segment, VideoFrames
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.index.store import IndexStore
from tests.anime_search.index.made import Vectors, clustered, frames, unit

DIM, COUNT, EF = 96, 5000, 256
#: Scores are sums of float32 products, which two implementations add in another order.
ROUNDING = 4e-6


@pytest.fixture(scope="module", autouse=True)
def graphs_of_any_size() -> Iterator[None]:
    """Small indexes are exact by themselves; here each has a graph, inserted in several batches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hnsw, "GRAPH_FROM", 1)
        patch.setattr(hnsw, "INSERTED_AT_A_TIME", 1000)
        yield


def rounded(vectors: Vectors) -> Vectors:
    """The vectors as an index keeps them."""
    return unit(encode(vectors).astype(np.float32))


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return rounded(clustered(COUNT, DIM, seed=11))


@pytest.fixture(scope="module")
def graph(vectors: Vectors, tmp_path_factory: pytest.TempPathFactory) -> HnswIndex:
    path = tmp_path_factory.mktemp("graph") / "frames.hnsw"
    build_graph(path, np.array_split(vectors, 20), dim=DIM, count=COUNT, threads=1)
    return HnswIndex.load(path, dim=DIM, count=COUNT, ef=EF)


def queries(vectors: Vectors, noise: float, count: int = 300) -> Vectors:
    """Indexed vectors with noise in them, as a screenshot's are."""
    random = np.random.default_rng(23)
    chosen = vectors[random.integers(0, len(vectors), count)]
    return unit(chosen + noise / np.sqrt(DIM) * random.normal(size=chosen.shape))


@pytest.mark.parametrize("k", [1, 10, 64, 128])
@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5, 2.0])
def test_recall(noise: float, k: int, vectors: Vectors, graph: HnswIndex) -> None:
    asked = queries(vectors, noise)
    labels, scores = graph.search(asked, k)
    exact_labels, exact_scores = FlatIndex(vectors).search(asked, k)
    assert labels.shape == exact_labels.shape == (300, k)
    # A neighbour counts as found if it is as near as the k-th: among equals, any choice is right.
    assert (scores >= exact_scores[:, -1:] - ROUNDING).mean() >= 0.95
    assert (scores[:, 0] >= exact_scores[:, 0] - ROUNDING).mean() >= 0.98


def test_scores_are_the_cosines_of_the_labels(vectors: Vectors, graph: HnswIndex) -> None:
    asked = queries(vectors, 0.3)
    for index in (graph, FlatIndex(vectors)):
        labels, scores = index.search(asked, 20)
        cosines = np.einsum("qd,qkd->qk", asked, vectors[labels])
        assert scores == pytest.approx(cosines, abs=ROUNDING)
        assert np.all(np.diff(scores, axis=1) <= ROUNDING)
        assert all(len(set(row)) == 20 for row in labels.tolist())


def test_both_keep_the_vectors_as_they_were(vectors: Vectors, graph: HnswIndex) -> None:
    assert graph.has_graph
    assert graph.vectors(0, COUNT) == pytest.approx(FlatIndex(vectors).vectors(0, COUNT), abs=ROUNDING)


def test_equal_vectors_are_all_found_by_both(vectors: Vectors, tmp_path: Path) -> None:
    """Twelve episodes with one opening: every one of them is a right answer, whatever the order."""
    repeated = np.concatenate([vectors[:600], np.repeat(vectors[600:610], 12, axis=0)])
    build_graph(tmp_path / "g", [repeated], dim=DIM, count=len(repeated), threads=1)
    graph = HnswIndex.load(tmp_path / "g", dim=DIM, count=len(repeated), ef=EF)
    for number in range(10):
        query = vectors[600 + number : 601 + number]
        ours = set(range(600 + 12 * number, 612 + 12 * number))
        for index in (graph, FlatIndex(repeated)):
            labels, scores = index.search(query, 12)
            assert set(labels[0].tolist()) == ours
            assert scores == pytest.approx(np.ones((1, 12)), abs=1e-5)


@pytest.mark.parametrize("count", [0, 1, 2, 17])
def test_small_indexes_answer_alike(count: int, vectors: Vectors, tmp_path: Path) -> None:
    few = vectors[:count]
    build_graph(tmp_path / "g", [few] if count else [], dim=DIM, count=count, threads=1)
    graph = HnswIndex.load(tmp_path / "g", dim=DIM, count=count, ef=EF)
    for k in (0, 1, 16, 17, 18, 1000):
        labels, scores = graph.search(vectors[:5], k)
        exact_labels, exact_scores = FlatIndex(few).search(vectors[:5], k)
        assert np.array_equal(labels, exact_labels)
        assert scores == pytest.approx(exact_scores, abs=ROUNDING)
        assert labels.dtype == exact_labels.dtype
        assert scores.dtype == exact_scores.dtype


def test_more_threads_build_as_good_a_graph(vectors: Vectors, tmp_path: Path) -> None:
    build_graph(tmp_path / "g", np.array_split(vectors, 4), dim=DIM, count=COUNT, threads=4)
    graph = HnswIndex.load(tmp_path / "g", dim=DIM, count=COUNT, ef=EF)
    asked = queries(vectors, 0.3)
    exact = FlatIndex(vectors).search(asked, 10)[1]
    assert (graph.search(asked, 10)[1] >= exact[:, -1:] - ROUNDING).mean() >= 0.95


# --- whole segments, with videos and times


VIDEOS = [frames(f"v{n}", size, dim=DIM) for n, size in enumerate([40, 0, 120, 1, 77, 0, 200, 62])]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    store = IndexStore(tmp_path_factory.mktemp("index"), Geometry("made-1", DIM), ef=EF)
    with store.writing():
        store.build(iter(VIDEOS[:5]), 238, threads=1)
        store.add(iter(VIDEOS[5:]), 262, threads=1)
        store.remove(["v4"])
    snapshot, _ = store.load_best()
    assert snapshot is not None
    return snapshot


def exact_twin(segment: Segment) -> Segment:
    """The same segment on the exact index."""
    flat = FlatIndex(segment._index.vectors(0, segment.manifest.count))
    return Segment(segment.manifest, flat, segment._starts, segment._times_ms)


def plain(hits: list[list[FrameHit]]) -> list[list[tuple[str, int, int, int]]]:
    return [[(hit.video, hit.from_ms, hit.at_ms, hit.to_ms) for hit in row] for row in hits]


@pytest.fixture(scope="module")
def asked() -> Vectors:
    whole: list[VideoFrames] = [video for video in VIDEOS if len(video.vectors)]
    return queries(np.concatenate([unit(video.vectors.astype(np.float32)) for video in whole]), 0.4, 60)


@pytest.mark.parametrize(
    "videos",
    [{"v0"}, {"v1"}, {"v0", "v2", "v6"}, {"v3", "v5"}, {"v4"}, {"v4", "v7"}, {"nowhere"}, set()],
    ids=lambda videos: "+".join(sorted(videos)) or "none",
)
@pytest.mark.parametrize("k", [1, 20, 5000])
def test_looking_in_some_videos_only_is_exact(
    videos: set[str], k: int, snapshot: Snapshot, asked: Vectors
) -> None:
    twin = Snapshot(snapshot.manifest, [exact_twin(segment) for segment in snapshot.segments])
    ours, exact = (index.search(asked, k, frozenset(videos)) for index in (snapshot, twin))
    assert plain(ours) == plain(exact)
    found = {hit.video for row in ours for hit in row}
    assert found <= videos - {"v4"}
    sizes = {video.video: len(video.vectors) for video in VIDEOS}
    room = sum(sizes.get(video, 0) for video in videos - {"v4"})
    assert {len(row) for row in ours} == {min(k, room)}
    for row, exact_row in zip(ours, exact, strict=True):
        assert [hit.score for hit in row] == pytest.approx([hit.score for hit in exact_row], abs=ROUNDING)


@pytest.mark.parametrize("k", [1, 10, 64])
def test_looking_everywhere_finds_what_the_exact_index_finds(
    k: int, snapshot: Snapshot, asked: Vectors
) -> None:
    twin = Snapshot(snapshot.manifest, [exact_twin(segment) for segment in snapshot.segments])
    ours, exact = snapshot.search(asked, k), twin.search(asked, k)
    same = [len(set(one) & set(other)) / k for one, other in zip(plain(ours), plain(exact), strict=True)]
    assert np.mean(same) >= 0.99
    assert [row[0] for row in plain(ours)] == [row[0] for row in plain(exact)]
    assert not {hit.video for row in ours for hit in row} & {"v4"}


def test_more_than_there_is_gives_all_that_there_is(snapshot: Snapshot, asked: Vectors) -> None:
    hits = snapshot.search(asked[:2], 100_000)
    assert [len(row) for row in hits] == [snapshot.count, snapshot.count] == [423, 423]
    assert all(len({(hit.video, hit.from_ms) for hit in row}) == 423 for row in hits)
