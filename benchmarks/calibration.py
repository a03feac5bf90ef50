"""What a cosine means: fits the probability that an answer is right, and checks it on other videos.

The folder holds clips and stills as ``{group}/file``, near-duplicates in one group (or a ``manifest.csv`` with the
columns ``file`` and ``group``). Half of the groups are fitted on, a quarter checks the fit, a quarter is left
alone. Every query is a frame that is not on the index's time grid, in 13 states of repair, and is put twice: to
an index that holds its group, and to the same index without it, where every answer is wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from anime_search.engine.descriptor import DctDescriptor
from anime_search.engine.similarity import CALIBRATIONS
from benchmarks.collection import Part, read_collection
from benchmarks.demo_screenshot import demo_cosine
from benchmarks.distortions import DISTORTIONS
from benchmarks.logistic import Logistic, Values, fit_logistic, reliability
from benchmarks.report import Report, options_parser
from benchmarks.trials import Answer, Bench

#: Cut-offs that the report shows, beside the one that it proposes.
CUT_OFFS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
#: Share of the queries of foreign videos that may be called a match.
FALSE_MATCHES = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The answers of one part, as columns: each query with its group indexed, and without."""

    distortion: NDArray[np.str_]
    cosine: Values
    right: NDArray[np.bool_]
    without: Values

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> Outcome:
        return cls(
            np.array([answer.distortion for answer in answers]),
            np.array([answer.cosine for answer in answers]),
            np.array([answer.right for answer in answers]),
            np.array([answer.without for answer in answers]),
        )

    @property
    def all_cosines(self) -> Values:
        return np.concatenate([self.cosine, self.without])

    @property
    def all_right(self) -> NDArray[np.bool_]:
        return np.concatenate([self.right, np.zeros(len(self.without), bool)])


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--source", type=Path, required=True, help="folder of clips and stills in groups")
    parser.add_argument("--each", type=int, default=4, help="queries for each clip")
    parser.add_argument(
        "--background",
        type=int,
        default=50_000,
        help="virtual frames that are indexed beside those of the folder",
    )
    options = parser.parse_args()
    items = list(read_collection(options.source))
    report = Report("calibration")
    outcomes: dict[Part, Outcome] = {}
    sizes: dict[Part, int] = {}
    for part in (Part.FIT, Part.CHECK):
        bench = Bench([item for item in items if item.part is part], options.each)
        if not bench.questions:
            raise SystemExit(f"no clip with frames between its samples is in the part {part}")
        frames = bench.frames(options.background)
        sizes[part] = len(frames.vectors)
        outcomes[part] = Outcome.of(bench.ask(frames))
    fitted = fit_logistic(outcomes[Part.FIT].all_cosines, outcomes[Part.FIT].all_right)
    cut_off = cut_off_for(fitted.probability(outcomes[Part.FIT].without))
    report.notes.append(
        f"{len(items)} files; fitted on {len(outcomes[Part.FIT].cosine)} queries in an index of "
        f"{sizes[Part.FIT]} frames, checked with {len(outcomes[Part.CHECK].cosine)} in one of "
        f"{sizes[Part.CHECK]}, {options.background} of them virtual. Each query counts once with its group "
        "indexed and once without, so the probability is right where every second query is of an indexed video."
    )
    report.figures |= {"slope": fitted.slope, "midpoint": fitted.midpoint, "confident": cut_off}
    report.table(
        "Proposed",
        [
            {
                "descriptor": DctDescriptor.name,
                "slope": f"{fitted.slope:.2f}",
                "midpoint": f"{fitted.midpoint:.4f}",
                "confident": f"{cut_off:.3f}",
                "which is a cosine of": f"{cosine_of(fitted, cut_off):.3f}",
            }
        ],
    )
    report_reliability(report, fitted, outcomes[Part.CHECK])
    report_distortions(report, fitted, cut_off, outcomes[Part.CHECK])
    report_cut_offs(report, fitted, cut_off, outcomes)
    report_demo(report, fitted, cut_off)
    report.publish(as_json=options.json)


def cut_off_for(wrong: Values) -> float:
    """The lowest probability, to three decimals, that at most the tolerated share of foreign queries reaches."""
    reached = float(np.quantile(wrong, 1 - FALSE_MATCHES, method="higher"))
    return min(0.999, float(np.ceil(1000 * reached + 1e-9) / 1000))


def cosine_of(fitted: Logistic, probability: float) -> float:
    """The cosine that has this probability."""
    return fitted.midpoint + float(np.log(probability / (1 - probability))) / fitted.slope


