"""What the network is fitted to: a query finds its own key among many, and keys spread over the sphere."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

#: Similarities are divided by it: the lower, the more the nearest wrong key decides.
TEMPERATURE = 0.05
#: Keys that are remembered, and steps before any are: those of the first steps are of another network.
REMEMBERED, REMEMBER_AFTER = 2048, 50
#: Weight of finding the query by its key, beside the key by its query.
BACKWARD = 0.5
#: Weight of the entropy term.
SPREAD = 0.1
#: Of a pair that shows the same thing: neither is a mistake for the other.
_NEVER = -1e4
#: Unit vectors are 2 apart at most.
_FAR = 9.0


@dataclass(slots=True)
class Memory:
    """Keys of earlier steps, which cost nothing to be told apart from.

    Wang et al.: Cross-Batch Memory for Embedding Learning, CVPR 2020.

    Attributes:
        keys: (M, D), the latest first.
        kin: (M,).
    """

    keys: torch.Tensor
    kin: torch.Tensor

    @classmethod
    def empty(cls, dim: int) -> Memory:
        return cls(torch.empty(0, dim), torch.empty(0, dtype=torch.long))

    def remember(self, keys: torch.Tensor, kin: torch.Tensor) -> None:
        """Add the keys of a step; the oldest beyond ``REMEMBERED`` are forgotten."""
        self.keys = torch.cat([keys.detach(), self.keys])[:REMEMBERED]
        self.kin = torch.cat([kin, self.kin])[:REMEMBERED]


@dataclass(frozen=True, slots=True)
class Loss:
    """What a step is to lessen, and the share of its queries that found their own key first."""

    total: torch.Tensor
    accuracy: float


def pair_loss(keys: torch.Tensor, queries: torch.Tensor, kin: torch.Tensor, memory: Memory) -> Loss:
    """InfoNCE in both directions (van den Oord et al. 2018), against the batch and the memory, and the entropy term.

    Args:
        keys, queries: (N, D) of unit length, pair by pair.
        kin: (N,) pairs of one number show the same thing.
    """
    own = torch.arange(len(keys))
    same = (kin[:, None] == kin[None]) & ~torch.eye(len(keys), dtype=torch.bool)
    forward = (queries @ keys.T / TEMPERATURE).masked_fill(same, _NEVER)
    if len(memory.keys):
        earlier = (queries @ memory.keys.T / TEMPERATURE).masked_fill(
            kin[:, None] == memory.kin[None], _NEVER
        )
        forward = torch.cat([forward, earlier], dim=1)
    backward = (keys @ queries.T / TEMPERATURE).masked_fill(same, _NEVER)
    total = (
        cross_entropy(forward, own) + BACKWARD * cross_entropy(backward, own) + SPREAD * crowding(keys, kin)
    )
    return Loss(total, float((forward.argmax(1) == own).float().mean()))


def crowding(keys: torch.Tensor, kin: torch.Tensor) -> torch.Tensor:
    """Minus the Kozachenko-Leonenko estimate of entropy: large where keys lie close to others that are no kin.

    Sablayrolles et al.: Spreading vectors for similarity search, ICLR 2019; used for copy detection by Pizzi et
    al.: A Self-Supervised Descriptor for Image Copy Detection, CVPR 2022.
    """
    apart = torch.cdist(keys, keys).masked_fill(kin[:, None] == kin[None], _FAR)
    return -torch.log(apart.min(1).values + 1e-6).mean()
