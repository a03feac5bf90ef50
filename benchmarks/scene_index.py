"""An index of clips and stills for a retrieval test, made as ingest makes one: tracks, thumbnails, one graph."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.descriptor import Descriptor, at_frame_size, is_flat
from anime_search.engine.index import hnsw
from anime_search.engine.index.manifest import Geometry
from anime_search.engine.index.segment import VideoFrames
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.index.store import IndexStore
from anime_search.engine.similarity import CALIBRATIONS, Calibration, VerifiedWeights
from anime_search.engine.thumbnails import ThumbnailReader, thumbnails_path, write_thumbnails
from anime_search.engine.track import FrameTrack, make_track
from benchmarks.clips import Picture, read_still
from benchmarks.layout_index import LayoutIndex, layout_of
from benchmarks.queries import Clip, Query, Role, by_hash
from benchmarks.report import say
from benchmarks.trials import NEAR_MS, glance, sampled_times, show_one_drawing
from video.reader import VideoError, VideoLimits, VideoReader

#: Search list of the graph, the setting's default.
_EF = 256


@dataclass(frozen=True, slots=True, eq=False)
class Glances:
    """What the indexed pictures of a clip show: (N, 36, 64, 3) uint8, and (2, N) the span of each in milliseconds."""

    pictures: Picture
    spans_ms: NDArray[np.int32]


@dataclass(slots=True)
class SceneIndex:
    """What was made of the indexed clips.

    Attributes:
        clips: by the name that the index knows a video by.
        grids: the sampled times of each clip.
        glances: of each video.
        costs_ms: milliseconds for each frame that was looked at, by stage.
    """

    snapshot: Snapshot
    frames: list[VideoFrames]
    thumbnails: ThumbnailReader
    layouts: LayoutIndex | None
    clips: dict[str, Clip]
    grids: dict[Clip, frozenset[int]]
    glances: dict[str, Glances]
    costs_ms: dict[str, float] = field(default_factory=dict)

    def shows_drawing(self, query: Query) -> bool:
        """Whether the drawing of a query's frame is in the index at all: within 2 s, on some picture of its clip."""
        known = self.glances[video_of(query.clip)]
        near = (known.spans_ms[0] <= query.at_ms + NEAR_MS) & (known.spans_ms[1] >= query.at_ms - NEAR_MS)
        return bool(show_one_drawing(query.glance, known.pictures[near]).any())

    def is_right(self, query: Query, video: str, at_ms: float) -> bool:
        """Whether an answer is the query's clip within 2 s, or a near-duplicate of it."""
        answer = self.clips.get(video)
        if answer is None:
            return False
        if answer != query.clip:
            # Where in a near-duplicate the frame would be is not known.
            return query.role is Role.INDEXED and answer.kin == query.clip.kin
        return abs(at_ms - query.at_ms) <= NEAR_MS


def video_of(clip: Clip) -> str:
    """What the index knows a clip by, in place of its content hash."""
    return by_hash(clip.name).hex()


def build_index(
    clips: Sequence[Clip],
    stills: Sequence[Clip],
    folder: Path,
    descriptor: Descriptor,
    *,
    with_layouts: bool = True,
) -> SceneIndex:
    """Index clips as the project does, and their sampled frames by colour layout beside it; stills as well."""
    making = _Making(folder / "thumbnails", descriptor)
    layouts: dict[str, NDArray[np.int8]] = {}
    layout_times: dict[str, NDArray[np.int32]] = {}
    layout_s = 0.0
    for number, clip in enumerate(clips):
        try:
            rate_hz = making.add_clip(clip)
            if rate_hz is None:
                continue
            started = time.perf_counter()
            if with_layouts:
                layouts[video_of(clip)], layout_times[video_of(clip)] = _layouts(clip.path, rate_hz)
            layout_s += time.perf_counter() - started
        except VideoError as error:
            say(f"left out {clip.path.name}: {error}")
            continue
        if number % 20 == 19:
            say(f"indexed {number + 1} of {len(clips)} videos")
    if not making.frames:
        raise SystemExit("no video could be indexed")
    for still in stills:
        rgb = making.add_still(still)
        if with_layouts:
            layouts[video_of(still)], layout_times[video_of(still)] = (
                layout_of(rgb)[None],
                np.zeros(1, np.int32),
            )
    started = time.perf_counter()
    snapshot = built(making.frames, descriptor, folder / "index")
    count = sum(len(video.vectors) for video in making.frames)
    costs = {
        "decoded, described, pictures stored": 1000 * making.spent_s / making.looked_at,
        "index built": 1000 * (time.perf_counter() - started) / count,
    }
    if with_layouts:
        costs["colour layout: decoded and described"] = 1000 * layout_s / making.looked_at
    return SceneIndex(
        snapshot,
        making.frames,
        ThumbnailReader(making.folder),
        LayoutIndex(layouts, layout_times) if with_layouts else None,
        making.clips,
        making.grids,
        making.glances,
        costs,
    )


