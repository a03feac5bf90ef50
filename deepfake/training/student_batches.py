"""Batches of clips for the small network: altered, with what the large one says of them, and faces with seams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepfake.engine.inputs import prepared
from deepfake.training.alterations import Random
from deepfake.training.blending import random_blend, self_blended
from deepfake.training.clips import TrainingClip
from deepfake.training.copies import sample_clip
from deepfake.training.features import Features
from deepfake.training.landmarks import FaceClip
from deepfake.training.student_network import INPUT, SIDE
from deepfake.training.touches import framed, touched
from deepfake.training.weighting import balanced_weights

#: Of the encoder, what the small network learns to hold as well.
TAUGHT = ("class5", "class7", "class10")
#: Deviations from the mean that are told at most.
_MOST = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class StudentBatch:
    """Tensors of one step.

    Attributes:
        frames: (n, T, 224, 224, 3) uint8.
        labels: (n,) 1 for generated.
        teacher: (n,) logits, nan where there is none.
        told: (n, T, width) what the encoder holds of each frame, nan where there is none.
    """

    frames: Any
    labels: Any
    teacher: Any
    told: Any


class Teacher:
    """What the encoder and its head say of variants of clips.

    Args:
        logits: by clip and variant.
        features: what the encoder holds of their frames; None for none. They are told in deviations from the mean of
            all: some numbers are a hundred times as large as others, and say no more.

    Attributes:
        width: numbers of what is told of a frame.
    """

    def __init__(self, logits: Mapping[tuple[str, str], float], features: Features | None) -> None:
        self._logits, self._features = dict(logits), features
        self._rows: dict[tuple[str, str], int] = {}
        self.width = 512
        if features is not None:
            self.width = features.numbers.shape[2]
            there = np.arange(features.numbers.shape[1]) < features.counts[:, None]
            rows = features.numbers[there].astype(np.float32)
            self._mean, self._deviation = rows.mean(0), np.maximum(rows.std(0), 1e-3)
            for row, (clip, variant) in enumerate(zip(features.clips, features.variants, strict=True)):
                self._rows[clip.name, variant] = row

    def logit(self, clip: TrainingClip, variant: str) -> float:
        """Nan where there is none."""
        return self._logits.get((clip.name, variant), float("nan"))

    def told(self, clip: TrainingClip, variant: str, places: NDArray[np.intp]) -> NDArray[np.float32]:
        """Of some frames, (T, width); nan where there is nothing."""
        row = self._rows.get((clip.name, variant))
        if self._features is None or row is None or places.max() >= self._features.counts[row]:
            return np.full((len(places), self.width), np.nan, np.float32)
        rows = (self._features.numbers[row, places].astype(np.float32) - self._mean) / self._deviation
        return np.asarray(rows.clip(-_MOST, _MOST), np.float32)


class StudentBatches:
    """Makes the batch of any step.

    Args:
        variants: of the clips, each as likely.
        size: clips of a batch, of which ``blended`` are pairs of a real face's clip and itself self-blended.
        frames: of a clip that are shown, of the ``sampled`` ones that the engine would take.
    """

    def __init__(
        self,
        clips: Sequence[TrainingClip],
        variants: Sequence[str],
        *,
        copies: Path,
        teacher: Teacher,
        faces: Sequence[FaceClip] = (),
        size: int = 16,
        blended: int = 1,
        frames: int = 4,
        sampled: int = 8,
        seed: int = 0,
    ) -> None:
        self._clips, self._variants, self._copies, self._teacher = (
            list(clips),
            tuple(variants),
            copies,
            teacher,
        )
        self._faces = [face for face in faces if not face.clip.fake]
        self._pairs = blended if self._faces else 0
        self._size, self._frames, self._sampled, self._seed = size, frames, sampled, seed
        self._weights = balanced_weights(self._clips)
        self._face_weights = balanced_weights([face.clip for face in self._faces]) if self._faces else None

    def __getitem__(self, step: int) -> StudentBatch:
        random = np.random.default_rng((self._seed, step))
        rows = [row for _ in range(self._pairs) for row in self._pair(random)]
        rows += [self._single(random) for _ in range(self._size - len(rows))]
        frames, labels, teacher, told = zip(*rows, strict=True)
        return StudentBatch(
            torch.from_numpy(np.stack(frames)),
            torch.tensor(labels, dtype=torch.float32),
            torch.tensor(teacher, dtype=torch.float32),
            torch.from_numpy(np.stack(told)),
        )

    def _single(self, random: Random) -> tuple[NDArray[np.uint8], float, float, NDArray[np.float32]]:
        clip = self._clips[int(random.choice(len(self._clips), p=self._weights))]
        variant = self._variants[int(random.integers(len(self._variants)))]
        frames = sample_clip(clip, variant, self._copies, frames=self._sampled).frames
        places = spread_places(len(frames), self._frames, random)
        shown = touched(framed(frames[places], SIDE, random), random)
        return (
            shown,
            float(clip.fake),
            self._teacher.logit(clip, variant),
            self._teacher.told(clip, variant, places),
        )

    def _pair(self, random: Random) -> list[tuple[NDArray[np.uint8], float, float, NDArray[np.float32]]]:
        face = self._faces[int(random.choice(len(self._faces), p=self._face_weights))]
        places = spread_places(len(face.frames), self._frames, random)
        blend, seed = random_blend(random), int(random.integers(1 << 62))
        mixed = [self_blended(face.frames[place], face.faces[place].points, blend) for place in places]
        rows = []
        for frames, label in ((face.frames[places], 0.0), (np.stack(mixed), 1.0)):
            # Both are treated the same: the seam is the only thing that tells them apart.
            own = np.random.default_rng(seed)
            shown = touched(framed(frames, SIDE, own), own)
            nothing = np.full((self._frames, self._teacher.width), np.nan, np.float32)
            rows.append((shown, label, float("nan"), nothing))
        return rows


def spread_places(count: int, wanted: int, random: Random) -> NDArray[np.intp]:
    """Ascending places of ``wanted`` of ``count`` frames, some of them twice where there are fewer."""
    if count >= wanted:
        return np.sort(random.choice(count, wanted, replace=False)).astype(np.intp)
    return np.sort(np.concatenate([np.arange(count), random.integers(0, count, wanted - count)])).astype(
        np.intp
    )


def held_out_frames(
    clips: Sequence[TrainingClip], variant: str, copies: Path, *, frames: int
) -> list[NDArray[np.uint8]]:
    """Of each clip (T, 224, 224, 3) as the engine would give them to the network.

    Raises:
        ClipsError: a clip cannot be read.
    """
    return [
        prepared(sample_clip(clip, variant, copies, frames=frames).frames, INPUT).astype(np.uint8)
        for clip in clips
    ]
