"""A collection, an encoder and a face detector that a whole module shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepfake.training.clips import TrainingClip, read_clips
from tests.deepfake.training.collection import encoder_content, marking_detector, write_collection


@pytest.fixture(scope="package")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a collection: two clips of each of three generators and three real sources."""
    return write_collection(tmp_path_factory.mktemp("collection"))


@pytest.fixture(scope="package")
def clips(collection: Path) -> list[TrainingClip]:
    return read_clips(collection)


@pytest.fixture(scope="package")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where altered copies of the collection's clips are kept."""
    return tmp_path_factory.mktemp("copies")


@pytest.fixture(scope="package")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("encoder") / "encoder.onnx"
    path.write_bytes(encoder_content())
    return path


@pytest.fixture(scope="package")
def face_detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("detector") / "faces.onnx"
    path.write_bytes(marking_detector())
    return path
