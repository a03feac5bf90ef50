"""The graph: its limits, and where it gives up."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np
import pytest

from anime_search.engine.index import flat, hnsw
from anime_search.engine.index.base import Labels
from anime_search.engine.index.codes import encode
from anime_search.engine.index.flat import FlatIndex, search_ranges, top_k
from anime_search.engine.index.hnsw import HnswIndex, IndexFileError, build_graph
from tests.anime_search.index.made import DIM, Vectors, clustered, unit


@pytest.fixture(params=["graph", "no graph"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """With a graph, inserted in several batches, and without one; whether there is one."""
    wanted = bool(request.param == "graph")
    monkeypatch.setattr(hnsw, "GRAPH_FROM", 1 if wanted else 1_000_000)
    monkeypatch.setattr(hnsw, "INSERTED_AT_A_TIME", 70)
    return wanted


@pytest.fixture
def linked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hnsw, "GRAPH_FROM", 1)


def graph_of(path: Path, vectors: Vectors, *, ef: int = 64, batch: int = 50) -> HnswIndex:
    batches = [vectors[start : start + batch] for start in range(0, len(vectors), batch)]
    build_graph(path, batches, dim=vectors.shape[1], count=len(vectors), threads=1)
    return HnswIndex.load(path, dim=vectors.shape[1], count=len(vectors), ef=ef)


def test_vectors_come_back_by_label(either: bool, tmp_path: Path) -> None:
    vectors = clustered(120)
    graph = graph_of(tmp_path / "g", vectors)
    assert graph.has_graph is either
    assert graph.count == 120
    assert np.array_equal(graph.codes(0, 120), encode(vectors))
    assert graph.vectors(7, 9) == pytest.approx(vectors[7:9], abs=0.01)
    assert np.linalg.norm(graph.vectors(0, 120), axis=1) == pytest.approx(np.ones(120), abs=1e-6)
    assert graph.vectors(5, 5).shape == (0, DIM)
    labels, scores = graph.search(graph.vectors(0, 3), 1)
    assert labels.tolist() == [[0], [1], [2]]
    assert scores == pytest.approx(np.ones((3, 1)), abs=1e-5)
    assert labels.dtype == np.int64


@pytest.mark.parametrize("k", [0, 1, 10, 63, 64, 65, 120, 121, 10_000])
def test_any_number_of_neighbours_may_be_asked_for(k: int, either: bool, tmp_path: Path) -> None:
    vectors = clustered(120)
    graph = graph_of(tmp_path / "g", vectors, ef=16)
    labels, scores = graph.search(vectors[:4], k)
    assert labels.shape == scores.shape == (4, min(k, 120))
    assert all(len(set(row)) == len(row) for row in labels.tolist())
    assert np.all(np.diff(scores, axis=1) <= 1e-6)
    cosines = vectors[:4] @ graph.vectors(0, 120).T
    assert scores == pytest.approx(np.take_along_axis(cosines, labels, axis=1), abs=1e-5)


def test_an_empty_graph(either: bool, tmp_path: Path) -> None:
    graph = graph_of(tmp_path / "g", np.empty((0, DIM), np.float32))
    assert graph.count == 0
    assert graph.vectors(0, 0).shape == (0, DIM)
    assert [part.shape for part in graph.search(clustered(3), 5)] == [(3, 0), (3, 0)]


def test_a_search_that_strands_in_the_graph_is_done_exactly(
    linked: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = clustered(200)
    graph = graph_of(tmp_path / "g", vectors)
    exact = FlatIndex(graph.vectors(0, 200))
    whole = HnswIndex._nodes_near

    def stranded(index: HnswIndex, queries: Vectors, wanted: int) -> Labels:
        """As where an entry leads to three nodes only: faiss says -1 for the others."""
        nodes = whole(index, queries, wanted)
        nodes[1, 3:] = -1
        return nodes

    monkeypatch.setattr(HnswIndex, "_nodes_near", stranded)
    for k in (3, 4, 64, 500):
        labels, scores = graph.search(vectors[:5], k)
        assert np.array_equal(labels[:, :1], exact.search(vectors[:5], k)[0][:, :1])
        assert scores == pytest.approx(exact.search(vectors[:5], k)[1], abs=1e-5)


def test_hundreds_of_equal_vectors_hide_no_other(either: bool, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    groups = clustered(10, seed=3, scenes=10)
    vectors = np.concatenate([np.repeat(groups, 60, axis=0), clustered(300, seed=4)])
    random.shuffle(vectors)
    graph = graph_of(tmp_path / "g", vectors, ef=256)
    exact = FlatIndex(graph.vectors(0, 900))
    queries = unit(np.concatenate([groups, vectors[:50]]) + 0.02 * random.normal(size=(60, DIM)))
    for k in (1, 7, 64, 200):
        (labels, got), (_, best) = graph.search(queries, k), exact.search(queries, k)
        assert (got >= best[:, -1:] - 1e-5).mean() >= 0.99
        assert all(len(set(row)) == k for row in labels.tolist())
        cosines = np.einsum("qd,qkd->qk", queries, graph.vectors(0, 900)[labels])
        assert got == pytest.approx(cosines, abs=1e-5)


def test_frames_of_nothing_cut_off_no_other(linked: None, tmp_path: Path) -> None:
    """A descriptor gives zeros for a plain picture; nothing is like it, and it is as near to one as to another."""
    vectors = np.concatenate(
        [clustered(300, seed=4), np.zeros((200, DIM), np.float32), clustered(300, seed=5)]
    )
    graph = graph_of(tmp_path / "g", vectors)
    labels, scores = graph.search(graph.vectors(0, 800)[[*range(300), *range(500, 800)]], 1)
    assert scores == pytest.approx(np.ones((600, 1)), abs=1e-5)
    labels, scores = graph.search(np.zeros((1, DIM), np.float32), 10)
    assert labels.shape == (1, 10)
    assert not scores.any()


def test_vectors_of_every_batch_are_found(
    linked: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node of a later batch that is on a higher layer than all before it must not cut those off."""
    monkeypatch.setattr(hnsw, "INSERTED_AT_A_TIME", 20)
    vectors = clustered(2000, 32, seed=9)
    graph = graph_of(tmp_path / "g", vectors, ef=128)
    scores = graph.search(graph.vectors(0, 2000), 1)[1]
    assert (scores > 1 - 1e-5).mean() >= 0.999


