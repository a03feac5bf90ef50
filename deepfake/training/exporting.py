"""ONNX that gives what torch gives, small enough to ship."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from deepfake.training.faults import TrainingError
from deepfake.training.half_precision import in_half_precision
from deepfake.training.trunk import for_export

#: Of ONNX; every onnxruntime since 1.15 knows it.
OPSET = 17
#: How far any number may be from torch's.
TOLERANCE = 1e-3


class ExportError(TrainingError):
    """The exported network does not give what the network gives."""


def export(
    network: Any,
    path: Path,
    examples: Sequence[Mapping[str, NDArray[Any]]],
    *,
    outputs: Sequence[str],
    free: Mapping[str, Mapping[int, str]],
) -> float:
    """Write a network, its large tensors in half precision, and see that it gives what torch gives.

    Args:
        network: takes what the first example holds, in that order, and returns tensors in the order of ``outputs``.
        examples: inputs by name; of different shapes, where these are free.
        free: axes that may have any length, by input or output.

    Returns:
        The largest difference of any number between ONNX and torch, relative where the number is above 1.

    Raises:
        ExportError: it is above ``TOLERANCE``; nothing is written then.
    """
    network = for_export(network)
    partial = path.with_suffix(".part")
    inputs = tuple(torch.from_numpy(value) for value in examples[0].values())
    with warnings.catch_warnings():
        # The exporter by tracing is deprecated. Its successor needs two more packages and gives the same graph;
        # the padding of this network is fixed by its input's size, which tracing warns of too.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            inputs,
            str(partial),
            dynamo=False,
            input_names=list(examples[0]),
            output_names=list(outputs),
            dynamic_axes={name: dict(axes) for name, axes in free.items()},
            opset_version=OPSET,
        )
    content = in_half_precision(partial.read_bytes())
    partial.unlink()
    apart = largest_difference(network, content, examples, outputs)
    if not apart <= TOLERANCE:
        raise ExportError(f"{path.name}: ONNX and torch are {apart:g} apart, above {TOLERANCE:g}")
    partial.write_bytes(content)
    partial.replace(path)
    return apart


def largest_difference(
    network: Any, content: bytes, examples: Sequence[Mapping[str, NDArray[Any]]], outputs: Sequence[str]
) -> float:
    """How far any number is apart between an ONNX file and a network in evaluation mode; NaN where either has one."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    apart = [0.0]
    for example in examples:
        with torch.no_grad():
            expected = network(*(torch.from_numpy(value) for value in example.values()))
        expected = expected if isinstance(expected, tuple) else (expected,)
        found = session.run(list(outputs), dict(example))
        for value, tensor in zip(found, expected, strict=True):
            other = tensor.numpy()
            if value.shape != other.shape:
                return float("nan")
            apart.append(float((np.abs(value - other) / np.maximum(1, np.abs(other))).max(initial=0.0)))
    return float(np.max(apart))
