"""The descriptor that comes with the project, and bundles that are not what they say."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from anime_search.engine.bundle import (
    CURRENT,
    MANIFEST,
    SHIPPED,
    BundleDescriptor,
    BundleError,
    BundleManifest,
    descriptor_named,
    known_descriptors,
    known_geometries,
)
from tests.anime_search.engine.test_search import shot

#: What the issue allows a shipped descriptor.
MOST_BYTES = 8 * 1024**2


def frame(seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(cv2.resize(shot(seed), (256, 144), interpolation=cv2.INTER_AREA), np.uint8)


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED / CURRENT, tmp_path / CURRENT))


def changed(folder: Path, **changes: Any) -> Path:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}))
    return folder


def test_the_shipped_bundle_is_small_and_says_what_it_is() -> None:
    files = [path for path in (SHIPPED / CURRENT).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    manifest = BundleManifest.read(SHIPPED / CURRENT)
    assert manifest.name == CURRENT
    assert manifest.licence
    assert manifest.source
    assert (SHIPPED / CURRENT / "MODEL_CARD.md").is_file()


def test_vectors_are_of_unit_length_and_the_same_alone_or_in_a_batch() -> None:
    descriptor = descriptor_named(CURRENT)
    pictures = np.stack([frame(seed) for seed in range(20)])
    together = descriptor.describe(pictures)
    assert together.shape == (20, descriptor.dim)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(20), abs=1e-5)
    alone = np.concatenate([descriptor.describe(picture[None]) for picture in pictures])
    assert alone == pytest.approx(together, abs=1e-4)
    assert descriptor.describe(pictures[:0]).shape == (0, descriptor.dim)


def test_what_was_done_to_a_picture_matters_less_than_what_it_shows() -> None:
    descriptor = descriptor_named(CURRENT)
    pictures = [frame(seed) for seed in range(30, 50)]
    changes = [
        lambda rgb: np.ascontiguousarray(rgb[:, ::-1]),
        lambda rgb: cv2.resize(rgb[15:129, 25:231], (256, 144)),
        lambda rgb: np.clip(rgb * np.array([1.1, 0.9, 0.8]), 0, 255).astype(np.uint8),
        lambda rgb: np.repeat(rgb.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2),
    ]
    stored = descriptor.describe(np.stack(pictures))
    for change in changes:
        cosines = descriptor.describe(np.stack([change(picture) for picture in pictures])) @ stored.T
        assert (cosines.argmax(axis=1) == np.arange(len(pictures))).mean() >= 0.9


def test_threads_may_share_a_descriptor() -> None:
    descriptor = descriptor_named(CURRENT)
    pictures = np.stack([frame(seed) for seed in range(8)])
    expected = descriptor.describe(pictures)
    with ThreadPoolExecutor(8) as pool:
        for vectors in pool.map(lambda _: descriptor.describe(pictures), range(24)):
            assert vectors == pytest.approx(expected, abs=1e-4)


def test_geometries_are_known_without_loading_a_network() -> None:
    geometries = known_geometries()
    assert set(geometries) == set(known_descriptors())
    for name, geometry in geometries.items():
        assert (geometry.descriptor, geometry.dim) == (name, descriptor_named(name).dim)


def test_an_altered_network_is_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    network = folder / BundleManifest.read(folder).network.name
    content = bytearray(network.read_bytes())
    content[len(content) // 2] ^= 1
    network.write_bytes(content)
    with pytest.raises(BundleError, match="altered"):
        BundleDescriptor(folder)


def test_a_missing_network_is_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / BundleManifest.read(folder).network.name).unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        BundleDescriptor(folder)


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    import hashlib

    folder = copied(tmp_path)
    content = b"no network"
    (folder / "network.onnx").write_bytes(content)
    digest = {
        "name": "network.onnx",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    with pytest.raises(BundleError, match="does not load"):
        BundleDescriptor(changed(folder, network=digest))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe", b'{"format": 1}'],
    ids=["empty", "cut", "a list", "nothing", "no field", "no text", "a number alone"],
)
def test_what_is_no_manifest_is_refused(content: bytes, tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError, match=CURRENT):
        BundleManifest.read(folder)


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="another format"):
        BundleManifest.read(changed(copied(tmp_path), format=2))


def test_a_name_that_no_bundle_has_is_unknown() -> None:
    with pytest.raises(KeyError):
        descriptor_named("lite0-0")
    with pytest.raises(KeyError):
        descriptor_named("../lite0-2")