def test_any_number_of_threads_may_search_at_once(linked: None, tmp_path: Path) -> None:
    vectors = clustered(2000, 32, seed=9)
    graph = graph_of(tmp_path / "g", vectors)
    alone = [graph.search(vectors[start : start + 6], 20) for start in range(0, 1200, 6)]
    with ThreadPoolExecutor(8) as pool:
        together = list(
            pool.map(lambda start: graph.search(vectors[start : start + 6], 20), range(0, 1200, 6))
        )
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one[0], other[0])
        assert np.array_equal(one[1], other[1])


def test_another_search_list_shares_the_index(linked: None, tmp_path: Path) -> None:
    vectors = clustered(500, 32, seed=2)
    graph = graph_of(tmp_path / "g", vectors, ef=200)
    assert graph.with_ef(1)._index is graph._index
    few, many = (index.search(vectors, 1)[1] for index in (graph.with_ef(1), graph))
    assert np.all(few <= many + 1e-6)


@pytest.mark.parametrize("count", [119, 121])
def test_a_graph_of_another_size_is_refused(count: int, either: bool, tmp_path: Path) -> None:
    graph_of(tmp_path / "g", clustered(120))
    with pytest.raises(IndexFileError, match="holds 120"):
        HnswIndex.load(tmp_path / "g", dim=DIM, count=count, ef=16)


@pytest.mark.parametrize("dim", [DIM - 1, DIM * 2])
def test_a_graph_of_other_vectors_is_refused(dim: int, either: bool, tmp_path: Path) -> None:
    graph_of(tmp_path / "g", clustered(120))
    with pytest.raises(IndexFileError, match=f"of {DIM} numbers"):
        HnswIndex.load(tmp_path / "g", dim=dim, count=120, ef=16)


