"""``calibrate``: probabilities and thresholds of a bundle, and its faces."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from deepfake.engine.bundle import Bundle
from deepfake.training.bundling import write_manifest
from deepfake.training.calibrating import Calibrated, add_faces, calibrate, with_calibration
from deepfake.training.clips import TRAIN, VAL, TrainingClip, read_clips
from deepfake.training.commands.shared import bars, content_of, copies_of, one_bar
from deepfake.training.faults import TrainingError
from deepfake.training.journal import Journal
from deepfake.training.scores import Score, ScoresError, read_scores
from deepfake.training.scoring import quality_of, score_clips


def run(options: argparse.Namespace, errors: Console) -> str:
    """Do it; see :mod:`deepfake.training.options`."""
    if options.face is not None and options.detector is None:
        raise TrainingError("--face needs --detector: the model looks at what it finds")
    bundle: Path = options.bundle.resolve()
    if options.detector is not None:
        try:
            add_faces(bundle, content_of(options.detector), options.face)
        except (ValueError, KeyError) as error:
            raise TrainingError(f"{options.face} holds no face model") from error
    with bars(errors) as progress:
        found = _found(options, bundle, progress)
    manifest = Bundle.read(bundle).manifest
    write_manifest(bundle, with_calibration(manifest, found))
    Journal(options.out / "journal.jsonl").write(
        "calibrated",
        bundle=bundle.name,
        calibration=asdict(found.calibration),
        point={"real_below": found.point.real_below, "fake_above": found.point.fake_above},
        figures=found.figures,
    )
    return json.dumps(
        {"real_below": found.point.real_below, "fake_above": found.point.fake_above} | found.figures
    )


def _found(options: argparse.Namespace, bundle: Path, progress: Progress) -> Calibrated:
    if options.like is not None:
        other = Bundle.read(options.like.resolve()).manifest
        curve = other.training.get("calibration_curve", [])
        figures = {name: value for name, value in other.metrics.items() if name.startswith("calibrat")}
        return Calibrated(other.calibration, other.operating_point, figures, list(curve))
    copies = copies_of(options)
    if options.scores is not None:
        clips = read_clips(options.data, (TRAIN, VAL))
        scores = read_scores(options.scores)
        if not scores:
            raise ScoresError(f"{options.scores} holds no scores")
        return calibrate(_with_quality(scores, clips, copies, progress), clips)
    clips = read_clips(options.data, (VAL,))
    manifest = Bundle.read(bundle).manifest
    if VAL in manifest.training.get("clips", {}):
        raise TrainingError(
            "this model was fitted to val: calibrate it by held-out --scores, or --like one that was not"
        )
    scores = score_clips(
        clips,
        options.variant,
        bundle=bundle,
        out=options.out,
        copies=copies,
        workers=options.workers,
        progress=one_bar(progress, "logits"),
    )
    return calibrate(scores, clips)


def _with_quality(
    scores: Sequence[Score], clips: Sequence[TrainingClip], copies: Path, progress: Progress
) -> list[Score]:
    """Scores of real clips with the warnings that they deserve: those of heads were made without looking."""
    by_name = {clip.name: clip for clip in clips}
    done, made = one_bar(progress, "quality"), list(scores)
    for number, score in enumerate(scores):
        clip = by_name.get(score.file)
        if clip is not None and not clip.fake and not clip.robot and score.held_out:
            made[number] = replace(score, quality=quality_of(clip, score.variant, copies))
        done(number + 1, len(scores))
    return made
