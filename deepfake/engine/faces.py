"""Faces in frames: found, followed from frame to frame, cut out, and looked at by a network of their own.

What is found follows CenterFace (Xu, Yan, Yang, Li, "CenterFace: Joint Face Detection and Alignment Using Face as
Point", 2019): a heat map of face centres at a quarter of the picture's size, and at each the face's size and where
exactly the centre is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake.engine.inputs import prepared
from deepfake.engine.manifest import FaceModel
from deepfake.engine.session import ModelError, OnnxNetwork

#: Pictures whose sides are multiples of this are what the network takes; each of its cells is this part of one.
_MULTIPLE, _STRIDE = 32, 4
#: Frames that are searched at a time.
_BATCH = 4
#: Overlap (intersection over union) from which on two boxes are of one face: in a frame, and in two that follow.
_SAME_FACE, _SAME_TRACK = 0.3, 0.3
#: Candidates of one frame that are considered.
_MOST_CANDIDATES = 200
#: Faces of one frame that are told, and looked at; the largest come first.
MOST_FACES = 8
MOST_LOOKED_AT = 3
#: Pixels of the shorter side of a face's box below which there is nothing to look at.
LEAST_SIDE = 24.0


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face in a frame, in pixels; ``score`` is how sure the detector is, 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float
    score: float

    @property
    def side(self) -> float:
        """The shorter side of the box."""
        return min(self.right - self.left, self.bottom - self.top)


class FaceFinder:
    """Finds faces.

    Args:
        network: of CenterFace's kind: (n, 3, H, W) float32 RGB of 0 to 255 in; centres, sizes and offsets out.
        score: from which on something is a face.

    Raises:
        ModelError: the network takes pictures of one size only. The published file does; its input and output
            dimensions have to be made free first.
    """

    def __init__(self, network: OnnxNetwork, *, score: float) -> None:
        self._network, self._score = network, score
        self._input = network.only_input
        if any(
            isinstance(length, int) for length in np.array(network.inputs[self._input], object)[[0, 2, 3]]
        ):
            raise ModelError(f"{network.name} takes pictures of one size only")
        if len(network.outputs) < 3:
            raise ModelError(f"{network.name} is no face detector of a known kind")

    def find(self, frames: NDArray[np.uint8]) -> list[list[FoundFace]]:
        """The faces of each of (n, H, W, 3) uint8 RGB frames, the largest first."""
        height, width = frames.shape[1:3]
        wide, high = (-(-side // _MULTIPLE) * _MULTIPLE for side in (width, height))
        found: list[list[FoundFace]] = []
        for start in range(0, len(frames), _BATCH):
            batch = np.stack([cv2.resize(frame, (wide, high)) for frame in frames[start : start + _BATCH]])
            given = np.ascontiguousarray(batch.transpose(0, 3, 1, 2), np.float32)
            outputs = self._network.run(self._network.outputs[:3], {self._input: given})
            centres, sizes, offsets = (outputs[name] for name in self._network.outputs[:3])
            for number in range(len(batch)):
                boxes = self._boxes(centres[number, 0], sizes[number], offsets[number])
                found.append(_in_frame(boxes, width, height, width / wide, height / high))
        return found

    def _boxes(
        self, centres: NDArray[np.float32], sizes: NDArray[np.float32], offsets: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(n, 5) left, top, right, bottom and score, in pixels of the network's input."""
        rows, columns = np.nonzero(centres > self._score)
        scores = centres[rows, columns]
        best = np.argsort(-scores)[:_MOST_CANDIDATES]
        rows, columns, scores = rows[best], columns[best], scores[best]
        high, wide = (_STRIDE * np.exp(np.clip(sizes[axis][rows, columns], -8, 8)) for axis in (0, 1))
        middle_y = (rows + offsets[0][rows, columns] + 0.5) * _STRIDE
        middle_x = (columns + offsets[1][rows, columns] + 0.5) * _STRIDE
        boxes = np.stack(
            [middle_x - wide / 2, middle_y - high / 2, middle_x + wide / 2, middle_y + high / 2, scores],
            axis=1,
        ).astype(np.float32)
        kept: list[int] = []
        for number in range(len(boxes)):
            if all(overlap(boxes[number], boxes[other]) < _SAME_FACE for other in kept):
                kept.append(number)
        return boxes[kept]


