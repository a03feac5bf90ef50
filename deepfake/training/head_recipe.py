"""Heads from features to a bundle: candidates are compared, the best is fitted several times, all are averaged."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepfake.training.clips import TRAIN, VAL, TrainingClip, counts_of, digest_of, of_splits
from deepfake.training.features import encoder_of, load_features
from deepfake.training.head_fitting import FittedHead, HeadSpec, Inputs, fit_head, logits_of, new_head
from deepfake.training.head_network import PARTS
from deepfake.training.journal import Journal
from deepfake.training.scores import Score, write_scores
from deepfake.training.transfer import Criterion, by_variant
from deepfake.training.weighting import folds_of

SCORES, JOURNAL = "scores.jsonl", "journal.jsonl"
#: Heads that are compared: what they look at, how much they may bend, how hard they are held.
CANDIDATES = tuple(
    replace(spec, decay=decay)
    for decay in (0.3, 3.0, 10.0)
    for spec in (
        HeadSpec(parts=("embeds",)),
        HeadSpec(parts=("mean", "std")),
        HeadSpec(parts=PARTS),
        HeadSpec(parts=PARTS, hidden=64, dropout=0.5),
        HeadSpec(parts=PARTS, attention=True),
    )
)
#: Heads that judge a fold.
_OF_A_FOLD = 2
PACKAGES = ("torch", "onnx", "onnxruntime", "numpy", "opencv-python-headless", "av", "pillow")


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """What is done; the defaults are those of the shipped bundle.

    Attributes:
        variants: of the clips that are fitted to; held-out clips are judged in those of ``judged`` alone.
        steps: of one fitting at most.
        seeds: heads that are averaged.
        folds: parts that the clips are parted in, by page, to judge each by heads that were fitted to the others.
        refit: fit the heads of the bundle to train and val, after everything was chosen by val alone.
        dro: see :class:`.head_fitting.HeadSpec`; for all candidates.
        criterion: what candidates, and the step to stop at, are chosen by.
    """

    variants: tuple[str, ...] = ("plain", "aug0", "aug1", "aug2")
    judged: tuple[str, ...] = ("plain", "aug0")
    steps: int = 1000
    seeds: int = 5
    folds: int = 5
    refit: bool = True
    dro: float = 0.0
    criterion: Criterion = Criterion.MACRO
    candidates: tuple[HeadSpec, ...] = field(default=CANDIDATES, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class HeadResult:
    """What came of a recipe.

    Attributes:
        heads: that are averaged.
        spec: of each.
        scores: of all clips that were fitted to, each by heads that saw nothing of its page, as far as there are folds.
        record: for the manifest.
    """

    heads: list[Any]
    spec: HeadSpec
    scores: list[Score]
    record: dict[str, Any]


def make_heads(
    recipe: HeadRecipe,
    clips: Sequence[TrainingClip],
    features: Path,
    out: Path,
    *,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> HeadResult:
    """Follow a recipe, from where ``out`` has come to; every head is kept there as soon as it is fitted.

    Args:
        clips: of all splits but the development test; of that none is taken.
        features: folder of :func:`.features.write_features`, with all variants.

    Raises:
        FeaturesError: features are missing.
    """
    fitted_on = of_splits(clips, TRAIN, VAL)
    journal = Journal(out / JOURNAL)
    encoder = encoder_of(features)
    journal.write("heads", recipe=_plain(asdict(recipe)), encoder=encoder, splits=counts_of(fitted_on))
    variants = tuple(dict.fromkeys((*recipe.variants, *recipe.judged)))
    all_features = load_features(fitted_on, variants, features)
    run = _Run(recipe, out / "fits", f"{encoder} {digest_of(fitted_on)}", journal, progress)
    specs = [replace(spec, dro=recipe.dro) for spec in recipe.candidates]
    of_folds = recipe.folds * min(recipe.seeds, _OF_A_FOLD)
    run.expect(len(specs) + recipe.seeds * (1 + recipe.refit) + of_folds)

    is_val = np.array([clip.split == VAL for clip in all_features.clips], bool)
    tried: list[tuple[float, HeadSpec]] = []
    inputs, parts = Inputs.of(all_features, specs[0].parts), specs[0].parts
    for spec in specs:
        if spec.parts != parts:
            inputs, parts = Inputs.of(all_features, spec.parts), spec.parts
        found = run.fit(inputs, ~is_val, spec, seed=0, steps=recipe.steps, held_out=is_val)
        tried.append((found.score, spec))
        journal.write("candidate", spec=_plain(asdict(spec)), score=found.score, step=found.step)
    best = max(tried, key=lambda each: each[0])[1]
    journal.write("chosen", spec=_plain(asdict(best)))

    inputs = Inputs.of(all_features, best.parts)
    seeds = range(1, recipe.seeds + 1)
    chosen = [
        run.fit(inputs, ~is_val, best, seed=seed, steps=recipe.steps, held_out=is_val) for seed in seeds
    ]
    steps = max(1, round(float(np.median([each.step for each in chosen]))))
    heads = [each.head for each in chosen]
    logits = logits_of(heads, inputs)
    val_score = _val_score(logits, inputs, is_val, recipe)
    held_out = is_val.copy()
    record: dict[str, Any] = {"val_macro_auc": round(val_score, 4), "steps": steps}
    if recipe.folds:
        logits, held_out = (
            _cross_fitted(run, inputs, best, seeds[:_OF_A_FOLD], steps),
            np.ones(len(inputs), bool),
        )
        record["cross_fitted_macro_auc"] = round(
            by_variant(logits[_judged(inputs, recipe)], *_named(inputs, _judged(inputs, recipe))), 4
        )
    if recipe.refit:
        everything = np.ones(len(inputs), bool)
        heads = [run.fit(inputs, everything, best, seed=seed, steps=steps).head for seed in seeds]
    journal.write("fitted", **record)
    scores = [
        Score(clip.name, variant, float(logit), bool(apart))
        for clip, variant, logit, apart in zip(inputs.clips, inputs.variants, logits, held_out, strict=True)
    ]
    write_scores(out / SCORES, scores)
    return HeadResult(heads, best, scores, _record(recipe, best, fitted_on, encoder) | record)


def _cross_fitted(
    run: _Run, inputs: Inputs, spec: HeadSpec, seeds: Sequence[int], steps: int
) -> NDArray[np.float64]:
    """Logits of all clips, each by heads that were fitted to the folds that it is not in."""
    folds = folds_of(inputs.clips, run.recipe.folds)
    logits = np.zeros(len(inputs))
    for fold in range(run.recipe.folds):
        apart = folds == fold
        if not apart.any():
            continue
        heads = [run.fit(inputs, ~apart, spec, seed=seed, steps=steps).head for seed in seeds]
        logits[apart] = logits_of(heads, inputs.chosen(apart))
    return logits


def _judged(inputs: Inputs, recipe: HeadRecipe) -> NDArray[np.bool_]:
    return np.array([variant in recipe.judged for variant in inputs.variants], bool)


def _named(inputs: Inputs, keep: NDArray[np.bool_]) -> tuple[list[TrainingClip], list[str]]:
    places = np.flatnonzero(keep)
    return [inputs.clips[place] for place in places], [inputs.variants[place] for place in places]


def _val_score(
    logits: NDArray[np.float64], inputs: Inputs, is_val: NDArray[np.bool_], recipe: HeadRecipe
) -> float:
    keep = is_val & _judged(inputs, recipe)
    return by_variant(logits[keep], *_named(inputs, keep), recipe.criterion)


class _Run:
    """Fits heads, unless a file of an earlier run has them."""

    def __init__(
        self,
        recipe: HeadRecipe,
        folder: Path,
        data: str,
        journal: Journal,
        progress: Callable[[int, int], None],
    ) -> None:
        self.recipe, self._folder, self._data = recipe, folder, data
        self._journal, self._progress = journal, progress
        self._done = self._total = 0

    def expect(self, total: int) -> None:
        self._total = total

    def fit(
        self,
        inputs: Inputs,
        keep: NDArray[np.bool_],
        spec: HeadSpec,
        *,
        seed: int,
        steps: int,
        held_out: NDArray[np.bool_] | None = None,
    ) -> FittedHead:
        fitted_to = np.array([variant in self.recipe.variants for variant in inputs.variants], bool) & keep
        key = json.dumps(
            [
                self._data,
                _plain(asdict(spec)),
                seed,
                steps,
                self.recipe.steps,
                self.recipe.variants,
                self.recipe.judged if held_out is not None else None,
                self.recipe.criterion,
                hashlib.sha256(fitted_to.tobytes()).hexdigest(),
            ]
        )
        path = self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.pt"
        if path.is_file():
            saved = torch.load(path, weights_only=True)
            head = new_head(inputs.numbers.shape[2], spec)
            head.load_state_dict(saved["head"])
            found = FittedHead(head.eval(), saved["step"], saved["score"])
        else:
            apart = None
            if held_out is not None:
                apart = inputs.chosen(held_out & _judged(inputs, self.recipe))
            found = fit_head(
                inputs.chosen(fitted_to),
                spec,
                seed=seed,
                steps=steps,
                schedule=self.recipe.steps,
                held_out=apart,
                criterion=self.recipe.criterion,
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".part")
            torch.save({"head": found.head.state_dict(), "step": found.step, "score": found.score}, partial)
            partial.replace(path)
        self._done += 1
        self._progress(self._done, max(self._total, self._done))
        return found


def _record(
    recipe: HeadRecipe, spec: HeadSpec, clips: Sequence[TrainingClip], encoder: str
) -> dict[str, Any]:
    """What a bundle's manifest says of how it was made."""
    raw = _plain(asdict(recipe))
    del raw["candidates"]
    splits = (TRAIN, VAL) if recipe.refit else (TRAIN,)
    clips = of_splits(clips, *splits)
    return {
        "made_by": "python -m deepfake.training head",
        "recipe": raw,
        "head": _plain(asdict(spec)),
        "encoder_sha256": encoder,
        "clips_sha256": digest_of(clips),
        "clips": counts_of(clips),
        "fitted_to": list(splits),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of everything that a run's numbers hang on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def _plain(raw: dict[str, Any]) -> dict[str, Any]:
    """As JSON has it."""
    plain: dict[str, Any] = json.loads(json.dumps(raw))
    return plain
