"""From a video file to a verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake.engine.bundle import Bundle
from deepfake.engine.evidence import regions_of
from deepfake.engine.faces import FaceFinder, FaceJudge, FoundFace, logit_of_faces, tracks_of
from deepfake.engine.inputs import InputSpec, seen_part
from deepfake.engine.manifest import Calibration, FaceModel, Member, OperatingPoint
from deepfake.engine.manifest_fields import BundleError
from deepfake.engine.pictures import pictures_of
from deepfake.engine.provenance import provenance_of
from deepfake.engine.quality import warnings_of
from deepfake.engine.sampling import Frames, Sampled, sample_video
from deepfake.engine.scan import ScanLimits
from deepfake.engine.session import (
    EncoderWithHead,
    ModelError,
    OnnxEncoder,
    OnnxNetwork,
    OnnxVideoModel,
    VideoModel,
    View,
)
from deepfake.engine.verdict import (
    Box,
    Face,
    FrameEvidence,
    LookedAt,
    Manipulation,
    ModelFacts,
    Quality,
    Result,
    Thresholds,
    Verdict,
)


class Stage(StrEnum):
    """What a detector is at, in this order."""

    DECODE = "decode"
    FACES = "faces"
    MODEL = "model"


#: Told the stage, and how much of it is done, 0 to 1.
OnStage = Callable[[Stage, float], None]


def no_stage(_stage: Stage, _share: float) -> None:
    """For callers that do not watch."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A member with its model loaded."""

    member: Member
    model: VideoModel


@dataclass(frozen=True, slots=True, eq=False)
class _Faces:
    """What was found of faces: by frame; calibrated logits of those that were looked at; that of all together."""

    found: Sequence[Sequence[FoundFace]]
    logits: dict[tuple[int, int], float]
    logit: float | None

    def evidence(self, frame: int, size: tuple[int, int]) -> tuple[Face, ...]:
        height, width = size
        return tuple(
            Face(
                Box(
                    round(face.left / width, 4),
                    round(face.top / height, 4),
                    round((face.right - face.left) / width, 4),
                    round((face.bottom - face.top) / height, 4),
                ),
                round(face.score, 4),
                round(_sigmoid(self.logits[frame, number]), 4) if (frame, number) in self.logits else None,
            )
            for number, face in enumerate(self.found[frame])
        )


