"""Batches of faces: each real one beside itself, self-blended, and faces that were reenacted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepfake.engine.faces import FoundFace, cut_out
from deepfake.engine.inputs import prepared
from deepfake.training.alterations import Random
from deepfake.training.blending import random_blend, self_blended
from deepfake.training.clips import ClipsError
from deepfake.training.face_input import INPUT, MARGIN
from deepfake.training.landmarks import FaceClip
from deepfake.training.touches import touched
from deepfake.training.weighting import balanced_weights

#: Pairs of a real face and itself blended, and single faces of each label, of a batch.
PAIRS, REENACTED = 12, 4
#: Generated clips whose faces are of real persons made to move.
REENACTING = "talk"


@dataclass(frozen=True, slots=True, eq=False)
class FaceBatch:
    """Faces (n, 224, 224, 3) uint8 and labels (n,)."""

    faces: Any
    labels: Any


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutFaces:
    """Faces to judge a model by, each clip's together.

    Attributes:
        real, blended, reenacted: (n, 224, 224, 3) uint8 of each clip; blended are the real ones.
    """

    real: tuple[NDArray[np.uint8], ...]
    blended: tuple[NDArray[np.uint8], ...]
    reenacted: tuple[NDArray[np.uint8], ...]


class FaceBatches:
    """Makes the batch of any step.

    Raises:
        ClipsError: there are no real faces.
    """

    def __init__(self, clips: Sequence[FaceClip], seed: int, *, pairs: int = PAIRS) -> None:
        self._real = [clip for clip in clips if not clip.clip.fake]
        self._reenacted = [clip for clip in clips if clip.clip.fake]
        if not self._real:
            raise ClipsError("there are no real faces to fit to")
        self._seed, self._pairs = seed, pairs
        self._weights = [
            balanced_weights([clip.clip for clip in group]) if group else None
            for group in (self._real, self._reenacted)
        ]

    def __getitem__(self, step: int) -> FaceBatch:
        random = np.random.default_rng((self._seed, step))
        faces: list[NDArray[np.uint8]] = []
        labels: list[float] = []
        for _ in range(self._pairs):
            clip = self._drawn(self._real, 0, random)
            place = int(random.integers(len(clip.frames)))
            frame, face = clip.frames[place], clip.faces[place]
            box, seed = shaken(face.face, random), int(random.integers(1 << 62))
            blended = self_blended(frame, face.points, random_blend(random))
            # Both are treated the same: a seam is the only thing that tells them apart.
            faces += [_input(each, box, np.random.default_rng(seed)) for each in (frame, blended)]
            labels += [0.0, 1.0]
        for group, number, label in ((self._reenacted, 1, 1.0), (self._real, 0, 0.0)):
            for _ in range(REENACTED if self._reenacted else 0):
                clip = self._drawn(group, number, random)
                place = int(random.integers(len(clip.frames)))
                faces.append(_input(clip.frames[place], shaken(clip.faces[place].face, random), random))
                labels.append(label)
        return FaceBatch(torch.from_numpy(np.stack(faces)), torch.tensor(labels))

    def _drawn(self, group: Sequence[FaceClip], number: int, random: Random) -> FaceClip:
        return group[int(random.choice(len(group), p=self._weights[number]))]


def held_out_faces(clips: Sequence[FaceClip], seed: int) -> HeldOutFaces:
    """Faces as the engine cuts them out; each real clip is blended in one way."""
    real, blended, reenacted = [], [], []
    for number, clip in enumerate(clips):
        if clip.clip.fake:
            reenacted.append(_as_engine(clip, clip.frames))
            continue
        blend = random_blend(np.random.default_rng((seed, number)))
        frames = np.stack(
            [
                self_blended(frame, face.points, blend)
                for frame, face in zip(clip.frames, clip.faces, strict=True)
            ]
        )
        real.append(_as_engine(clip, clip.frames))
        blended.append(_as_engine(clip, frames))
    return HeldOutFaces(tuple(real), tuple(blended), tuple(reenacted))


def shaken(face: FoundFace, random: Random) -> FoundFace:
    """A box that was found a little elsewhere, and larger or smaller."""
    wide, high = face.right - face.left, face.bottom - face.top
    across, down = random.uniform(-0.06, 0.06, 2) * (wide, high)
    more = random.uniform(-0.06, 0.1)
    return replace(
        face,
        left=face.left + across - more * wide,
        right=face.right + across + more * wide,
        top=face.top + down - more * high,
        bottom=face.bottom + down + more * high,
    )


def _as_engine(clip: FaceClip, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    crops = [cut_out(frame, face.face, margin=MARGIN) for frame, face in zip(frames, clip.faces, strict=True)]
    return np.asarray(np.concatenate([prepared(crop[None], INPUT) for crop in crops]), np.uint8)


def _input(frame: NDArray[np.uint8], box: FoundFace, random: Random) -> NDArray[np.uint8]:
    crop = cut_out(frame, box, margin=MARGIN)[None]
    crop = touched(crop, random)
    if random.random() < 0.5:
        crop = crop[:, :, ::-1]
    return np.asarray(prepared(crop, INPUT)[0], np.uint8)
