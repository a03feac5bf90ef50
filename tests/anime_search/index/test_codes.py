"""Vectors in 8-bit integers, and equal ones among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anime_search.engine.index.codes import cosines, cosines_of_each, decode, encode
from anime_search.engine.index.copies import Copies
from tests.anime_search.index.made import clustered, unit


def test_codes_of_short_vectors_reach_to_one() -> None:
    assert encode(np.eye(4, dtype=np.float32)).max() == 127
    assert encode(-np.eye(4, dtype=np.float32)).min() == -127


def test_rounding_moves_no_number_by_more_than_half_a_step() -> None:
    vectors = unit(np.random.default_rng(2).normal(size=(500, 160)))
    step = 6 / np.sqrt(160) / 127
    assert np.abs(vectors).max() < 127 * step
    assert np.abs(encode(vectors) * step - vectors).max() <= step / 2 + 1e-6
    assert np.abs(cosines(vectors, encode(vectors)).diagonal() - 1).max() < 0.001


def test_a_vector_with_a_large_number_keeps_its_direction() -> None:
    vectors = unit(np.random.default_rng(2).normal(size=(100, 160)))
    vectors[:, 0] = np.linspace(0.5, 50, 100)
    vectors = unit(vectors)
    assert encode(vectors).max() == 127
    assert cosines(vectors, encode(vectors)).diagonal() == pytest.approx(np.ones(100), abs=0.005)


def test_codes_are_encoded_as_they_are() -> None:
    codes = encode(clustered(50))
    assert encode(codes) is codes or np.array_equal(encode(codes), codes)


def test_decoded_vectors_have_length_one_or_none() -> None:
    codes = np.concatenate([encode(clustered(20)), np.zeros((1, 16), np.int8)])
    lengths = np.linalg.norm(decode(codes), axis=1)
    assert lengths[:20] == pytest.approx(np.ones(20), abs=1e-6)
    assert lengths[20] == 0


def test_cosines_are_those_of_the_decoded_vectors() -> None:
    queries, codes = clustered(7, 32, seed=1), encode(clustered(40, 32, seed=2))
    expected = queries @ decode(codes).T
    assert cosines(queries, codes) == pytest.approx(expected, abs=1e-6)
    chosen = np.random.default_rng(0).integers(0, 40, (7, 5))
    of_each = cosines_of_each(queries, codes[chosen])
    assert of_each == pytest.approx(np.take_along_axis(expected, chosen, axis=1), abs=1e-6)
    assert not cosines(queries, np.zeros((3, 32), np.int8)).any()


# --- copies


@given(which=st.lists(st.integers(0, 6), max_size=40), data=st.data())
def test_copies_and_nodes_are_all_the_labels(which: list[int], data: st.DataObject) -> None:
    """Against a model: of equal rows the first is the node, and nodes are numbered as they come."""
    codes = np.random.default_rng(1).integers(-127, 128, (7, 3)).astype(np.int8)[which].reshape(-1, 3)
    copies = Copies.among(codes)
    seen: dict[int, int] = {}
    nodes = [seen.setdefault(kind, len(seen)) for kind in which]
    assert copies.nodes(0, len(which)).tolist() == nodes
    start = data.draw(st.integers(0, len(which)))
    assert copies.nodes(start, len(which)).tolist() == nodes[start:]
    assert len(copies) == len(which) - len(seen)
    assert np.array_equal(codes[copies.originals(len(which))], codes[[which.index(kind) for kind in seen]])
    firsts = copies.first_labels(np.arange(len(seen)))
    assert firsts.tolist() == [which.index(kind) for kind in seen]
    order = np.array(data.draw(st.permutations(range(len(seen)))), np.int64)
    k = data.draw(st.integers(0, len(which)))
    labels, scores = copies.spread(order[None], -order[None].astype(np.float32), k)
    expected = [label for node in order for label, of in enumerate(nodes) if of == node][:k]
    assert labels.tolist() == [expected]
    assert scores.tolist() == [[-float(nodes[label]) for label in expected]]


def test_copies_stand_at_the_end_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for codes in (encode(unit(np.eye(5))), np.repeat(encode(np.eye(5, dtype=np.float32)), 3, axis=0)):
        path.write_bytes(b"before")
        copies = Copies.among(codes)
        copies.write_after(path)
        again = Copies.read_after(path)
        assert again.nodes(0, len(codes)).tolist() == copies.nodes(0, len(codes)).tolist()
        assert path.read_bytes().startswith(b"before")


@pytest.mark.parametrize(
    "content", [b"", b"short", b"no mark at its end", b"FPC1\xff\xff\xff\xff", b"FPC1\1\0\0\0"]
)
def test_a_file_without_copies_at_its_end_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match="it "):
        Copies.read_after(tmp_path / "file")
