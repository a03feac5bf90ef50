"""Networks of a few nodes that judge by colour, so that every verdict can be told beforehand.

A video is generated as far as it is bright, a face is a patch of red, and a manipulated one has blue in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, BYTES = TensorProto.FLOAT, TensorProto.UINT8
#: Brightness, 0 to 255, that is neither, and how many steps of it make one of logit.
MIDDLE, STEPS = 128.0, 16.0
#: Pixels of a side of every face that is found.
FACE_SIDE = 40.0


def video_network(
    *, middle: float = MIDDLE, length: int | str = "T", heat: bool = True, side: int = 32
) -> bytes:
    """(1, T, side, side, 3) bytes in; the mean brightness over ``middle`` is the logit, heat is a 4 x 4 grid of it."""
    nodes = [
        helper.make_node("Cast", ["frames"], ["bright"], to=FLOAT),
        helper.make_node("ReduceMean", ["bright", "last"], ["grey"], keepdims=0),
        *_judging("grey", [2, 3], middle),
    ]
    outputs = [_value("logit", [1]), _value("frame_logits", [1, length]), _value("attention", [1, length])]
    if heat:
        cell = side // 4
        nodes.append(
            helper.make_node(
                "AveragePool", ["grey"], ["heat"], kernel_shape=[cell, cell], strides=[cell, cell]
            )
        )
        outputs.append(_value("heat", [1, length, 4, 4]))
    return _model(
        nodes, [_value("frames", [1, length, side, side, 3], BYTES)], outputs, {"last": np.array([4])}
    )


def encoder_network(*, side: int = 32) -> bytes:
    """(n, 3, side, side) of 0 to 1 in; ``embedding``: the mean of each colour; ``tokens``: nothing that is wanted."""
    nodes = [
        helper.make_node("ReduceMean", ["pixels", "sides"], ["embedding"], keepdims=0),
        helper.make_node("Mul", ["pixels", "zero"], ["tokens"]),
    ]
    return _model(
        nodes,
        [_value("pixels", ["n", 3, side, side])],
        [_value("embedding", ["n", 3]), _value("tokens", ["n", 3, side, side])],
        {"sides": np.array([2, 3]), "zero": np.float32(0)},
    )


def reading_off(tensor: str, output: str) -> bytes:
    """What joins a network to declare a tensor inside it, doubled, as one more output."""
    addition = onnx.ModelProto()
    addition.graph.node.append(helper.make_node("Add", [tensor, tensor], [output]))
    addition.graph.output.append(_value(output, ["n", 3]))
    content: bytes = addition.SerializeToString()
    return content


def head_network(*, middle: float = 0.5, slope: float = 16.0) -> bytes:
    """(1, T, 3) embeddings in; the mean colour over ``middle``, times ``slope``, is the logit."""
    nodes = [
        helper.make_node("Unsqueeze", ["embeddings", "last"], ["deep"]),
        *_judging("deep", [2, 3], middle, 1 / slope),
    ]
    return _model(
        nodes,
        [_value("embeddings", [1, "T", 3])],
        [_value("logit", [1]), _value("frame_logits", [1, "T"]), _value("attention", [1, "T"])],
        {"last": np.array([3])},
    )


def face_network(*, side: int | str = "height") -> bytes:
    """(n, 3, H, W) in, CenterFace's outputs out: a face of :data:`FACE_SIDE` pixels around the middle of what is red."""
    nodes = [
        helper.make_node(
            "Conv",
            ["pixels", "redness"],
            ["red"],
            strides=[4, 4],
            kernel_shape=[32, 32],
            pads=[14, 14, 14, 14],
        ),
        helper.make_node("Clip", ["red", "none", "all"], ["centres"]),
        helper.make_node("Conv", ["pixels", "nothing"], ["zeros"], strides=[4, 4], kernel_shape=[4, 4]),
        helper.make_node("Add", ["zeros", "size"], ["sizes"]),
        helper.make_node("Identity", ["zeros"], ["offsets"]),
    ]
    redness = np.zeros((1, 3, 32, 32), np.float32)
    redness[0, 0], redness[0, 1:] = 1 / 255 / 1024, -1 / 255 / 1024
    return _model(
        nodes,
        [_value("pixels", ["n", 3, side, side if isinstance(side, int) else "width"])],
        [
            _value(name, ["n", count, "h", "w"])
            for name, count in (("centres", 1), ("sizes", 2), ("offsets", 2))
        ],
        {
            "redness": redness,
            "nothing": np.zeros((2, 3, 4, 4), np.float32),
            "size": np.float32(np.log(FACE_SIDE / 4)),
            "none": np.float32(0),
            "all": np.float32(1),
        },
    )


