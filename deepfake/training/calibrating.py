"""A bundle calibrated by clips that its weights were not fitted to, and its faces joined to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake.engine.bundle import Bundle
from deepfake.engine.manifest import BundleManifest, Calibration, FaceModel, FacesSpec, OperatingPoint
from deepfake.engine.measures import auc
from deepfake.engine.verdict import Quality
from deepfake.training.bundling import file_in, write_manifest
from deepfake.training.calibration import (
    CalibrationError,
    calibration_curve,
    calibration_error,
    label_weights,
    logit,
    operating_point,
    platt,
    probabilities,
    widened,
)
from deepfake.training.clips import TrainingClip
from deepfake.training.detector_file import with_free_sides
from deepfake.training.face_input import ABOUT, INPUT, MARGIN, NETWORK
from deepfake.training.first_weights import LICENCE, SOURCE
from deepfake.training.half_precision import in_half_precision
from deepfake.training.scores import Score
from deepfake.training.weighting import balanced_weights

FACES = "faces.onnx"
_SCORE = 0.5
#: Real clips that a face model has to be measured on, and the AUC that it has to reach, before it raises verdicts.
_ENOUGH_FACES, _GOOD_FACES = 100, 0.95


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What was fitted, and what the clips it was fitted to say of it, rates as shares."""

    calibration: Calibration
    point: OperatingPoint
    figures: dict[str, float]
    curve: list[dict[str, float]]


def calibrate(scores: Sequence[Score], clips: Sequence[TrainingClip], *, plain: str = "plain") -> Calibrated:
    """Fit a calibration, thresholds, and what quality warnings do to them, to scores that are held out.

    Robots' footage is left out: with it, false positives would look rarer than they are. Sources count the same in the
    calibration; thresholds go by clips and by sources, see :func:`.calibration.operating_point`.

    Args:
        plain: the variant that thresholds are set by; all are asked for what warnings do.

    Raises:
        CalibrationError: there are not held-out clips of both labels.
    """
    by_name = {clip.name: clip for clip in clips}
    kept = [
        score
        for score in scores
        if score.held_out and score.file in by_name and not by_name[score.file].robot
    ]
    own = [score for score in kept if score.variant == plain]
    if not own:
        raise CalibrationError(f"no clip has a held-out score of its variant {plain}")
    found = [by_name[score.file] for score in own]
    fake = np.array([clip.fake for clip in found], bool)
    weights = balanced_weights(found)
    logits = np.array([score.logit for score in own])
    calibration = platt(logits, fake.astype(float), label_weights(fake.tolist(), weights))
    values = probabilities(logits, calibration)
    point = operating_point(values[fake], values[~fake], weights[~fake])
    real_scores = [score for score in kept if not by_name[score.file].fake]
    point = replace(
        point,
        widened=widened(
            point,
            probabilities(np.array([score.logit for score in real_scores]), calibration),
            _warned(real_scores),
        ),
    )
    figures = {
        "calibrated_by_generated": float(fake.sum()),
        "calibrated_by_real": float((~fake).sum()),
        "calibration_auc": round(auc(values[fake], values[~fake]), 4),
        "calibration_found": round(float((values[fake] >= point.fake_above).mean()), 4),
        "calibration_false_positives": round(float((values[~fake] >= point.fake_above).mean()), 4),
        "calibration_inconclusive": round(
            float(((values >= point.real_below) & (values < point.fake_above)).mean()), 4
        ),
        "calibration_error": round(calibration_error(values, fake.astype(float)), 4),
    }
    return Calibrated(calibration, point, figures, calibration_curve(values, fake.astype(float)))


def with_calibration(manifest: BundleManifest, found: Calibrated) -> BundleManifest:
    """A manifest with a calibration, its faces joined by it."""
    training: dict[str, Any] = {**manifest.training, "calibration_curve": found.curve}
    manifest = replace(
        manifest,
        calibration=found.calibration,
        operating_point=found.point,
        metrics={**manifest.metrics, **found.figures},
        training=training,
    )
    return manifest if manifest.faces is None else _joined(manifest)


def add_faces(folder: Path, detector: bytes, model: Path | None) -> None:
    """Put a face detector and a face model into a bundle, in place of what it has of them.

    Args:
        detector: content of CenterFace's file.
        model: folder of :func:`.face_recipe.make_face_model`; None for no model.

    Raises:
        DetectorFileError: the detector is none.
        OSError, ValueError: the folder holds no face model.
        BundleError: the engine does not take the bundle.
    """
    manifest = Bundle.read(folder).manifest
    (folder / FACES).write_bytes(in_half_precision(with_free_sides(detector)))
    files = [file for file in manifest.files if file.name not in (FACES, NETWORK)]
    files.append(
        file_in(
            folder,
            FACES,
            licence="MIT",
            source="CenterFace (Star-Clouds), sides made free, weights in half precision",
        )
    )
    face_model: FaceModel | None = None
    training = dict(manifest.training)
    if model is not None:
        about = json.loads((model / ABOUT).read_text(encoding="utf-8"))
        (folder / NETWORK).write_bytes((model / NETWORK).read_bytes())
        files.append(
            file_in(folder, NETWORK, licence=LICENCE, source=f"{SOURCE}; python -m deepfake.training face")
        )
        face_model = FaceModel(
            network=NETWORK,
            spec=INPUT,
            calibration=Calibration(**about["calibration"]),
            fake_above=about["fake_above"],
            margin=MARGIN,
        )
        training["faces"] = about
    manifest = replace(
        manifest, files=tuple(files), faces=FacesSpec(FACES, _SCORE, face_model), training=training
    )
    write_manifest(folder, _joined(manifest))


def _joined(manifest: BundleManifest) -> BundleManifest:
    """A manifest whose faces raise a video's verdict, if the face model was measured to be good enough for that.

    A face just above its threshold then brings the video just above its own. The two are not added: few clips have both a
    face and a label to fit weights by, and a real face is no sign that the rest of the picture is real. A face model that
    was measured on few faces, or is often wrong, is told as evidence and moves nothing: it took real people for generated.
    """
    faces, point = manifest.faces, manifest.operating_point
    if faces is None or faces.model is None or not 0 < point.fake_above < 1:
        return manifest
    measured = manifest.training.get("faces", {}).get("figures", {})
    if measured.get("real", 0) < _ENOUGH_FACES or measured.get("blended_auc", 0.0) < _GOOD_FACES:
        model = replace(faces.model, video_weight=1.0, face_weight=0.0, offset=0.0, only_raises=True)
        return replace(manifest, faces=replace(faces, model=model))
    offset = logit(point.fake_above) - logit(faces.model.fake_above)
    model = replace(faces.model, video_weight=0.0, face_weight=1.0, offset=round(offset, 6), only_raises=True)
    return replace(manifest, faces=replace(faces, model=model))


def _warned(scores: Sequence[Score]) -> dict[Quality, NDArray[np.bool_]]:
    return {
        quality: np.array([str(quality) in score.quality for score in scores], bool) for quality in Quality
    }