class Detector:
    """The models of one bundle, loaded. May be used by several threads at a time.

    Args:
        threads: that decoding, and one call of a model, may use.
        limits: what a video may be, and what looking it over may cost.

    Raises:
        BundleError: a file is missing or altered, or its network is not what the manifest says.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1, limits: ScanLimits | None = None) -> None:
        self.bundle, self.limits, self._threads = bundle, limits or ScanLimits(), threads
        manifest = bundle.manifest
        self.facts = ModelFacts(manifest.name, manifest.version, bundle.sha256, dict(manifest.metrics))
        try:
            self._parts = [_Part(member, self._loaded(member)) for member in manifest.members]
            self._finder = self._judge = None
            if (faces := manifest.faces) is not None:
                self._finder = FaceFinder(self._network(faces.detector), score=faces.score)
                if faces.model is not None:
                    self._judge = FaceJudge(self._network(faces.model.network), faces.model)
            self._try_out()
        except ModelError as error:
            raise BundleError(f"model {bundle.name}: {error}") from error

    def _network(self, name: str, extension: str = "") -> OnnxNetwork:
        content = self.bundle.content(name)
        if extension:
            content += self.bundle.content(extension)
        return OnnxNetwork(name, content, threads=self._threads)

    def _loaded(self, member: Member) -> VideoModel:
        if member.network:
            return OnnxVideoModel(self._network(member.network), member.spec)
        wanted = sorted(set(member.feeds.values()))
        network = self._network(member.encoder, member.extension)
        encoder = OnnxEncoder(network, member.spec, wanted=wanted, batch=member.batch)
        return EncoderWithHead(encoder, self._network(member.head), member.feeds)

    def _try_out(self) -> None:
        """Judge grey frames: a network that does not fit its manifest shows now, not at the first video."""
        side = self.bundle.manifest.sampling.short_side
        grey = np.full((2, side, side, 3), 128, np.uint8)
        self._view(grey, no_stage)
        if self._finder is not None:
            self._finder.find(grey)
        if self._judge is not None:
            face = FoundFace(0, 0, side, side, 1.0)
            self._judge.judge(grey, [[face], []])

    def detect(self, path: Path, *, whole: bool = True, on_stage: OnStage = no_stage) -> Verdict:
        """Judge a video.

        What the file says of itself is told and does not enter the verdict: that is of its pictures alone.

        Args:
            whole: False if the file holds only the beginning of a video.

        Raises:
            VideoError: it is no video, beyond the limits, or nothing in it can be decoded.
            ModelError: a model gave no judgement.
        """
        on_stage(Stage.DECODE, 0.0)
        provenance = provenance_of(path)
        sampled = sample_video(
            path,
            self.bundle.manifest.sampling,
            limits=self.limits,
            threads=self._threads,
            on_share=lambda share: on_stage(Stage.DECODE, share),
        )
        on_stage(Stage.FACES, 0.0)
        faces = self._faces(sampled)
        on_stage(Stage.MODEL, 0.0)
        view, heat_spec = self._view(sampled.frames, on_stage)
        quality = warnings_of(
            sampled.measured,
            faces_looked_for=self._finder is not None,
            faces_found=any(faces.found) if faces else False,
            whole=whole,
        )
        on_stage(Stage.MODEL, 1.0)
        calibration = self.bundle.manifest.calibration
        logit = calibrated(view.logit, calibration)
        seen = (
            seen_part(sampled.frames.shape[2], sampled.frames.shape[1], heat_spec)
            if heat_spec is not None
            else None
        )
        joined, from_face = self._with_faces(logit, faces, quality)
        probability = _sigmoid(joined)
        point = self.bundle.manifest.operating_point
        result = result_of(probability, point, quality)
        return Verdict(
            result=result,
            prob_fake=round(probability, 6),
            model=self.facts,
            video=sampled.facts,
            manipulation=Manipulation.FACE if from_face and result is Result.AI_GENERATED else None,
            frames=self._evidence(sampled, view, seen, faces),
            quality=quality,
            provenance=provenance,
            looked_at=LookedAt(whole, sampled.stretches),
            thresholds=thresholds_of(point, quality),
            pictures=pictures_of(sampled.frames, view.heat, seen),
        )

    def _faces(self, sampled: Sampled) -> _Faces | None:
        if self._finder is None:
            return None
        found = self._finder.find(sampled.frames)
        if self._judge is None:
            return _Faces(found, {}, None)
        model = self._face_model()
        raw = self._judge.judge(sampled.frames, found)
        logits = {place: calibrated(logit, model.calibration) for place, logit in raw.items()}
        return _Faces(found, logits, logit_of_faces(logits, tracks_of(found, sampled.shots)))

    def _face_model(self) -> FaceModel:
        faces = self.bundle.manifest.faces
        if faces is None or faces.model is None:
            raise ModelError("there is no face model")
        return faces.model

    def _with_faces(
        self, logit: float, faces: _Faces | None, quality: Sequence[Quality]
    ) -> tuple[float, bool]:
        """The video's logit joined with its faces', and whether it is the faces alone that speak for a fake."""
        if faces is None or faces.logit is None:
            return logit, False
        model = self._face_model()
        joined = model.video_weight * logit + model.face_weight * faces.logit + model.offset
        if model.only_raises:
            joined = max(joined, logit)
        point = self.bundle.manifest.operating_point
        alone = result_of(_sigmoid(logit), point, quality) is not Result.AI_GENERATED
        return joined, alone and _sigmoid(faces.logit) >= model.fake_above

    def _view(self, frames: Frames, on_stage: OnStage) -> tuple[View, InputSpec | None]:
        """All members' views joined, and the input of the one whose heat it is."""
        count = len(frames)
        logit, logits = 0.0, np.zeros(count, np.float32)
        attention = np.zeros(count, np.float32)
        heat: NDArray[np.float32] | None = None
        heat_spec, heaviest = None, 0.0
        for number, part in enumerate(self._parts):
            weight, places = part.member.weight, _places(count, part.member.frames)
            view = part.model.view(frames[places])
            logit += weight * view.logit
            # Of a frame that a member was not given it says what it says of all.
            own = np.full(count, view.logit, np.float32)
            own[places] = view.frame_logits
            logits += np.float32(weight) * own
            attention[places] += np.float32(abs(weight)) * view.attention
            if view.heat is not None and abs(weight) > heaviest:
                heaviest, heat_spec = abs(weight), part.member.spec
                heat = np.zeros((count, *view.heat.shape[1:]), np.float32)
                heat[places] = np.float32(math.copysign(1.0, weight)) * view.heat
            on_stage(Stage.MODEL, (number + 1) / (len(self._parts) + 1))
        total = float(attention.sum())
        shares = attention / total if total > 0 else np.full(count, 1 / count, np.float32)
        return View(logit, logits, shares.astype(np.float32), heat), heat_spec

    def _evidence(
        self, sampled: Sampled, view: View, seen: Box | None, faces: _Faces | None
    ) -> tuple[FrameEvidence, ...]:
        calibration = self.bundle.manifest.calibration
        height, width = sampled.frames.shape[1:3]
        return tuple(
            FrameEvidence(
                at_s=round(float(sampled.times_s[frame]), 3),
                prob_fake=round(_sigmoid(calibrated(float(view.frame_logits[frame]), calibration)), 4),
                weight=round(float(view.attention[frame]), 4),
                faces=faces.evidence(frame, (height, width)) if faces else (),
                regions=regions_of(view.heat[frame], seen)
                if view.heat is not None and seen is not None
                else (),
            )
            for frame in range(len(sampled.frames))
        )


def calibrated(logit: float, calibration: Calibration) -> float:
    """A model's logit as the logit of a probability that holds."""
    return calibration.slope * logit + calibration.offset


def result_of(probability: float, point: OperatingPoint, quality: Sequence[Quality]) -> Result:
    """What a probability is told as; with warnings, more is asked for either result."""
    thresholds = thresholds_of(point, quality)
    if probability >= thresholds.fake_above:
        return Result.AI_GENERATED
    if probability < thresholds.real_below:
        return Result.REAL
    return Result.INCONCLUSIVE


def thresholds_of(point: OperatingPoint, quality: Sequence[Quality]) -> Thresholds:
    """What either result takes of a video with these warnings."""
    margin = max((point.widened.get(warning, 0.0) for warning in quality), default=0.0)
    return Thresholds(_moved(point.real_below, -margin), _moved(point.fake_above, margin))


def _moved(probability: float, by: float) -> float:
    """A probability whose logit is that much larger."""
    if not 0 < probability < 1:
        return probability
    return _sigmoid(math.log(probability / (1 - probability)) + by)


def _places(count: int, most: int | None) -> NDArray[np.intp]:
    if most is None or count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(np.intp)


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))