def _in_frame(
    boxes: NDArray[np.float32], width: int, height: int, scale_x: float, scale_y: float
) -> list[FoundFace]:
    faces = [
        FoundFace(
            left=float(np.clip(left * scale_x, 0, width)),
            top=float(np.clip(top * scale_y, 0, height)),
            right=float(np.clip(right * scale_x, 0, width)),
            bottom=float(np.clip(bottom * scale_y, 0, height)),
            score=float(score),
        )
        for left, top, right, bottom, score in boxes
    ]
    return sorted((face for face in faces if face.side >= 1), key=lambda face: -face.side)[:MOST_FACES]


def overlap(
    one: Sequence[float] | NDArray[np.float32], other: Sequence[float] | NDArray[np.float32]
) -> float:
    """Intersection over union of two boxes (left, top, right, bottom)."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    both = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return float(wide * high / (both - wide * high))


def tracks_of(
    faces: Sequence[Sequence[FoundFace]], shots: Sequence[int] | NDArray[np.intp]
) -> list[list[tuple[int, int]]]:
    """Follow faces from frame to frame of a shot: each track is a list of (frame, number of the face in it)."""
    tracks: list[list[tuple[int, int]]] = [[(0, number)] for number in range(len(faces[0]))] if faces else []
    open_tracks = list(range(len(tracks)))
    for frame, (before, after) in enumerate(pairwise(range(len(faces))), start=1):
        if shots[before] != shots[after]:
            open_tracks = []
        claimed: dict[int, int] = {}
        for number, face in enumerate(faces[after]):
            near = [
                (overlap(_box(face), _box(faces[tracks[track][-1][0]][tracks[track][-1][1]])), track)
                for track in open_tracks
                if track not in claimed.values()
            ]
            if near and max(near)[0] >= _SAME_TRACK:
                claimed[number] = max(near)[1]
        following = []
        for number in range(len(faces[after])):
            if number not in claimed:
                tracks.append([])
                claimed[number] = len(tracks) - 1
            tracks[claimed[number]].append((frame, number))
            following.append(claimed[number])
        open_tracks = following
    return tracks


def _box(face: FoundFace) -> tuple[float, float, float, float]:
    return face.left, face.top, face.right, face.bottom


def cut_out(frame: NDArray[np.uint8], face: FoundFace, *, margin: float) -> NDArray[np.uint8]:
    """A square around a face, as many sides of its box wide as ``margin`` says; the frame's rim fills what lies outside."""
    side = max(2, round(margin * max(face.right - face.left, face.bottom - face.top)))
    left = round((face.left + face.right - side) / 2)
    top = round((face.top + face.bottom - side) / 2)
    height, width = frame.shape[:2]
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    return np.ascontiguousarray(frame[rows[:, None], columns[None, :]])


class FaceJudge:
    """Looks at faces one by one.

    Args:
        network: (n, ...) faces in, ``logit`` (n,) out.
    """

    def __init__(self, network: OnnxNetwork, model: FaceModel) -> None:
        self._network, self._model = network, model
        self._input = network.only_input

    def judge(
        self, frames: NDArray[np.uint8], faces: Sequence[Sequence[FoundFace]]
    ) -> dict[tuple[int, int], float]:
        """Logits of the faces that are large enough, by frame and number of the face in it."""
        wanted = [
            (frame, number)
            for frame, found in enumerate(faces)
            for number, face in enumerate(found[:MOST_LOOKED_AT])
            if face.side >= LEAST_SIDE
        ]
        logits: dict[tuple[int, int], float] = {}
        for start in range(0, len(wanted), _BATCH):
            some = wanted[start : start + _BATCH]
            crops = [cut_out(frames[at], faces[at][number], margin=self._model.margin) for at, number in some]
            batch = np.concatenate([prepared(crop[None], self._model.spec) for crop in crops])
            values = self._network.run(["logit"], {self._input: batch})["logit"].reshape(-1)
            if len(values) != len(some):
                raise ModelError(f"{self._network.name} did not judge {len(some)} faces")
            logits.update(zip(some, map(float, values), strict=True))
        return logits


def logit_of_faces(
    logits: dict[tuple[int, int], float], tracks: Sequence[Sequence[tuple[int, int]]]
) -> float | None:
    """The most suspicious face's logit, the mean over its frames; None where no face was looked at.

    A face that was seen once counts only where none was seen more often: a single frame is often blurred.
    """
    judged = [[logits[place] for place in track if place in logits] for track in tracks]
    judged = [values for values in judged if values]
    lasting = [values for values in judged if len(values) > 1] or judged
    return max((float(np.mean(values)) for values in lasting), default=None)
