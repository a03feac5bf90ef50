"""Heads: what is said of a video on the grounds of an encoder's embeddings and tokens of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

#: What a head may look at: the frame's embedding; mean and deviation of its tokens; how its four quarters differ.
PARTS = ("embeds", "mean", "std", "spread")
#: Numbers that the weight of a frame is found by.
_GATE = 16
#: Of an attention that is left out.
_NOWHERE = -1e4


class Head(nn.Module):
    """One head.

    Args:
        width: numbers of a frame.
        hidden: of a layer between them and the frame's logit; 0 for none, which makes it a logistic regression.
        attention: whether frames weigh differently (Ilse, Tomczak, Welling: Attention-based deep multiple instance
            learning, ICML 2018, without the gate); else the video's logit is the mean of its frames'.
        dropout: share of the numbers that are left out at each step of fitting.
    """

    def __init__(self, width: int, *, hidden: int = 0, attention: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden = hidden
        self.register_buffer("shift", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.dropout = nn.Dropout(dropout)
        if hidden:
            self.score = nn.Sequential(
                nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, 1)
            )
        else:
            self.score = nn.Linear(width, 1)
            nn.init.zeros_(self.score.weight)
            nn.init.zeros_(self.score.bias)
        self.gate = (
            nn.Sequential(nn.Linear(width, _GATE), nn.Tanh(), nn.Linear(_GATE, 1, bias=False))
            if attention
            else None
        )

    def standardise(self, mean: NDArray[np.float32], deviation: NDArray[np.float32]) -> None:
        """Set what every number is moved and scaled by."""
        self.shift.copy_(torch.from_numpy(mean))
        self.scale.copy_(torch.from_numpy(1 / np.maximum(deviation, 1e-4)))

    def forward(self, features: Any, mask: Any = None) -> tuple[Any, Any, Any]:
        """Logit (n,), frame logits (n, T) and attention (n, T) of (n, T, width) features; ``mask`` (n, T) is 1 for frames that are there."""
        # Bounded: a frame unlike any that was fitted to must not decide by its oddness alone.
        numbers = self.dropout(((features - self.shift) * self.scale).clamp(-8, 8))
        logits = self.score(numbers).squeeze(-1)
        weights = self.gate(numbers).squeeze(-1) if self.gate is not None else 0 * logits
        if mask is not None:
            weights = weights + (1 - mask) * _NOWHERE
        attention = torch.softmax(weights, dim=1)
        return (attention * logits).sum(1), logits, attention

    def of_tokens(self, start: int, tokens: Any) -> Any:
        """What each of (n, T, p, width) tokens adds to its frame's logit by their mean, which stands at ``start`` of the features."""
        stop = start + tokens.shape[-1]
        weights = self.score.weight[0, start:stop] * self.scale[start:stop]
        return ((tokens - self.shift[start:stop]) * weights).sum(-1) / tokens.shape[2]


class HeadEnsemble(nn.Module):
    """Several heads whose logits and weights are averaged, from the encoder's outputs on: what is exported.

    Args:
        parts: what the heads look at, of ``PARTS``, in that order.
        embed_width: numbers of an embedding.
        side: of the grid that tokens stand on.
    """

    def __init__(self, heads: Sequence[Head], parts: Sequence[str], *, embed_width: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.heads = nn.ModuleList(heads)
        self.parts = tuple(parts)
        self._mean_at = embed_width if "embeds" in self.parts else 0

    @property
    def has_heat(self) -> bool:
        """Whether it can tell what each token adds: a mean of tokens goes straight into every logit."""
        return "mean" in self.parts and not any(head.hidden for head in self.heads)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it takes: the encoder's outputs that its heads look at, ``embeds`` before ``tokens``."""
        wanted = {"embeds"} & set(self.parts), {"tokens"} if set(self.parts) - {"embeds"} else set()
        return tuple(name for names in wanted for name in names)

    def forward(self, *given: Any) -> tuple[Any, ...]:
        """Logit (n,), frame logits and attention (n, T), perhaps heat (n, T, g, g).

        Takes what ``inputs`` names: embeddings (n, T, width) and tokens (n, T, 1 + g * g, token width), the first of
        which is of the whole picture.
        """
        named = dict(zip(self.inputs, given, strict=True))
        embeds, tokens = named.get("embeds"), named.get("tokens")
        statistics = statistics_of(tokens, self.side) if tokens is not None else None
        features = assembled(embeds, statistics, self.parts)
        found = [head(features) for head in self.heads]
        logits, frames, attention = (torch.stack(each).mean(0) for each in zip(*found, strict=True))
        if tokens is None or not self.has_heat:
            return logits, frames, attention
        heat = torch.stack([head.of_tokens(self._mean_at, tokens[:, :, 1:]) for head in self.heads]).mean(0)
        return logits, frames, attention, heat.unflatten(2, (self.side, self.side))


def statistics_of(tokens: Any, side: int) -> Any:
    """(n, T, 1 + side * side, width) to (n, T, 6, width): as :func:`.encoding.statistics_of`, in torch."""
    patches = tokens[:, :, 1:]
    grid = patches.unflatten(2, (side, side))
    half = side // 2
    quarters = (
        grid[:, :, :half, :half],
        grid[:, :, :half, half:],
        grid[:, :, half:, :half],
        grid[:, :, half:, half:],
    )
    mean = patches.mean(2)
    deviation = (patches - mean.unsqueeze(2)).square().mean(2).sqrt()
    return torch.stack([mean, deviation, *(quarter.mean((2, 3)) for quarter in quarters)], dim=2)


def assembled(embeds: Any, statistics: Any, parts: Sequence[str]) -> Any:
    """What a head looks at, (n, T, width), of embeddings (n, T, width) and statistics (n, T, 6, width) as far as it does."""
    found = {
        "embeds": lambda: embeds,
        "mean": lambda: statistics[:, :, 0],
        "std": lambda: statistics[:, :, 1],
        "spread": lambda: _spread(statistics[:, :, 2:]),
    }
    return torch.cat([found[part]() for part in PARTS if part in parts], dim=2)


def _spread(quarters: Any) -> Any:
    """Deviation over the four quarters, (n, T, width)."""
    return (quarters - quarters.mean(2, keepdim=True)).square().mean(2).sqrt()
