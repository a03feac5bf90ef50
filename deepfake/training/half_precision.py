"""Networks whose files are half as long."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: Numbers of a tensor from which on a file holds it in half precision.
HALF_FROM = 1024


def in_half_precision(content: bytes) -> bytes:
    """A network whose large tensors are stored in half precision; what is computed with them stays single.

    onnxruntime turns them into what they were once, when it loads the file.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    casts = []
    for number, tensor in enumerate(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < HALF_FROM:
            continue
        name = tensor.name
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}_half")
        graph.initializer[number].CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString()
    return written
