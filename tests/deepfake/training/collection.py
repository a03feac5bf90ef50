"""Small collections of labelled clips, and networks of a few nodes, made by the test that needs them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from deepfake.training.clips import TrainingClip
from deepfake.training.encoding import BLOCKS
from tests.deepfake.engine.clips import Picture, scene, with_patch, write_clip
from tests.deepfake.engine.networks import face_network

#: (label, source, family, split, repo) of the clips of a collection, and whether they are GIFs.
Kind = tuple[str, str, str, str, str]
KINDS: tuple[Kind, ...] = (
    ("fake", "gen_a", "t2v", "train", "page/a"),
    ("fake", "gen_b", "edit", "train", "page/b"),
    ("fake", "gen_c", "t2v", "val", "page/c"),
    ("real", "street", "real_web", "train", "page/d"),
    ("real", "lab", "real_lab", "train", "page/e"),
    ("real", "web", "real_web", "val", "page/f"),
)


def a_clip(number: int = 0, **changes: Any) -> TrainingClip:
    """A clip of which there is no file."""
    fake = changes.pop("fake", True)
    given: dict[str, Any] = {
        "name": f"{'fake' if fake else 'real'}/x/{number}.mp4",
        "path": Path("/nowhere"),
        "fake": fake,
        "source": "gen_a" if fake else "street",
        "family": "t2v" if fake else "real_web",
        "photoreal": True,
        "split": "train",
        "repo": "page/a" if fake else "page/d",
        "gif": False,
        "sha256": f"{number:064x}",
    }
    return TrainingClip(**given | changes)


def write_collection(folder: Path, kinds: Sequence[Kind] = KINDS, *, each: int = 2, frames: int = 6) -> Path:
    """Clips of every kind: generated ones are bright, real ones dark, so that there is something to learn."""
    rows = []
    for number, (label, source, family, split, repo) in enumerate(kinds):
        for copy in range(each):
            seed = 10 * number + copy
            name = f"{label}/{source}/{seed}.mp4"
            level = 165 if label == "fake" else 90
            write_clip(folder / name, scene(frames, level=level, seed=seed, size=(96, 72)))
            rows.append(
                {
                    "file": name,
                    "label": label,
                    "generator": source,
                    "family": family,
                    "style": "photo",
                    "split": split,
                    "repo": repo,
                    "sha256": f"{seed:064x}",
                    "codec": "h264",
                }
            )
    write_rows(folder, rows)
    return folder


def write_rows(folder: Path, rows: Iterable[dict[str, str]]) -> None:
    rows = list(rows)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def faces_of(level: int, *, count: int = 6) -> Iterable[Picture]:
    """Pictures with a square that the tiny face detector takes for a face."""
    return with_patch(scene(count, level=level), (255, 0, 30), left=120, top=80, side=60, step=1)


def encoder_content(blocks: int = BLOCKS) -> bytes:
    """(n, 3, 224, 224) in; blocks named as CLIP's are.

    Each block holds (n, 17, 3) tokens: those of 4 x 4 parts are their mean colours, and one in front of them that of the
    whole; each block adds one. The only declared output is the last block's, as (n, 51).
    """
    nodes = [
        helper.make_node("AveragePool", ["pixel_values"], ["cells"], kernel_shape=[56, 56], strides=[56, 56]),
        helper.make_node("Reshape", ["cells", "flat"], ["row"]),
        helper.make_node("Transpose", ["row"], ["cells_in_rows"], perm=[0, 2, 1]),
        helper.make_node("ReduceMean", ["cells_in_rows", "along"], ["whole"], keepdims=1),
        helper.make_node("Concat", ["whole", "cells_in_rows"], ["held"], axis=1),
    ]
    for block in range(blocks):
        given = "held" if block == 0 else f"held{block - 1}"
        nodes.append(
            helper.make_node("Add", [given, "one"], [f"held{block}"], name=f"/encoder/layers.{block}/Add_1")
        )
    nodes.append(helper.make_node("Flatten", [f"held{blocks - 1}"], ["image_embeds"], axis=1))
    return _model(
        nodes,
        [("pixel_values", ["n", 3, 224, 224])],
        [("image_embeds", ["n", 51])],
        {"flat": np.array([0, 3, 16]), "along": np.array([1]), "one": np.ones(1, np.float32)},
    )


def marking_detector() -> bytes:
    """The tiny face detector, with landmarks as a fourth output: where they are in an upright face."""
    model = onnx.load_from_string(face_network())
    for tensor in model.graph.initializer:
        if tensor.name == "size":
            # Faces as large as those of tests.
            tensor.CopyFrom(numpy_helper.from_array(np.float32(np.log(60 / 4)), "size"))
    places = [(0.35, 0.3), (0.35, 0.7), (0.55, 0.5), (0.75, 0.35), (0.75, 0.65)]
    shares = np.array([share for place in places for share in place], np.float32).reshape(1, 10, 1, 1)
    model.graph.initializer.append(numpy_helper.from_array(shares, "shares"))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((10, 1, 1, 1), np.float32), "tenfold"))
    model.graph.node.append(helper.make_node("Conv", ["centres", "tenfold"], ["tens"], kernel_shape=[1, 1]))
    model.graph.node.append(helper.make_node("Add", ["tens", "shares"], ["landmarks"]))
    model.graph.output.append(
        helper.make_tensor_value_info("landmarks", TensorProto.FLOAT, ["n", 10, "h", "w"])
    )
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _model(
    nodes: list[Any],
    inputs: list[tuple[str, list[Any]]],
    outputs: list[tuple[str, list[Any]]],
    constants: dict[str, NDArray[Any]],
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content
