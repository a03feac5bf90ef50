"""The small network, from clips and what the large one says of them to a bundle."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from deepfake.engine.manifest import Member
from deepfake.training.bundling import file_in, new_manifest, write_manifest
from deepfake.training.clips import TrainingClip, counts_of, digest_of
from deepfake.training.exporting import export
from deepfake.training.first_weights import LICENCE, SOURCE
from deepfake.training.head_recipe import versions
from deepfake.training.journal import Journal
from deepfake.training.landmarks import FaceClip
from deepfake.training.stepping import Pass, fit
from deepfake.training.student_batches import StudentBatch, StudentBatches, Teacher, held_out_frames
from deepfake.training.student_network import INPUT, SIDE, VideoEfficientAttn, drawn_back
from deepfake.training.transfer import by_variant
from deepfake.training.trunk import BLOCKS

NETWORK = "video.onnx"
#: Of the loss of each part: the teacher's judgement, what its encoder holds, frames alone, evenly spread attention.
_TEACHER, _TOLD, _OF_FRAMES, _ENTROPY = 0.5, 0.5, 0.3, 0.05
#: Teacher's logits are divided by this: what it is sure of is told softly.
_TEMPERATURE = 2.0


@dataclass(frozen=True, slots=True)
class StudentRecipe:
    """What is done; the defaults are those of the shipped model.

    Attributes:
        variants: of the clips that are shown; of the held-out ones, ``judged``.
        size, shown, blended: see :class:`.student_batches.StudentBatches`.
        frames: that a video is judged by.
        frozen: first blocks, beside the stem, that keep ImageNet's weights; -1 for none.
        kept: share of the fitted trunk in the end, see :func:`.student_network.drawn_back`.
        looked_at: frames of a held-out clip.
    """

    steps: int = 3000
    rate: float = 3e-4
    variants: tuple[str, ...] = ("plain", "aug0")
    judged: tuple[str, ...] = ("plain", "aug0")
    size: int = 16
    shown: int = 4
    sampled: int = 8
    blended: int = 1
    frames: int = 16
    blocks: int = BLOCKS
    frozen: int = 3
    kept: float = 1.0
    smoothing: float = 0.05
    look_every: int = 250
    looked_at: int = 4
    seed: int = 0
    threads: int = 1
    workers: int = 1


def make_student(
    recipe: StudentRecipe,
    clips: Sequence[TrainingClip],
    held_out: Sequence[TrainingClip],
    out: Path,
    *,
    name: str,
    version: str,
    folder: Path,
    teacher: Teacher,
    copies: Path,
    faces: Sequence[FaceClip] = (),
    progress: Callable[[int, int, dict[str, float]], None] = lambda _step, _steps, _figures: None,
) -> float:
    """Follow a recipe, from where ``out`` has come to, to a bundle in ``folder``, not calibrated.

    Args:
        held_out: clips that weights are chosen by; without any, the last ones are taken.
        faces: clips of real faces, for self-blended ones; of the same splits as ``clips``.

    Returns:
        The largest difference of any number between ONNX and torch.

    Raises:
        ClipsError: a clip cannot be read.
        ResumeError: the folder holds another run.
        ExportError: the exported network does not give what torch gives.
    """
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    network = VideoEfficientAttn(recipe.blocks, teacher_width=teacher.width)
    network.trunk.freeze(recipe.frozen)
    original = {key: value.clone() for key, value in network.state_dict().items()}
    journal = Journal(out / "journal.jsonl")
    journal.write("student", recipe=asdict(recipe), splits=counts_of(clips), faces=len(faces))
    batches = StudentBatches(
        clips,
        recipe.variants,
        copies=copies,
        teacher=teacher,
        faces=faces,
        size=recipe.size,
        blended=recipe.blended,
        frames=recipe.shown,
        sampled=recipe.sampled,
        seed=recipe.seed,
    )
    step, score = fit(
        network,
        batches,
        Pass("student", recipe.steps, recipe.rate, workers=recipe.workers, look_every=recipe.look_every),
        out,
        of=f"{digest_of(clips)} {digest_of(held_out)} {len(faces)} {json.dumps(asdict(replace(recipe, workers=0)))}",
        trunk=list(network.trunk.parameters()),
        loss_of=lambda network, batch: student_loss(network, batch, smoothing=recipe.smoothing),
        look=_looker(recipe, held_out, copies) if held_out else None,
        progress=progress,
    )
    network.load_state_dict(drawn_back(network.state_dict(), original, recipe.kept))
    record: dict[str, Any] = {
        "made_by": "python -m deepfake.training student",
        "recipe": json.loads(json.dumps(asdict(recipe))),
        "step": step,
        "clips_sha256": digest_of(clips),
        "clips": counts_of(clips),
        "faces": len({face.clip.name for face in faces}),
        "versions": versions(),
    }
    if held_out:
        record["val_macro_auc"] = round(score, 4)
    journal.write("student made", **record)
    return write_student_bundle(
        network,
        folder,
        name=name,
        version=version,
        frames=recipe.frames,
        checked_on=held_out_frames(clips[:1], "plain", copies, frames=recipe.frames)[0],
        record=record,
    )


def student_loss(network: Any, batch: StudentBatch, *, smoothing: float) -> tuple[Any, dict[str, float]]:
    """What a batch costs: labels, frames alone, the teacher's judgement and what its encoder holds, where there is some."""
    logits, frames, attention, projected = network.learnt(batch.frames)
    cross = nn.functional.binary_cross_entropy_with_logits
    targets = batch.labels * (1 - 2 * smoothing) + smoothing
    taught = ~torch.isnan(batch.teacher)
    softly = torch.where(taught, torch.sigmoid(torch.nan_to_num(batch.teacher) / _TEMPERATURE), targets)
    mixed = torch.where(taught, (1 - _TEACHER) * targets + _TEACHER * softly, targets)
    loss = (1 - _OF_FRAMES) * cross(logits, mixed)
    loss = loss + _OF_FRAMES * cross(frames, mixed[:, None].expand_as(frames))
    entropy = -(attention * attention.clamp(min=1e-9).log()).sum(1).mean()
    loss = loss - _ENTROPY * entropy / np.log(max(2, frames.shape[1]))
    shown = ~torch.isnan(batch.told).any(-1)
    figures = {"right": round(float(((logits > 0) == (batch.labels > 0.5)).float().mean()), 4)}
    if bool(shown.any()):
        alike = nn.functional.cosine_similarity(projected[shown], batch.told[shown], dim=-1).mean()
        loss = loss + _TOLD * (1 - alike)
        figures["alike"] = round(float(alike.detach()), 4)
    return loss, figures


