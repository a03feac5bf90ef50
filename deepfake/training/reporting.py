"""What verdicts on labelled clips say of a model: figures for its manifest, tables for its card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from deepfake.engine.measures import RESAMPLINGS, Judged, auc, auc_interval, found_at, summary_of
from deepfake.engine.verdict import Result
from deepfake.training.calibration import calibration_curve, calibration_error
from deepfake.training.judging import JudgedClip
from deepfake.training.tampering import BLENDED

PLAIN = "plain"
#: The real footage of the hardest cut: of the web, made for watching; its generated clips are made from texts.
_HARD_REAL, _HARD_FAKE, _HARD_SOURCE = "real_web", "t2v", "panda70m_youtube"
_FACE_REAL, _FACE_FAKE = "real_face", "talk"
#: Variant whose compression is that of self-blended copies.
_AS_BLENDED = "crf23"


def report_of(clips: Sequence[JudgedClip], *, split: str, model: str) -> dict[str, Any]:
    """Everything that a card tells.

    Args:
        clips: verdicts on all variants; ``plain`` is what most figures are of.
        model: SHA-256 of the bundle's manifest.
    """
    plain = [clip for clip in clips if clip.row.variant == PLAIN]
    without_robots = [clip for clip in plain if not clip.clip.robot]
    reals = [clip for clip in without_robots if not clip.fake]
    values = np.array([clip.row.prob_fake for clip in without_robots])
    labels = np.array([float(clip.fake) for clip in without_robots])
    cuts = {
        "all": plain,
        "without robots": without_robots,
        "photoreal": [clip for clip in without_robots if clip.clip.photoreal or not clip.fake],
        "hardest": hardest_cut(without_robots),
        "text to video": _of_families(without_robots, "t2v"),
        "image to video": _of_families(without_robots, "i2v"),
        "edits": _of_families(without_robots, "edit"),
        "faces, reenacted": _reenacted(plain),
        "faces, self-blended": [
            *[clip for clip in clips if clip.row.variant == BLENDED],
            *[
                clip
                for clip in clips
                if clip.row.variant == _AS_BLENDED and not clip.fake and clip.clip.family == _FACE_REAL
            ],
        ],
    }
    summary = summary_of([clip.judged() for clip in without_robots])
    return {
        "split": split,
        "model": model,
        "operating_point": {
            key: summary[key]
            for key in ("found", "missed", "false_positives", "true_negatives", "inconclusive")
        },
        "cuts": {name: cut_figures(members) for name, members in cuts.items()},
        "generators": summary["generators"],
        "real_sources": _real_sources(plain),
        "sweep": _sweep(clips),
        "quality": _by_quality(reals),
        "calibration": {
            "error": _rounded(calibration_error(values, labels)) if len(values) else None,
            "curve": calibration_curve(values, labels) if len(values) else [],
        },
    }


def hardest_cut(clips: Sequence[JudgedClip]) -> list[JudgedClip]:
    """Real clips of the web against photoreal text-to-video of other pages; those of YouTube alone where there are some."""
    reals = [clip for clip in clips if not clip.fake and clip.clip.family == _HARD_REAL]
    named = [clip for clip in reals if clip.clip.source == _HARD_SOURCE]
    reals = named or reals
    pages = {clip.clip.repo for clip in reals}
    fakes = [
        clip
        for clip in clips
        if clip.fake
        and clip.clip.family == _HARD_FAKE
        and clip.clip.photoreal
        and clip.clip.repo not in pages
    ]
    return [*fakes, *reals]


def cut_figures(clips: Sequence[JudgedClip]) -> dict[str, Any]:
    """AUC with the interval of whole pages drawn anew, and what is found at 5 % false positives and at the operating point."""
    by_page = [clip.judged(by_page=True) for clip in clips]
    fake, real = (_values(by_page, fake=kind) for kind in (True, False))
    low, high = auc_interval(by_page)
    found, _ = found_at(fake, real)
    return {
        "generated": len(fake),
        "real": len(real),
        "auc": _rounded(auc(fake, real)),
        "auc_95": [_rounded(low), _rounded(high)],
        "found_at_5_percent": _rounded(found),
        "found": _told(by_page, Result.AI_GENERATED, fake=True),
        "false_positives": _told(by_page, Result.AI_GENERATED, fake=False),
        "inconclusive": _rounded(
            float(np.mean([each.result is Result.INCONCLUSIVE for each in by_page]))
            if by_page
            else float("nan")
        ),
    }


def metrics_of(report: dict[str, Any]) -> dict[str, float]:
    """What a manifest says of it: numbers alone, those that could not be measured left out."""
    cuts = report["cuts"]
    found: dict[str, float | None] = {
        "false_positives": report["operating_point"]["false_positives"],
        "found": report["operating_point"]["found"],
        "inconclusive": report["operating_point"]["inconclusive"],
        "calibration_error": report["calibration"]["error"],
    }
    for key, name in (
        ("", "without robots"),
        ("_all", "all"),
        ("_hardest", "hardest"),
        ("_faces_reenacted", "faces, reenacted"),
        ("_faces_blended", "faces, self-blended"),
    ):
        figures = cuts[name]
        found[f"auc{key}"] = figures["auc"]
        found[f"auc_low{key}"], found[f"auc_high{key}"] = figures["auc_95"]
        found[f"found_at_5_percent{key}"] = figures["found_at_5_percent"]
    for variant, figures in report["sweep"].items():
        found[f"auc_{variant}"] = figures["auc"]
        found[f"false_positives_{variant}"] = figures["false_positives"]
    prefix = "" if report["split"] == "devtest" else f"{report['split']}_"
    return {prefix + name: value for name, value in found.items() if value is not None}


def tables_of(report: dict[str, Any]) -> str:
    """The tables of a model card, in Markdown."""
    return "\n".join(
        [
            f"Measured on the split `{report['split']}`. Intervals: whole pages drawn anew, {RESAMPLINGS} times.",
            "",
            "| cut | generated | real | AUC (95 %) | found at 5 % FP | found | false positives | inconclusive |",
            "|---|---|---|---|---|---|---|---|",
            *(_cut_row(name, figures) for name, figures in report["cuts"].items()),
            "",
            "| generator | clips | AUC | called generated | called real |",
            "|---|---|---|---|---|",
            *(_source_row(name, figures) for name, figures in report["generators"].items()),
            "",
            "| real source | clips | AUC | called generated | called real |",
            "|---|---|---|---|---|",
            *(_source_row(name, figures) for name, figures in report["real_sources"].items()),
            "",
            "| altered | AUC | found at 5 % FP | found | false positives | inconclusive |",
            "|---|---|---|---|---|---|",
            *(
                f"| {name} | {_text(each['auc'])} | {_text(each['found_at_5_percent'])} | {_text(each['found'])} "
                f"| {_text(each['false_positives'])} | {_text(each['inconclusive'])} |"
                for name, each in report["sweep"].items()
            ),
            "",
            "| probability from | clips | mean probability | generated |",
            "|---|---|---|---|",
            *(
                f"| {row['from']} | {row['clips']} | {_text(row['mean_probability'])} | {_text(row['generated'])} |"
                for row in report["calibration"]["curve"]
            ),
            "",
        ]
    )


def as_json(report: dict[str, Any]) -> str:
    """A report as a file holds it."""
    return json.dumps(report, indent=1) + "\n"


def _sweep(clips: Sequence[JudgedClip]) -> dict[str, Any]:
    """By variant, robots' footage left out."""
    variants = dict.fromkeys(clip.row.variant for clip in clips if clip.row.variant != BLENDED)
    table = {}
    for variant in variants:
        own = [clip for clip in clips if clip.row.variant == variant and not clip.clip.robot]
        if {clip.fake for clip in own} == {True, False}:
            table[variant] = cut_figures(own)
    return table


