"""Features are computed once, the way the engine looks at videos, and taken up again after a kill."""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from deepfake.training import features as module
from deepfake.training.clips import TrainingClip
from deepfake.training.copies import sample_clip
from deepfake.training.encoding import EncoderError, EncoderFile, FrameFeatures, origin_of, statistics_of
from deepfake.training.features import FeaturesError, encoder_of, load_features, write_features
from tests.deepfake.engine.networks import encoder_network


def write(
    clips: list[TrainingClip], encoder: Path, folder: Path, copies: Path, **changes: object
) -> list[int]:
    done: list[int] = []
    given = {"frames": 3, "workers": 1, "variants": ("plain", "crf32")} | changes
    write_features(
        clips,
        encoder=encoder,
        folder=folder,
        copies=copies,
        progress=lambda count, _total: done.append(count),
        **given,
    )
    return done


def test_features_are_what_the_encoder_says_of_the_engines_frames(
    clips: list[TrainingClip], encoder: Path, tmp_path: Path, copies: Path
) -> None:
    write(clips, encoder, tmp_path, copies)
    found = load_features(clips, ("crf32",), tmp_path)
    assert sorted(clip.name for clip in found.clips) == sorted(clip.name for clip in clips)
    embeds, statistics = FrameFeatures(EncoderFile.read(encoder)).of(
        sample_clip(found.clips[2], "crf32", copies, frames=3).frames
    )
    assert np.allclose(found.embeds[2], embeds, atol=2e-3)
    assert np.allclose(found.statistics[2], statistics, atol=2e-3)
    assert found.counts.tolist() == [3] * len(clips)
    assert encoder_of(tmp_path) == EncoderFile.read(encoder).sha256


def test_statistics_are_of_the_tokens_and_their_quarters() -> None:
    tokens = np.zeros((1, 17, 2), np.float32)
    tokens[0, 0] = 100
    grid = tokens[0, 1:].reshape(4, 4, 2)
    grid[:2, 2:] = 4
    found = statistics_of(tokens)[0, :, 0]
    assert found.tolist() == pytest.approx([1, np.sqrt(3), 0, 4, 0, 0])


def test_a_killed_run_goes_on_where_it_was(
    clips: list[TrainingClip], encoder: Path, tmp_path: Path, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 4)
    seen: list[str] = []

    def killed(clip: TrainingClip, variant: str, *given: object, **named: object) -> object:
        if len(seen) == 6:
            raise KeyboardInterrupt
        seen.append(clip.name)
        return sample_clip(clip, variant, *given, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(module, "sample_clip", killed)
        with pytest.raises(KeyboardInterrupt):
            write(clips, encoder, tmp_path, copies, variants=("plain",))
    with pytest.raises(FeaturesError, match="missing"):
        load_features(clips, ("plain",), tmp_path)
    done = write(clips, encoder, tmp_path, copies, variants=("plain",))
    assert done[0] == 4
    assert done[-1] == len(clips)
    assert len(load_features(clips, ("plain",), tmp_path)) == len(clips)


def test_features_of_another_encoder_are_not_mixed_in(
    clips: list[TrainingClip], encoder: Path, tmp_path: Path, copies: Path
) -> None:
    write(clips[:1], encoder, tmp_path, copies, variants=("plain",))
    plan = json.loads((tmp_path / "plan.json").read_text())
    (tmp_path / "plan.json").write_text(json.dumps(plan | {"encoder": "0" * 64}))
    with pytest.raises(FeaturesError, match="another encoder"):
        write(clips[:1], encoder, tmp_path, copies)
    (tmp_path / "plan.json").unlink()
    with pytest.raises(FeaturesError, match="nothing says"):
        write(clips[:1], encoder, tmp_path, copies)


def test_what_is_no_encoder_of_frames_is_refused(tmp_path: Path) -> None:
    other, broken = tmp_path / "other.onnx", tmp_path / "broken.onnx"
    other.write_bytes(encoder_network(side=224))
    broken.write_bytes(b"no network")
    for path in (other, broken):
        with pytest.raises(EncoderError, match=path.name):
            FrameFeatures(EncoderFile.read(path))
    with pytest.raises(EncoderError, match="cannot be read"):
        EncoderFile.read(tmp_path / "missing.onnx")


def test_the_wheel_that_an_encoder_came_in_is_told_by_its_bytes(tmp_path: Path, encoder: Path) -> None:
    file = EncoderFile.read(encoder)
    wheel = tmp_path / "some_models-1.2.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as members:
        members.writestr("models/other.onnx", b"x" * len(file.content))
        members.writestr("models/clip.onnx", file.content)
    origin = origin_of(file, wheel)
    assert (origin.requirement, origin.member) == ("some_models==1.2.0", "models/clip.onnx")
    with ZipFile(wheel, "w") as members:
        members.writestr("models/other.onnx", b"x" * len(file.content))
    with pytest.raises(EncoderError, match="does not hold"):
        origin_of(file, wheel)
