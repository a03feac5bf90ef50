"""The frame encoder: an ONNX file that is taken as it is, and what is read off inside it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from deepfake.engine.inputs import Fit, InputSpec, Layout
from deepfake.engine.manifest import Origin
from deepfake.engine.session import ModelError, OnnxEncoder, OnnxNetwork
from deepfake.training.faults import TrainingError

Numbers = NDArray[np.float32]

#: What CLIP's encoders are given; published with them.
CLIP_INPUT = InputSpec(
    width=224,
    height=224,
    fit=Fit.COVER,
    layout=Layout.NCHW,
    raw=False,
    mean=(0.48145466, 0.4578275, 0.40821073),
    deviation=(0.26862954, 0.26130258, 0.27577711),
)
#: Blocks of the encoder that are read off. That what tells generated pictures from real ones stands in the middle of
#: CLIP rather than at its end was found by Koutlis and Papadopoulos: Leveraging representations from intermediate
#: encoder-blocks for synthetic image detection, ECCV 2024.
BLOCKS = 12
#: What is read off after each: the token of the whole picture, and the mean of those of its patches.
CLASSES = tuple(f"class{block}" for block in range(BLOCKS))
MEANS = tuple(f"mean{block}" for block in range(BLOCKS))
PARTS = CLASSES + MEANS
#: Outputs that an encoder is given: the parts side by side, and the patches' tokens that the means are of.
NUMBERS, PATCHES = "numbers", "patches"
#: Frames that are encoded at a time: the encoder scales what it computes by the largest number of a batch, so that what
#: a frame gives hangs on the others unless it is alone.
BATCH = 1
_BLOCK = re.compile(r"/layers\.(\d+)/Add_1$")


class EncoderError(TrainingError):
    """The encoder's file is none, or not of the kind that is known here."""


