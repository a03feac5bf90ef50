"""The face model: the first blocks of EfficientNet-Lite0, and one number for a face."""

from __future__ import annotations

from typing import Any

from torch import nn

from deepfake.training.trunk import Trunk

#: Blocks: seams are small things; the last blocks tell what is shown.
BLOCKS = 11


class FaceNetwork(nn.Module):
    """(n, 224, 224, 3) uint8 RGB to a logit each, (n,); above 0 speaks for a face that was tampered with."""

    def __init__(self, blocks: int = BLOCKS, *, dropout: float = 0.3) -> None:
        super().__init__()
        self.trunk = Trunk(blocks)
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(self.trunk.channels, 1)

    def forward(self, faces: Any) -> Any:
        """See above."""
        return self.score(self.dropout(self.trunk(faces).mean((2, 3)))).squeeze(1)
