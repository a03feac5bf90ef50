"""VideoEfficientAttn: EfficientNet-Lite0 on each frame, attention over the frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from deepfake.engine.inputs import InputSpec
from deepfake.training.trunk import BLOCKS, Trunk

SIDE = 224
#: Of pictures whose short side is 256, the middle 224: at their own scale, not a pixel is averaged away.
INPUT = InputSpec(width=SIDE, height=SIDE, crop=SIDE / 256)
#: Numbers that the weight of a frame is found by.
_GATE = 64


class VideoEfficientAttn(nn.Module):
    """Frames of a video to one logit.

    A frame's logit is linear in the mean of its map, so that the heat is exactly what each place adds to it; the video's
    is the mean of its frames' by attention (Ilse, Tomczak, Welling: Attention-based deep multiple instance learning,
    ICML 2018).

    Args:
        teacher_width: numbers of what the encoder holds, which a projection learns to give; it is not exported.
    """

    def __init__(self, blocks: int = BLOCKS, *, dropout: float = 0.3, teacher_width: int = 512) -> None:
        super().__init__()
        self.trunk = Trunk(blocks)
        channels = self.trunk.channels
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(channels, 1)
        self.gate = nn.Sequential(nn.Linear(channels, _GATE), nn.Tanh(), nn.Linear(_GATE, 1, bias=False))
        self.projection = nn.Linear(channels, teacher_width)

    def forward(self, frames: Any) -> tuple[Any, Any, Any, Any]:
        """Logit (n,), frame logits and attention (n, T), heat (n, T, h, w) of (n, T, 224, 224, 3) uint8 RGB frames."""
        maps = self.trunk(frames.flatten(0, 1)).unflatten(0, (-1, frames.shape[1]))
        logit, logits, attention = self._judged(maps.mean((3, 4)))
        heat = torch.einsum("ntchw,c->nthw", maps, self.score.weight[0]) / (maps.shape[3] * maps.shape[4])
        return logit, logits, attention, heat

    def learnt(self, frames: Any) -> tuple[Any, Any, Any, Any]:
        """Logit, frame logits, attention, and the projection (n, T, teacher_width), for fitting."""
        pooled = self.trunk(frames.flatten(0, 1)).mean((2, 3)).unflatten(0, (-1, frames.shape[1]))
        return *self._judged(self.dropout(pooled)), self.projection(pooled)

    def _judged(self, pooled: Any) -> tuple[Any, Any, Any]:
        logits = self.score(pooled).squeeze(-1)
        attention = torch.softmax(self.gate(pooled).squeeze(-1), dim=1)
        return (attention * logits).sum(1), logits, attention


def drawn_back(fitted: Mapping[str, Any], original: Mapping[str, Any], kept: float) -> dict[str, Any]:
    """Weights of which the trunk's are ``kept`` of the fitted ones and the rest the original ones.

    What fitting gained is largely kept, and what it cost on other pictures largely undone (Wortsman et al.: Robust
    fine-tuning of zero-shot models, CVPR 2022).
    """
    return {
        name: kept * value + (1 - kept) * original[name]
        if name.startswith("trunk.") and value.is_floating_point()
        else value
        for name, value in fitted.items()
    }
