"""The head: what is said of a video on the grounds of what an encoder holds of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deepfake.training.encoding import MEANS

#: Deviations from the mean that a number counts as at most: a frame unlike any that was fitted to must not decide by
#: its oddness alone.
MOST = 8.0


class Head(nn.Module):
    """A logistic regression on each frame; the video's logit is the mean of its frames'.

    Attention over frames with dropout was tried: by folds over pages it is worse.

    Args:
        parts: what it looks at, of :data:`.encoding.PARTS`, in that order.
        width: numbers of a part.
        side: of the grid that patches stand on; 0 if no part is a mean of patches.
    """

    def __init__(self, parts: Sequence[str], width: int, *, side: int = 0) -> None:
        super().__init__()
        self.side = side
        self.register_buffer("shift", torch.zeros(len(parts) * width))
        self.register_buffer("scale", torch.ones(len(parts) * width))
        self.score = nn.Linear(len(parts) * width, 1)
        self._places = [
            place
            for number, part in enumerate(parts)
            if part in MEANS
            for place in range(number * width, (number + 1) * width)
        ]

    def set(
        self,
        mean: NDArray[np.float32],
        deviation: NDArray[np.float32],
        weights: NDArray[np.float32],
        bias: float,
    ) -> None:
        """Set what every number is moved and scaled by, and what it then weighs; each (len(parts) * width,)."""
        with torch.no_grad():
            self.shift.copy_(torch.from_numpy(mean))
            self.scale.copy_(torch.from_numpy(1 / deviation))
            self.score.weight.copy_(torch.from_numpy(weights)[None])
            self.score.bias.fill_(bias)

    @property
    def has_heat(self) -> bool:
        """Whether it can tell what each patch adds: a mean of patches is among its parts."""
        return bool(self._places)

    def standardised(self, numbers: Any) -> Any:
        """(..., len(parts) * width) in deviations from the mean."""
        return ((numbers - self.shift) * self.scale).clamp(-MOST, MOST)

    def forward(self, numbers: Any, patches: Any = None) -> tuple[Any, ...]:
        """Logit (n,), frame logits and attention (n, T), with patches heat (n, T, g, g).

        Takes the encoder's ``NUMBERS`` (n, T, width) and ``PATCHES`` (n, T, g * g, means * width). Heat is what each
        patch adds to its frame's logit by the means.
        """
        logits = self.score(self.standardised(numbers)).squeeze(-1)
        attention = torch.softmax(0 * logits, dim=1)
        if patches is None:
            return logits.mean(1), logits, attention
        index = torch.tensor(self._places)
        weights = self.score.weight[0, index] * self.scale[index]
        heat = ((patches - self.shift[index]) * weights).sum(-1) / patches.shape[2]
        return logits.mean(1), logits, attention, heat.unflatten(2, (self.side, self.side))
