"""``report``: what a bundle reaches."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from deepfake.engine.bundle import Bundle
from deepfake.training.bundling import write_manifest
from deepfake.training.clips import DEVTEST, VAL, TrainingClip, read_clips
from deepfake.training.commands.shared import bars, content_of, copies_of, one_bar
from deepfake.training.faults import TrainingError
from deepfake.training.journal import Journal
from deepfake.training.judging import judge_clips
from deepfake.training.landmarks import FaceMarker
from deepfake.training.reporting import as_json, metrics_of, report_of, tables_of
from deepfake.training.tampering import BLENDED, write_blended


def run(options: argparse.Namespace, errors: Console) -> str:
    """Do it; see :mod:`deepfake.training.options`."""
    split = DEVTEST if options.final else VAL
    bundle_folder: Path = options.bundle.resolve()
    bundle = Bundle.read(bundle_folder)
    if split in bundle.manifest.training.get("clips", {}):
        raise TrainingError(f"this model was fitted to {split}: what it reaches there says nothing")
    clips = read_clips(options.data, (split,))
    copies = copies_of(options)
    variants = list(dict.fromkeys(("plain", *options.variant)))
    tasks: list[tuple[TrainingClip, str]] = [(clip, variant) for variant in variants for clip in clips]
    with bars(errors) as progress:
        if options.detector is not None:
            marker, done = FaceMarker(content_of(options.detector)), one_bar(progress, "self-blended")
            faces = [clip for clip in clips if clip.family == "real_face"]
            for number, clip in enumerate(faces):
                if write_blended(clip, marker, copies):
                    tasks.append((clip, BLENDED))
                done(number + 1, len(faces))
        judged = judge_clips(
            tasks,
            bundle=bundle_folder,
            out=options.out,
            copies=copies,
            workers=options.workers,
            progress=one_bar(progress, "verdicts"),
        )
    report = report_of(judged, split=split, model=bundle.sha256)
    metrics = metrics_of(report)
    (options.out / "metrics.json").write_text(as_json(report), encoding="utf-8")
    tables = tables_of(report)
    (options.out / "tables.md").write_text(tables, encoding="utf-8")
    Journal(options.out / "journal.jsonl").write("report", split=split, bundle=bundle.sha256, metrics=metrics)
    if options.final:
        kept = dict(bundle.manifest.metrics) | metrics
        write_manifest(bundle_folder, replace(bundle.manifest, metrics=kept))
    return tables
