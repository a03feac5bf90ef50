"""``features``: what the encoder holds of clips."""

from __future__ import annotations

import argparse

from rich.console import Console

from deepfake.training.clips import counts_of, digest_of, read_clips
from deepfake.training.commands.shared import bars, copies_of, one_bar
from deepfake.training.features import write_features
from deepfake.training.journal import Journal


def run(options: argparse.Namespace, errors: Console) -> str:
    """Do it; see :mod:`deepfake.training.options`."""
    clips = read_clips(options.data, options.splits)
    Journal(options.out / "journal.jsonl").write(
        "features", clips=digest_of(clips), splits=counts_of(clips), variants=options.variant
    )
    with bars(errors) as progress:
        write_features(
            clips,
            options.variant,
            encoder=options.encoder,
            folder=options.out,
            copies=copies_of(options),
            frames=options.frames,
            workers=options.workers,
            progress=one_bar(progress, "features"),
        )
    return f"{options.out}: {len(clips)} clips, {len(options.variant)} variants of each"
