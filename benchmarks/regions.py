"""How well the picture is found in screenshots, within borders and on photographed screens: all of them made here.

Frames are laid out in made-up apps, pages and players, framed, and photographed from a screen; a view is right if its
region overlaps the frame's true place by 90 % of their union. The tune part has other frames and other random numbers
than the check part; what the finders weigh by was fitted on the former alone.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from anime_search.engine.borders import inside_plain_borders
from anime_search.engine.descriptor import at_frame_size, is_flat
from anime_search.engine.quads import overlap
from anime_search.engine.regions import first_regions, more_regions
from anime_search.engine.views import first_views, more_views
from benchmarks.clips import Picture, at_most, frames_of, source_videos
from benchmarks.collection import Part
from benchmarks.distortions import jpeg_at
from benchmarks.machine import pin_to_one_core
from benchmarks.page_layouts import BORDERS, PAGE_LAYOUTS
from benchmarks.photographed import PHOTOS
from benchmarks.queries import read_clips
from benchmarks.report import Report, options_parser, say
from benchmarks.screen_canvas import Corners, Layout, corners_of
from benchmarks.screen_layouts import PHONE_LAYOUTS

LAYOUTS: dict[str, Layout] = {**BORDERS, **PHONE_LAYOUTS, **PAGE_LAYOUTS, **PHOTOS}
#: What counts as found, and as found tightly: intersection over union with the frame's place.
RIGHT, TIGHT = 0.9, 0.95
#: Queries are reduced to this before views are made of them.
QUERY_SIDE = 640
_FRAME_SIDE, _MOST_FRAMES = 854, 120
#: Frames flatter than this (standard deviation of luma) have no edge to find.
_FLATTEST = 12.0
_SEEDS = {"tune": 2, "check": 9}
_PARTS = {"tune": Part.FIT, "check": Part.CHECK}


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A made query of at most 640 pixels and the place of the frame in it."""

    layout: str
    rgb: Picture
    corners: Corners


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far regions overlap the frame's true place, and what finding them cost.

    Attributes:
        before: best of the whole picture and the one without plain borders.
        first: best of the first views; likeliest: of the first one after them; best: of all.
        first_ms, more_ms: processor time of the two stages, views included.
    """

    before: float
    first: float
    likeliest: float
    best: float
    first_ms: float
    more_ms: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options_parser(__doc__)
    parser.add_argument(
        "--source", type=Path, help="folder of videos; without it, the clip of the extra 'demo'"
    )
    parser.add_argument(
        "--part", choices=tuple(_PARTS), default="check", help="which frames and random numbers"
    )
    parser.add_argument("--each", type=int, default=40, help="queries of each layout")
    parser.add_argument(
        "--side", type=int, default=QUERY_SIDE, help="longest side that queries are reduced to"
    )
    options = parser.parse_args(arguments)
    pin_to_one_core()
    with tempfile.TemporaryDirectory() as temporary:
        frames = list(source_frames(options.source, Path(temporary), options.part))
    if len(frames) < 2:
        raise SystemExit("too few frames that hold something")
    say(f"{len(frames)} frames")
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    for made in make_queries(frames, options.each, options.side, _SEEDS[options.part]):
        if not outcomes[made.layout]:
            say(made.layout)
        outcomes[made.layout].append(find(made))
    publish(outcomes, part=options.part, frames=len(frames), as_json=options.json)


def source_frames(source: Path | None, work: Path, part: str) -> Iterator[Picture]:
    """Frames of a part of the videos, one of each; of a single video, many of its first or second half."""
    videos = source_videos(source, work)
    clips = [clip for clip in read_clips(source or work, videos) if clip.item.part is _PARTS[part]]
    if len(videos) > 1:
        middles = (middle_frame(clip.path) for clip in clips)
        yield from islice((rgb for rgb in middles if rgb is not None and _is_fit(rgb)), _MOST_FRAMES)
        return
    frames = [rgb for _time_s, rgb in frames_of(videos[0], most=600, side=_FRAME_SIDE)]
    half = len(frames) // 2
    chosen = frames[:half] if part == "tune" else frames[half:]
    yield from (rgb for rgb in chosen[:: max(1, half // 24)] if _is_fit(rgb))


def middle_frame(path: Path) -> Picture | None:
    """The middle one of a video's first 40 frames."""
    frames = [rgb for _time_s, rgb in frames_of(path, most=40, side=_FRAME_SIDE)]
    return frames[len(frames) // 2] if frames else None


def _is_fit(rgb: Picture) -> bool:
    return 1.2 < rgb.shape[1] / rgb.shape[0] < 2.5 and not is_flat(at_frame_size(rgb), _FLATTEST)


def make_queries(frames: Sequence[Picture], each: int, side: int, seed: int) -> Iterator[Made]:
    """Queries of every layout, saved as JPEG of quality 50 to 95 and reduced as the search reduces them."""
    for name, lay_out in LAYOUTS.items():
        for number in range(each):
            random = np.random.default_rng([seed, number, sum(name.encode())])
            staged = lay_out(frames[int(random.integers(len(frames)))], frames, random)
            sent = jpeg_at(int(random.integers(50, 96)))(staged.rgb, random)
            rgb = at_most(sent, side)
            scale = np.array([rgb.shape[1] / sent.shape[1], rgb.shape[0] / sent.shape[0]], np.float32)
            yield Made(name, np.ascontiguousarray(rgb), np.asarray(staged.corners * scale, np.float32))


def find(made: Made) -> Outcome:
    """Look for the frame in one query."""
    plain = inside_plain_borders(made.rgb)
    whole = corners_of(0, 0, made.rgb.shape[1], made.rgb.shape[0])
    before = (whole, corners_of(plain.left, plain.top, plain.right, plain.bottom))
    first = [region.corners for region in first_regions(made.rgb)]
    more = [region.corners for region in more_regions(made.rgb)]
    return Outcome(
        before=max(overlap(corners, made.corners) for corners in before),
        first=max(overlap(corners, made.corners) for corners in first),
        likeliest=overlap(more[0], made.corners),
        best=max(overlap(corners, made.corners) for corners in first + more),
        first_ms=_spent_ms(first_views, made.rgb),
        more_ms=_spent_ms(more_views, made.rgb),
    )


def _spent_ms(make: Callable[[Picture], object], rgb: Picture) -> float:
    """Processor time, the better of two tries: others use this machine too."""
    tries = []
    for _ in range(2):
        started = time.thread_time()
        make(rgb)
        tries.append(1000 * (time.thread_time() - started))
    return min(tries)


def publish(outcomes: dict[str, list[Outcome]], *, part: str, frames: int, as_json: bool) -> None:
    """Print a line for each layout, and all of them together."""
    report = Report("regions")
    report.notes.append(
        f"Part: {part}, {frames} frames. Found: a region overlaps the frame's place by {RIGHT:.0%} of their union. "
        "Before: the whole picture, or without borders of one colour. First views: also without soft borders. "
        "Likeliest: the first of the views that are made when those fail."
    )
    together = [outcome for of_layout in outcomes.values() for outcome in of_layout]
    rows = []
    for name, of_layout in [*outcomes.items(), ("all", together)]:
        line = {
            "queries": len(of_layout),
            "before": _share(of_layout, lambda each: each.before, RIGHT),
            "first views": _share(of_layout, lambda each: each.first, RIGHT),
            "likeliest": _share(of_layout, lambda each: each.likeliest, RIGHT),
            "any view": _share(of_layout, lambda each: each.best, RIGHT),
            "tight": _share(of_layout, lambda each: each.best, TIGHT),
        }
        spent = {
            "first ms": float(np.median([each.first_ms for each in of_layout])),
            "more ms": float(np.median([each.more_ms for each in of_layout])),
            "more ms p95": float(np.percentile([each.more_ms for each in of_layout], 95)),
        }
        report.figures[name] = line | spent
        shares = {key: f"{value:.2f}" for key, value in line.items() if key != "queries"}
        rows.append(
            {"layout": name.replace("_", " "), "queries": str(line["queries"])}
            | shares
            | {key: f"{value:.1f}" for key, value in spent.items()}
        )
    report.table(f"Share of queries in which the frame was found ({TIGHT:.0%} of the union for tight)", rows)
    first, more = report.figures["all"]["first ms"], report.figures["all"]["more ms"]
    report.target("first views: p50 ≤ 2 ms", f"{first:.1f} ms", met=first <= 2)
    report.target("more views: p50 ≤ 10 ms", f"{more:.1f} ms", met=more <= 10)
    report.publish(as_json=as_json)


def _share(outcomes: Sequence[Outcome], of: Callable[[Outcome], float], least: float) -> float:
    return float(np.mean([of(outcome) >= least for outcome in outcomes]))


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
