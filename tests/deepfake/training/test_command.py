"""``python -m deepfake.training`` says what is missing or wrong, and measures a bundle without what fitting needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deepfake.engine.bundle import Bundle
from deepfake.training import __main__ as command
from deepfake.training.clips import TrainingClip
from deepfake.training.commands.all import steps as planned
from deepfake.training.features import load_features
from deepfake.training.journal import Journal
from deepfake.training.options import parser
from tests.deepfake.engine.networks import video_network, write_bundle


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def test_what_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(command._NEEDED, "head", ("json", "no_such_package"))
    folder = str(tmp_path)
    given = ["head", "--data", folder, "--features", folder, "--encoder", folder, "--out", folder]
    assert command.main(given) == 1
    message = said(capsys)
    assert "Missing: no_such_package." in message
    assert "requirements.txt" in message


@pytest.mark.parametrize(
    "wrong",
    [
        ["--variant", "blurred"],
        ["--frames", "0"],
        ["--workers", "-1"],
        ["--splits", "test"],
        ["--frames", "many"],
    ],
)
def test_impossible_options_are_refused(tmp_path: Path, wrong: list[str]) -> None:
    folder = str(tmp_path)
    with pytest.raises(SystemExit) as refused:
        command.main(["features", "--data", folder, "--encoder", folder, "--out", folder, *wrong])
    assert refused.value.code == 2


def test_what_is_wrong_is_said_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path)
    assert command.main(["features", "--data", folder, "--encoder", folder, "--out", folder]) == 1
    message = said(capsys)
    assert "manifest.csv" in message
    assert "Traceback" not in message


def test_features_are_written_and_what_they_are_of_is_logged(
    collection: Path, clips: list[TrainingClip], encoder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "features"
    given = ["features", "--data", str(collection), "--encoder", str(encoder), "--out", str(out)]
    assert command.main([*given, "--frames", "2", "--variant", "plain", "--workers", "1"]) == 0
    assert len(load_features(clips, ("plain",), out)) == len(clips)
    (line,) = Journal(out / "journal.jsonl").read("features")
    assert line["splits"]["val"] == {"gen_c": 2, "web": 2}


def test_a_bundle_is_calibrated_by_val_and_measured(
    collection: Path, tmp_path: Path, copies: Path, face_detector: Path
) -> None:
    # In the middle between the bright and the dark clips.
    bundle = write_bundle(tmp_path / "bright-1", {"video.onnx": video_network(middle=80)})
    given = ["--data", str(collection), "--copies", str(copies), "--bundle", str(bundle), "--workers", "1"]
    variants = ["--variant", "plain", "crf38h"]
    out = ["--out", str(tmp_path / "out")]
    assert command.main(["calibrate", *given, *variants, *out, "--detector", str(face_detector)]) == 0
    manifest = Bundle.read(bundle).manifest
    assert manifest.metrics["calibration_auc"] == 1.0
    assert manifest.metrics["calibrated_by_real"] == 2
    assert manifest.faces is not None
    assert 0 < manifest.operating_point.real_below < manifest.operating_point.fake_above < 1
    assert command.main(["report", *given, *variants, *out]) == 0
    report = json.loads((tmp_path / "out/metrics.json").read_text())
    assert report["split"] == "val"
    assert report["sweep"]["plain"]["auc"] == 1.0
    assert "| gen_c | 2 |" in (tmp_path / "out/tables.md").read_text()
    assert "val_auc" not in Bundle.read(bundle).manifest.metrics


def test_a_model_that_saw_val_is_not_calibrated_by_it(
    collection: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = {"clips": {"train": {}, "val": {"web": 2}}}
    bundle = write_bundle(tmp_path / "bright-1", training=training)
    out = str(tmp_path / "out")
    given = ["calibrate", "--data", str(collection), "--bundle", str(bundle), "--out", out]
    assert command.main(given) == 1
    assert "--scores" in said(capsys)
    other = write_bundle(
        tmp_path / "other-1",
        calibration={"slope": 2.0, "offset": 0.5},
        operating_point={"real_below": 0.2, "fake_above": 0.7},
    )
    assert command.main([*given, "--like", str(other)]) == 0
    manifest = Bundle.read(bundle).manifest
    assert (manifest.calibration.slope, manifest.operating_point.fake_above) == (2.0, 0.7)


def test_a_face_model_needs_the_detector_that_it_looks_through(
    collection: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path)
    given = ["calibrate", "--data", str(collection), "--bundle", folder, "--out", folder, "--face", folder]
    assert command.main(given) == 1
    assert "--detector" in said(capsys)


def test_the_development_test_is_measured_last_and_only_when_told() -> None:
    given = ["all", "--data", "d", "--encoder", "e", "--detector", "c", "--out", "o"]
    plain, final, refitted = (
        planned(parser().parse_args([*given, *more])) for more in ([], ["--final"], ["--refit-student"])
    )
    assert [step[0] for step in plain] == [
        "features",
        "head",
        "face",
        "student",
        "calibrate",
        "calibrate",
        "report",
    ]
    assert not any("--final" in step for step in plain)
    assert [step[0] for step in final[-2:]] == ["report", "report"]
    assert all("--final" in step for step in final[-2:])
    # What was fitted to val as well is not measured on it.
    assert "report" not in [step[0] for step in refitted]
    assert refitted[-1][0] == "calibrate"
    assert "--like" in refitted[-1]
    for step in (*plain, *final, *refitted):
        parser().parse_args(step)


def test_a_model_is_not_measured_on_what_it_was_fitted_to(
    collection: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write_bundle(tmp_path / "bright-1", training={"clips": {"val": {"web": 2}}})
    out = str(tmp_path / "out")
    assert command.main(["report", "--data", str(collection), "--bundle", str(bundle), "--out", out]) == 1
    assert "fitted to val" in said(capsys)