def test_files_of_other_kinds_are_refused(either: bool, tmp_path: Path) -> None:
    path = tmp_path / "g"
    graph_of(path, clustered(120))
    whole = path.read_bytes()
    for content in (b"", b"x", b"hello" * 100, whole[: len(whole) // 2], whole[:-1], whole[:-8], whole[-8:]):
        path.write_bytes(content)
        with pytest.raises(IndexFileError, match="does not load"):
            HnswIndex.load(path, dim=DIM, count=120, ef=16)
    faiss.write_index(faiss.IndexFlatIP(DIM), str(path))
    with path.open("ab") as file:
        file.write(whole[-8:])
    with pytest.raises(IndexFileError, match="another kind"):
        HnswIndex.load(path, dim=DIM, count=0, ef=16)


def test_a_missing_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexFileError):
        HnswIndex.load(tmp_path / "none", dim=DIM, count=1, ef=16)


@pytest.mark.parametrize(("sizes", "count"), [([10, 10], 21), ([10, 10], 19), ([], 1), ([5], 0)])
def test_a_wrong_count_is_noticed(sizes: list[int], count: int, tmp_path: Path) -> None:
    batches: Iterator[Vectors] = (clustered(size) for size in sizes)
    with pytest.raises(IndexFileError, match="vectors"):
        build_graph(tmp_path / "g", batches, dim=DIM, count=count, threads=1)
    assert not (tmp_path / "g").exists()


@pytest.mark.parametrize("dim", [1, DIM - 1, DIM + 1])
def test_vectors_of_another_length_are_not_indexed(dim: int, tmp_path: Path) -> None:
    with pytest.raises(IndexFileError, match=f"of {dim} numbers, not {DIM}"):
        build_graph(tmp_path / "g", [clustered(5, dim)], dim=DIM, count=5, threads=1)
    assert not (tmp_path / "g").exists()


def test_building_twice_gives_the_same_file(either: bool, tmp_path: Path) -> None:
    vectors = np.concatenate([clustered(400), clustered(50)])
    for name, batch, threads in (("one", 50, 1), ("two", 90, 1), ("three", 50, 3)):
        batches = [vectors[start : start + batch] for start in range(0, len(vectors), batch)]
        build_graph(tmp_path / name, batches, dim=DIM, count=len(vectors), threads=threads)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").read_bytes() == (tmp_path / "three").read_bytes()


def test_building_tells_how_many_are_in(either: bool, tmp_path: Path) -> None:
    told: list[int] = []
    vectors = np.concatenate([clustered(200), clustered(200)])
    build_graph(
        tmp_path / "g", np.array_split(vectors, 8), dim=DIM, count=400, threads=1, on_progress=told.append
    )
    assert told == sorted(told)
    assert told[-1] == 400
    assert len(told) >= 3


# --- exact search


def test_top_k_is_what_sorting_gives() -> None:
    random = np.random.default_rng(3)
    scores = random.normal(size=(7, 50)).astype(np.float32)
    for k in (0, 1, 5, 50, 80):
        labels, best = top_k(scores, k)
        assert np.array_equal(best, -np.sort(-scores, axis=1)[:, :k])
        assert np.array_equal(np.take_along_axis(scores, labels, axis=1), best)


@pytest.mark.parametrize("block", [1, 3, 10, 1000])
@pytest.mark.parametrize(
    "ranges", [[], [(0, 0)], [(0, 100)], [(5, 6)], [(0, 7), (7, 7), (30, 64), (90, 100)], [(99, 100), (0, 2)]]
)
def test_searching_ranges_is_searching_their_vectors(
    ranges: list[tuple[int, int]], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flat, "BLOCK", block)
    vectors = clustered(100)
    chosen = np.concatenate([np.arange(start, stop) for start, stop in ranges] or [np.empty(0, np.int64)])
    queries = clustered(3, seed=9)
    for k in (1, 4, 200):
        labels, scores = search_ranges(FlatIndex(vectors), queries, k, ranges)
        expected = -np.sort(-(queries @ vectors[chosen.astype(int)].T), axis=1)[:, :k]
        assert scores == pytest.approx(expected, abs=1e-6)
        assert labels.shape == expected.shape
        assert set(labels.ravel().tolist()) <= set(chosen.tolist())
        assert np.take_along_axis(queries @ vectors.T, labels, axis=1) == pytest.approx(scores, abs=1e-6)
