"""A self-blended face differs from itself where the face is, and a mask follows the landmarks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest

from deepfake.training.blending import face_mask, random_blend, self_blended
from deepfake.training.clips import TrainingClip
from deepfake.training.copies import read_frames
from deepfake.training.detector_file import DetectorFileError, with_free_sides
from deepfake.training.landmarks import FaceMarker, find_face_clips
from deepfake.training.tampering import blended_path, write_blended
from tests.deepfake.engine.clips import scene, write_clip
from tests.deepfake.engine.networks import face_network
from tests.deepfake.training.collection import a_clip, faces_of

POINTS = np.array([[80, 60], [120, 60], [100, 82], [84, 100], [116, 100]], np.float32)
FRAME = next(scene(1, size=(200, 160), contrast=120))


def blend_of(seed: int, **changes: object) -> object:
    return dataclasses.replace(random_blend(np.random.default_rng(seed)), **changes)


def test_a_mask_lies_on_the_face_and_nowhere_else() -> None:
    for seed in range(12):
        mask = face_mask((160, 200), POINTS, random_blend(np.random.default_rng(seed)))
        assert mask.shape == (160, 200)
        assert 0 <= mask.min() <= mask.max() <= 1.001
        assert mask[80, 100] > 0.6
        assert mask[:, :30].max() < 0.05
        assert mask[:, 170:].max() < 0.05


def test_a_mask_turns_with_the_face() -> None:
    blend = blend_of(1, waves=np.zeros((2, 4, 4), np.float32))
    turned = POINTS[:, ::-1].copy()
    one, other = face_mask((200, 200), POINTS, blend), face_mask((200, 200), turned, blend)
    middle = [np.average(np.indices(mask.shape), axis=(1, 2), weights=mask) for mask in (one, other)]
    # Mirrored along the diagonal.
    assert np.allclose(middle[0], middle[1][::-1], atol=3)


def test_a_seam_is_left_in_the_face_alone_where_the_inner_face_is_altered() -> None:
    differences = []
    for seed in range(12):
        blended = self_blended(FRAME, POINTS, blend_of(seed, inner_first=True))
        difference = np.abs(blended.astype(int) - FRAME).mean(2)
        assert difference[:, :25].max() == 0
        differences.append(difference[50:110, 75:125].mean())
    assert np.mean(differences) > 3


def test_the_same_blend_does_the_same() -> None:
    assert np.array_equal(self_blended(FRAME, POINTS, blend_of(5)), self_blended(FRAME, POINTS, blend_of(5)))
    assert not np.array_equal(
        self_blended(FRAME, POINTS, blend_of(5)), self_blended(FRAME, POINTS, blend_of(6))
    )


def test_points_that_lie_in_one_place_are_no_face() -> None:
    one_place = np.full((5, 2), 50, np.float32)
    assert self_blended(FRAME, one_place, blend_of(1)).shape == FRAME.shape


def test_faces_are_marked_where_they_are(face_detector: Path) -> None:
    frames = np.stack([*faces_of(128, count=2), *scene(1)])
    found = FaceMarker(face_detector.read_bytes()).find(frames)
    assert found[0] is not None
    assert found[1] is not None
    assert found[2] is None
    face = found[0].face
    left_eye, mouth = found[0].points[0], found[0].points[3]
    assert face.left < left_eye[0] < face.right
    assert left_eye[1] < mouth[1]
    assert 120 < found[0].points[:, 0].mean() < 180
    assert 80 < found[0].points[:, 1].mean() < 140


def test_a_detector_is_made_to_take_pictures_of_any_size() -> None:
    fixed = face_network(side=32)
    with pytest.raises(DetectorFileError, match="no ONNX"):
        with_free_sides(b"nothing")
    assert with_free_sides(with_free_sides(fixed)) == with_free_sides(fixed)
    (given,) = onnx.load_from_string(with_free_sides(fixed)).graph.input
    names = [axis.dim_param for axis in given.type.tensor_type.shape.dim]
    assert names == ["n", "", "height", "width"]


def test_clips_without_faces_are_left_out(tmp_path: Path, face_detector: Path) -> None:
    with_face, without = (
        a_clip(number, fake=False, path=write_clip(tmp_path / f"{number}.mp4", pictures))
        for number, pictures in enumerate((faces_of(100), scene(6)))
    )
    marker = FaceMarker(face_detector.read_bytes())
    found = find_face_clips([with_face, without], ("plain",), marker, copies=tmp_path, frames=4)
    assert [face.clip for face in found] == [with_face]
    assert len(found[0].frames) == len(found[0].faces) == 4


def test_a_blended_copy_is_as_long_as_the_clip(tmp_path: Path, face_detector: Path) -> None:
    marker = FaceMarker(face_detector.read_bytes())
    clip: TrainingClip = a_clip(1, fake=False, path=write_clip(tmp_path / "1.mp4", faces_of(100)))
    plain = a_clip(2, fake=False, path=write_clip(tmp_path / "2.mp4", scene(6)))
    assert write_blended(clip, marker, tmp_path)
    assert not write_blended(plain, marker, tmp_path)
    copy = dataclasses.replace(clip, path=blended_path(clip, tmp_path))
    before, after = read_frames(clip), read_frames(copy)
    assert before.shape == after.shape
    assert np.abs(after.astype(int) - before).mean() > 0.5