@dataclass(frozen=True, slots=True)
class EncoderFile:
    """An encoder as a file: its name, bytes and SHA-256 (hexadecimal)."""

    name: str
    content: bytes
    sha256: str

    @classmethod
    def read(cls, path: Path) -> EncoderFile:
        """Read it.

        Raises:
            EncoderError: it cannot be read.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise EncoderError(f"{path} cannot be read") from error
        return cls(path.name, content, hashlib.sha256(content).hexdigest())


class FrameFeatures:
    """An encoder and what is read off inside it.

    Args:
        parts: of ``PARTS``, in the order in which they are wanted.

    Attributes:
        extension: what joins the encoder's file to give ``NUMBERS``, see :class:`deepfake.engine.manifest.Member`.
        width: numbers of one part.
        side: of the square grid that the patches stand on.

    Raises:
        EncoderError: it does not load, or has no such blocks.
    """

    def __init__(self, file: EncoderFile, parts: Sequence[str] = PARTS, *, threads: int = 1) -> None:
        self.extension = extension_of(file, parts)
        grey = np.full((1, CLIP_INPUT.height, CLIP_INPUT.width, 3), 128, np.uint8)
        try:
            network = OnnxNetwork(file.name, file.content + self.extension, threads=threads)
            self._wanted = [name for name in (NUMBERS, PATCHES) if name in network.outputs]
            found = OnnxEncoder(network, CLIP_INPUT, wanted=self._wanted, batch=BATCH).encode(grey)
        except ModelError as error:
            raise EncoderError(str(error)) from error
        self.width = found[NUMBERS].shape[1] // len(parts)
        self.side = round(found[PATCHES].shape[1] ** 0.5) if PATCHES in found else 0
        self._numbers = OnnxEncoder(network, CLIP_INPUT, wanted=[NUMBERS], batch=BATCH)
        self._every = OnnxEncoder(network, CLIP_INPUT, wanted=self._wanted, batch=BATCH)

    def of(self, frames: NDArray[np.uint8]) -> Numbers:
        """The parts of (T, H, W, 3) frames, (T, len(parts) * width)."""
        return self._numbers.encode(frames)[NUMBERS]

    def encoded(self, frames: NDArray[np.uint8]) -> dict[str, Numbers]:
        """``NUMBERS`` and, where parts are means, ``PATCHES`` (T, side * side, means * width), by name."""
        return self._every.encode(frames)


def extension_of(file: EncoderFile, parts: Sequence[str]) -> bytes:
    """Nodes and outputs that an encoder needs to give some parts of what its blocks hold.

    Raises:
        EncoderError: it is no ONNX file, or has no such blocks.
    """
    try:
        model = onnx.load_from_string(file.content)
    except (DecodeError, ValueError) as error:
        raise EncoderError(f"{file.name} is no ONNX file") from error
    blocks = {
        int(found[1]): node.output[0] for node in model.graph.node if (found := _BLOCK.search(node.name))
    }
    wanted = [(part, int(part.removeprefix("class").removeprefix("mean"))) for part in parts]
    if missing := sorted({block for _part, block in wanted} - set(blocks)):
        raise EncoderError(f"{file.name} has no block {missing[0]} that can be read off")
    nodes: list[Any] = []
    patches: dict[int, str] = {}
    for part, block in wanted:
        if part in CLASSES:
            nodes.append(
                helper.make_node("Gather", [blocks[block], "read_off_0"], [f"read_off_{part}"], axis=1)
            )
            continue
        patches[block] = f"read_off_patches{block}"
        given = [blocks[block], "read_off_from", "read_off_to", "read_off_axis"]
        # The mean by pooling: whether ReduceMean's axes are an attribute or an input hangs on the encoder's version.
        nodes += [
            helper.make_node("Slice", given, [patches[block]]),
            helper.make_node("Transpose", [patches[block]], [f"read_off_rows{block}"], perm=[0, 2, 1]),
            helper.make_node("GlobalAveragePool", [f"read_off_rows{block}"], [f"read_off_column{block}"]),
            helper.make_node("Flatten", [f"read_off_column{block}"], [f"read_off_{part}"], axis=1),
        ]
    nodes.append(helper.make_node("Concat", [f"read_off_{part}" for part in parts], [NUMBERS], axis=1))
    outputs = [(NUMBERS, ["n", "width"])]
    if patches:
        nodes.append(helper.make_node("Concat", list(patches.values()), [PATCHES], axis=2))
        outputs.append((PATCHES, ["n", "cells", "patch_width"]))
    constants = {
        "read_off_0": np.array(0),
        "read_off_from": np.array([1]),
        "read_off_to": np.array([np.iinfo(np.int64).max]),
        "read_off_axis": np.array([1]),
    }
    # Only the graph's lists: everything else of the file is the encoder's own.
    addition = onnx.ModelProto()
    addition.graph.node.extend(nodes)
    addition.graph.initializer.extend(
        numpy_helper.from_array(value.astype(np.int64), name) for name, value in constants.items()
    )
    addition.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs
    )
    written: bytes = addition.SerializeToString()
    return written


def origin_of(file: EncoderFile, wheel: Path) -> Origin:
    """Where an encoder's file is in a wheel, for a manifest.

    Raises:
        EncoderError: the wheel cannot be read, or holds no such file.
    """
    name, version = wheel.name.split("-")[:2] if wheel.name.count("-") >= 2 else ("", "")
    if not name:
        raise EncoderError(f"{wheel.name} is not the name of a wheel")
    try:
        content = wheel.read_bytes()
        with ZipFile(wheel) as members:
            for member in members.infolist():
                if member.file_size == len(file.content):
                    digest = hashlib.sha256(members.read(member)).hexdigest()
                    if digest == file.sha256:
                        return Origin(
                            f"{name}=={version}", hashlib.sha256(content).hexdigest(), member.filename
                        )
    except (OSError, BadZipFile) as error:
        raise EncoderError(f"{wheel.name} cannot be read") from error
    raise EncoderError(f"{wheel.name} does not hold {file.name}")
