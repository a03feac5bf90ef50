"""``face``: the face model."""

from __future__ import annotations

import argparse

from rich.console import Console

from deepfake.training.clips import read_clips
from deepfake.training.commands.shared import bars, content_of, copies_of, one_bar, step_bar
from deepfake.training.face_batches import REENACTING
from deepfake.training.face_recipe import FaceRecipe, make_face_model
from deepfake.training.landmarks import FaceMarker, find_face_clips

#: Frames of a clip that are looked at for faces.
_FRAMES = 8


def run(options: argparse.Namespace, errors: Console) -> str:
    """Do it; see :mod:`deepfake.training.options`."""
    clips = [
        clip
        for clip in read_clips(options.data, options.splits)
        if not clip.robot and (not clip.fake or clip.family == REENACTING)
    ]
    apart = set(options.held_out)
    recipe = FaceRecipe(
        steps=options.steps,
        rate=options.rate,
        blocks=options.blocks,
        frozen=options.frozen,
        seed=options.seed,
        threads=options.threads,
        workers=options.workers,
    )
    with bars(errors) as progress:
        marker, copies = FaceMarker(content_of(options.detector)), copies_of(options)
        fitted_to, held_out = (
            find_face_clips(
                [clip for clip in clips if (clip.source in apart) == kept_apart],
                ("plain",) if kept_apart else options.variant,
                marker,
                copies=copies,
                frames=_FRAMES,
                progress=one_bar(progress, "held-out faces" if kept_apart else "faces"),
            )
            for kept_apart in (False, True)
        )
        about = make_face_model(
            recipe, fitted_to, held_out, options.out, progress=step_bar(progress, "steps")
        )
    figures = about["figures"]
    return (
        f"{options.out}: {len(fitted_to)} copies of clips with faces; AUC on held-out ones: self-blended {figures['blended_auc']:.3f}, "
        f"reenacted {figures['reenacted_auc']:.3f}; ONNX and torch are {about['onnx_apart']:.1e} apart at most."
    )
