"""The face model, from clips to a file: fitted, stopped where held-out faces are judged best, calibrated, exported."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deepfake.engine.manifest import Calibration
from deepfake.engine.measures import auc
from deepfake.training.calibration import platt, threshold_for
from deepfake.training.clips import ClipsError, digest_of
from deepfake.training.exporting import export
from deepfake.training.face_batches import PAIRS, FaceBatch, FaceBatches, HeldOutFaces, held_out_faces
from deepfake.training.face_input import ABOUT, NETWORK, SIDE
from deepfake.training.face_network import BLOCKS, FaceNetwork
from deepfake.training.journal import Journal
from deepfake.training.landmarks import FaceClip
from deepfake.training.stepping import Pass, fit

#: Faces that are judged at a time.
_AT_A_TIME = 16


@dataclass(frozen=True, slots=True)
class FaceRecipe:
    """What is done; the defaults are those of the shipped model.

    Attributes:
        frozen: first blocks, beside the stem, that keep ImageNet's weights; -1 for none.
        smoothing: how far labels are from 0 and 1.
    """

    steps: int = 1500
    rate: float = 3e-4
    blocks: int = BLOCKS
    frozen: int = 3
    pairs: int = PAIRS
    smoothing: float = 0.05
    seed: int = 0
    threads: int = 1
    workers: int = 1


@dataclass(frozen=True, slots=True)
class FaceFigures:
    """What the held-out faces say of a model: AUC against real ones, by clip; nan where there are none."""

    blended_auc: float
    reenacted_auc: float
    real: int
    reenacted: int

    @property
    def score(self) -> float:
        """What the step to stop at is chosen by."""
        told = [each for each in (self.blended_auc, self.reenacted_auc) if not np.isnan(each)]
        return float(np.mean(told))


def make_face_model(
    recipe: FaceRecipe,
    fitted_to: Sequence[FaceClip],
    held_out: Sequence[FaceClip],
    out: Path,
    *,
    progress: Callable[[int, int, dict[str, float]], None] = lambda _step, _steps, _figures: None,
) -> dict[str, Any]:
    """Follow a recipe, from where ``out`` has come to, to ``face.onnx`` and ``face.json``, which is returned.

    Raises:
        ClipsError: there are no real faces of either kind, or a source is in both.
        ResumeError: the folder holds another run.
        ExportError: the exported network does not give what torch gives.
    """
    shared = {clip.clip.source for clip in fitted_to} & {clip.clip.source for clip in held_out}
    if shared:
        raise ClipsError(f"{min(shared)} is fitted to and held out")
    judged = held_out_faces(held_out, recipe.seed)
    if not judged.real:
        raise ClipsError("no real faces are held out")
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    network = FaceNetwork(recipe.blocks)
    network.trunk.freeze(recipe.frozen)
    journal = Journal(out / "journal.jsonl")
    journal.write(
        "face clips",
        fitted_to=_sources(fitted_to),
        held_out=_sources(held_out),
        recipe=asdict(recipe),
    )

    def loss_of(network: Any, batch: FaceBatch) -> tuple[Any, dict[str, float]]:
        targets = batch.labels * (1 - 2 * recipe.smoothing) + recipe.smoothing
        logits = network(batch.faces)
        right = float(((logits > 0) == (batch.labels > 0.5)).float().mean())
        loss = nn.functional.binary_cross_entropy_with_logits(logits, targets)
        return loss, {"right": round(right, 4)}

    step, _ = fit(
        network,
        FaceBatches(fitted_to, recipe.seed, pairs=recipe.pairs),
        Pass("face", recipe.steps, recipe.rate, workers=recipe.workers),
        out,
        of=digest_of({clip.clip for clip in fitted_to}) + json.dumps(asdict(replace(recipe, workers=0))),
        trunk=list(network.trunk.parameters()),
        loss_of=loss_of,
        look=lambda network: figures_of(network, judged).score,
        progress=progress,
    )
    examples = [{"faces": judged.real[0]}, {"faces": noise_faces(3)}]
    apart = export(
        network, out / NETWORK, examples, outputs=["logit"], free={"faces": {0: "n"}, "logit": {0: "n"}}
    )
    about = {
        "step": step,
        "recipe": asdict(recipe),
        "onnx_apart": apart,
        "fitted_to": _sources(fitted_to),
        "held_out": _sources(held_out),
        "figures": asdict(figures_of(network, judged)),
        **calibrated_faces(network, judged),
    }
    (out / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    journal.write("face model", **about)
    return about


def figures_of(network: Any, faces: HeldOutFaces) -> FaceFigures:
    """How well a network tells tampered faces from real ones, clip by clip."""
    real, blended, reenacted = (
        clip_logits(network, each) for each in (faces.real, faces.blended, faces.reenacted)
    )
    return FaceFigures(auc(blended, real), auc(reenacted, real), len(real), len(reenacted))


def calibrated_faces(network: Any, faces: HeldOutFaces) -> dict[str, Any]:
    """The calibration, and from which probability on a face counts as tampered with: 5 % of the real ones do at most."""
    real = clip_logits(network, faces.real)
    fake = np.concatenate([clip_logits(network, faces.blended), clip_logits(network, faces.reenacted)])
    logits = np.concatenate([real, fake])
    labels = np.concatenate([np.zeros(len(real)), np.ones(len(fake))])
    # Each label by half: how many faces are tampered with out there is not for this collection to say.
    weights = np.where(labels > 0.5, 0.5 / len(fake), 0.5 / len(real))
    calibration: Calibration = platt(logits, labels, weights)
    values = 1 / (1 + np.exp(-(calibration.slope * logits + calibration.offset)))
    above = max(0.5, threshold_for(values[labels < 0.5]))
    return {"calibration": asdict(calibration), "fake_above": round(min(above, 0.99), 4)}


def clip_logits(network: Any, clips: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Mean logit of the faces of each clip, (n,)."""
    network.eval()
    found = []
    with torch.no_grad():
        for faces in clips:
            rows = [
                network(torch.from_numpy(faces[start : start + _AT_A_TIME]))
                for start in range(0, len(faces), _AT_A_TIME)
            ]
            found.append(float(torch.cat(rows).mean()))
    return np.array(found, np.float64)


def noise_faces(count: int) -> NDArray[np.uint8]:
    """Random bytes for a check."""
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def _sources(clips: Sequence[FaceClip]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in sorted({(clip.clip.source, clip.clip.name) for clip in clips}):
        counts[name[0]] = counts.get(name[0], 0) + 1
    return counts
