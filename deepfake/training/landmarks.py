"""Faces with their landmarks in the frames of clips: where self-blending cuts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake.engine.faces import FaceFinder, FoundFace
from deepfake.engine.session import ModelError, OnnxNetwork
from deepfake.training.clips import TrainingClip
from deepfake.training.copies import sample_clip
from deepfake.training.detector_file import with_free_sides

#: Eyes, nose, corners of the mouth: left and right as they are seen.
POINTS = 5
#: Pixels of the shorter side of a face's box below which nothing is made of it.
LEAST_SIDE = 40.0
#: From which on something is a face, for fitting: a wrong one would be learnt from.
SCORE = 0.6
_MULTIPLE, _STRIDE = 32, 4


@dataclass(frozen=True, slots=True, eq=False)
class MarkedFace:
    """A face in a frame and its landmarks, (5, 2) x and y in pixels."""

    face: FoundFace
    points: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class FaceClip:
    """Frames of a clip that have a face, the largest of each.

    Attributes:
        frames: (n, H, W, 3) uint8 RGB.
        faces: one for each.
    """

    clip: TrainingClip
    variant: str
    frames: NDArray[np.uint8]
    faces: tuple[MarkedFace, ...]


class FaceMarker:
    """Finds faces as the engine does, and reads their landmarks off the same network.

    Args:
        content: of CenterFace's file, as published or with free sides.

    Raises:
        DetectorFileError, ModelError: it is no such network.
    """

    def __init__(self, content: bytes) -> None:
        self._network = OnnxNetwork("face detector", with_free_sides(content))
        self._finder = FaceFinder(self._network, score=SCORE)
        if len(self._network.outputs) < 4:
            raise ModelError("this face detector tells no landmarks")

    def find(self, frames: NDArray[np.uint8]) -> list[MarkedFace | None]:
        """The largest face of each of (n, H, W, 3) frames, if it is large enough and its landmarks lie in it."""
        found = self._finder.find(frames)
        return [
            self._marked(frame, faces[0]) if faces and faces[0].side >= LEAST_SIDE else None
            for frame, faces in zip(frames, found, strict=True)
        ]

    def _marked(self, frame: NDArray[np.uint8], face: FoundFace) -> MarkedFace | None:
        height, width = frame.shape[:2]
        wide, high = (-(-side // _MULTIPLE) * _MULTIPLE for side in (width, height))
        given = cv2.resize(frame, (wide, high)).transpose(2, 0, 1)[None].astype(np.float32)
        centres, sizes, offsets, marks = (
            self._network.run([name], {self._network.only_input: given})[name][0]
            for name in self._network.outputs[:4]
        )
        scale_x, scale_y = wide / width, high / height
        # The cell that the box came from is the hottest near its middle.
        column = (face.left + face.right) / 2 * scale_x / _STRIDE
        row = (face.top + face.bottom) / 2 * scale_y / _STRIDE
        top, left = max(0, int(row) - 2), max(0, int(column) - 2)
        near = centres[0, top : top + 5, left : left + 5]
        if not near.size or near.max() < SCORE:
            return None
        down, across = np.unravel_index(int(near.argmax()), near.shape)
        y, x = top + int(down), left + int(across)
        box_high, box_wide = (_STRIDE * float(np.exp(np.clip(sizes[axis, y, x], -8, 8))) for axis in (0, 1))
        box_top = (y + float(offsets[0, y, x]) + 0.5) * _STRIDE - box_high / 2
        box_left = (x + float(offsets[1, y, x]) + 0.5) * _STRIDE - box_wide / 2
        pairs = marks[:, y, x].reshape(POINTS, 2)
        points = np.stack(
            [(pairs[:, 1] * box_wide + box_left) / scale_x, (pairs[:, 0] * box_high + box_top) / scale_y],
            axis=1,
        ).astype(np.float32)
        inside = (
            (points[:, 0] > face.left)
            & (points[:, 0] < face.right)
            & (points[:, 1] > face.top)
            & (points[:, 1] < face.bottom)
        )
        return MarkedFace(face, points) if inside.all() else None


def find_face_clips(
    clips: Sequence[TrainingClip],
    variants: Sequence[str],
    marker: FaceMarker,
    *,
    copies: Path,
    frames: int,
    least_frames: int = 2,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[FaceClip]:
    """The clips that show a face in at least so many of their frames; faces of a copy are where the clip's are.

    Raises:
        ClipsError: a clip cannot be read.
    """
    found: list[FaceClip] = []
    for number, clip in enumerate(clips):
        for variant in variants:
            sampled = sample_clip(clip, variant, copies, frames=frames).frames
            marked = marker.find(sampled)
            places = [place for place, face in enumerate(marked) if face is not None]
            if len(places) < least_frames:
                break
            faces = tuple(face for face in marked if face is not None)
            found.append(FaceClip(clip, variant, sampled[places], faces))
        progress(number + 1, len(clips))
    return found