def report_reliability(report: Report, fitted: Logistic, outcome: Outcome) -> None:
    """How far claimed probabilities come true on videos that were not fitted on."""
    error, bins = reliability(fitted.probability(outcome.all_cosines), outcome.all_right)
    report.table(
        f"Reliability on the checked part: expected calibration error {error:.4f}",
        [
            {
                "probability": f"{each.low:.1f}–{each.high:.1f}",
                "queries": str(each.count),
                "claimed": f"{each.claimed:.3f}",
                "right": f"{each.right:.3f}",
            }
            for each in bins
        ],
    )
    report.figures |= {"ece": error, "bins": [asdict(each) for each in bins]}


def report_distortions(report: Report, fitted: Logistic, cut_off: float, outcome: Outcome) -> None:
    """Which distortions the search bears."""
    rows, recalls = [], {}
    for name in DISTORTIONS:
        chosen = outcome.distortion == name
        right, cosine, without = (
            values[chosen] for values in (outcome.right, outcome.cosine, outcome.without)
        )
        sure = fitted.probability(cosine) >= cut_off
        recalls[name] = float(right.mean())
        rows.append(
            {
                "distortion": name,
                "recall@1": f"{recalls[name]:.3f}",
                "right and confident": f"{(right & sure).mean():.3f}",
                "cosine, median": f"{np.median(cosine):.3f}",
                "5th percentile": f"{np.percentile(cosine, 5):.3f}",
                "without its group, median": f"{np.median(without):.3f}",
                "95th percentile": f"{np.percentile(without, 95):.3f}",
            }
        )
    report.table(f"By distortion, {int((outcome.distortion == 'clean').sum())} queries each", rows)
    report.figures["recall_at_1"] = recalls


def report_cut_offs(report: Report, fitted: Logistic, proposed: float, outcomes: dict[Part, Outcome]) -> None:
    """What each cut-off accepts, of right answers and of others, in both parts."""
    rows, figures = [], {}
    for cut_off in sorted({*CUT_OFFS, proposed}):
        row = {"confident": f"{cut_off:.3f}{' (proposed)' if cut_off == proposed else ''}"}
        row["cosine"] = f"{cosine_of(fitted, cut_off):.3f}"
        for part, outcome in outcomes.items():
            sure = fitted.probability(outcome.cosine) >= cut_off
            foreign = float((fitted.probability(outcome.without) >= cut_off).mean())
            hits = float((sure & outcome.right).sum() / max(1, outcome.right.sum()))
            wrong = float((sure & ~outcome.right).mean())
            row |= {f"true hits, {part}": f"{hits:.3f}", f"wrong, {part}": f"{wrong:.4f}"}
            row |= {f"foreign, {part}": f"{foreign:.4f}"}
            figures[f"{cut_off:.3f} {part}"] = {"true_hits": hits, "wrong": wrong, "foreign": foreign}
        rows.append(row)
    report.table(
        "Called a match: share of the right answers, share of the indexed queries answered wrongly, "
        "share of the queries whose group is not indexed",
        rows,
    )
    report.figures["cut_offs"] = figures
    accepted = figures[f"{proposed:.3f} {Part.CHECK}"]["foreign"]
    report.target(
        f"at most {FALSE_MATCHES:.0%} of foreign queries are called a match, on the checked part",
        f"{accepted:.2%}",
        met=accepted <= FALSE_MATCHES,
    )


def report_demo(report: Report, fitted: Logistic, cut_off: float) -> None:
    """Whether the screenshot of ``anime_demo`` is called a match, with the fit and with what is in use."""
    cosine = demo_cosine()
    if cosine is None:
        report.notes.append("The demo extra is not installed: its screenshot was not tried.")
        return
    current = CALIBRATIONS[DctDescriptor.name]
    probability = float(fitted.probability(np.array([cosine]))[0])
    report.table(
        f"The demo's screenshot, cosine {cosine:.3f}",
        [
            {
                "calibration": name,
                "probability": f"{value:.3f}",
                "confident from": f"{confident:.3f}",
                "a match": "yes" if value >= confident else "no",
            }
            for name, value, confident in (
                ("proposed", probability, cut_off),
                ("in use", current.probability(cosine), current.confident),
            )
        ],
    )
    report.figures |= {"demo_cosine": cosine, "demo_probability": probability}
    report.target("the demo's screenshot is called a match", f"{probability:.3f}", met=probability >= cut_off)


if __name__ == "__main__":
    main()
