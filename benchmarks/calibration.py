"""What a comparison means: fits the probability that a candidate is the scene, and says from where it is a match.

The folder holds clips and stills as ``{group}/file``, near-duplicates in one group (or a ``manifest.csv`` with the
columns ``file`` and ``group``). The descriptor may have been trained on one half of the groups, so what is fitted
here is fitted on the quarter called check, by five folds of its groups: every figure is of queries whose group the
fit did not see. The quarter called untouched is not read. Every query is a frame that is not on the index's time
grid, in every state of repair, and is put with its group in the index, and without it, where every answer is wrong.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from anime_search.engine.bundle import CURRENT, descriptor_named
from anime_search.engine.descriptor import Descriptor
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.judging import Thumbnails
from anime_search.engine.similarity import Calibration
from benchmarks.clip_bootstrap import rate_by_clip
from benchmarks.clips import source_videos
from benchmarks.collection import Part
from benchmarks.demo_screenshot import Screenshot, demo_screenshot
from benchmarks.evidence import FEATURES, Without, gather, impartial
from benchmarks.logistic import reliability
from benchmarks.queries import (
    CLASSES,
    SAME_STILL,
    Clip,
    by_hash,
    is_wide,
    read_clips,
    read_distractors,
)
from benchmarks.report import Report, options_parser, say
from benchmarks.scene_index import SceneIndex, build_index, built, calibration_line, plain
from benchmarks.verified_fit import (
    FOLDS,
    HARD_NEGATIVES,
    NEGATIVES,
    NOT_ENOUGH_COSINE,
    Proposal,
    probabilities,
    propose,
)
from benchmarks.virtual_frames import VirtualPictures, make_virtual_frames, pictures_of, virtual_film

#: Cut-offs that the report shows, beside the one that it proposes.
CUT_OFFS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
#: In words: queries whose answer is indexed, and what each of the others is called.
_FOREIGN = {Without.SHOW: "negatives", Without.GROUP: "hard negatives"}


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--source", type=Path, required=True, help="folder of clips and stills in groups")
    parser.add_argument("--limit", type=int, help="videos at most")
    parser.add_argument("--each", type=int, default=3, help="frames asked for of each video, in every class")
    parser.add_argument("--classes", nargs="+", choices=list(CLASSES), default=list(CLASSES), metavar="CLASS")
    parser.add_argument(
        "--background",
        type=int,
        default=0,
        help="virtual frames beside those of the folder, of the half called fit",
    )
    parser.add_argument(
        "--keep", type=Path, help="folder for virtual frames; a second run takes them from there"
    )
    options = parser.parse_args()
    descriptor = descriptor_named(CURRENT)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        whole = read_clips(options.source, source_videos(options.source, work))
        clips = [clip for clip in whole if clip.item.part is Part.CHECK]
        clips = sorted(clips, key=lambda clip: by_hash(clip.kin))[: options.limit]
        if not clips:
            raise SystemExit(f"no clip of the folder is in the part {Part.CHECK}")
        stills = read_distractors(options.source, whole)
        own_stills = [still for still in stills if still.item.part is Part.CHECK]
        index = build_index(clips, own_stills, work, descriptor, with_layouts=False)
        snapshot: Snapshot = index.snapshot
        thumbnails: Thumbnails = index.thumbnails
        if options.background:
            snapshot, thumbnails = with_background(
                index, descriptor, whole, stills, options.background, options.keep or work / "virtual"
            )
        asked_for = [clip for clip in clips if not is_wide(clip.path)]
        asked = list(
            gather(index, snapshot, descriptor, thumbnails, asked_for, options.each, options.classes)
        )
    proposal = propose(asked)
    compared = impartial(descriptor.name)
    calibration = replace(proposal.calibration, least=compared.least, behind=compared.behind)
    report = Report("calibration")
    left_out = len(asked) - len(proposal.asked)
    report.notes.append(
        f"Part {Part.CHECK}: {len(clips)} clips, {len(clips) - len(asked_for)} of them not asked for (wider than "
        f"2.6:1), {snapshot.count} runs of frames in the index; {len(asked)} searches, of which {left_out} are left "
        "out: their drawing is not in the index. Every figure below is cross-validated by group, in "
        f"{FOLDS} folds. A query counts once with its group indexed and once without, so the probability is right "
        "where every second query is of an indexed video."
    )
    if proposal.held > 1:
        report.notes.append(
            f"The cosine's weight was held {proposal.held:g} times as hard as the others, so that a cosine of "
            f"{NOT_ENOUGH_COSINE} without any local feature and with an agreement of 0.3 is no match."
        )
    report.figures |= {"descriptor": descriptor.name, "searches": len(asked), "left_out": left_out}
    report_calibration(report, descriptor, calibration)
    report_reliability(report, proposal)
    report_classes(report, proposal, options.classes)
    report_cut_offs(report, proposal)
    report_false(report, proposal)
    report_demo(report, proposal.calibration, demo_screenshot(descriptor))
    report.publish(as_json=options.json)


def with_background(
    index: SceneIndex,
    descriptor: Descriptor,
    whole: Sequence[Clip],
    stills: Sequence[Clip],
    count: int,
    keep: Path,
) -> tuple[Snapshot, Thumbnails]:
    """The index among virtual frames, which are composed of the half called fit: of no query's group."""
    videos = [clip.path for clip in whole if _is_background(clip)]
    pictures = pictures_of(videos, [still.path for still in stills if _is_background(still)])
    film = virtual_film(pictures, descriptor)
    films = make_virtual_frames(film, pictures, descriptor.name, count, keep)
    say(f"building an index of {count} virtual frames more")
    snapshot = built([*index.frames, *(each.frames for each in films)], descriptor, keep / "index", threads=2)
    drawn, stored = VirtualPictures(film, films), index.thumbnails
    return snapshot, lambda video, from_ms: (drawn if video in drawn else stored)(video, from_ms)


