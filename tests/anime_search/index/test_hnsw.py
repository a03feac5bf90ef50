"""The graph: its limits, and where it gives up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hnswlib
import numpy as np
import pytest

from anime_search.engine.index import flat
from anime_search.engine.index.flat import FlatIndex, search_ranges, top_k
from anime_search.engine.index.hnsw import HnswIndex, IndexFileError, build_graph
from tests.anime_search.index.made import DIM, Vectors, clustered, unit


def graph_of(path: Path, vectors: Vectors, *, ef: int = 64, batch: int = 50) -> HnswIndex:
    batches = [vectors[start : start + batch] for start in range(0, len(vectors), batch)]
    build_graph(path, batches, dim=vectors.shape[1], count=len(vectors), threads=1)
    return HnswIndex.load(path, dim=vectors.shape[1], count=len(vectors), ef=ef)


def test_vectors_come_back_by_label(tmp_path: Path) -> None:
    vectors = clustered(120)
    graph = graph_of(tmp_path / "g", vectors)
    assert graph.count == 120
    assert np.array_equal(graph.vectors(0, 120), vectors)
    assert np.array_equal(graph.vectors(7, 9), vectors[7:9])
    assert graph.vectors(5, 5).shape == (0, DIM)
    labels, scores = graph.search(vectors[:3], 1)
    assert labels.tolist() == [[0], [1], [2]]
    assert scores == pytest.approx(np.ones((3, 1)), abs=1e-5)
    assert labels.dtype == np.int64


@pytest.mark.parametrize("k", [0, 1, 10, 63, 64, 65, 120, 121, 10_000])
def test_any_number_of_neighbours_may_be_asked_for(k: int, tmp_path: Path) -> None:
    vectors = clustered(120)
    labels, scores = graph_of(tmp_path / "g", vectors, ef=16).search(vectors[:4], k)
    assert labels.shape == scores.shape == (4, min(k, 120))
    assert all(len(set(row)) == len(row) for row in labels.tolist())
    assert np.all(np.diff(scores, axis=1) <= 1e-6)
    assert scores == pytest.approx(np.take_along_axis(vectors[:4] @ vectors.T, labels, axis=1), abs=1e-5)


def test_an_empty_graph(tmp_path: Path) -> None:
    graph = graph_of(tmp_path / "g", np.empty((0, DIM), np.float32))
    assert graph.count == 0
    assert graph.vectors(0, 0).shape == (0, DIM)
    assert [part.shape for part in graph.search(clustered(3), 5)] == [(3, 0), (3, 0)]


class Island:
    """A graph whose entry point leads to three vectors only, as happens now and then among hundreds of equal ones."""

    def __init__(self, graph: hnswlib.Index) -> None:
        self._graph = graph

    def __getattr__(self, name: str) -> object:
        return getattr(self._graph, name)

    def knn_query(self, queries: Vectors, k: int) -> object:
        if k > 3:
            raise RuntimeError(
                "Cannot return the results in a contiguous 2D array. Probably ef or M is too small"
            )
        return self._graph.knn_query(queries, k=k)


def test_a_search_that_strands_in_the_graph_is_done_exactly(tmp_path: Path) -> None:
    vectors = clustered(200)
    graph, exact = graph_of(tmp_path / "g", vectors), FlatIndex(vectors)
    graph._graph = Island(graph._graph)
    for k in (3, 4, 64, 500):
        labels, scores = graph.search(vectors[:5], k)
        assert np.array_equal(labels[:, :1], exact.search(vectors[:5], k)[0][:, :1])
        assert scores == pytest.approx(exact.search(vectors[:5], k)[1], abs=1e-5)


def test_hundreds_of_equal_vectors_hide_no_other(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    groups = clustered(10, seed=3, scenes=10)
    vectors = np.concatenate([np.repeat(groups, 60, axis=0), clustered(300, seed=4)])
    random.shuffle(vectors)
    graph, exact = graph_of(tmp_path / "g", vectors, ef=256), FlatIndex(vectors)
    queries = unit(np.concatenate([groups, vectors[:50]]) + 0.02 * random.normal(size=(60, DIM)))
    got, best = graph.search(queries, 64)[1], exact.search(queries, 64)[1]
    assert (got >= best[:, -1:] - 1e-5).mean() >= 0.98


@pytest.mark.parametrize("count", [119, 121])
def test_a_graph_of_another_size_is_refused(count: int, tmp_path: Path) -> None:
    graph_of(tmp_path / "g", clustered(120))
    with pytest.raises(IndexFileError, match="holds 120"):
        HnswIndex.load(tmp_path / "g", dim=DIM, count=count, ef=16)


def test_a_missing_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexFileError):
        HnswIndex.load(tmp_path / "none", dim=DIM, count=1, ef=16)


@pytest.mark.parametrize(("sizes", "count"), [([10, 10], 21), ([10, 10], 19), ([], 1), ([5], 0)])
def test_a_wrong_count_is_noticed(sizes: list[int], count: int, tmp_path: Path) -> None:
    batches: Iterator[Vectors] = (clustered(size) for size in sizes)
    with pytest.raises(IndexFileError, match="vectors"):
        build_graph(tmp_path / "g", batches, dim=DIM, count=count, threads=1)
    assert not (tmp_path / "g").exists()


def test_building_twice_gives_the_same_graph(tmp_path: Path) -> None:
    vectors = clustered(200)
    graph_of(tmp_path / "one", vectors)
    graph_of(tmp_path / "two", vectors)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


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
