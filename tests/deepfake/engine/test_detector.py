"""From a file to a verdict, with networks whose judgement can be told beforehand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from deepfake.engine.bundle import Bundle
from deepfake.engine.detector import Detector, Stage, result_of
from deepfake.engine.manifest import OperatingPoint
from deepfake.engine.manifest_fields import BundleError
from deepfake.engine.verdict import LookedAt, Manipulation, Quality, Result, Stretch, Verdict
from tests.deepfake.engine.clips import Picture, scene, with_patch, write_clip
from tests.deepfake.engine.networks import (
    BRIGHT,
    ENCODED,
    FACES,
    NETWORKS,
    reading_off,
    video_network,
    write_bundle,
)
from video.reader import VideoError

#: A face as the tiny detector knows it; with blue in it, it is a manipulated one.
REAL_FACE, FAKE_FACE = (255, 0, 30), (255, 0, 90)


def detector(tmp_path: Path, name: str = "bright", **changes: Any) -> Detector:
    return Detector(Bundle.read(write_bundle(tmp_path / name, NETWORKS, **changes)))


def test_of_a_video_whose_end_was_not_fetched_that_is_said(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", scene(24, level=200))
    bright = detector(tmp_path)
    whole, beginning = bright.detect(path), bright.detect(path, whole=False)
    assert (whole.looked_at, beginning.looked_at) == (
        LookedAt(True, (Stretch(0.0, 3.0),)),
        LookedAt(False, (Stretch(0.0, 3.0),)),
    )
    assert Quality.ONLY_BEGINNING not in whole.quality
    assert set(beginning.quality) == {*whole.quality, Quality.ONLY_BEGINNING}
    assert beginning.as_json()["looked_at"]["stretches"] == ({"from_s": 0.0, "to_s": 3.0},)


def judged(detector: Detector, folder: Path, pictures: Iterable[Picture]) -> Verdict:
    return detector.detect(write_clip(folder / "clip.mp4", pictures))


def with_face(level: int, colour: tuple[int, int, int]) -> Iterable[Picture]:
    return with_patch(scene(24, level=level), colour, left=100, top=60, side=100, step=2)


@pytest.mark.parametrize(
    ("level", "result"), [(200, Result.AI_GENERATED), (60, Result.REAL), (133, Result.INCONCLUSIVE)]
)
def test_the_verdict_is_what_the_model_says(tmp_path: Path, level: int, result: Result) -> None:
    verdict = judged(detector(tmp_path), tmp_path, scene(24, level=level))
    assert verdict.result is result
    assert verdict.manipulation is None
    assert verdict.model.name == "Bright"
    assert verdict.model.metrics == {"auc": 0.75}
    assert len(verdict.model.sha256) == 64


def test_every_frame_is_told_with_its_time_probability_and_weight(tmp_path: Path) -> None:
    pictures = [*scene(24, level=60), *scene(24, level=200, seed=2)]
    frames = judged(detector(tmp_path), tmp_path, pictures).frames
    assert len(frames) == 8
    assert [frame.at_s for frame in frames] == sorted(frame.at_s for frame in frames)
    assert [frame.prob_fake > 0.5 for frame in frames] == [False] * 4 + [True] * 4
    assert sum(frame.weight for frame in frames) == pytest.approx(1, abs=1e-3)
    assert min(frame.weight for frame in frames[4:]) > max(frame.weight for frame in frames[:4])


def test_the_parts_that_weighed_most_are_told(tmp_path: Path) -> None:
    pictures = with_patch(scene(24, level=60, contrast=10), (255, 255, 255), left=160, top=120, side=80)
    for frame in judged(detector(tmp_path), tmp_path, pictures).frames:
        heaviest = frame.regions[0]
        assert (heaviest.box.left, heaviest.box.top) == pytest.approx((0.5, 0.5), abs=0.01)
        assert (heaviest.box.width, heaviest.box.height) == pytest.approx((0.25, 0.5), abs=0.26)
        assert 0.1 < heaviest.weight <= 1


def test_a_model_that_tells_no_parts_has_none(tmp_path: Path) -> None:
    files = {"video.onnx": video_network(heat=False)}
    plain = Detector(Bundle.read(write_bundle(tmp_path / "plain", files)))
    verdict = judged(plain, tmp_path, scene(24, level=200))
    assert all(frame.regions == () for frame in verdict.frames)


def test_calibration_makes_a_logit_a_probability(tmp_path: Path) -> None:
    pictures = list(scene(24, level=144))
    raw = judged(detector(tmp_path), tmp_path, pictures).prob_fake
    moved = detector(tmp_path, "moved", calibration={"slope": 0.0, "offset": 0.0})
    assert raw == pytest.approx(0.73, abs=0.03)
    assert judged(moved, tmp_path, pictures).prob_fake == 0.5


def test_models_are_joined_by_the_weights_of_their_logits(tmp_path: Path) -> None:
    pictures = list(scene(24, level=144))
    opposed = detector(tmp_path, "opposed", members=[BRIGHT, BRIGHT | {"weight": -1.0}])
    assert judged(opposed, tmp_path, pictures).prob_fake == pytest.approx(0.5)
    both = detector(tmp_path, "both", members=[BRIGHT, ENCODED])
    one = detector(tmp_path, "one", members=[ENCODED])
    assert judged(both, tmp_path, pictures).prob_fake > judged(one, tmp_path, pictures).prob_fake > 0.6


def test_an_encoder_is_read_off_by_a_file_that_joins_it(tmp_path: Path) -> None:
    pictures = list(scene(24, level=144))
    alone = judged(detector(tmp_path, "alone", members=[ENCODED]), tmp_path, pictures).prob_fake
    files = NETWORKS | {"more.onnx": reading_off("embedding", "doubled")}
    joined = ENCODED | {"extension": "more.onnx", "feeds": {"embeddings": "doubled"}}
    folder = write_bundle(tmp_path / "joined", files, members=[joined])
    doubled = judged(Detector(Bundle.read(folder)), tmp_path, pictures).prob_fake
    assert alone < 0.99 < doubled


def test_an_extension_has_to_be_listed_and_whole(tmp_path: Path) -> None:
    joined = ENCODED | {"extension": "more.onnx", "feeds": {"embeddings": "doubled"}}
    with pytest.raises(BundleError, match=r"more\.onnx is used and not listed"):
        Bundle.read(write_bundle(tmp_path / "unlisted", NETWORKS, members=[joined]))
    files = NETWORKS | {"more.onnx": b"no network"}
    with pytest.raises(BundleError, match="not a network that loads"):
        Detector(Bundle.read(write_bundle(tmp_path / "broken", files, members=[joined])))


def test_a_member_that_takes_fewer_frames_says_the_same_of_the_others_as_of_all(tmp_path: Path) -> None:
    few = detector(tmp_path, members=[BRIGHT | {"frames": 2}])
    frames = judged(few, tmp_path, scene(24, level=170)).frames
    assert len(frames) == 8
    assert sum(frame.weight > 0 for frame in frames) == 2
    assert all(frame.prob_fake > 0.8 for frame in frames)


def test_warnings_ask_for_more(tmp_path: Path) -> None:
    dark = list(scene(24, level=30, contrast=10))
    sure = {"real_below": 0.01, "fake_above": 0.8}
    lenient = detector(tmp_path, calibration={"slope": 1.0, "offset": 0.0}, operating_point=sure)
    strict = detector(tmp_path, "strict", operating_point=sure | {"widened": {"too_dark": 4.0}})
    assert judged(lenient, tmp_path, dark).result is Result.REAL
    verdict = judged(strict, tmp_path, dark)
    assert Quality.TOO_DARK in verdict.quality
    assert verdict.result is Result.INCONCLUSIVE


def test_the_largest_margin_of_all_warnings_counts() -> None:
    point = OperatingPoint(0.5, 0.5, {Quality.TOO_DARK: 1.0, Quality.TOO_SMALL: 2.0})
    both = (Quality.TOO_DARK, Quality.TOO_SMALL, Quality.NO_FACE)
    assert result_of(0.87, point, ()) is Result.AI_GENERATED
    assert result_of(0.87, point, both) is Result.INCONCLUSIVE
    assert result_of(0.89, point, both) is Result.AI_GENERATED
    assert result_of(0.13, point, both) is Result.INCONCLUSIVE
    assert result_of(0.11, point, both) is Result.REAL


def test_points_at_the_ends_stay_there() -> None:
    point = OperatingPoint(0.0, 1.0, {Quality.TOO_DARK: 3.0})
    assert result_of(0.999, point, (Quality.TOO_DARK,)) is Result.INCONCLUSIVE


def test_a_manipulated_face_in_a_real_video_is_told_as_such(tmp_path: Path) -> None:
    verdict = judged(detector(tmp_path, faces=FACES), tmp_path, with_face(70, FAKE_FACE))
    assert (verdict.result, verdict.manipulation) == (Result.AI_GENERATED, Manipulation.FACE)
    faces = verdict.frames[0].faces
    assert faces[0].prob_fake is not None
    assert faces[0].prob_fake > 0.9
    assert 0.2 < faces[0].box.left < 0.5


def test_a_real_face_raises_no_suspicion(tmp_path: Path) -> None:
    verdict = judged(detector(tmp_path, faces=FACES), tmp_path, with_face(70, REAL_FACE))
    assert (verdict.result, verdict.manipulation) == (Result.REAL, None)
    assert verdict.frames[0].faces[0].prob_fake is not None
    assert Quality.NO_FACE not in verdict.quality


def test_a_generated_video_is_not_called_a_manipulated_face(tmp_path: Path) -> None:
    verdict = judged(detector(tmp_path, faces=FACES), tmp_path, with_face(200, FAKE_FACE))
    assert (verdict.result, verdict.manipulation) == (Result.AI_GENERATED, None)


def test_a_real_face_may_speak_for_a_video_where_the_manifest_says_so(tmp_path: Path) -> None:
    pictures = list(with_face(140, REAL_FACE))
    raising = judged(detector(tmp_path, faces=FACES), tmp_path, pictures).prob_fake
    joined = FACES | {"model": FACES["model"] | {"only_raises": False}}
    assert judged(detector(tmp_path, "joined", faces=joined), tmp_path, pictures).prob_fake < raising


def test_faces_are_told_where_nothing_judges_them(tmp_path: Path) -> None:
    only_found = {"detector": "faces.onnx"}
    verdict = judged(detector(tmp_path, faces=only_found), tmp_path, with_face(70, FAKE_FACE))
    assert verdict.result is Result.REAL
    assert verdict.frames[0].faces[0].prob_fake is None


def test_a_video_without_faces_is_judged_by_its_pictures(tmp_path: Path) -> None:
    verdict = judged(detector(tmp_path, faces=FACES), tmp_path, scene(24, level=200))
    assert verdict.result is Result.AI_GENERATED
    assert Quality.NO_FACE in verdict.quality


def test_a_single_frame_gets_a_verdict_and_a_warning(tmp_path: Path) -> None:
    verdict = judged(detector(tmp_path, faces=FACES), tmp_path, scene(1, level=200))
    assert len(verdict.frames) == 1
    assert verdict.frames[0].weight == 1
    assert Quality.TOO_SHORT in verdict.quality


def test_a_verdict_is_plain_json(tmp_path: Path) -> None:
    verdict = judged(detector(tmp_path, faces=FACES), tmp_path, with_face(70, FAKE_FACE))
    told = json.loads(json.dumps(verdict.as_json(), allow_nan=False))
    assert told["result"] == "ai_generated"
    assert told["manipulation"] == "face_manipulation"
    assert len(told["frames"]) == 8


def test_stages_come_in_order_and_their_shares_go_up(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", scene(24))
    told: list[tuple[int, float]] = []
    stages = list(Stage)
    detector(tmp_path, faces=FACES).detect(
        path, on_stage=lambda stage, share: told.append((stages.index(stage), share))
    )
    assert told == sorted(told)
    assert {stage for stage, _ in told} == {0, 1, 2}
    assert told[-1] == (2, 1.0)


def test_a_file_that_is_no_video_gets_no_verdict(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("no video")
    with pytest.raises(VideoError):
        detector(tmp_path).detect(path)


def test_one_detector_is_used_by_several_threads(tmp_path: Path) -> None:
    one = detector(tmp_path, faces=FACES)
    paths = {level: write_clip(tmp_path / f"{level}.mp4", scene(12, level=level)) for level in (60, 133, 200)}
    found: dict[int, set[Result]] = {level: set() for level in paths}
    threads = [
        threading.Thread(target=lambda level=level: found[level].add(one.detect(paths[level]).result))
        for level in [*paths] * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {60: {Result.REAL}, 133: {Result.INCONCLUSIVE}, 200: {Result.AI_GENERATED}}
