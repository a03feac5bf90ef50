"""A bundle out of a head: the encoder's file as it is, what joins it and the head as ONNX files, and the manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deepfake.engine.manifest import Member
from deepfake.training.bundling import file_in, new_manifest, put_into, write_manifest
from deepfake.training.clips import TrainingClip
from deepfake.training.copies import sample_clip
from deepfake.training.encoding import (
    BATCH,
    CLIP_INPUT,
    NUMBERS,
    PATCHES,
    EncoderError,
    EncoderFile,
    FrameFeatures,
    origin_of,
)
from deepfake.training.exporting import export
from deepfake.training.head_network import Head
from deepfake.training.head_recipe import HeadResult

HEAD, ENCODER, EXTENSION = "head.onnx", "encoder.onnx", "read_off.onnx"


def write_head_bundle(
    result: HeadResult,
    folder: Path,
    *,
    name: str,
    version: str,
    encoder: Path,
    wheel: Path | None,
    checked_on: TrainingClip,
    frames: int,
) -> float:
    """Export the head and write the bundle, not calibrated.

    Args:
        wheel: that the encoder's file came in, so that whoever installs the bundle can get it; None if in none.
        checked_on: a clip whose frames ONNX and torch have to judge alike.
        frames: that a video is judged by.

    Returns:
        The largest difference of any number between ONNX and torch.

    Raises:
        EncoderError: the encoder is not the one that the head was fitted to, or not in the wheel.
        ExportError: ONNX and torch differ.
        BundleError: the engine does not take the bundle.
    """
    file = EncoderFile.read(encoder)
    if file.sha256 != result.record["encoder_sha256"]:
        raise EncoderError(f"{file.name} is not the encoder that the head was fitted to")
    origin = origin_of(file, wheel) if wheel is not None else None
    features = FrameFeatures(file, result.spec.parts)
    folder.mkdir(parents=True, exist_ok=True)
    head = Head(result.spec.parts, features.width, side=features.side)
    head.set(result.head.mean, result.head.deviation, result.head.weights, result.head.bias)
    inputs = (NUMBERS, PATCHES)[: 1 + head.has_heat]
    outputs = ["logit", "frame_logits", "attention"] + ["heat"] * head.has_heat
    apart = export(
        head,
        folder / HEAD,
        [{name: example[name] for name in inputs} for example in _examples(features, checked_on, frames)],
        outputs=outputs,
        free={
            "logit": {0: "n"},
            **{name: {0: "n", 1: "T"} for name in (*inputs, *outputs[1:])},
        },
    )
    put_into(folder, encoder, ENCODER)
    (folder / EXTENSION).write_bytes(features.extension)
    source = origin.requirement if origin else "an encoder of one's own"
    member = Member(
        weight=1.0,
        spec=CLIP_INPUT,
        encoder=ENCODER,
        head=HEAD,
        extension=EXTENSION,
        feeds={name: name for name in inputs},
        batch=BATCH,
    )
    write_manifest(
        folder,
        new_manifest(
            name=name,
            version=version,
            licence="MIT (the head); the encoder's own",
            source=f"a head fitted to {source}",
            files=(
                file_in(folder, ENCODER, licence="that of its publisher", source=source, origin=origin),
                *(
                    file_in(folder, made, licence="MIT", source="python -m deepfake.training head")
                    for made in (EXTENSION, HEAD)
                ),
            ),
            member=member,
            frames=frames,
            training=result.record,
        ),
    )
    return apart


def _examples(features: FrameFeatures, clip: TrainingClip, frames: int) -> list[dict[str, np.ndarray]]:
    """The encoder's outputs for a clip's frames, for one of them, and noise."""
    sampled = sample_clip(clip, "plain", Path(), frames=frames).frames
    real = {name: value[None] for name, value in features.encoded(sampled).items()}
    random = np.random.default_rng(0)
    noise = {
        name: random.normal(0, float(value.std()) + 1e-3, (2, 3, *value.shape[2:])).astype(np.float32)
        for name, value in real.items()
    }
    return [real, {name: value[:, :1].copy() for name, value in real.items()}, noise]
