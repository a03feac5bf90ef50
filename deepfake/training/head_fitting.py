"""Fitting one head: small steps over batches of clips in which every source is seen alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deepfake.training.clips import TrainingClip
from deepfake.training.features import Features
from deepfake.training.head_network import PARTS, Head, assembled
from deepfake.training.transfer import Criterion, by_variant
from deepfake.training.weighting import balanced_weights, groups_of

#: Clips of a batch, and the highest rate.
BATCH, RATE = 64, 1e-3
#: Steps from one look at the held-out clips to the next.
LOOK_EVERY = 25
#: Share of the loss that is of frames alone: each has to speak for itself.
_OF_FRAMES = 0.3
#: Clips that are judged at a time where nothing is fitted.
_AT_A_TIME = 256


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """What a head is, and how it is held back from learning by heart.

    Attributes:
        parts: what it looks at, of ``PARTS``.
        hidden, attention: see :class:`.head_network.Head`.
        decay: of the weights (AdamW's).
        dropout: share of a frame's numbers that are left out.
        frame_dropout: share of frames that are left out; at least one stays.
        entropy: what evenly spread attention is worth, in the loss.
        smoothing: how far labels are from 0 and 1.
        dro: rate at which sources that are judged worst gain weight; 0 for the same weight always (Sagawa et al.:
            Distributionally robust neural networks for group shifts, ICLR 2020).
    """

    parts: tuple[str, ...] = PARTS
    hidden: int = 0
    attention: bool = False
    decay: float = 1.0
    dropout: float = 0.3
    frame_dropout: float = 0.3
    entropy: float = 0.05
    smoothing: float = 0.05
    dro: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Features as tensors: numbers (n, T, width) in half precision, mask (n, T), labels (n,)."""

    clips: tuple[TrainingClip, ...]
    variants: tuple[str, ...]
    numbers: Any
    mask: Any
    labels: Any

    @classmethod
    def of(cls, features: Features, parts: Sequence[str]) -> Inputs:
        """Those of some parts of features."""
        rows = [
            assembled(
                torch.from_numpy(features.embeds[start : start + _AT_A_TIME]).float(),
                torch.from_numpy(features.statistics[start : start + _AT_A_TIME]).float(),
                parts,
            ).half()
            for start in range(0, len(features), _AT_A_TIME)
        ]
        numbers = torch.cat(rows)
        mask = torch.arange(numbers.shape[1])[None] < torch.from_numpy(features.counts)[:, None]
        labels = torch.tensor([float(clip.fake) for clip in features.clips])
        return cls(features.clips, features.variants, numbers, mask.float(), labels)

    def __len__(self) -> int:
        return len(self.clips)

    def moments(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and deviation of each number over all frames that are there."""
        total = torch.zeros(self.numbers.shape[2], dtype=torch.float64)
        squares, count = total.clone(), 0.0
        for start in range(0, len(self), _AT_A_TIME):
            there = self.mask[start : start + _AT_A_TIME].bool()
            rows = self.numbers[start : start + _AT_A_TIME][there].double()
            total += rows.sum(0)
            squares += rows.square().sum(0)
            count += len(rows)
        mean = total / count
        deviation = (squares / count - mean.square()).clamp(min=0).sqrt()
        return mean.float().numpy(), deviation.float().numpy()

    def chosen(self, keep: NDArray[np.bool_]) -> Inputs:
        """Those of a mask."""
        places = np.flatnonzero(keep)
        index = torch.from_numpy(places)
        return Inputs(
            tuple(self.clips[place] for place in places),
            tuple(self.variants[place] for place in places),
            self.numbers[index],
            self.mask[index],
            self.labels[index],
        )


@dataclass(frozen=True, slots=True, eq=False)
class FittedHead:
    """A head, the step its weights are of, and its score on the held-out clips (nan where there were none)."""

    head: Head
    step: int
    score: float


def new_head(width: int, spec: HeadSpec) -> Head:
    """A head that nothing was fitted to."""
    return Head(width, hidden=spec.hidden, attention=spec.attention, dropout=spec.dropout)


def fit_head(
    inputs: Inputs,
    spec: HeadSpec,
    *,
    seed: int,
    steps: int,
    schedule: int | None = None,
    held_out: Inputs | None = None,
    criterion: Criterion = Criterion.MACRO,
) -> FittedHead:
    """Fit a head; with clips that are held out, it is stopped where they are judged best.

    The same inputs, spec, seed and steps give the same head.

    Args:
        schedule: steps over which the rate falls, where that are more than are done: a fitting that is stopped early
            is repeated on other clips as it was, and not with a rate that fell sooner.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    head = new_head(inputs.numbers.shape[2], spec)
    head.standardise(*inputs.moments())
    weights = balanced_weights(inputs.clips)
    groups, names = groups_of(inputs.clips)
    shares = torch.full((len(names),), 1 / len(names))
    decayed = [each for each in head.parameters() if each.ndim > 1]
    other = [each for each in head.parameters() if each.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": spec.decay}, {"params": other, "weight_decay": 0.0}], lr=RATE
    )
    best, best_step, best_score = _state(head), 0, float("-inf")
    for step in range(1, steps + 1):
        head.train()
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 + cos(pi * step / (max(steps, schedule or 0) + 1))) / 2
        chosen = random.choice(len(inputs), min(BATCH, 4 * len(inputs)), p=weights)
        places = torch.from_numpy(chosen)
        mask = _thinned(inputs.mask[places], spec.frame_dropout)
        targets = inputs.labels[places] * (1 - 2 * spec.smoothing) + spec.smoothing
        losses = _losses(head, inputs.numbers[places].float(), mask, targets, spec)
        if spec.dro:
            loss, shares = _robust(losses, torch.from_numpy(groups[chosen]), shares, spec.dro)
        else:
            loss = losses.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if held_out is not None and (step % LOOK_EVERY == 0 or step == steps):
            score = by_variant(logits_of([head], held_out), held_out.clips, held_out.variants, criterion)
            if score > best_score:
                best, best_step, best_score = _state(head), step, score
    if held_out is None:
        return FittedHead(head.eval(), steps, float("nan"))
    head.load_state_dict(best)
    return FittedHead(head.eval(), best_step, best_score)


def logits_of(heads: Sequence[Head], inputs: Inputs) -> NDArray[np.float64]:
    """Mean logit of some heads, (n,)."""
    found = []
    with torch.no_grad():
        for head in heads:
            head.eval()
            rows = [
                head(
                    inputs.numbers[start : start + _AT_A_TIME].float(),
                    inputs.mask[start : start + _AT_A_TIME],
                )[0]
                for start in range(0, len(inputs), _AT_A_TIME)
            ]
            found.append(torch.cat(rows).double().numpy())
    return np.asarray(np.mean(found, axis=0), np.float64)


def _losses(head: Head, numbers: Any, mask: Any, targets: Any, spec: HeadSpec) -> Any:
    """Of each clip: its own, its frames', less what evenly spread attention is worth."""
    logits, frames, attention = head(numbers, mask)
    counts = mask.sum(1)
    cross = nn.functional.binary_cross_entropy_with_logits
    own = cross(logits, targets, reduction="none")
    of_frames = cross(frames, targets[:, None].expand_as(frames), reduction="none")
    loss = (1 - _OF_FRAMES) * own + _OF_FRAMES * (of_frames * mask).sum(1) / counts
    if spec.attention and spec.entropy:
        entropy = -(attention * attention.clamp(min=1e-9).log()).sum(1)
        loss = loss - spec.entropy * entropy / counts.clamp(min=2).log()
    return loss


def _robust(losses: Any, groups: Any, shares: Any, rate: float) -> tuple[Any, Any]:
    """The loss with sources weighted by how badly they are judged, and their new weights."""
    sums = torch.zeros_like(shares).index_add(0, groups, losses.detach())
    counts = torch.bincount(groups, minlength=len(shares))
    there = counts > 0
    means = torch.where(there, sums / counts.clamp(min=1), torch.zeros_like(sums))
    shares = shares * torch.exp(rate * means)
    shares = shares / shares.sum()
    each = shares[groups] / counts[groups]
    return (each * losses).sum() / shares[there].sum(), shares


def _thinned(mask: Any, share: float) -> Any:
    """A mask with a share of its frames left out; at least one stays."""
    ranks = torch.rand(mask.shape) + 10 * (1 - mask)
    first = ranks == ranks.min(1, keepdim=True).values
    kept = (torch.rand(mask.shape) >= share).float() * mask
    return torch.where(first, torch.ones_like(mask), kept)


def _state(head: Head) -> dict[str, Any]:
    return {name: value.clone() for name, value in head.state_dict().items()}
