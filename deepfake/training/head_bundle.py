"""A bundle out of heads: the encoder's file as it is, the heads as one ONNX file, and the manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deepfake.engine.manifest import Member
from deepfake.training.bundling import file_in, new_manifest, put_into, write_manifest
from deepfake.training.clips import TrainingClip
from deepfake.training.copies import sample_clip
from deepfake.training.encoding import CLIP_INPUT, EncoderError, EncoderFile, FrameFeatures, origin_of
from deepfake.training.exporting import export
from deepfake.training.head_network import HeadEnsemble
from deepfake.training.head_recipe import HeadResult

HEAD, ENCODER = "head.onnx", "encoder.onnx"


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
    """Export the heads' mean and write the bundle, not calibrated.

    Args:
        wheel: that the encoder's file came in, so that whoever installs the bundle can get it; None if in none.
        checked_on: a clip whose frames ONNX and torch have to judge alike.
        frames: that a video is judged by.

    Returns:
        The largest difference of any number between ONNX and torch.

    Raises:
        EncoderError: the encoder is not the one that the heads were fitted to, or not in the wheel.
        ExportError: ONNX and torch differ.
        BundleError: the engine does not take the bundle.
    """
    file = EncoderFile.read(encoder)
    if file.sha256 != result.record["encoder_sha256"]:
        raise EncoderError(f"{file.name} is not the encoder that the heads were fitted to")
    origin = origin_of(file, wheel) if wheel is not None else None
    features = FrameFeatures(file)
    folder.mkdir(parents=True, exist_ok=True)
    ensemble = HeadEnsemble(result.heads, result.spec.parts, embed_width=features.width, side=features.side)
    outputs = ["logit", "frame_logits", "attention"] + ["heat"] * ensemble.has_heat
    apart = export(
        ensemble,
        folder / HEAD,
        [
            {name: example[name] for name in ensemble.inputs}
            for example in _examples(features, checked_on, frames)
        ],
        outputs=outputs,
        free={
            "logit": {0: "n"},
            **{name: {0: "n", 1: "T"} for name in (*ensemble.inputs, *outputs[1:])},
        },
    )
    put_into(folder, encoder, ENCODER)
    feeds = {"embeds": features.embedding, "tokens": features.tokens}
    source = origin.requirement if origin else "an encoder of one's own"
    member = Member(
        weight=1.0,
        spec=CLIP_INPUT,
        encoder=ENCODER,
        head=HEAD,
        feeds={name: given for name, given in feeds.items() if name in ensemble.inputs},
        batch=2,
    )
    write_manifest(
        folder,
        new_manifest(
            name=name,
            version=version,
            licence="MIT (the head); the encoder's own",
            source=f"heads fitted to {source}",
            files=(
                file_in(folder, ENCODER, licence="that of its publisher", source=source, origin=origin),
                file_in(folder, HEAD, licence="MIT", source="python -m deepfake.training head"),
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
    encoded = features.encoded(sampled)
    real = {"embeds": encoded[features.embedding][None], "tokens": encoded[features.tokens][None]}
    random = np.random.default_rng(0)
    noise = {
        name: random.normal(0, float(value.std()) + 1e-3, (2, 3, *value.shape[2:])).astype(np.float32)
        for name, value in real.items()
    }
    return [real, {name: value[:, :1].copy() for name, value in real.items()}, noise]
