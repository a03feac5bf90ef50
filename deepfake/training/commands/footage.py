"""``footage``: real videos and photographs of one's own as clips of a collection."""

from __future__ import annotations

import argparse

from rich.console import Console

from deepfake.training.commands.shared import bars, one_bar
from deepfake.training.footage import add_footage, read_plan
from deepfake.training.journal import Journal
from deepfake.training.normalising import FootageError


def run(options: argparse.Namespace, errors: Console) -> str:
    """Do it; see :mod:`deepfake.training.options`."""
    plan = read_plan(options.plan)
    with bars(errors) as progress:
        outcome = add_footage(
            plan,
            media=options.media,
            collection=options.out,
            pieces=options.pieces,
            on_done=one_bar(progress, "footage"),
        )
    for file, reason in outcome.refused.items():
        errors.print(f"{file}: {reason}", markup=False)
    if not outcome.clips and not outcome.known:
        raise FootageError("nothing that the plan lists can be used")
    licences: dict[str, list[str]] = {}
    for planned in plan:
        if planned.licence not in licences.setdefault(planned.source, []):
            licences[planned.source].append(planned.licence)
    Journal(options.out / "journal.jsonl").write(
        "footage", clips=outcome.clips, known=outcome.known, refused=outcome.refused, licences=licences
    )
    lines = [f"{source}: {count} clips" for source, count in sorted(outcome.clips.items())]
    total = sum(outcome.clips.values())
    lines.append(
        f"{options.out}: {total} clips made, {outcome.known} files known before, {len(outcome.refused)} refused"
    )
    return "\n".join(lines)
