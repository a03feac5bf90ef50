"""Whether a stored thumbnail tells the same drawing from another one, whatever was done to the query.

The views of distorted queries are verified against the stored picture of their drawing (true pairs), and against
that of another show, of the same show, and of another shot of the same clip which looks most like them (false
pairs; the last two are the hard ones). The pictures are parted by groups, and the logistic
that joins the figures is fitted on one half of them and judged on the other, and the other way round.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from anime_search.engine.thumbnails import QUALITIES, encode_thumbnail
from anime_search.engine.verify import Features, Verification, Verifier
from benchmarks.clips import Picture, source_videos
from benchmarks.cuts import in_tuning_half
from benchmarks.queries import CLASSES, by_hash, read_clips
from benchmarks.report import Report, options_parser, say
from benchmarks.retrieval import SPLITS
from benchmarks.verification_pairs import Kind, Pair, Shelf, fill_shelf, make_pairs

#: Shares of false pairs that may be taken for true.
_RATES = (0.001, 0.005, 0.02)
#: Milliseconds before and after the verified run in which another one may be the query's.
_NEIGHBOURS_MS = 1000

Values = NDArray[np.float64]


@dataclass(slots=True)
class Outcomes:
    """One row a pair: kind, class, half, and what was measured."""

    kinds: list[Kind] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    tuning: list[bool] = field(default_factory=list)
    found: list[Verification] = field(default_factory=list)
    cosines: list[float] = field(default_factory=list)
    query_ms: list[float] = field(default_factory=list)
    picture_ms: list[float] = field(default_factory=list)
    check_ms: list[float] = field(default_factory=list)
    #: Of true pairs with neighbours: how far in time the first choice and the refined one are from the query.
    first_error_ms: list[int] = field(default_factory=list)
    refined_error_ms: list[int] = field(default_factory=list)
    refine_ms: list[float] = field(default_factory=list)


class Stored:
    """The pictures of a shelf as they come out of a file of one JPEG quality; None: as ingest writes them."""

    def __init__(self, shelf: Shelf, quality: int | None) -> None:
        self._jpeg = [_jpeg(rgb, quality) for rgb in shelf.pictures]
        self._features: dict[int, tuple[Features, float]] = {}
        self.sizes = np.array([len(content) for content in self._jpeg])

    def features(self, number: int, verifier: Verifier) -> tuple[Features, float]:
        """Of one picture, and the milliseconds that decoding and extracting took."""
        if number not in self._features:
            started = time.perf_counter()
            rgb = cv2.imdecode(np.frombuffer(self._jpeg[number], np.uint8), cv2.IMREAD_COLOR_RGB)
            features = verifier.features(np.asarray(rgb, np.uint8))
            self._features[number] = features, 1000 * (time.perf_counter() - started)
        return self._features[number]


def _jpeg(rgb: Picture, quality: int | None) -> bytes:
    if quality is None:
        return encode_thumbnail(rgb)
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def verify_all(pairs: Sequence[Pair], shelf: Shelf, stored: Stored) -> Outcomes:
    """Verify every pair, and refine the time of the true ones."""
    verifier, outcomes = Verifier(), Outcomes()
    for number, pair in enumerate(pairs):
        candidate, picture_ms = stored.features(pair.stored, verifier)
        began = time.perf_counter()
        found = verifier.check(pair.view, candidate)
        ended = time.perf_counter()
        outcomes.kinds.append(pair.kind)
        outcomes.labels.append(pair.label)
        outcomes.tuning.append(in_tuning_half(shelf.clips[pair.clip].item.group))
        outcomes.found.append(found)
        outcomes.cosines.append(pair.cosine)
        outcomes.query_ms.append(pair.view_ms)
        outcomes.picture_ms.append(picture_ms)
        outcomes.check_ms.append(1000 * (ended - began))
        if pair.kind is Kind.TRUE and found.inliers >= 8:
            _refine(pair, shelf, stored, verifier, outcomes)
        if number % 2000 == 1999:
            say(f"verified {number + 1} of {len(pairs)} pairs")
    return outcomes


def _refine(
    pair: Pair,
    shelf: Shelf,
    stored: Stored,
    verifier: Verifier,
    outcomes: Outcomes,
) -> None:
    beside = (shelf.clip == shelf.clip[pair.first]) & (shelf.shot == shelf.shot[pair.first])
    beside &= np.abs(shelf.spans_ms[0] - shelf.spans_ms[0, pair.first]) <= _NEIGHBOURS_MS
    numbers = np.flatnonzero(beside).tolist()
    if len(numbers) < 2:
        return
    neighbours = [stored.features(number, verifier)[0] for number in numbers]
    found = verifier.check(pair.view, stored.features(pair.first, verifier)[0])
    started = time.perf_counter()
    refined = verifier.refine(pair.view, found, neighbours)
    outcomes.refine_ms.append(1000 * (time.perf_counter() - started) / len(numbers))
    chosen = pair.first if refined is None else numbers[refined.position]
    outcomes.first_error_ms.append(_off(shelf, pair.first, pair.at_ms))
    outcomes.refined_error_ms.append(_off(shelf, chosen, pair.at_ms))


def _off(shelf: Shelf, number: int, at_ms: int) -> int:
    """Milliseconds from a time to a run; 0 within it."""
    begins, ends = int(shelf.spans_ms[0, number]), int(shelf.spans_ms[1, number])
    return max(0, begins - at_ms, at_ms - ends)


def scores_of(outcomes: Outcomes) -> dict[str, Values]:
    """What pairs may be told by, each the higher the more alike."""
    inliers = np.array([found.inliers for found in outcomes.found], float)
    agreement = np.array([found.agreement for found in outcomes.found])
    figures = np.column_stack(
        [
            np.log1p(inliers),
            [found.coverage for found in outcomes.found],
            agreement,
            [found.weakest for found in outcomes.found],
            agreement * np.log1p(inliers),
        ]
    )
    with_cosine = np.column_stack([figures, outcomes.cosines])
    return {
        # Agreement decides between equal numbers.
        "inliers": inliers + 1e-3 * agreement,
        "agreement": agreement,
        "both, logistic": _cross_fitted(figures, outcomes),
        "and the cosine": _cross_fitted(with_cosine, outcomes),
    }


def _cross_fitted(figures: Values, outcomes: Outcomes) -> Values:
    right = np.array([kind is Kind.TRUE for kind in outcomes.kinds])
    tuning = np.array(outcomes.tuning)
    scores = np.zeros(len(figures))
    for half in (tuning, ~tuning):
        if right[~half].any() and half.any() and not right[~half].all():
            scores[half] = _fitted(figures[~half], right[~half], figures[half])
    return scores


def _fitted(inputs: Values, right: NDArray[np.bool_], asked: Values, *, steps: int = 50) -> Values:
    """Log-odds by a logistic of several figures, by Newton's method with a little shrinking."""
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-9
    known = np.column_stack([np.ones(len(inputs)), (inputs - mean) / spread])
    weights = np.zeros(known.shape[1])
    for _ in range(steps):
        expected = 1 / (1 + np.exp(-np.clip(known @ weights, -30, 30)))
        gradient = known.T @ (expected - right) + 1e-2 * weights
        curvature = known.T @ (known * (expected * (1 - expected))[:, None]) + 1e-2 * np.eye(len(weights))
        weights -= np.linalg.solve(curvature, gradient)
    return np.column_stack([np.ones(len(asked)), (asked - mean) / spread]) @ weights


