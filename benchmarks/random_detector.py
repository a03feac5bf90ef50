"""A detector with the shape of *VideoEfficientAttn* and random weights: it costs what that costs, and knows nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

FRAMES, SIDE = 16, 224
#: EfficientNet-Lite0's stages: expansion, kernel, stride, channels, blocks (Tan and Le 2019; the Lite variant has no
#: squeeze-and-excitation, ReLU6 for swish, and stem and head of fixed width).
_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
_STEM, _HEAD = 32, 1280


def write_random_detector(folder: Path) -> Path:
    """Write a bundle into a new folder."""
    content = _network()
    folder.mkdir(parents=True)
    (folder / "video.onnx").write_bytes(content)
    manifest = {
        "format": 1,
        "name": "Random weights",
        "version": "1",
        "licence": "MIT",
        "source": "drawn by lot",
        "files": [
            {"name": "video.onnx", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        ],
        "sampling": {"frames": FRAMES, "short_side": 256},
        "members": [
            {
                "kind": "video",
                "network": "video.onnx",
                "weight": 1.0,
                "input": {"width": SIDE, "height": SIDE, "fit": "stretch"},
            }
        ],
        "calibration": {"slope": 1.0, "offset": 0.0},
        "operating_point": {"real_below": 0.4, "fake_above": 0.8, "widened": {}},
        "metrics": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _network() -> bytes:
    """(1, T, 224, 224, 3) bytes in; ``logit``, ``frame_logits``, ``attention``."""
    graph = _Graph()
    graph.constant("frame_shape", np.array([-1, SIDE, SIDE, 3]))
    graph.constant("middle", np.float32(127.5))
    graph.constant("none", np.float32(0))
    graph.constant("most", np.float32(6))
    at = graph.node("Reshape", "frames", "frame_shape")
    at = graph.node("Cast", at, to=TensorProto.FLOAT)
    at = graph.node("Transpose", at, perm=[0, 3, 1, 2])
    at = graph.node("Div", graph.node("Sub", at, "middle"), "middle")
    at, channels = graph.convolution(at, 3, _STEM, kernel=3, stride=2), _STEM
    for expansion, kernel, stride, width, blocks in _STAGES:
        for block in range(blocks):
            step = stride if block == 0 else 1
            before, inner = at, channels * expansion
            if expansion > 1:
                at = graph.convolution(at, channels, inner)
            at = graph.convolution(at, inner, inner, kernel=kernel, stride=step, groups=inner)
            at = graph.convolution(at, inner, width, bounded=False)
            if step == 1 and channels == width:
                at = graph.node("Add", at, before)
            channels = width
    at = graph.node("GlobalAveragePool", graph.convolution(at, channels, _HEAD))
    at = graph.node("Flatten", at)
    graph.constant("row", np.array([1, -1]))
    for name in ("frame_logits", "weights"):
        graph.constant(f"{name}_of", graph.random((_HEAD, 1), _HEAD))
        graph.node("Reshape", graph.node("MatMul", at, f"{name}_of"), "row", output=name)
    graph.node("Softmax", "weights", output="attention", axis=1)
    graph.constant("along", np.array([1]))
    weighed = graph.node("Mul", "frame_logits", "attention")
    graph.node("ReduceSum", weighed, "along", output="logit", keepdims=0)
    return graph.serialised()


class _Graph:
    """A graph that is written from its input on."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def random(self, shape: tuple[int, ...], inputs: int) -> NDArray[np.float32]:
        """Weights that neither blow up nor fade what goes through them (He et al. 2015)."""
        return (self._random.standard_normal(shape) * (2 / inputs) ** 0.5).astype(np.float32)

    def constant(self, name: str, value: Any) -> str:
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind: str, *inputs: str, output: str = "", **options: Any) -> str:
        output = output or f"{kind}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **options))
        return output

    def convolution(
        self,
        at: str,
        channels: int,
        width: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        bounded: bool = True,
    ) -> str:
        inputs = channels // groups
        name = f"weights{len(self._nodes)}"
        self.constant(name, self.random((width, inputs, kernel, kernel), inputs * kernel**2))
        at = self.node(
            "Conv", at, name, strides=[stride] * 2, pads=[kernel // 2] * 4, group=groups,
            kernel_shape=[kernel] * 2,
        )  # fmt: skip
        if not bounded:
            return at
        return self.node("Clip", at, "none", "most")

    def serialised(self) -> bytes:
        def value(name: str, shape: list[int | str], kind: int = TensorProto.FLOAT) -> Any:
            return helper.make_tensor_value_info(name, kind, shape)

        graph = helper.make_graph(
            self._nodes,
            "random",
            [value("frames", [1, "T", SIDE, SIDE, 3], TensorProto.UINT8)],
            [value("logit", [1]), value("frame_logits", [1, "T"]), value("attention", [1, "T"])],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        onnx.checker.check_model(model)
        content: bytes = model.SerializeToString()
        return content
