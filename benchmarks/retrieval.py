"""How often the search finds the right scene, whatever was done to the frame; and whether it says so when it cannot.

An index is built of a folder of videos as ingest builds one (descriptor, stored pictures, graph), and asked for
frames that are not on its time grid, in every class of distortion. The folder is parted by groups, never by clips:
dev is the part that nothing is ever fitted on. A quarter of the shows is not indexed (their frames are the
negatives), nor is a quarter of what the indexed shows hold (the hard negatives). In the same run a colour layout
(MPEG-7), in an exact index of the same frames, answers the same queries: as trace.moe asks it, and given the views
that we make of every query. With --virtual the same queries are put once more, to the same frames among virtual ones.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from anime_search.engine.bundle import CURRENT, descriptor_named
from anime_search.engine.descriptor import Descriptor
from anime_search.engine.image import ImageLimits, decode_image
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.judging import Judged, Thumbnails
from anime_search.engine.scenes import SCENE_GAP_MS
from anime_search.engine.search import SceneSearcher
from anime_search.engine.similarity import Calibration
from anime_search.engine.views import first_views, mirrored
from benchmarks.clips import Picture, source_videos
from benchmarks.collection import Item, Part
from benchmarks.layout_index import LayoutIndex, layout_of
from benchmarks.long_films import join_clips
from benchmarks.queries import (
    CLASSES,
    Clip,
    Query,
    Role,
    by_hash,
    is_wide,
    make_queries,
    read_clips,
    read_distractors,
    share_out,
)
from benchmarks.report import Report, options_parser, say
from benchmarks.retrieval_report import Layouts, Outcome, report_accuracy, report_costs, report_growth
from benchmarks.scene_index import SceneIndex, build_index, built, calibration_of
from benchmarks.trials import NEAR_MS, QUERY_SIDE, sampled_times
from benchmarks.virtual_frames import VirtualPictures, make_virtual_frames, pictures_of, virtual_film
from video.reader import VideoError

SPLITS = {"train": Part.FIT, "val": Part.CHECK, "dev": Part.UNTOUCHED}
#: Scenes that are asked for.
_ANSWERS = 5


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--source", type=Path, help="folder of videos; the demo clip if none")
    parser.add_argument("--split", choices=[*SPLITS, "all"], help="part of the folder; dev if one is named")
    parser.add_argument("--limit", type=int, help="videos at most")
    parser.add_argument("--long", action="store_true", help="join the indexed clips into ten-minute files")
    parser.add_argument("--each", type=int, default=3, help="frames asked for of each video, in every class")
    parser.add_argument("--classes", nargs="+", choices=list(CLASSES), default=list(CLASSES), metavar="CLASS")
    parser.add_argument(
        "--virtual", type=int, default=0, help="frames in all, virtual ones included, to ask once more"
    )
    parser.add_argument(
        "--keep", type=Path, help="folder for what --virtual makes; a second run takes it from there"
    )
    parser.add_argument(
        "--calibration", type=Path, help="report of calibration.py --json; what is in use if none"
    )
    options = parser.parse_args()
    split = options.split or ("dev" if options.source else "all")
    descriptor = descriptor_named(CURRENT)
    calibration = calibration_of(descriptor.name, options.calibration)
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
        wide = {clip for clip in clips if is_wide(clip.path)}
        if options.long:
            roles = joined(roles, wide, work / "long")
        stills = read_distractors(folder, whole)
        indexed = [clip for clip, role in roles.items() if role is Role.INDEXED]
        index = build_index(indexed, stills, work, descriptor)
        asked = {clip: role for clip, role in roles.items() if clip not in wide}
        asking = Asking(index, descriptor, calibration)
        outcomes = asking.ask_all(asked, options.each, options.classes)
        report = Report("retrieval")
        shown = ", ".join(f"{count} {role}" for role, count in counts.items())
        report.notes.append(
            f"Split {split}: {len(clips)} of {len(videos)} videos ({shown}); {index.snapshot.count} runs of frames "
            f"in the index, of which {len(stills)} are stills; descriptor {descriptor.name}; {len(outcomes)} queries. "
            f"A right answer is the right clip within {NEAR_MS / 1000:g} s, or a near-duplicate of it."
        )
        if wide:
            report.notes.append(
                f"{len(wide)} video(s) show several drawings side by side (wider than 2.6:1): "
                "indexed if it is their turn, and not asked for."
            )
        if options.long:
            report.notes.append(
                f"The indexed clips were joined into {len(set(indexed) - wide)} file(s) of ten minutes at most."
            )
        report.figures |= {
            "split": split,
            "long": options.long,
            "stills": len(stills),
            "videos": counts,
            "wide": len(wide),
            "frames": index.snapshot.count,
        }
        report_accuracy(report, outcomes, options.classes)
        report_costs(report, outcomes, index.costs_ms)
        if options.virtual > index.snapshot.count:
            others = [clip.path for clip in whole if clip not in clips] or [clip.path for clip in clips]
            crowd = Crowd.among(
                index, descriptor, others, stills, options.virtual, options.keep or work / "virtual"
            )
            again = Asking(index, descriptor, calibration, crowd).ask_all(
                asked, options.each, options.classes
            )
            report_growth(
                report, outcomes, again, (index.snapshot.count, crowd.snapshot.count), options.classes
            )
        report.publish(as_json=options.json)


def joined(roles: dict[Clip, Role], wide: set[Clip], folder: Path) -> dict[Clip, Role]:
    """The same clips with those that are indexed joined into long files, one of each near-duplicate.

    Wide ones stay as they are: any frame of a long file may be asked for.
    """
    short = {clip.kin: clip.path for clip, role in roles.items() if role is Role.INDEXED and clip not in wide}
    films = [
        Clip(Item(path, path.stem), path.stem, path.stem, parts)
        for path, parts in join_clips(list(short.values()), folder)
    ]
    rest = {clip: role for clip, role in roles.items() if role is not Role.INDEXED or clip in wide}
    return dict.fromkeys(films, Role.INDEXED) | rest


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """The frames of an index among virtual ones, in one graph."""

    snapshot: Snapshot
    pictures: VirtualPictures

    @classmethod
    def among(
        cls,
        index: SceneIndex,
        descriptor: Descriptor,
        videos: Sequence[Path],
        stills: Sequence[Clip],
        frames: int,
        keep: Path,
    ) -> Crowd:
        """Fill the index up to ``frames`` with films composed of ``videos``, which are not asked for, and stills.

        What was made lies below ``keep``.
        """
        pictures = pictures_of(videos, [still.path for still in stills])
        film = virtual_film(pictures, descriptor)
        films = make_virtual_frames(film, pictures, descriptor.name, frames - index.snapshot.count, keep)
        say(f"building an index of {frames} frames")
        both = [*index.frames, *(each.frames for each in films)]
        return cls(built(both, descriptor, keep / "index", threads=2), VirtualPictures(film, films))


class Asking:
    """Puts queries to the search, and to the baseline beside it; with a crowd to the search alone.

    Args:
        crowd: what the frames of the index are to be found among.
    """

    def __init__(
        self, index: SceneIndex, descriptor: Descriptor, calibration: Calibration, crowd: Crowd | None = None
    ) -> None:
        self._index = index
        self._snapshot = crowd.snapshot if crowd else index.snapshot
        self._layouts = None if crowd else index.layouts
        self._virtual = crowd.pictures if crowd else None
        self._stages = 0
        self._searcher = SceneSearcher(
            descriptor, calibration, thumbnails=self._pictures(), timer=self._clock, on_judged=self._count
        )

    def _pictures(self) -> Thumbnails:
        virtual, real = self._virtual, self._index.thumbnails
        if virtual is None:
            return real
        return lambda video, from_ms: (virtual if video in virtual else real)(video, from_ms)

    def _clock(self) -> float:
        """It stands still while a virtual picture is drawn, in place of which a server has a stored one."""
        return time.perf_counter() - (self._virtual.drawing_s if self._virtual else 0.0)

    def _count(self, judged: Sequence[Judged]) -> None:
        self._stages += 1

    def ask_all(self, roles: dict[Clip, Role], each: int, classes: Collection[str]) -> list[Outcome]:
        """Put the queries of all clips; one that cannot be read is left out."""
        outcomes: list[Outcome] = []
        for number, (clip, role) in enumerate(roles.items()):
            if role is Role.INDEXED and clip not in self._index.grids:
                continue
            try:
                sampled = self._index.grids[clip] if role is Role.INDEXED else sampled_times(clip.path)[0]
                outcomes += [self.ask(query) for query in make_queries(clip, role, sampled, each, classes)]
            except VideoError as error:
                say(f"left out {clip.path.name}: {error}")
            say(f"asked for {number + 1} of {len(roles)} videos: {len(outcomes)} queries")
        if not any(outcome.role is Role.INDEXED for outcome in outcomes):
            raise SystemExit("no indexed video has a frame between its samples")
        return outcomes

    def ask(self, query: Query) -> Outcome:
        """Put one query to the search and, where there is one, to the baseline."""
        index, self._stages = self._index, 0
        started = self._clock()
        picture = decode_image(query.jpeg, ImageLimits(working_side=QUERY_SIDE))
        decoded = self._clock()
        found = self._searcher.search(picture.rgb, self._snapshot, limit=_ANSWERS, flat=picture.flat)
        ended = self._clock()
        first = found.scenes[0] if found.scenes else None
        layouts, layout_ms = self._ask_layouts(query, picture.rgb, self._layouts)
        return Outcome(
            label=query.label,
            role=query.role,
            clip=query.clip.name,
            sampled=query.role is not Role.INDEXED or index.shows_drawing(query),
            right=[index.is_right(query, scene.video, 1000 * scene.at_s) for scene in found.scenes],
            confident=found.confident,
            error_s=abs(1000 * first.at_s - query.at_ms) / 1000
            if first and index.clips.get(first.video) == query.clip
            else None,
            stages=self._stages,
            layouts=layouts,
            timings_ms={
                "decode": 1000 * (decoded - started),
                **found.timings_ms,
                "in all": 1000 * (ended - started),
                **layout_ms,
            },
        )

    def _ask_layouts(
        self, query: Query, rgb: Picture, index: LayoutIndex | None
    ) -> tuple[Layouts | None, dict[str, float]]:
        if index is None:
            return None, {}
        first = first_views(rgb)
        views = [view.rgb for view in (*first, *mirrored(first))]
        started = time.perf_counter()
        plain = index.search(layout_of(views[0])[None], _ANSWERS, SCENE_GAP_MS)
        ended = time.perf_counter()
        viewed = index.search(np.stack([layout_of(view) for view in views]), _ANSWERS, SCENE_GAP_MS)
        right = [
            [self._index.is_right(query, hit.video, hit.at_ms) for hit in hits] for hits in (plain, viewed)
        ]
        return (
            Layouts(right[0], plain[0].distance, right[1], viewed[0].distance),
            {"colour layout, described and searched": 1000 * (ended - started)},
        )


if __name__ == "__main__":
    main()
