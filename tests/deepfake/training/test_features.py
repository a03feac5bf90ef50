"""Features are computed once, the way the engine looks at videos, and taken up again after a kill."""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import onnx
import pytest

from deepfake.engine.inputs import prepared
from deepfake.training import features as module
from deepfake.training.clips import TrainingClip
from deepfake.training.copies import sample_clip
from deepfake.training.encoding import (
    CLASSES,
    CLIP_INPUT,
    MEANS,
    NUMBERS,
    PARTS,
    PATCHES,
    EncoderError,
    EncoderFile,
    FrameFeatures,
    extension_of,
    origin_of,
)
from deepfake.training.features import FeaturesError, encoder_of, load_features, write_features
from tests.deepfake.engine.networks import encoder_network
from tests.deepfake.training.collection import encoder_content


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
    frames = sample_clip(found.clips[2], "crf32", copies, frames=3).frames
    numbers = FrameFeatures(EncoderFile.read(encoder)).of(frames)
    assert found.parts == PARTS
    assert np.allclose(found.numbers[2], numbers, atol=2e-2)
    assert found.counts.tolist() == [3] * len(clips)
    assert encoder_of(tmp_path) == EncoderFile.read(encoder).sha256


def test_blocks_are_read_off_inside_an_encoder_that_declares_none(encoder: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8)
    cells = prepared(frames, CLIP_INPUT).reshape(3, 3, 4, 56, 4, 56).mean((3, 5)).reshape(3, 3, 16)
    features = FrameFeatures(EncoderFile.read(encoder), ("mean5", "class2", "mean0"))
    found = features.encoded(frames)
    # Each block of the tiny encoder adds one.
    whole = cells.mean(2)
    assert np.allclose(found[NUMBERS], np.concatenate([whole + 6, whole + 3, whole + 1], 1), atol=1e-3)
    patches = cells.transpose(0, 2, 1)
    assert np.allclose(found[PATCHES], np.concatenate([patches + 6, patches + 1], 2), atol=1e-3)
    assert (features.width, features.side) == (3, 4)
    assert np.array_equal(features.of(frames), found[NUMBERS])


def test_an_encoder_stays_as_it_is(encoder: Path) -> None:
    file = EncoderFile.read(encoder)
    extension = extension_of(file, CLASSES)
    assert len(extension) < 4000
    before, after = onnx.load_from_string(file.content), onnx.load_from_string(file.content + extension)
    assert list(after.graph.node)[: len(before.graph.node)] == list(before.graph.node)
    assert [each.name for each in after.graph.output] == ["image_embeds", NUMBERS]
    assert after.opset_import == before.opset_import
    onnx.checker.check_model(after)


def test_some_parts_are_loaded_without_the_others(
    clips: list[TrainingClip], encoder: Path, tmp_path: Path, copies: Path
) -> None:
    write(clips[:2], encoder, tmp_path, copies, variants=("plain",))
    every = load_features(clips[:2], ("plain",), tmp_path)
    some = load_features(clips[:2], ("plain",), tmp_path, ("mean3", "class1"))
    wanted = [3 * place + number for place in (12 + 3, 1) for number in range(3)]
    assert MEANS[3] == PARTS[12 + 3]
    assert np.array_equal(some.numbers, every.numbers[:, :, wanted])


def test_a_killed_run_goes_on_where_it_was(
    clips: list[TrainingClip], encoder: Path, tmp_path: Path, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 4)
    seen: list[str] = []

    def killed(clip: TrainingClip, variant: str, *given: object, **named: object) -> object:
        if len(seen) == 6:
            raise KeyboardInterrupt
        seen.append(clip.name)
        return sample_clip(clip, variant, *given, **named)

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
    other, broken, shallow = (tmp_path / f"{name}.onnx" for name in ("other", "broken", "shallow"))
    other.write_bytes(encoder_network(side=224))
    shallow.write_bytes(encoder_content(blocks=4))
    broken.write_bytes(b"no network")
    with pytest.raises(EncoderError, match="no block 4"):
        FrameFeatures(EncoderFile.read(shallow))
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
