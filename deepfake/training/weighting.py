"""How often each clip is shown: sources alike, whatever they have published, and nothing that gives the label away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepfake.training.clips import TrainingClip

#: Weight of a source of robots' footage among the other sources.
ROBOTS = 0.25
#: What a clip weighs at most, in mean weights of its label: a source of one clip would be learnt by heart.
MOST = 6.0


def balanced_weights(
    clips: Sequence[TrainingClip], *, robots: float = ROBOTS, most: float = MOST
) -> NDArray[np.float64]:
    """Probability of each clip, (n,), of sum 1.

    Generated and real clips get a half each, in it each source the same. GIFs, which show dither, get the same share
    of both halves where both have some: the lower of the two, for clips can be shown less often and not be made up.
    """
    weights = np.zeros(len(clips))
    counts = Counter((clip.fake, clip.source) for clip in clips)
    for number, clip in enumerate(clips):
        weights[number] = (robots if clip.robot else 1.0) / counts[clip.fake, clip.source]
    fake = np.array([clip.fake for clip in clips], bool)
    gif = np.array([clip.gif for clip in clips], bool)
    halves = [half for half in (fake, ~fake) if half.any()]
    for half in halves:
        weights[half] = np.minimum(weights[half], most * weights[half].mean())
        weights[half] /= weights[half].sum()
    shares = [float(weights[half & gif].sum()) for half in halves]
    if len(halves) == 2 and min(shares) > 0 and max(shares) < 1:
        for half, share in zip(halves, shares, strict=True):
            weights[half & gif] *= min(shares) / share
            weights[half & ~gif] *= (1 - min(shares)) / (1 - share)
    found: NDArray[np.float64] = weights / weights.sum()
    return found


def folds_of(clips: Sequence[TrainingClip], count: int) -> NDArray[np.intp]:
    """Part clips into folds by the page they are of, so that no page and no source is in two; (n,) numbers from 0.

    The largest pages are given out first, each to the fold that has least of what the page has: sources, then clips.
    """
    # Pages that share a source belong together, and so do sources of one page.
    parents: dict[str, str] = {}

    def root(key: str) -> str:
        while parents.setdefault(key, key) != key:
            key = parents[key]
        return key

    for clip in clips:
        parents[root(f"page {clip.repo}")] = root(f"source {clip.fake} {clip.source}")
    blocks: dict[str, list[int]] = {}
    for number, clip in enumerate(clips):
        blocks.setdefault(root(f"page {clip.repo}"), []).append(number)
    folds = np.zeros(len(clips), np.intp)
    # Clips of robots are no real footage that a fold could be judged by.
    held = np.zeros((count, 2))
    for members in sorted(blocks.values(), key=lambda each: (-len(each), each[0])):
        kinds = np.zeros(2)
        for number in members:
            kinds[int(clips[number].fake)] += 0.1 if clips[number].robot else 1.0
        main = int(kinds.argmax())
        fold = min(range(count), key=lambda each: (held[each, main], held[each].sum(), each))
        folds[members] = fold
        held[fold] += kinds
    return folds