def threshold(scores: Values, rate: float) -> float:
    """What all but a share of these scores stay at or below."""
    ordered = np.sort(scores)
    return float(ordered[min(len(ordered) - 1, int(np.ceil(len(ordered) * (1 - rate))) - 1)])


def report_certainty(report: Report, outcomes: Outcomes) -> None:
    """Shares of true pairs that are accepted where so many false ones are."""
    kinds, labels = np.array(outcomes.kinds), np.array(outcomes.labels)
    true = kinds == Kind.TRUE
    false = {"another show": kinds == Kind.OTHER, "same show or clip": ~true & (kinds != Kind.OTHER)}
    rows, by_class = [], {label: {"class": label, "pairs": "0"} for label in CLASSES}
    for name, scores in scores_of(outcomes).items():
        row, figures = {"told by": name}, {}
        for kind, which in false.items():
            for rate in _RATES:
                if not which.any():
                    continue
                accepted = float((scores[true] > threshold(scores[which], rate)).mean())
                row[f"{kind}, {100 * rate:g} %"] = f"{accepted:.3f}"
                figures[f"{kind} at {rate:g}"] = accepted
        rows.append(row)
        report.figures[name] = figures
        limit = threshold(scores[false["another show"]], 0.005)
        for label, of_class in by_class.items():
            here = true & (labels == label)
            of_class["pairs"] = str(int(here.sum()))
            of_class[name] = f"{(scores[here] > limit).mean():.3f}" if here.any() else ""
    report.table("True pairs accepted at a rate of false ones", rows)
    report.table("By class, where 0.5 % of pairs with another show are accepted", list(by_class.values()))