def _is_background(clip: Clip) -> bool:
    alike = {*SAME_STILL, *SAME_STILL.values()}
    return clip.item.part is Part.FIT and clip.item.group not in alike


def report_calibration(report: Report, descriptor: Descriptor, calibration: Calibration) -> None:
    """The fit itself, and the line that puts it to use."""
    weights = calibration.verified
    report.table(
        "Proposed: by cosine alone, and by cosine and verification",
        [
            {"": "slope, midpoint", "value": f"{calibration.slope:.2f}, {calibration.midpoint:.4f}"},
            {"": "a match from", "value": f"{calibration.confident:.4f}"},
            *(
                {"": f"weight of {name}", "value": f"{getattr(weights, name):.3f}"}
                for name in ("bias", *FEATURES)
            ),
            {"": "verified, a match from", "value": f"{calibration.confident_verified:.4f}"},
        ],
    )
    report.notes.append(f"For CALIBRATIONS:\n\n    {calibration_line(descriptor.name, calibration)}")
    report.figures["calibration"] = plain(calibration)


def report_reliability(report: Report, proposal: Proposal) -> None:
    """How far claimed probabilities of first answers come true."""
    right = np.array([one.right for one in proposal.decided], bool)
    error, bins = reliability(probabilities(proposal.decided), right)
    report.table(
        f"Reliability of first answers: expected calibration error {error:.4f}",
        [
            {
                "probability": f"{each.low:.1f}–{each.high:.1f}",
                "searches": str(each.count),
                "claimed": f"{each.claimed:.3f}",
                "right": f"{each.right:.3f}",
            }
            for each in bins
        ],
    )
    report.figures |= {"ece": error, "bins": [asdict(each) for each in bins]}


