"""``student``: the small network, and a bundle of it."""

from __future__ import annotations

import argparse

from rich.console import Console

from deepfake.training.clips import TRAIN, VAL, of_splits, read_clips
from deepfake.training.commands.shared import bars, content_of, copies_of, one_bar, step_bar
from deepfake.training.features import load_features
from deepfake.training.landmarks import FaceMarker, find_face_clips
from deepfake.training.scores import ScoresError, logit_table, read_scores
from deepfake.training.student_batches import TAUGHT, Teacher
from deepfake.training.student_recipe import StudentRecipe, make_student


def run(options: argparse.Namespace, errors: Console) -> str:
    """Do it; see :mod:`deepfake.training.options`."""
    every = read_clips(options.data, (TRAIN, VAL))
    clips = of_splits(every, *options.splits)
    held_out = [] if VAL in options.splits else of_splits(every, VAL)
    recipe = StudentRecipe(
        steps=options.steps,
        rate=options.rate,
        variants=tuple(options.variant),
        judged=tuple(options.judged),
        size=options.size,
        shown=options.shown,
        frames=options.frames,
        blocks=options.blocks,
        frozen=options.frozen,
        kept=options.kept,
        seed=options.seed,
        threads=options.threads,
        workers=options.workers,
    )
    scores = read_scores(options.teacher) if options.teacher is not None else []
    if options.teacher is not None and not scores:
        raise ScoresError(f"{options.teacher} holds no scores")
    features = None
    if options.features is not None:
        features = load_features(clips, recipe.variants, options.features, TAUGHT)
    copies = copies_of(options)
    folder = options.out / options.bundle
    with bars(errors) as progress:
        faces = []
        if options.detector is not None:
            faces = find_face_clips(
                [clip for clip in clips if not clip.fake],
                ("plain",),
                FaceMarker(content_of(options.detector)),
                copies=copies,
                frames=recipe.sampled,
                progress=one_bar(progress, "faces"),
            )
        apart = make_student(
            recipe,
            clips,
            held_out,
            options.out,
            name=options.name,
            version=options.model_version,
            folder=folder,
            teacher=Teacher(logit_table(scores), features),
            copies=copies,
            faces=faces,
            progress=step_bar(progress, "steps"),
        )
    return f"{folder}: {len(clips)} clips, {len(faces)} of them with real faces; ONNX and torch are {apart:.1e} apart at most."