def write_student_bundle(
    network: VideoEfficientAttn,
    folder: Path,
    *,
    name: str,
    version: str,
    frames: int,
    checked_on: Any,
    record: dict[str, Any],
) -> float:
    """Export a network and write its bundle; see :func:`make_student`."""
    folder.mkdir(parents=True, exist_ok=True)
    network = copy.deepcopy(network)
    # Only the fitting needed it.
    network.projection = nn.Identity()
    noise = np.random.default_rng(0).integers(0, 256, (2, 3, SIDE, SIDE, 3), dtype=np.uint8)
    outputs = ("logit", "frame_logits", "attention", "heat")
    apart = export(
        network,
        folder / NETWORK,
        [{"frames": checked_on[None]}, {"frames": checked_on[None, :1].copy()}, {"frames": noise}],
        outputs=outputs,
        free={
            "frames": {0: "n", 1: "T"},
            "logit": {0: "n"},
            **{output: {0: "n", 1: "T"} for output in outputs[1:]},
        },
    )
    file = file_in(folder, NETWORK, licence=LICENCE, source=f"{SOURCE}; python -m deepfake.training student")
    write_manifest(
        folder,
        new_manifest(
            name=name,
            version=version,
            licence=LICENCE,
            source=SOURCE,
            files=(file,),
            member=Member(weight=1.0, spec=INPUT, network=NETWORK),
            frames=frames,
            training=record,
        ),
    )
    return apart


def _looker(recipe: StudentRecipe, held_out: Sequence[TrainingClip], copies: Path) -> Callable[[Any], float]:
    """Judges held-out clips, whose frames it keeps."""
    kept = [
        (clip, variant, frames)
        for variant in recipe.judged
        for clip, frames in zip(
            held_out, held_out_frames(held_out, variant, copies, frames=recipe.looked_at), strict=True
        )
    ]

    def look(network: Any) -> float:
        logits = [float(network(torch.from_numpy(frames)[None])[0]) for _clip, _variant, frames in kept]
        clips, variants = [clip for clip, _, _ in kept], [variant for _, variant, _ in kept]
        return by_variant(np.array(logits), clips, variants)

    return look
