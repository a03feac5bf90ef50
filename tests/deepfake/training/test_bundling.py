"""A manifest that is written is read as it was meant, and one that the engine refuses replaces nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from deepfake.engine.bundle import Bundle
from deepfake.engine.manifest import BundleManifest, Calibration, Member, OperatingPoint
from deepfake.engine.manifest_fields import BundleError
from deepfake.engine.verdict import Quality
from deepfake.training.bundling import put_into, raw_of, write_manifest
from deepfake.training.calibrating import Calibrated, add_faces, with_calibration
from tests.deepfake.engine.networks import (
    BRIGHT,
    ENCODED,
    FACES,
    NETWORKS,
    write_bundle,
)

FOUND = Calibrated(
    Calibration(0.5, -0.25), OperatingPoint(0.3, 0.8, {Quality.TOO_DARK: 0.5}), {"calibration_auc": 0.9}, []
)


def everything(folder: Path) -> BundleManifest:
    origin = {"requirement": "models==1.0", "wheel_sha256": "0" * 64, "member": "a/b.onnx"}
    write_bundle(
        folder,
        NETWORKS,
        origins={"encoder.onnx": origin},
        members=[BRIGHT, ENCODED | {"frames": 4}],
        faces=FACES,
    )
    return Bundle.read(folder).manifest


def test_a_manifest_is_the_same_after_it_was_written(tmp_path: Path) -> None:
    manifest = everything(tmp_path / "all-1")
    assert BundleManifest.of(raw_of(manifest)) == manifest
    write_manifest(tmp_path / "all-1", manifest)
    assert Bundle.read(tmp_path / "all-1").manifest == manifest


def test_a_manifest_that_the_engine_refuses_replaces_nothing(tmp_path: Path) -> None:
    manifest = everything(tmp_path / "all-1")
    before = (tmp_path / "all-1/manifest.json").read_bytes()
    wrong = Member(weight=1.0, spec=manifest.members[0].spec, network="judge.onnx")
    with pytest.raises(BundleError):
        write_manifest(tmp_path / "all-1", dataclasses.replace(manifest, members=(wrong,)))
    assert (tmp_path / "all-1/manifest.json").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "all-1").iterdir()) == sorted(
        [*NETWORKS, "manifest.json"]
    )


def measured(manifest: BundleManifest, **figures: float) -> BundleManifest:
    return dataclasses.replace(manifest, training={**manifest.training, "faces": {"figures": figures}})


@pytest.mark.parametrize(
    "figures", [{}, {"real": 18, "blended_auc": 0.99}, {"real": 500, "blended_auc": 0.84}]
)
def test_a_face_model_that_was_not_found_good_moves_nothing(
    tmp_path: Path, figures: dict[str, float]
) -> None:
    manifest = with_calibration(measured(everything(tmp_path / "all-1"), **figures), FOUND)
    assert manifest.faces is not None
    model = manifest.faces.model
    assert model is not None
    assert (model.video_weight, model.face_weight, model.offset) == (1.0, 0.0, 0.0)


def test_a_face_at_its_threshold_brings_a_video_to_its_own(tmp_path: Path) -> None:
    found_good = measured(everything(tmp_path / "all-1"), real=100, blended_auc=0.95)
    manifest = with_calibration(found_good, FOUND)
    assert manifest.faces is not None
    model = manifest.faces.model
    assert model is not None
    logit_of_face = 2.1972246  # of 0.9, the threshold of FACES
    assert (model.video_weight, model.only_raises) == (0.0, True)
    assert logit_of_face + model.offset == pytest.approx(1.3862944, abs=1e-4)  # of 0.8
    assert manifest.calibration == FOUND.calibration
    assert manifest.metrics["calibration_auc"] == 0.9


def test_faces_are_put_into_a_bundle(tmp_path: Path, face_detector: Path) -> None:
    folder = write_bundle(tmp_path / "bright-1")
    add_faces(folder, face_detector.read_bytes(), None)
    faces = Bundle.read(folder).manifest.faces
    assert faces is not None
    assert faces.model is None
    assert Bundle.read(folder).problems() == []
    add_faces(folder, face_detector.read_bytes(), None)
    names = [file.name for file in Bundle.read(folder).manifest.files]
    assert sorted(names) == ["faces.onnx", "video.onnx"]


def test_a_file_is_put_into_a_folder_in_place_of_another(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        (tmp_path / "given").unlink(missing_ok=True)
        (tmp_path / "given").write_bytes(content)
        put_into(tmp_path / "bundle", tmp_path / "given", "file.onnx")
        assert (tmp_path / "bundle/file.onnx").read_bytes() == content
    assert [path.name for path in (tmp_path / "bundle").iterdir()] == ["file.onnx"]
