"""How well a detector tells generated from real: measured by source, since clips of one source are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake.engine.verdict import Result

#: Share of real videos taken for generated at which detectors are compared.
FALSE_POSITIVES = 0.05
#: Resamplings of a bootstrap.
RESAMPLINGS = 2000


@dataclass(frozen=True, slots=True)
class Judged:
    """One labelled clip, judged.

    Attributes:
        fake: what it is.
        source: the generator, or the place that a real clip comes from.
    """

    fake: bool
    source: str
    prob_fake: float
    result: Result


def auc(fake: NDArray[np.float64], real: NDArray[np.float64]) -> float:
    """How likely a generated clip is judged higher than a real one, ties by half; nan without one of either."""
    if not len(fake) or not len(real):
        return float("nan")
    ordered = np.sort(real)
    below = np.searchsorted(ordered, fake, "left")
    upto = np.searchsorted(ordered, fake, "right")
    return float((below + upto).mean() / 2 / len(real))


def auc_interval(
    judged: Sequence[Judged], *, share: float = 0.95, resamplings: int = RESAMPLINGS, seed: int = 1
) -> tuple[float, float]:
    """Bootstrap interval of the AUC over sources: whole generators and whole places of real clips are drawn.

    Drawing single clips would make the interval far too narrow, as if every clip were of another camera.
    """
    fakes, reals = (_by_source(judged, fake=fake) for fake in (True, False))
    if not fakes or not reals:
        return float("nan"), float("nan")
    # The AUC of any resample is a mean of those of pairs of sources, weighted by their pairs of clips.
    pairs = np.array([[auc(fake, real) * len(fake) * len(real) for real in reals] for fake in fakes])
    sizes_fake, sizes_real = (np.array([len(each) for each in group]) for group in (fakes, reals))
    random = np.random.default_rng(seed)
    found = np.empty(resamplings)
    for number in range(resamplings):
        drawn_fake = random.multinomial(len(fakes), [1 / len(fakes)] * len(fakes))
        drawn_real = random.multinomial(len(reals), [1 / len(reals)] * len(reals))
        found[number] = (drawn_fake @ pairs @ drawn_real) / (
            (drawn_fake @ sizes_fake) * (drawn_real @ sizes_real)
        )
    low, high = np.quantile(found, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def _by_source(judged: Sequence[Judged], *, fake: bool) -> list[NDArray[np.float64]]:
    groups: dict[str, list[float]] = {}
    for each in judged:
        if each.fake == fake:
            groups.setdefault(each.source, []).append(each.prob_fake)
    return [np.array(values) for _, values in sorted(groups.items())]


def found_at(
    fake: NDArray[np.float64], real: NDArray[np.float64], *, false_positives: float = FALSE_POSITIVES
) -> tuple[float, float]:
    """Share of generated clips found where at most so many real ones are taken for generated, and the threshold.

    A clip counts as found from the threshold on: the lowest at which no more real ones than that reach it.
    """
    if not len(fake) or not len(real):
        return float("nan"), float("nan")
    allowed = int(false_positives * len(real))
    ordered = np.sort(real)[::-1]
    threshold = float(np.nextafter(ordered[allowed], np.inf)) if allowed < len(ordered) else 0.0
    return float((fake >= threshold).mean()), threshold


def summary_of(judged: Sequence[Judged]) -> dict[str, Any]:
    """Everything that is told of an evaluation, rates as shares, rounded to four decimals.

    ``found`` and ``false_positives`` are at the operating point; clips that it calls inconclusive are neither.
    """
    fake, real = (
        np.array([each.prob_fake for each in judged if each.fake == kind]) for kind in (True, False)
    )
    low, high = auc_interval(judged)
    at_five, threshold = found_at(fake, real)
    return {
        "generated": len(fake),
        "real": len(real),
        "auc": _rounded(auc(fake, real)),
        "auc_95": [_rounded(low), _rounded(high)],
        "found_at_5_percent": _rounded(at_five),
        "threshold_at_5_percent": _rounded(threshold),
        "found": _share(judged, fake=True, result=Result.AI_GENERATED),
        "missed": _share(judged, fake=True, result=Result.REAL),
        "false_positives": _share(judged, fake=False, result=Result.AI_GENERATED),
        "true_negatives": _share(judged, fake=False, result=Result.REAL),
        "inconclusive": _rounded(
            sum(each.result is Result.INCONCLUSIVE for each in judged) / max(1, len(judged))
        ),
        "generators": _table(judged, against=real, fake=True),
        "real_sources": _table(judged, against=fake, fake=False),
    }


def _table(judged: Sequence[Judged], *, against: NDArray[np.float64], fake: bool) -> dict[str, Any]:
    """Per source: clips, AUC against all clips of the other kind, and how often each result was told."""
    table: dict[str, Any] = {}
    for source in sorted({each.source for each in judged if each.fake == fake}):
        own = [each for each in judged if each.fake == fake and each.source == source]
        scores = np.array([each.prob_fake for each in own])
        table[source] = {
            "clips": len(own),
            "auc": _rounded(auc(scores, against) if fake else auc(against, scores)),
            "called_generated": _share(own, fake=fake, result=Result.AI_GENERATED),
            "called_real": _share(own, fake=fake, result=Result.REAL),
        }
    return table


def _share(judged: Sequence[Judged], *, fake: bool, result: Result) -> float | None:
    own = [each for each in judged if each.fake == fake]
    return _rounded(sum(each.result is result for each in own) / len(own)) if own else None


def _rounded(value: float) -> float | None:
    """A share as it is told; None for one of nothing, which JSON has no number for."""
    return None if np.isnan(value) else round(value, 4)
