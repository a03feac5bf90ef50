"""How well logits part generated from real clips where it counts: across sources, robots' footage left out."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from deepfake.engine.measures import auc
from deepfake.training.clips import TrainingClip

#: Clips that a source needs to be measured by itself.
LEAST_CLIPS = 3
#: Share of the pairs of sources that are the worst ones.
WORST = 0.25


class Criterion(StrEnum):
    """What a choice is made by: the mean over pairs of sources, the worst quarter of these, or all clips in one."""

    MACRO = "macro"
    WORST = "worst"
    POOLED = "pooled"


def score_of(
    logits: NDArray[np.floating], clips: Sequence[TrainingClip], criterion: Criterion = Criterion.MACRO
) -> float:
    """An AUC; nan where a kind of clips is missing.

    Pairs are of a generator and a place of real clips, and count the same: one with many clips is no better known.
    """
    values = np.asarray(logits, np.float64)
    told = np.array([not clip.robot for clip in clips], bool)
    fake = np.array([clip.fake for clip in clips], bool)
    if criterion is Criterion.POOLED:
        return auc(values[fake & told], values[~fake & told])
    groups: dict[tuple[bool, str], list[float]] = {}
    for clip, value in zip(clips, values, strict=True):
        if not clip.robot:
            groups.setdefault((clip.fake, clip.source), []).append(float(value))
    least = LEAST_CLIPS if any(len(group) >= LEAST_CLIPS for group in groups.values()) else 1
    fakes, reals = (
        [
            np.array(group)
            for (is_fake, _), group in sorted(groups.items())
            if is_fake == kind and len(group) >= least
        ]
        for kind in (True, False)
    )
    pairs = sorted(auc(one, other) for one in fakes for other in reals)
    if not pairs:
        return auc(values[fake & told], values[~fake & told])
    if criterion is Criterion.WORST:
        pairs = pairs[: max(1, round(WORST * len(pairs)))]
    return float(np.mean(pairs))


def by_variant(
    logits: NDArray[np.floating],
    clips: Sequence[TrainingClip],
    variants: Sequence[str],
    criterion: Criterion = Criterion.MACRO,
) -> float:
    """The mean of :func:`score_of` over the variants of the clips."""
    scores = []
    for variant in sorted(set(variants)):
        places = [number for number, name in enumerate(variants) if name == variant]
        scores.append(score_of(logits[places], [clips[place] for place in places], criterion))
    return float(np.mean(scores))
