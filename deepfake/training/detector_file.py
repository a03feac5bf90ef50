"""The face detector's file: as it is published it takes pictures of one size, as the engine wants it any."""

from __future__ import annotations

import onnx

from deepfake.training.faults import TrainingError


class DetectorFileError(TrainingError):
    """A file is no network for pictures."""


def with_free_sides(content: bytes) -> bytes:
    """A network for pictures of one size, made to take any number of pictures of any size.

    The published CenterFace says it takes ten pictures of 32 x 32; nothing in it depends on that.

    Raises:
        DetectorFileError: it is no network, or has not one input of four axes.
    """
    try:
        model = onnx.load_from_string(content)
    except Exception as error:  # protobuf's errors have no common base but this
        raise DetectorFileError("this is no ONNX file") from error
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1 or len(inputs[0].type.tensor_type.shape.dim) != 4:
        raise DetectorFileError("this network does not take pictures alone")
    # Weights that are inputs as well could be given anew with every call, and so could not be folded.
    for number in reversed(range(len(model.graph.input))):
        if model.graph.input[number].name in weights:
            del model.graph.input[number]
    del model.graph.value_info[:]
    for value, names in (
        (model.graph.input[0], ("n", "", "height", "width")),
        *((output, ("n", "", "h", "w")) for output in model.graph.output),
    ):
        for axis, name in zip(value.type.tensor_type.shape.dim, names, strict=True):
            if name:
                axis.dim_param = name
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString()
    return written
