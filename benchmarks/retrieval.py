"""How often the search finds the right scene, whatever was done to the frame; and whether it says so when it cannot.

An index is built of a folder of videos by the project's own store and descriptor, and asked for frames that are
not on its time grid, in every class of distortion. The folder is parted by groups, never by clips: dev is the
part that nothing is ever fitted on. A quarter of the shows is not indexed (their frames are the negatives), nor
is a quarter of what the indexed shows hold (the hard negatives). In the same run a colour layout (MPEG-7), in an
exact index of the same frames, answers the same queries: as trace.moe asks it, and given our views of the query.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from anime_search.engine.descriptor import DctDescriptor, at_frame_size, is_flat
from anime_search.engine.image import ImageLimits, decode_image
from anime_search.engine.index.manifest import Geometry
from anime_search.engine.index.segment import VideoFrames
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.index.store import IndexStore
from anime_search.engine.scenes import SCENE_GAP_MS
from anime_search.engine.search import SceneSearcher
from anime_search.engine.similarity import CALIBRATIONS
from anime_search.engine.track import make_track
from anime_search.engine.video import VideoError, VideoLimits, VideoReader
from anime_search.engine.views import query_views
from benchmarks.clips import read_still, source_videos
from benchmarks.collection import Item, Part
from benchmarks.layout_index import LayoutIndex, layout_of
from benchmarks.long_films import join_clips
from benchmarks.queries import (
    Clip,
    Query,
    Role,
    by_hash,
    make_queries,
    read_clips,
    read_distractors,
    share_out,
)
from benchmarks.report import Report, options_parser, say
from benchmarks.retrieval_report import Outcome, report_accuracy, report_costs
from benchmarks.trials import NEAR_MS, QUERY_SIDE, sampled_times

SPLITS = {"train": Part.FIT, "val": Part.CHECK, "dev": Part.UNTOUCHED}
#: Search list of the graph, the setting's default.
_EF = 256
#: Scenes that are asked for.
_ANSWERS = 5


@dataclass(slots=True)
class Indexed:
    """What was made of the indexed clips.

    Attributes:
        clips: by the name that the index knows a video by.
        grids: the sampled times of each clip.
        costs_ms: milliseconds for each frame that was looked at, by stage.
    """

    snapshot: Snapshot
    layouts: LayoutIndex
    clips: dict[str, Clip]
    grids: dict[Clip, frozenset[int]]
    costs_ms: dict[str, float] = field(default_factory=dict)


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--source", type=Path, help="folder of videos; the demo clip if none")
    parser.add_argument("--split", choices=[*SPLITS, "all"], help="part of the folder; dev if one is named")
    parser.add_argument("--limit", type=int, help="videos at most")
    parser.add_argument("--long", action="store_true", help="join the indexed clips into ten-minute files")
    parser.add_argument("--each", type=int, default=3, help="frames asked for of each video, in every class")
    options = parser.parse_args()
    split = options.split or ("dev" if options.source else "all")
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        videos = source_videos(options.source, work)
        folder = options.source or work / "demo"
        whole = read_clips(folder, videos)
        clips = [clip for clip in whole if split == "all" or clip.item.part is SPLITS[split]]
        clips = sorted(clips, key=lambda clip: by_hash(clip.kin))[: options.limit]
        if not clips:
            raise SystemExit(f"no video of the folder is in the part {split}")
        roles = share_out(clips)
        counts = {str(role): sum(of is role for of in roles.values()) for role in Role}
        if options.long:
            roles = joined(roles, work / "long")
        stills = read_distractors(folder, whole)
        indexed = build_index(
            [clip for clip, role in roles.items() if role is Role.INDEXED], stills, work / "index"
        )
        outcomes = ask_all(roles, indexed, options.each)
        report = Report("retrieval")
        shown = ", ".join(f"{count} {role}" for role, count in counts.items())
        report.notes.append(
            f"Split {split}: {len(clips)} of {len(videos)} videos ({shown}); {indexed.snapshot.count} runs of frames "
            f"in the index, of which {len(stills)} are stills, descriptor {DctDescriptor.name}; {len(outcomes)} queries. A right answer is the right "
            f"clip within {NEAR_MS / 1000:g} s, or a near-duplicate of it."
        )
        if options.long:
            films = sum(role is Role.INDEXED for role in roles.values())
            report.notes.append(f"The indexed clips were joined into {films} file(s) of ten minutes at most.")
        report.figures |= {
            "split": split,
            "long": options.long,
            "stills": len(stills),
            "videos": counts,
            "frames": indexed.snapshot.count,
        }
        report_accuracy(report, outcomes)
        report_costs(report, outcomes, indexed.costs_ms)
        report.publish(as_json=options.json)


def joined(roles: dict[Clip, Role], folder: Path) -> dict[Clip, Role]:
    """The same clips with those that are indexed joined into long files, one of each near-duplicate."""
    short = {clip.kin: clip.path for clip, role in roles.items() if role is Role.INDEXED}
    films = [
        Clip(Item(path, path.stem), path.stem, path.stem, parts)
        for path, parts in join_clips(list(short.values()), folder)
    ]
    rest = {clip: role for clip, role in roles.items() if role is not Role.INDEXED}
    return dict.fromkeys(films, Role.INDEXED) | rest


def build_index(clips: Sequence[Clip], stills: Sequence[Clip], folder: Path) -> Indexed:
    """Index clips as the project does, and their sampled frames by colour layout beside it; stills as well."""
    descriptor = DctDescriptor()
    frames: list[VideoFrames] = []
    layouts: dict[str, NDArray[np.int8]] = {}
    times_ms: dict[str, NDArray[np.int32]] = {}
    by_video: dict[str, Clip] = {}
    grids: dict[Clip, frozenset[int]] = {}
    described_s = layout_s = 0.0
    looked_at = 0
    for number, clip in enumerate(clips):
        video = by_hash(clip.name).hex()
        try:
            grid, rate_hz = sampled_times(clip.path)
            started = time.perf_counter()
            track = make_track(
                clip.path, video=video, descriptor=descriptor, rate_hz=rate_hz, limits=VideoLimits()
            )
            described_s += time.perf_counter() - started
            if not len(track):
                continue
            started = time.perf_counter()
            layouts[video], times_ms[video] = _layouts(clip.path, rate_hz)
            layout_s += time.perf_counter() - started
        except VideoError as error:
            say(f"left out {clip.path.name}: {error}")
            continue
        looked_at += len(grid)
        by_video[video], grids[clip] = clip, grid
        spans = np.stack([track.from_ms, track.at_ms, track.to_ms])
        frames.append(VideoFrames(video, track.descriptors, spans))
        if number % 20 == 19:
            say(f"indexed {number + 1} of {len(clips)} videos")
    if not frames:
        raise SystemExit("no video could be indexed")
    for still in stills:
        rgb = at_frame_size(read_still(still.path))
        video = by_hash(still.name).hex()
        frames.append(VideoFrames(video, descriptor.describe(rgb[None]), np.zeros((3, 1), np.int32)))
        layouts[video], times_ms[video] = layout_of(rgb)[None], np.zeros(1, np.int32)
        by_video[video] = still
    count = sum(len(of_video.vectors) for of_video in frames)
    store = IndexStore(folder, Geometry(descriptor.name, descriptor.dim), ef=_EF)
    started = time.perf_counter()
    with store.writing():
        manifest = store.build(frames, count, threads=1)
    built_s = time.perf_counter() - started
    costs = {
        "decoded and described": 1000 * described_s / looked_at,
        "colour layout: decoded and described": 1000 * layout_s / looked_at,
        "index built": 1000 * built_s / count,
    }
    return Indexed(store.load(manifest.number), LayoutIndex(layouts, times_ms), by_video, grids, costs)


def _layouts(path: Path, rate_hz: float) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    with VideoReader(path, VideoLimits()) as reader:
        kept = [
            (layout_of(sample.rgb), round(1000 * sample.time_s))
            for sample in reader.samples(rate_hz)
            if not is_flat(sample.rgb)
        ]
    return (
        np.array([layout for layout, _ms in kept], np.int8).reshape(-1, 33),
        np.array([at_ms for _layout, at_ms in kept], np.int32),
    )


def ask_all(roles: dict[Clip, Role], indexed: Indexed, each: int) -> list[Outcome]:
    """Put the queries of all clips; one that cannot be read is left out."""
    outcomes: list[Outcome] = []
    searcher = SceneSearcher(DctDescriptor(), CALIBRATIONS[DctDescriptor.name])
    for number, (clip, role) in enumerate(roles.items()):
        if role is Role.INDEXED and clip not in indexed.grids:
            continue
        try:
            sampled = indexed.grids[clip] if role is Role.INDEXED else sampled_times(clip.path)[0]
            for query in make_queries(clip, role, sampled, each):
                outcomes.append(ask(query, searcher, indexed))
                if len(outcomes) % 500 == 0:
                    say(f"{len(outcomes)} queries asked")
        except VideoError as error:
            say(f"left out {clip.path.name}: {error}")
        say(f"asked for {number + 1} of {len(roles)} videos: {len(outcomes)} queries")
    if not any(outcome.role is Role.INDEXED for outcome in outcomes):
        raise SystemExit("no indexed video has a frame between its samples")
    return outcomes


def ask(query: Query, searcher: SceneSearcher, indexed: Indexed) -> Outcome:
    """Put one query to the search and to the baseline."""
    started = time.perf_counter()
    picture = decode_image(query.jpeg, ImageLimits(working_side=QUERY_SIDE))
    decoded = time.perf_counter()
    found = searcher.search(picture.rgb, indexed.snapshot, limit=_ANSWERS, flat=picture.flat)
    ended = time.perf_counter()
    ours = [(indexed.clips[scene.video], 1000 * scene.at_s) for scene in found.scenes]
    views = [view.rgb for view in query_views(picture.rgb)]
    layout_started = time.perf_counter()
    plain = indexed.layouts.search(layout_of(views[0])[None], _ANSWERS, SCENE_GAP_MS)
    layout_ended = time.perf_counter()
    viewed = indexed.layouts.search(np.stack([layout_of(rgb) for rgb in views]), _ANSWERS, SCENE_GAP_MS)
    return Outcome(
        label=query.label,
        role=query.role,
        right=[_is_right(query, clip, at_ms) for clip, at_ms in ours],
        confident=found.confident,
        error_s=abs(ours[0][1] - query.at_ms) / 1000 if ours and ours[0][0] == query.clip else None,
        layout=[_is_right(query, indexed.clips[hit.video], hit.at_ms) for hit in plain],
        layout_distance=plain[0].distance,
        layout_views=[_is_right(query, indexed.clips[hit.video], hit.at_ms) for hit in viewed],
        layout_views_distance=viewed[0].distance,
        timings_ms={
            "decode": 1000 * (decoded - started),
            **found.timings_ms,
            "in all": 1000 * (ended - started),
            "colour layout, described and searched": 1000 * (layout_ended - layout_started),
        },
    )


def _is_right(query: Query, answer: Clip, at_ms: float) -> bool:
    if answer != query.clip:
        # Where in a near-duplicate the frame would be is not known.
        return query.role is Role.INDEXED and answer.kin == query.clip.kin
    return abs(at_ms - query.at_ms) <= NEAR_MS


if __name__ == "__main__":
    main()