def report_classes(report: Report, proposal: Proposal, classes: Sequence[str]) -> None:
    """Which distortions the search bears, and which it is sure of."""
    rows, figures = [], {}
    cut = proposal.calibration.confident_verified
    for label in ("overall", *(label for label in CLASSES if label in classes)):
        chosen = [
            (each, one)
            for each, one in zip(proposal.asked, proposal.decided, strict=True)
            if label in ("overall", each.label)
        ]
        own = [one for each, one in chosen if each.without is Without.NOTHING]
        right = [one for one in own if one.right]
        figures[label] = {
            "recall@1": _share([one.right for one in own]),
            "confident when right": _share([one.best >= cut for one in right]),
            **{
                f"{name} confident": _share(
                    [one.best >= cut for each, one in chosen if each.without is without]
                )
                for without, name in _FOREIGN.items()
            },
        }
        rows.append(
            {"class": label, "queries": str(len(own))}
            | {name: "none" if value is None else f"{value:.4f}" for name, value in figures[label].items()}
        )
    report.table("By class", rows)
    report.figures["classes"] = figures


def report_cut_offs(report: Report, proposal: Proposal) -> None:
    """What each cut-off accepts, of right answers and of others."""
    rows, figures = [], {}
    proposed = proposal.calibration.confident_verified
    pairs = list(zip(proposal.asked, proposal.decided, strict=True))
    own = [one for each, one in pairs if each.without is Without.NOTHING]
    for cut in sorted({*CUT_OFFS, proposed}):
        of_cut = {
            "right answers": _share([one.best >= cut for one in own if one.right]),
            "indexed, wrong": _share([one.best >= cut and not one.right for one in own]),
            **{
                name: _share([one.best >= cut for each, one in pairs if each.without is without])
                for without, name in _FOREIGN.items()
            },
        }
        figures[f"{cut:.4f}"] = of_cut
        rows.append(
            {"a match from": f"{cut:.4f}{' (proposed)' if cut == proposed else ''}"}
            | {name: "none" if value is None else f"{value:.4f}" for name, value in of_cut.items()}
        )
    report.table("Called a match, share of each", rows)
    report.figures["cut_offs"] = figures
    accepted = figures[f"{proposed:.4f}"]["right answers"]
    if accepted is not None:
        report.target(
            "at least 95 % of right answers are called a match", f"{accepted:.2%}", met=accepted >= 0.95
        )


def report_false(report: Report, proposal: Proposal) -> None:
    """What is called a match and is none, with how far the count can be trusted."""
    cut = proposal.calibration.confident_verified
    rows, figures = [], {}
    for (without, name), tolerated in zip(_FOREIGN.items(), (NEGATIVES, HARD_NEGATIVES), strict=True):
        chosen = [
            (one.best >= cut, each.clip)
            for each, one in zip(proposal.asked, proposal.decided, strict=True)
            if each.without is without
        ]
        rate = rate_by_clip([called for called, _clip in chosen], [clip for _called, clip in chosen])
        if rate is None:
            continue
        figures[name] = asdict(rate)
        rows.append(
            {
                "queries": name,
                "share": f"{rate.share:.4f}",
                "count": f"{rate.count} of {rate.of}",
                "95 % interval": f"{rate.low:.4f} to {rate.high:.4f}",
                "clips": f"{len(rate.from_clips)} of {rate.clips}",
                "which": ", ".join(rate.from_clips) or "none",
            }
        )
        report.target(
            f"at most {tolerated:.1%} of {name} are called a match",
            f"{rate.share:.2%}",
            met=rate.share <= tolerated,
        )
    report.table("Called a match and wrong; the interval is of a bootstrap that draws whole clips", rows)
    report.figures["called a match and wrong"] = figures


def report_demo(report: Report, calibration: Calibration, screenshot: Screenshot | None) -> None:
    """Whether the screenshot of ``anime_demo`` is called a match."""
    if screenshot is None:
        report.notes.append("The demo extra is not installed: its screenshot was not tried.")
        return
    probability = calibration.probability(screenshot.cosine, screenshot.seen)
    met = calibration.is_match(probability, screenshot.seen)
    report.figures["demo"] = {"cosine": screenshot.cosine, "probability": probability}
    report.target("the demo's screenshot is called a match", f"{probability:.4f}", met=met)


def _share(of: Sequence[bool]) -> float | None:
    return float(np.mean(of)) if len(of) else None


if __name__ == "__main__":
    main()