class _Making:
    """Takes clips and stills one after the other."""

    def __init__(self, folder: Path, descriptor: Descriptor) -> None:
        self.folder = folder
        self._descriptor = descriptor
        self.frames: list[VideoFrames] = []
        self.clips: dict[str, Clip] = {}
        self.grids: dict[Clip, frozenset[int]] = {}
        self.glances: dict[str, Glances] = {}
        self.spent_s = 0.0
        self.looked_at = 0

    def add_clip(self, clip: Clip) -> float | None:
        """Make its track and thumbnails; the rate that it was sampled at, or None where it holds nothing.

        Raises:
            VideoError: it cannot be read.
        """
        video = video_of(clip)
        grid, rate_hz = sampled_times(clip.path)
        pictures: list[Picture] = []
        started = time.perf_counter()
        with write_thumbnails(thumbnails_path(self.folder, video), video) as writer:

            def stored(from_ms: int, rgb: Picture) -> None:
                writer.add(from_ms, rgb)
                pictures.append(glance(rgb))

            track = make_track(
                clip.path,
                video=video,
                descriptor=self._descriptor,
                rate_hz=rate_hz,
                limits=VideoLimits(),
                on_run=stored,
            )
        self.spent_s += time.perf_counter() - started
        if not len(track):
            return None
        self.looked_at += len(grid)
        self.grids[clip] = grid
        self._note(clip, track.descriptors, _spans(track), pictures)
        return rate_hz

    def add_still(self, still: Clip) -> Picture:
        """Index it as a video of one frame."""
        rgb = at_frame_size(read_still(still.path))
        video = video_of(still)
        with write_thumbnails(thumbnails_path(self.folder, video), video) as writer:
            writer.add(0, rgb)
        self._note(still, self._descriptor.describe(rgb[None]), np.zeros((3, 1), np.int32), [glance(rgb)])
        return rgb

    def _note(
        self,
        clip: Clip,
        vectors: NDArray[np.floating],
        spans: NDArray[np.int32],
        pictures: Sequence[Picture],
    ) -> None:
        video = video_of(clip)
        self.frames.append(VideoFrames(video, vectors, spans))
        self.clips[video] = clip
        self.glances[video] = Glances(np.stack(pictures), spans[[0, 2]])


def _spans(track: FrameTrack) -> NDArray[np.int32]:
    return np.stack([track.from_ms, track.at_ms, track.to_ms])


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


def built(
    frames: Iterable[VideoFrames], descriptor: Descriptor, folder: Path, *, threads: int = 1
) -> Snapshot:
    """One graph of all frames below ``folder``; the one that is there already if it is of the very same frames."""
    videos = list(frames)
    digest = hashlib.sha256(repr((descriptor.name, hnsw.M, hnsw.EF_CONSTRUCTION)).encode())
    for video in videos:
        digest.update(video.video.encode())
        digest.update(np.ascontiguousarray(video.vectors).tobytes())
        digest.update(np.ascontiguousarray(video.times_ms).tobytes())
    store = IndexStore(folder / digest.hexdigest()[:16], Geometry(descriptor.name, descriptor.dim), ef=_EF)
    number = store.current_number()
    if number is None:
        with store.writing():
            number = store.build(videos, sum(len(video.vectors) for video in videos), threads=threads).number
    return store.load(number)


def calibration_of(descriptor: str, file: Path | None) -> Calibration:
    """What cosines of a descriptor mean: what the search has in use, or what ``benchmarks/calibration.py`` proposed.

    Args:
        file: that command's report, made with ``--json``.

    Raises:
        SystemExit: there is neither.
    """
    if file is not None:
        found = json.loads(file.read_text())["figures"]["calibration"]
        return Calibration(**{**found, "verified": VerifiedWeights(**found["verified"])})
    if descriptor not in CALIBRATIONS:
        raise SystemExit(
            f"{descriptor} has no calibration yet: run benchmarks/calibration.py, "
            "and name its report with --calibration"
        )
    return CALIBRATIONS[descriptor]


def plain(calibration: Calibration) -> dict[str, object]:
    """The same as JSON can hold it; :func:`calibration_of` reads it again."""
    return asdict(calibration)


def calibration_line(descriptor: str, calibration: Calibration) -> str:
    """A calibration as a line of ``CALIBRATIONS``, rounded to what makes no difference."""
    weights = asdict(calibration.verified) if calibration.verified else {}
    verified = ", ".join(f"{name}={value:.4f}" for name, value in weights.items())
    return (
        f'"{descriptor}": Calibration(slope={calibration.slope:.2f}, midpoint={calibration.midpoint:.4f}, '
        f"confident={calibration.confident:.4f}, verified=VerifiedWeights({verified}), "
        f"confident_verified={calibration.confident_verified:.4f}, "
        f"least={calibration.least:.2f}, behind={calibration.behind:.2f}),"
    )
