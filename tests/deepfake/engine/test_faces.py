"""Faces: found, followed, cut out, judged."""

from __future__ import annotations

import numpy as np
import pytest

from deepfake.engine.faces import (
    MOST_FACES,
    FaceFinder,
    FaceJudge,
    FoundFace,
    cut_out,
    logit_of_faces,
    overlap,
    tracks_of,
)
from deepfake.engine.inputs import InputSpec
from deepfake.engine.manifest import Calibration, FaceModel
from deepfake.engine.session import ModelError, OnnxNetwork
from tests.deepfake.engine.networks import FACE_SIDE, face_judge_network, face_network

RED = (230, 10, 10)


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder(OnnxNetwork("faces.onnx", face_network()), score=0.75)


def frames(*patches: tuple[int, int], side: int = 40, colour: tuple[int, int, int] = RED) -> np.ndarray:
    """A frame for each (left, top), with a square there."""
    made = np.full((len(patches), 130, 200, 3), 90, np.uint8)
    for frame, (left, top) in zip(made, patches, strict=True):
        frame[top : top + side, left : left + side] = colour
    return made


def test_a_face_is_found_where_it_is(finder: FaceFinder) -> None:
    (faces,) = finder.find(frames((60, 44)))
    assert len(faces) == 1
    face = faces[0]
    assert ((face.left + face.right) / 2, (face.top + face.bottom) / 2) == pytest.approx((80, 64), abs=5)
    # The network takes 224 x 160 pixels for 200 x 130.
    assert (face.right - face.left, face.bottom - face.top) == pytest.approx(
        (FACE_SIDE * 200 / 224, FACE_SIDE * 130 / 160), abs=0.5
    )
    assert 0.75 < face.score <= 1


def test_faces_are_found_in_each_frame_of_several_batches(finder: FaceFinder) -> None:
    made = frames(*[(20 + 10 * number, 44) for number in range(9)])
    made[3] = 90
    assert [bool(found) for found in finder.find(made)] == [True] * 3 + [False] + [True] * 5


def test_a_frame_full_of_faces_tells_the_largest_few(finder: FaceFinder) -> None:
    (faces,) = finder.find(np.full((1, 640, 640, 3), RED, np.uint8))
    assert 1 <= len(faces) <= MOST_FACES


def test_a_face_at_the_rim_ends_at_the_rim(finder: FaceFinder) -> None:
    (faces,) = finder.find(frames((0, 0)))
    assert min(faces[0].left, faces[0].top) == 0


def test_a_detector_of_one_size_is_refused() -> None:
    with pytest.raises(ModelError, match="one size only"):
        FaceFinder(OnnxNetwork("faces.onnx", face_network(side=32)), score=0.5)


def face(left: float, top: float = 0.0, side: float = 40.0, score: float = 0.9) -> FoundFace:
    return FoundFace(left, top, left + side, top + side, score)


def test_overlap_is_intersection_over_union() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0


def test_a_face_is_followed_through_a_shot_and_not_beyond() -> None:
    found = [[face(0), face(100)], [face(104), face(4)], [face(8)], [face(8)]]
    assert tracks_of(found, [0, 0, 0, 1]) == [[(0, 0), (1, 1), (2, 0)], [(0, 1), (1, 0)], [(3, 0)]]


def test_a_face_that_jumps_is_another() -> None:
    assert tracks_of([[face(0)], [face(90)]], [0, 0]) == [[(0, 0)], [(1, 0)]]
    assert tracks_of([[], [face(0)]], [0, 0]) == [[(1, 0)]]
    assert tracks_of([], []) == []


def test_what_is_cut_out_is_a_square_with_a_margin() -> None:
    made = frames((60, 40))
    made[0, 30:40, 50:110] = (0, 255, 0)
    crop = cut_out(made[0], face(60, 40), margin=1.5)
    assert crop.shape == (60, 60, 3)
    assert (crop[10:50, 10:50] == RED).all()
    assert (crop[:10] == (0, 255, 0)).all()


def test_what_lies_outside_the_frame_is_filled_with_its_rim() -> None:
    crop = cut_out(frames((0, 0))[0], face(0), margin=2.0)
    assert crop.shape == (80, 80, 3)
    assert (crop[:60, :60] == RED).all()


@pytest.fixture(scope="module")
def judge() -> FaceJudge:
    model = FaceModel("judge.onnx", InputSpec(width=24, height=24), Calibration(), 0.9, margin=1.0)
    return FaceJudge(OnnxNetwork("judge.onnx", face_judge_network()), model)


def test_faces_are_judged_one_by_one(judge: FaceJudge) -> None:
    made = np.concatenate([frames((60, 40)), frames((60, 40), colour=(230, 10, 110))])
    logits = judge.judge(made, [[face(60, 40)], [face(60, 40)]])
    assert logits == {(0, 0): pytest.approx(-10), (1, 0): pytest.approx(10)}


def test_faces_that_are_too_small_are_not_judged(judge: FaceJudge) -> None:
    assert judge.judge(frames((60, 40)), [[face(60, 40, side=20)]]) == {}
    assert judge.judge(frames((60, 40)), [[]]) == {}


def test_only_the_largest_faces_of_a_frame_are_judged(judge: FaceJudge) -> None:
    many = [face(10.0 * number, side=60.0 - number) for number in range(8)]
    assert sorted(judge.judge(frames((60, 40)), [many])) == [(0, 0), (0, 1), (0, 2)]


def test_the_most_suspicious_face_counts_by_the_mean_of_its_frames() -> None:
    logits = {(0, 0): 1.0, (1, 0): 3.0, (0, 1): -2.0, (1, 1): -4.0}
    assert logit_of_faces(logits, [[(0, 0), (1, 0)], [(0, 1), (1, 1)]]) == 2.0


def test_a_face_that_was_seen_once_counts_only_where_none_was_seen_more_often() -> None:
    logits = {(0, 0): 9.0, (0, 1): 1.0, (1, 1): 2.0}
    assert logit_of_faces(logits, [[(0, 0)], [(0, 1), (1, 1)]]) == 1.5
    assert logit_of_faces(logits, [[(0, 0)]]) == 9.0
    assert logit_of_faces({}, [[(0, 0)]]) is None