def report_costs(report: Report, outcomes: Outcomes, stored: Stored) -> None:
    """Milliseconds and bytes."""
    true = np.array([kind is Kind.TRUE for kind in outcomes.kinds])
    check_ms = np.array(outcomes.check_ms)
    measured = {
        "features of a view": np.array(outcomes.query_ms),
        "decoding a thumbnail, its features": np.array(outcomes.picture_ms),
        "check of a true pair": check_ms[true],
        "check of a false pair": check_ms[~true],
        "refining, each neighbour": np.array(outcomes.refine_ms),
    }
    rows = []
    for name, ms in measured.items():
        if len(ms):
            rows.append(
                {"step": name, "p50 ms": f"{np.median(ms):.2f}", "p95 ms": f"{np.percentile(ms, 95):.2f}"}
            )
            report.figures[name] = float(np.median(ms))
    report.table("Cost", rows)
    sizes = stored.sizes
    report.figures["bytes"] = {"mean": float(sizes.mean()), "p95": float(np.percentile(sizes, 95))}
    report.notes.append(
        f"A thumbnail takes {sizes.mean():.0f} bytes on average, 95 of 100 at most {np.percentile(sizes, 95):.0f}, "
        f"and none more than {sizes.max()}."
    )
    if outcomes.first_error_ms:
        first, refined = np.array(outcomes.first_error_ms), np.array(outcomes.refined_error_ms)
        report.table(
            "The moment: the run within a second of the descriptor's choice in the shot",
            [
                {
                    "chosen by": name,
                    "within 0.1 s": f"{(off <= 100).mean():.3f}",
                    "mean error, ms": f"{off.mean():.0f}",
                    "p95": f"{np.percentile(off, 95):.0f}",
                }
                for name, off in (("the descriptor", first), ("refined", refined))
            ],
        )
        report.figures["mean error, ms"] = {
            "descriptor": float(first.mean()),
            "refined": float(refined.mean()),
        }


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--source", type=Path, required=True, help="folder of clips, one folder a group")
    parser.add_argument(
        "--split", nargs="+", choices=[*SPLITS, "all"], default=["train", "val"], help="parts of the folder"
    )
    parser.add_argument("--limit", type=int, help="clips at most")
    parser.add_argument("--each", type=int, default=1, help="frames asked for of each clip, in every class")
    parser.add_argument(
        "--qualities",
        nargs="*",
        type=int,
        default=[],
        help="JPEG qualities to compare, beside that of ingest",
    )
    options = parser.parse_args()
    cv2.setNumThreads(1)
    parts = {SPLITS[name] for name in options.split if name != "all"}
    whole = read_clips(options.source, source_videos(options.source, Path()))
    clips = [clip for clip in whole if "all" in options.split or clip.item.part in parts]
    shelf = fill_shelf(sorted(clips, key=lambda clip: by_hash(clip.kin))[: options.limit])
    pairs = list(make_pairs(shelf, options.each))
    if {Kind.TRUE, Kind.OTHER} - {pair.kind for pair in pairs}:
        raise SystemExit("the folder holds no two shows whose frames can be asked for")
    report = Report("verification")
    counts = {str(kind): sum(pair.kind is kind for pair in pairs) for kind in Kind}
    report.notes.append(
        f"{len(shelf.clips)} clips ({', '.join(options.split)}), {len(shelf.pictures)} stored pictures; pairs: "
        + ", ".join(f"{count} {kind}" for kind, count in counts.items())
    )
    report.figures["pairs"] = counts
    stored = Stored(shelf, None)
    outcomes = verify_all(pairs, shelf, stored)
    report_certainty(report, outcomes)
    report_costs(report, outcomes, stored)
    if options.qualities:
        rows = []
        for quality in options.qualities:
            of_quality = Stored(shelf, quality)
            found = verify_all(pairs, shelf, of_quality)
            rows.append(_quality_row(str(quality), found, of_quality))
        report.table(
            "JPEG quality", [*rows, _quality_row(f"ingest: {QUALITIES[0]} or less", outcomes, stored)]
        )
    report.publish(as_json=options.json)


def _quality_row(name: str, outcomes: Outcomes, stored: Stored) -> dict[str, str]:
    kinds = np.array(outcomes.kinds)
    true, scores = kinds == Kind.TRUE, scores_of(outcomes)["both, logistic"]
    row = {"quality": name, "bytes": f"{stored.sizes.mean():.0f}"}
    for kind, which in (
        ("another show", kinds == Kind.OTHER),
        ("same show or clip", ~true & (kinds != Kind.OTHER)),
    ):
        if which.any():
            row[f"{kind}, 0.5 %"] = f"{(scores[true] > threshold(scores[which], 0.005)).mean():.4f}"
    return row


if __name__ == "__main__":
    main()