def _real_sources(clips: Sequence[JudgedClip]) -> dict[str, Any]:
    """Robots' footage too, each source against generated clips."""
    told: dict[str, Any] = summary_of([clip.judged() for clip in clips])["real_sources"]
    return told


def _by_quality(reals: Sequence[JudgedClip]) -> dict[str, Any]:
    """Real clips with each warning, and how many of them are taken for generated."""
    table = {}
    for warning in sorted({name for clip in reals for name in clip.row.quality}):
        own = [clip.judged() for clip in reals if warning in clip.row.quality]
        table[warning] = {
            "real": len(own),
            "false_positives": _told(own, Result.AI_GENERATED, fake=False),
        }
    return table


def _of_families(clips: Sequence[JudgedClip], family: str) -> list[JudgedClip]:
    """Generated clips of a kind, in any style, and all real ones."""
    return [clip for clip in clips if not clip.fake or clip.clip.family.removesuffix("_style") == family]


def _reenacted(clips: Sequence[JudgedClip]) -> list[JudgedClip]:
    """Talking heads, generated and real."""
    return [clip for clip in clips if clip.clip.family == (_FACE_FAKE if clip.fake else _FACE_REAL)]


def _values(judged: Sequence[Judged], *, fake: bool) -> np.ndarray:
    return np.array([each.prob_fake for each in judged if each.fake == fake])


def _told(judged: Sequence[Judged], result: Result, *, fake: bool) -> float | None:
    own = [each.result is result for each in judged if each.fake == fake]
    return _rounded(float(np.mean(own))) if own else None


def _cut_row(name: str, figures: dict[str, Any]) -> str:
    low, high = figures["auc_95"]
    interval = "" if low is None else f" ({_text(low)}–{_text(high)})"
    return (
        f"| {name} | {figures['generated']} | {figures['real']} | {_text(figures['auc'])}{interval} "
        f"| {_text(figures['found_at_5_percent'])} | {_text(figures['found'])} "
        f"| {_text(figures['false_positives'])} | {_text(figures['inconclusive'])} |"
    )


def _source_row(name: str, figures: dict[str, Any]) -> str:
    return (
        f"| {name} | {figures['clips']} | {_text(figures['auc'])} | {_text(figures['called_generated'])} "
        f"| {_text(figures['called_real'])} |"
    )


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _rounded(value: float) -> float | None:
    """A share as it is told; None for one of nothing, which JSON has no number for."""
    return None if np.isnan(value) else round(value, 4)
