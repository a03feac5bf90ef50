"""Logits of clips by a bundle, before calibration: what a calibration is fitted to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

from deepfake.engine.bundle import Bundle
from deepfake.engine.detector import calibrated
from deepfake.engine.faces import FaceFinder, FaceJudge, logit_of_faces, tracks_of
from deepfake.engine.manifest import Member
from deepfake.engine.quality import warnings_of
from deepfake.engine.sampling import Sampled
from deepfake.engine.session import EncoderWithHead, OnnxEncoder, OnnxNetwork, OnnxVideoModel, VideoModel
from deepfake.training.clips import TrainingClip
from deepfake.training.copies import sample_clip
from deepfake.training.pooling import done_by_processes
from deepfake.training.scores import Score, add_score, read_scores


class BundleScorer:
    """The models of a bundle.

    Raises:
        BundleError: a file is missing or altered.
        ModelError: a network is not what the manifest says.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        manifest = bundle.manifest
        self.frames = manifest.sampling.frames
        self._members = [(member, self._loaded(member)) for member in manifest.members]
        self._finder: FaceFinder | None = None
        self._judge: FaceJudge | None = None
        if manifest.faces is not None:
            self._finder = FaceFinder(self._network(manifest.faces.detector), score=manifest.faces.score)
            if manifest.faces.model is not None:
                self._judge = FaceJudge(self._network(manifest.faces.model.network), manifest.faces.model)

    def _network(self, name: str) -> OnnxNetwork:
        return OnnxNetwork(name, self._bundle.content(name))

    def _loaded(self, member: Member) -> VideoModel:
        if member.network:
            return OnnxVideoModel(self._network(member.network), member.spec)
        wanted = sorted(set(member.feeds.values()))
        encoder = OnnxEncoder(self._network(member.encoder), member.spec, wanted=wanted, batch=member.batch)
        return EncoderWithHead(encoder, self._network(member.head), member.feeds)

    def score(self, clip: TrainingClip, variant: str, copies: Path) -> Score:
        """Judge a variant of a clip.

        Raises:
            ClipsError: it cannot be read.
            ModelError: a model gave no judgement.
        """
        sampled = sample_clip(clip, variant, copies, frames=self.frames)
        logit = 0.0
        for member, model in self._members:
            count = len(sampled.frames)
            places = np.arange(count)
            if member.frames is not None and count > member.frames:
                places = np.linspace(0, count - 1, member.frames).round().astype(np.intp)
            logit += member.weight * model.view(sampled.frames[places]).logit
        face, found = self._face(sampled)
        quality = warnings_of(sampled.measured, faces_looked_for=self._finder is not None, faces_found=found)
        return Score(clip.name, variant, logit, held_out=True, face=face, quality=tuple(map(str, quality)))

    def _face(self, sampled: Sampled) -> tuple[float | None, bool]:
        """Calibrated logit of the faces together, and whether there are any."""
        if self._finder is None:
            return None, False
        found = self._finder.find(sampled.frames)
        faces = self._bundle.manifest.faces
        if self._judge is None or faces is None or faces.model is None:
            return None, any(found)
        raw = self._judge.judge(sampled.frames, found)
        logits = {place: calibrated(logit, faces.model.calibration) for place, logit in raw.items()}
        return logit_of_faces(logits, tracks_of(found, sampled.shots)), any(found)


@dataclass(frozen=True, slots=True)
class Task:
    """A variant of a clip."""

    clip: TrainingClip
    variant: str


class _Crew:
    """What a process that scores has loaded."""

    scorer: ClassVar[BundleScorer]
    copies: ClassVar[Path]

    @classmethod
    def begin(cls, bundle: Path, copies: Path) -> None:
        cv2.setNumThreads(1)
        cls.scorer, cls.copies = BundleScorer(Bundle.read(bundle)), copies


def _scored(task: Task) -> Score:
    return _Crew.scorer.score(task.clip, task.variant, _Crew.copies)


def score_clips(
    clips: Sequence[TrainingClip],
    variants: Sequence[str],
    *,
    bundle: Path,
    out: Path,
    copies: Path,
    workers: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Score]:
    """Score every variant of every clip that ``out``, a folder, has no score by these models of yet.

    Raises:
        BundleError, ModelError, ClipsError: see :class:`BundleScorer`.
    """
    path = out / f"scores-{models_digest(Bundle.read(bundle))[:16]}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = {(score.file, score.variant): score for score in read_scores(path)}
    tasks = [Task(clip, variant) for variant in variants for clip in clips]
    left = [task for task in tasks if (task.clip.name, task.variant) not in known]
    progress(len(tasks) - len(left), len(tasks))
    made = done_by_processes(left, _scored, begin=_Crew.begin, given=(bundle, copies), workers=workers)
    for number, score in enumerate(made, start=len(tasks) - len(left) + 1):
        add_score(path, score)
        known[score.file, score.variant] = score
        progress(number, len(tasks))
    return [known[task.clip.name, task.variant] for task in tasks]


def models_digest(bundle: Bundle) -> str:
    """SHA-256 of what a bundle's logits hang on: its networks and how they are joined, not its calibration."""
    manifest = bundle.manifest
    told = [
        *sorted(f"{file.name} {file.sha256}" for file in manifest.files),
        repr(manifest.members),
        repr(manifest.sampling),
        repr(manifest.faces),
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def quality_of(clip: TrainingClip, variant: str, copies: Path) -> tuple[str, ...]:
    """The warnings that a variant of a clip deserves, but for that of faces.

    Raises:
        ClipsError: it cannot be read.
    """
    measured = sample_clip(clip, variant, copies, frames=16).measured
    return tuple(map(str, warnings_of(measured, faces_looked_for=False, faces_found=False)))
