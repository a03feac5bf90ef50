"""``head``: a head for an encoder, and a bundle of both."""

from __future__ import annotations

import argparse

import torch
from rich.console import Console

from deepfake.training.clips import TRAIN, VAL, read_clips
from deepfake.training.commands.shared import bars, one_bar
from deepfake.training.head_bundle import write_head_bundle
from deepfake.training.head_recipe import SCORES, HeadRecipe, make_head


def run(options: argparse.Namespace, errors: Console) -> str:
    """Do it; see :mod:`deepfake.training.options`."""
    torch.set_num_threads(options.threads)
    clips = read_clips(options.data, (TRAIN, VAL))
    recipe = HeadRecipe(
        variants=tuple(options.variant),
        judged=tuple(options.judged),
        folds=options.folds,
        criterion=options.criterion,
    )
    with bars(errors) as progress:
        result = make_head(recipe, clips, options.features, options.out, progress=one_bar(progress, "heads"))
    folder = options.out / options.bundle
    apart = write_head_bundle(
        result,
        folder,
        name=options.name,
        version=options.model_version,
        encoder=options.encoder,
        wheel=options.wheel,
        checked_on=clips[0],
        frames=options.frames,
    )
    figures = f"across folds {result.record['across_folds_auc']:.3f}, val {result.record['val_auc_fitted_to_train']:.3f}"
    return f"{folder}: {figures} (AUC, mean over pairs of sources); ONNX and torch are {apart:.1e} apart at most. Held-out logits: {options.out / SCORES}"
