"""Copies of real faces' clips with the face blended into itself: the swaps that a collection lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from deepfake.training.blending import random_blend, self_blended
from deepfake.training.clips import TrainingClip
from deepfake.training.copies import read_frames, write_video
from deepfake.training.landmarks import FaceMarker, MarkedFace

#: Name of the variant; its compression is that of ``crf23``, with which it is compared.
BLENDED = "blended"
_CRF = 23
#: Share of the frames that have to show a face.
_LEAST = 0.5


def write_blended(clip: TrainingClip, marker: FaceMarker, copies: Path) -> bool:
    """Write the self-blended copy of a clip, unless it is there; False where too few frames show a face.

    Frames without one take the nearest frame's landmarks, so that a seam does not come and go.

    Raises:
        ClipsError: the clip cannot be read.
    """
    path = blended_path(clip, copies)
    if path.is_file():
        return True
    frames = read_frames(clip)
    marked = marker.find(frames)
    if sum(face is not None for face in marked) < _LEAST * len(frames):
        return False
    seed = int.from_bytes(hashlib.sha256(f"{BLENDED} {clip.name}".encode()).digest()[:8])
    blend = random_blend(np.random.default_rng(seed))
    blended = np.stack(
        [self_blended(frame, _nearest(marked, number).points, blend) for number, frame in enumerate(frames)]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    write_video(partial, blended, crf=_CRF)
    partial.replace(path)
    return True


def blended_path(clip: TrainingClip, copies: Path) -> Path:
    """Where the copy of a clip is."""
    return (copies / BLENDED / clip.name).with_suffix(".mp4")


def _nearest(marked: Sequence[MarkedFace | None], number: int) -> MarkedFace:
    there = [(abs(other - number), other) for other, face in enumerate(marked) if face is not None]
    face = marked[min(there)[1]]
    assert face is not None
    return face
