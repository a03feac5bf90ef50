"""A head from features: candidates are compared across folds over pages, and the best is fitted to all clips."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake.training.clips import TRAIN, VAL, TrainingClip, counts_of, digest_of, of_splits
from deepfake.training.encoding import CLASSES, MEANS, PARTS
from deepfake.training.features import Features, encoder_of, load_features
from deepfake.training.head_fitting import FittedHead, HeadSpec, Inputs, fit_head
from deepfake.training.journal import Journal
from deepfake.training.scores import Score, write_scores
from deepfake.training.transfer import Criterion, by_variant
from deepfake.training.weighting import folds_of

SCORES, JOURNAL = "scores.jsonl", "journal.jsonl"
#: What is looked at: the middle of the encoder, where what transfers stands (see :mod:`.encoding`), some blocks of it,
#: its later half, or all of it; with means of patches, for the heat is theirs. The end alone is what it is held against.
LOOKS = (
    (*CLASSES[4:11], *MEANS[4:6]),
    ("class5", "class7", "class10", "mean4", "mean5"),
    (*CLASSES[6:], *MEANS[4:8]),
    (*CLASSES, *MEANS[4:6]),
    CLASSES[11:],
)
CANDIDATES = tuple(HeadSpec(parts, decay) for parts in LOOKS for decay in (0.003, 0.01, 0.03))
PACKAGES = ("torch", "onnx", "onnxruntime", "numpy", "opencv-python-headless", "av", "pillow")


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """What is done; the defaults are those of the shipped bundle.

    Attributes:
        variants: of the clips that are fitted to; held-out clips are judged in those of ``judged`` alone.
        folds: parts that the clips are parted in, by page, to judge each by a head that was fitted to the others.
        criterion: what candidates are chosen by.
    """

    variants: tuple[str, ...] = ("plain", "aug0")
    judged: tuple[str, ...] = ("plain", "aug0", "crf38h")
    folds: int = 5
    criterion: Criterion = Criterion.MACRO
    candidates: tuple[HeadSpec, ...] = field(default=CANDIDATES, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class HeadResult:
    """What came of a recipe.

    Attributes:
        scores: of all clips that were fitted to, each by a head that saw nothing of its page.
        record: for the manifest.
    """

    head: FittedHead
    spec: HeadSpec
    scores: list[Score]
    record: dict[str, Any]


def make_head(
    recipe: HeadRecipe,
    clips: Sequence[TrainingClip],
    features: Path,
    out: Path,
    *,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> HeadResult:
    """Follow a recipe.

    Args:
        clips: of all splits but the development test; of that none is taken.
        features: folder of :func:`.features.write_features`, with all variants.
        out: for the journal and the held-out logits.

    Raises:
        FeaturesError: features are missing.
    """
    fitted_on = of_splits(clips, TRAIN, VAL)
    journal = Journal(out / JOURNAL)
    encoder = encoder_of(features)
    journal.write("heads", recipe=_plain(asdict(recipe)), encoder=encoder, splits=counts_of(fitted_on))
    variants = tuple(dict.fromkeys((*recipe.variants, *recipe.judged)))
    wanted = {part for spec in recipe.candidates for part in spec.parts}
    every = load_features(fitted_on, variants, features, [part for part in PARTS if part in wanted])
    judged = np.array([variant in recipe.judged for variant in every.variants], bool)
    tried: list[tuple[float, HeadSpec, NDArray[np.float64]]] = []
    for number, spec in enumerate(recipe.candidates):
        logits = _across_folds(Inputs.of(every, spec.parts), spec, recipe)
        score = by_variant(logits[judged], *_named(every, judged), recipe.criterion)
        tried.append((score, spec, logits))
        journal.write("candidate", spec=_plain(asdict(spec)), across_folds=round(score, 4))
        progress(number + 1, len(recipe.candidates) + 2)
    score, best, logits = max(tried, key=lambda each: each[0])
    inputs = Inputs.of(every, best.parts)
    shown = np.array([variant in recipe.variants for variant in every.variants], bool)
    is_val = np.array([clip.split == VAL for clip in every.clips], bool)
    by_train = fit_head(inputs, shown & ~is_val, best.decay).logits(inputs)
    on_val = by_variant(by_train[judged & is_val], *_named(every, judged & is_val), recipe.criterion)
    progress(len(recipe.candidates) + 1, len(recipe.candidates) + 2)
    head = fit_head(inputs, shown, best.decay)
    progress(len(recipe.candidates) + 2, len(recipe.candidates) + 2)
    record = {"across_folds_auc": round(score, 4), "val_auc_fitted_to_train": round(on_val, 4)}
    journal.write("fitted", spec=_plain(asdict(best)), **record)
    scores = [
        Score(clip.name, variant, float(logit), held_out=True)
        for clip, variant, logit in zip(every.clips, every.variants, logits, strict=True)
    ]
    write_scores(out / SCORES, scores)
    return HeadResult(head, best, scores, _record(recipe, best, fitted_on, encoder) | record)


def _across_folds(inputs: Inputs, spec: HeadSpec, recipe: HeadRecipe) -> NDArray[np.float64]:
    """Logits of all clips, each by a head that was fitted to the folds that it is not in."""
    shown = np.array([variant in recipe.variants for variant in inputs.variants], bool)
    folds = folds_of(inputs.clips, recipe.folds)
    logits = np.zeros(len(inputs))
    for fold in sorted(set(folds.tolist())):
        apart = folds == fold
        logits[apart] = fit_head(inputs, shown & ~apart, spec.decay).logits(inputs)[apart]
    return logits


def _named(features: Features, keep: NDArray[np.bool_]) -> tuple[list[TrainingClip], list[str]]:
    places = np.flatnonzero(keep)
    return [features.clips[place] for place in places], [features.variants[place] for place in places]


def _record(
    recipe: HeadRecipe, spec: HeadSpec, clips: Sequence[TrainingClip], encoder: str
) -> dict[str, Any]:
    """What a bundle's manifest says of how it was made."""
    raw = _plain(asdict(recipe))
    del raw["candidates"]
    return {
        "made_by": "python -m deepfake.training head",
        "recipe": raw,
        "head": _plain(asdict(spec)),
        "encoder_sha256": encoder,
        "clips_sha256": digest_of(clips),
        "clips": counts_of(clips),
        "fitted_to": [TRAIN, VAL],
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of everything that a run's numbers hang on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def _plain(raw: dict[str, Any]) -> dict[str, Any]:
    """As JSON has it."""
    plain: dict[str, Any] = json.loads(json.dumps(raw))
    return plain