def face_judge_network(*, middle: float = 60.0, steps: float = 5.0) -> bytes:
    """(n, 24, 24, 3) bytes in; the blue over ``middle`` is the logit."""
    nodes = [
        helper.make_node("Cast", ["faces"], ["bright"], to=FLOAT),
        helper.make_node("Gather", ["bright", "two"], ["blue"], axis=3),
        helper.make_node("ReduceMean", ["blue", "sides"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["mean", "middle"], ["over"]),
        helper.make_node("Div", ["over", "steps"], ["logit"]),
    ]
    return _model(
        nodes,
        [_value("faces", ["n", 24, 24, 3], BYTES)],
        [_value("logit", ["n"])],
        {
            "two": np.array(2),
            "sides": np.array([1, 2]),
            "middle": np.float32(middle),
            "steps": np.float32(steps),
        },
    )


def constant_network(value: float, *, side: int = 32) -> bytes:
    """A network for videos that says the same of everything, a number or none."""
    return _model(
        [
            *[
                helper.make_node(
                    "Constant", [], [name], value=numpy_helper.from_array(np.full(shape, value, np.float32))
                )
                for name, shape in (("logit", (1,)), ("frame_logits", (1, 2)))
            ],
            helper.make_node(
                "Constant", [], ["attention"], value=numpy_helper.from_array(np.ones((1, 2), np.float32))
            ),
        ],
        [_value("frames", [1, 2, side, side, 3], BYTES)],
        [_value("logit", [1]), _value("frame_logits", [1, 2]), _value("attention", [1, 2])],
        {},
    )


def _judging(grey: str, sides: Sequence[int], middle: float, steps: float = STEPS) -> list[Any]:
    """Nodes from (1, T, ...) to logit, frame logits and attention; a brighter frame weighs more."""
    constants = (("sides", np.array(sides)), ("middle", np.float32(middle)), ("steps", np.float32(steps)))
    return [
        *[
            helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value)))
            for name, value in (*constants, ("along", np.array([1])))
        ],
        helper.make_node("ReduceMean", [grey, "sides"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["mean", "middle"], ["over"]),
        helper.make_node("Div", ["over", "steps"], ["frame_logits"]),
        helper.make_node("ReduceMean", ["frame_logits", "along"], ["logit"], keepdims=0),
        helper.make_node("Softmax", ["frame_logits"], ["attention"], axis=1),
    ]


def _value(name: str, shape: Sequence[int | str], kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, list(shape))


def _model(nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: Mapping[str, Any]) -> bytes:
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


BRIGHT: dict[str, Any] = {
    "kind": "video",
    "network": "video.onnx",
    "weight": 1.0,
    "input": {"width": 32, "height": 32, "fit": "stretch"},
}
ENCODED: dict[str, Any] = {
    "kind": "encoder+head",
    "encoder": "encoder.onnx",
    "head": "head.onnx",
    "feeds": {"embeddings": "embedding"},
    "weight": 1.0,
    "input": {"width": 32, "height": 32, "fit": "stretch", "layout": "nchw", "raw": False},
}
FACES: dict[str, Any] = {
    "detector": "faces.onnx",
    "score": 0.5,
    "model": {
        "network": "judge.onnx",
        "input": {"width": 24, "height": 24},
        "calibration": {"slope": 1.0, "offset": 0.0},
        "fake_above": 0.9,
        "margin": 1.0,
    },
}


def write_bundle(
    folder: Path,
    files: Mapping[str, bytes] | None = None,
    *,
    origins: Mapping[str, dict[str, str]] | None = None,
    **changes: Any,
) -> Path:
    """Write a bundle into a new folder: by default one network that finds what is bright; ``changes`` go into the manifest."""
    folder.mkdir(parents=True)
    files = {"video.onnx": video_network()} if files is None else files
    for name, content in files.items():
        (folder / name).write_bytes(content)
    manifest = {
        "format": 1,
        "name": "Bright",
        "version": "1",
        "licence": "MIT",
        "source": "drawn by hand",
        "files": [listed(name, content) | _origin(origins, name) for name, content in files.items()],
        "sampling": {"frames": 8, "short_side": 128},
        "members": [BRIGHT],
        "calibration": {"slope": 1.0, "offset": 0.0},
        "operating_point": {"real_below": 0.4, "fake_above": 0.8, "widened": {"too_dark": 1.0}},
        "metrics": {"auc": 0.75},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))
    return folder


def _origin(origins: Mapping[str, dict[str, str]] | None, name: str) -> dict[str, Any]:
    return {"origin": origins[name]} if origins and name in origins else {}


def listed(name: str, content: bytes) -> dict[str, Any]:
    """A file as a manifest lists it."""
    return {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def slow_network(*, side: int, memory: bool = False) -> bytes:
    """A network for videos that multiplies large matrices first: of 6000 numbers a side it takes a minute.

    Args:
        memory: make the matrices only, which takes what memory they take.
    """
    shape = numpy_helper.from_array(np.array([side, side]))
    nodes = [
        helper.make_node("Cast", ["frames"], ["bright"], to=FLOAT),
        helper.make_node("ReduceMax", ["bright"], ["most"], keepdims=0),
        helper.make_node("Constant", [], ["shape"], value=shape),
        # Of numbers whose products stay as they are: an infinite one would be no judgement.
        helper.make_node("Mul", ["most", "nothing"], ["none"]),
        helper.make_node("Add", ["none", "share"], ["each"]),
        helper.make_node("Expand", ["each", "shape"], ["large"]),
        helper.make_node("Add" if memory else "MatMul", ["large", "large"], ["product0"]),
        *[
            helper.make_node("MatMul", [f"product{n}", "large"], [f"product{n + 1}"])
            for n in range(0 if memory else 9)
        ],
        helper.make_node("ReduceMax", ["product0" if memory else "product9"], ["waited"], keepdims=0),
        helper.make_node("ReduceMean", ["bright", "last"], ["pale"], keepdims=0),
        helper.make_node("Max", ["pale", "waited"], ["grey"]),
        *_judging("grey", [2, 3], MIDDLE),
    ]
    outputs = [_value("logit", [1]), _value("frame_logits", [1, "T"]), _value("attention", [1, "T"])]
    constants = {"last": np.array([4]), "nothing": np.float32(0), "share": np.float32(1 / side)}
    return _model(nodes, [_value("frames", [1, "T", 32, 32, 3], BYTES)], outputs, constants)


#: One of each, under the names that the members above give them.
NETWORKS = {
    "video.onnx": video_network(),
    "encoder.onnx": encoder_network(),
    "head.onnx": head_network(),
    "faces.onnx": face_network(),
    "judge.onnx": face_judge_network(),
}
