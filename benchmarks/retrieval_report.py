"""What came of the queries of a retrieval test, by class of distortion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.queries import CLASSES, Role
from benchmarks.report import Report

_BASELINES = {"layout": "colour layout", "layout_views": "colour layout, our views"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one query.

    Attributes:
        right, layout, layout_views: of each answer, best first, whether it is right: of the search, of the
            baseline, and of the baseline given our views.
        error_s: how far the first answer is off, if it is of the very clip.
    """

    label: str
    role: Role
    right: list[bool]
    confident: bool
    error_s: float | None
    layout: list[bool]
    layout_distance: float
    layout_views: list[bool]
    layout_views_distance: float
    timings_ms: dict[str, float]


def report_accuracy(report: Report, outcomes: Sequence[Outcome]) -> None:
    """Found, in time, sure of it, and wrongly sure: of each class and overall."""
    rows, figures = [], {}
    for label in ("overall", *CLASSES):
        chosen = [outcome for outcome in outcomes if label in ("overall", outcome.label)]
        figures[label] = _figures(chosen)
        rows.append({"class": label} | {name: _shown(name, value) for name, value in figures[label].items()})
    report.table(
        "By class: share of the queries whose answer is indexed, unless it says otherwise; confident when right "
        "is of the right first answers",
        rows,
    )
    report.figures["classes"] = figures
    overall, single = figures["overall"], {name: figures[name] for name in CLASSES}
    _promise(report, "recall@1 overall at least 0.99", overall["recall@1"], at_least=0.99)
    worst = min(single, key=lambda name: single[name]["recall@1"] or 0.0)
    _promise(
        report,
        f"recall@1 of each class at least 0.96 (worst: {worst})",
        single[worst]["recall@1"],
        at_least=0.96,
    )
    _promise(
        report, "at least 95 % of right answers confident", overall["confident when right"], at_least=0.95
    )
    _promise(report, "at most 0.5 % of negatives confident", overall["negatives confident"], at_most=0.005)
    _promise(
        report, "at most 2 % of hard negatives confident", overall["hard negatives confident"], at_most=0.02
    )
    if report.figures.get("long"):
        _promise(
            report, "median time error of long files at most 0.25 s", overall["time error s"], at_most=0.25
        )
    report_baselines(report, outcomes)


def _figures(outcomes: Sequence[Outcome]) -> dict[str, float | None]:
    own = [outcome for outcome in outcomes if outcome.role is Role.INDEXED]
    right = [outcome for outcome in own if any(outcome.right[:1])]
    errors = [outcome.error_s for outcome in own if outcome.error_s is not None]
    foreign, hard = (
        [outcome.confident for outcome in outcomes if outcome.role is role]
        for role in (Role.NEGATIVE, Role.HARD_NEGATIVE)
    )
    return {
        "recall@1": _share([any(outcome.right[:1]) for outcome in own]),
        "recall@5": _share([any(outcome.right[:5]) for outcome in own]),
        "time error s": float(np.median(errors)) if errors else None,
        "confident when right": _share([outcome.confident for outcome in right]),
        "confident and wrong": _share([outcome.confident and not any(outcome.right[:1]) for outcome in own]),
        "negatives confident": _share(foreign),
        "hard negatives confident": _share(hard),
        **{
            f"{name} @{k}": _share([any(getattr(outcome, attribute)[:k]) for outcome in own])
            for attribute, name in _BASELINES.items()
            for k in (1, 5)
        },
    }


def report_baselines(report: Report, outcomes: Sequence[Outcome]) -> None:
    """What the baseline accepts of foreign queries at the cut-off at which it keeps so many of its own right ones.

    It has no cut-off of its own in this implementation, so it is given the one that suits it, after the event.
    """
    ours = _figures(outcomes)["confident when right"]
    rows, figures = [], {}
    for attribute, name in _BASELINES.items():
        for kept, said in ((ours, "as many as ours"), (0.99, "99 %")):
            right, foreign, hard = (
                np.array(
                    [
                        getattr(outcome, f"{attribute}_distance")
                        for outcome in outcomes
                        if outcome.role is role
                        and (role is not Role.INDEXED or any(getattr(outcome, attribute)[:1]))
                    ]
                )
                for role in (Role.INDEXED, Role.NEGATIVE, Role.HARD_NEGATIVE)
            )
            if kept is None or not len(right):
                continue
            cut_off = float(np.quantile(right, kept, method="higher"))
            of_cut = {
                "negatives": _share(list(foreign <= cut_off)),
                "hard negatives": _share(list(hard <= cut_off)),
            }
            figures[f"{name}, {said}"] = of_cut
            rows.append(
                {"": name, "right answers accepted": f"{said} ({kept:.3f})"}
                | {f"{of}, accepted": _shown(of, value) for of, value in of_cut.items()}
            )
    if rows:
        report.table("What the baseline accepts", rows)
    report.figures["baseline_accepts"] = figures


def report_costs(report: Report, outcomes: Sequence[Outcome], indexing_ms: dict[str, float]) -> None:
    """Milliseconds of each stage: of a query, and of a frame that is indexed."""
    rows, figures = [], {}
    for stage in outcomes[0].timings_ms:
        taken = [outcome.timings_ms[stage] for outcome in outcomes]
        p50, p95 = (float(np.percentile(taken, share)) for share in (50, 95))
        figures[stage] = {"p50_ms": p50, "p95_ms": p95}
        rows.append({"stage of a query": stage, "p50 ms": f"{p50:.2f}", "p95 ms": f"{p95:.2f}"})
    report.table("Cost of a query, from its bytes to the answer", rows)
    report.table(
        "Cost of indexing",
        [{"stage": stage, "ms a frame": f"{value:.2f}"} for stage, value in indexing_ms.items()],
    )
    report.figures |= {"query_ms": figures, "indexing_ms": indexing_ms}


def _share(of: Sequence[bool]) -> float | None:
    return float(np.mean(of)) if len(of) else None


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "none"
    return (
        f"{value:.2f}" if name.endswith(" s") else f"{value:.4f}" if "negatives" in name else f"{value:.3f}"
    )


def _promise(
    report: Report, claim: str, value: float | None, *, at_least: float = 0.0, at_most: float = 1.0
) -> None:
    if value is not None:
        report.target(claim, f"{value:.4f}", met=at_least <= value <= at_most)
