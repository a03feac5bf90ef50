"""``all``: every step in its order; what an earlier run has done is not done again."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from rich.console import Console

#: Bundles of the two models, by the folders that they are made in.
HEAD, STUDENT = "clip-b16-1", "videoefficientattn-1"


def run(options: argparse.Namespace, errors: Console) -> str:
    """Do it; see :mod:`deepfake.training.options`."""
    # It imports this package's names.
    from deepfake.training.options import parser

    said = []
    for step in steps(options):
        errors.print(f"{step[0]} …", markup=False)
        told = parser().parse_args(step)
        said.append(import_module(f"deepfake.training.commands.{told.command}").run(told, errors))
    return "\n".join(said)


def steps(options: argparse.Namespace) -> list[list[str]]:
    """The sub-commands with their arguments, as somebody would type them."""
    out: Path = options.out
    data = ["--data", str(options.data)]
    encoder = ["--encoder", str(options.encoder)]
    wheel = ["--wheel", str(options.wheel)] if options.wheel is not None else []
    detector = ["--detector", str(options.detector)]
    workers = ["--workers", str(options.workers)]
    frozen = [f"--frozen={options.frozen}"]
    of_face, of_student = (["--steps", str(count)] for count in options.steps)
    faces = ["--face", str(out / "face"), *detector]
    features, scores = ["--features", str(out / "features")], out / "head" / "scores.jsonl"
    teaching = [*features, "--teacher", str(scores), *detector, *frozen, *of_student]
    head, student = out / "head" / HEAD, out / "student" / STUDENT
    calibration = ["--out", str(out / "calibration")]
    planned = [
        ["features", *data, *encoder, "--out", str(out / "features"), *workers],
        ["head", *data, *encoder, *wheel, *features, "--out", str(out / "head"), "--bundle", HEAD],
        ["face", *data, *detector, "--out", str(out / "face"), *frozen, *of_face],
        ["student", *data, "--out", str(out / "student"), "--bundle", STUDENT, *teaching],
        ["calibrate", *data, "--bundle", str(head), "--scores", str(scores), *faces, *calibration, *workers],
        ["calibrate", *data, "--bundle", str(student), *faces, *calibration, *workers],
    ]
    measured = [student]
    if options.refit_student:
        refitted = out / "student-refitted"
        measured = [refitted / STUDENT]
        again = ["--splits", "train", "val", "--out", str(refitted), "--bundle", STUDENT]
        planned += [
            ["student", *data, *again, *teaching],
            ["calibrate", *data, "--bundle", str(measured[0]), "--like", str(student), *faces, *calibration],
        ]
    if options.final:
        measured.append(head)
    # Of what was fitted to val as well, val says nothing.
    if options.final or not options.refit_student:
        last = ["--final"] if options.final else []
        planned += [
            [
                "report",
                *data,
                "--bundle",
                str(bundle),
                *detector,
                "--out",
                str(out / "report" / bundle.name),
                *last,
                *workers,
            ]
            for bundle in measured
        ]
    # All of them share one folder of altered copies.
    needing = {"features", "student", "face", "calibrate", "report"}
    copies = ["--copies", str(out / "copies")]
    return [[*step, *copies] if step[0] in needing else step for step in planned]
