"""Fitting a head: a weighted logistic regression, held back by the size of its weights; nothing is left to chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deepfake.training.clips import TrainingClip
from deepfake.training.encoding import CLASSES
from deepfake.training.features import Features
from deepfake.training.head_network import MOST
from deepfake.training.weighting import balanced_weights

Numbers = NDArray[np.float32]

#: Turns of the minimiser at most; it has come to rest long before.
_TURNS = 200
#: What a deviation is at least.
_LEAST = 1e-3


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """What a head looks at, and how hard it is held.

    Attributes:
        parts: of :data:`.encoding.PARTS`.
        decay: what the square of the weights (of numbers of deviation 1) costs, in units of the mean loss.
    """

    parts: tuple[str, ...] = CLASSES
    decay: float = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Features of clips, (n, T, width), of which (n, T) ``mask`` are there."""

    clips: tuple[TrainingClip, ...]
    variants: tuple[str, ...]
    numbers: NDArray[np.float16]
    mask: NDArray[np.bool_]

    @classmethod
    def of(cls, features: Features, parts: Sequence[str]) -> Inputs:
        """Some of the parts that features are of."""
        width = features.numbers.shape[2] // len(features.parts)
        places = [features.parts.index(part) for part in parts]
        # Where all are wanted nothing is copied: they are gigabytes.
        numbers = features.numbers
        if places != list(range(len(features.parts))):
            by_part = numbers.reshape(*numbers.shape[:2], len(features.parts), width)
            numbers = by_part[:, :, places].reshape(*numbers.shape[:2], -1)
        mask = np.arange(numbers.shape[1]) < features.counts[:, None]
        return cls(features.clips, features.variants, numbers, mask)

    def __len__(self) -> int:
        return len(self.clips)

    def chosen(self, keep: NDArray[np.bool_]) -> Inputs:
        """Those of a mask, (n,)."""
        places = np.flatnonzero(keep)
        return Inputs(
            tuple(self.clips[place] for place in places),
            tuple(self.variants[place] for place in places),
            self.numbers[places],
            self.mask[places],
        )

    def means(self) -> Numbers:
        """Of the frames that are there, (n, width)."""
        rows = zip(self.numbers, self.mask, strict=True)
        return np.stack([row[there].astype(np.float32).mean(0) for row, there in rows])

    def standardised(self, mean: Numbers, deviation: Numbers) -> Numbers:
        """The mean over frames in deviations, (n, width); each frame's are bounded, as the head bounds them."""
        rows = []
        for row, there in zip(self.numbers, self.mask, strict=True):
            frames = (row[there].astype(np.float32) - mean) / deviation
            rows.append(frames.clip(-MOST, MOST).mean(0))
        return np.stack(rows)


@dataclass(frozen=True, slots=True, eq=False)
class FittedHead:
    """A head's numbers, each (width,): what is taken off, what is divided by, what is then multiplied with."""

    mean: Numbers
    deviation: Numbers
    weights: Numbers
    bias: float

    def logits(self, inputs: Inputs) -> NDArray[np.float64]:
        """Of each clip, (n,)."""
        found = inputs.standardised(self.mean, self.deviation) @ self.weights + self.bias
        return np.asarray(found, np.float64)


def fit_head(inputs: Inputs, keep: NDArray[np.bool_], decay: float) -> FittedHead:
    """Fit a head to those of a mask; sources count alike (see :mod:`.weighting`)."""
    chosen = inputs.chosen(keep)
    means = chosen.means()
    mean, deviation = means.mean(0), np.maximum(means.std(0), _LEAST)
    rows = torch.from_numpy(chosen.standardised(mean, deviation))
    labels = torch.tensor([float(clip.fake) for clip in chosen.clips])
    shares = torch.from_numpy(balanced_weights(chosen.clips).astype(np.float32))
    # Scaled so that all steps are about as long, whatever the width.
    scale = rows.shape[1] ** -0.5
    weights = torch.zeros(rows.shape[1], requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    minimiser = torch.optim.LBFGS([weights, bias], max_iter=_TURNS, line_search_fn="strong_wolfe")

    def cost() -> torch.Tensor:
        minimiser.zero_grad()
        logits = rows @ (weights * scale) + bias
        losses = nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        total: torch.Tensor = (shares * losses).sum() + decay * scale**2 * weights.square().sum()
        total.backward()
        return total

    minimiser.step(cost)
    fitted = (weights.detach() * scale).numpy()
    return FittedHead(mean, deviation, fitted, float(bias.detach()))
