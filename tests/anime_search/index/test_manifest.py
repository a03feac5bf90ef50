"""Manifests say what they said when they were written, or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anime_search.engine.index.manifest import (
    FORMAT,
    FileDigest,
    GenerationManifest,
    Geometry,
    ManifestError,
    SegmentManifest,
    SegmentRef,
)

names = st.text(max_size=12)
counts = st.integers(0, 10**12)
geometries = st.builds(Geometry, descriptor=names, dim=st.integers(1, 4096), metric=names, storage=names)
generations = st.builds(
    GenerationManifest,
    number=counts,
    geometry=geometries,
    created=names,
    segments=st.lists(st.builds(SegmentRef, segment=names, sha256=names, count=counts), max_size=5).map(
        tuple
    ),
    gone=st.lists(names, max_size=5).map(tuple),
)
segments = st.builds(
    SegmentManifest,
    segment=names,
    geometry=geometries,
    count=counts,
    videos=st.lists(names, max_size=5).map(tuple),
    files=st.lists(st.builds(FileDigest, name=names, size=counts, sha256=names), max_size=3).map(tuple),
)


@given(manifest=generations | segments)
def test_a_manifest_comes_back_as_it_was_written(
    manifest: GenerationManifest | SegmentManifest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "manifest.json"
    path.write_bytes(manifest.encode())
    assert type(manifest).read(path) == manifest


def test_the_count_of_a_generation_is_that_of_its_segments() -> None:
    refs = (SegmentRef("a", "", 3), SegmentRef("b", "", 4))
    assert GenerationManifest(1, Geometry("x", 2), "", refs).count == 7
    assert GenerationManifest(1, Geometry("x", 2), "", ()).count == 0


def test_a_format_from_the_future_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    manifest = GenerationManifest(1, Geometry("x", 2), "", (), format=FORMAT + 1)
    path.write_bytes(manifest.encode())
    with pytest.raises(ManifestError, match="unknown format"):
        GenerationManifest.read(path)


def test_an_index_of_an_older_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(GenerationManifest(1, Geometry("x", 2), "", (), format=1).encode())
    with pytest.raises(ManifestError, match=r"make it anew with manage\.py anime_index reindex"):
        GenerationManifest.read(path)


def test_one_kind_of_manifest_is_not_taken_for_the_other(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(GenerationManifest(1, Geometry("x", 2), "", ()).encode())
    with pytest.raises(ManifestError, match="not a segment's"):
        SegmentManifest.read(path)


def test_a_changed_word_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    manifest = GenerationManifest(7, Geometry("x", 2), "then", (SegmentRef("a", "b", 3),), ("one", "two"))
    raw = json.loads(manifest.encode())
    for key, value in (
        ("number", 8),
        ("created", "now"),
        ("segments", []),
        ("gone", ["one"]),
        ("geometry", {}),
    ):
        path.write_text(json.dumps({**raw, key: value}))
        with pytest.raises(ManifestError, match="altered"):
            GenerationManifest.read(path)
    path.write_text(json.dumps(raw, indent=7))
    assert GenerationManifest.read(path) == manifest


def test_a_file_is_vouched_for_by_size_and_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    digest = FileDigest.of(path)
    assert (digest.name, digest.size) == ("file", 7)
    digest.verify(tmp_path)
    for content, word in ((b"contenT", "altered"), (b"content!", "8 bytes"), (b"", "0 bytes")):
        path.write_bytes(content)
        with pytest.raises(ManifestError, match=word):
            digest.verify(tmp_path)
    path.unlink()
    with pytest.raises(ManifestError, match="cannot be read"):
        digest.verify(tmp_path)
