"""An index of many frames, real and virtual, and queries for it; made once and kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.engine.descriptor import at_frame_size
from anime_search.engine.index import hnsw
from anime_search.engine.index.manifest import Geometry
from anime_search.engine.index.segment import VideoFrames
from anime_search.engine.index.store import IndexStore
from anime_search.engine.track import make_track
from benchmarks.clips import Picture, at_most, frames_of, read_still
from benchmarks.distortions import DISTORTIONS
from benchmarks.report import say
from benchmarks.virtual import RATE_HZ, VirtualFilm, make_films
from benchmarks.wide_dct import WideDct
from video.reader import VideoError, VideoLimits

DESCRIPTOR = WideDct()
#: The file of what the descriptor gave, before the index rounded it.
VECTORS = "vectors.npy"
GEOMETRY = Geometry(DESCRIPTOR.name, DESCRIPTOR.dim)
#: Runs of frames of a virtual film: about those of a television episode.
FILM_RUNS = 10_000
#: Real pictures that virtual shots are composed of, at most, and their longest side.
_BASES, _BASE_SIDE = 800, 320
_SEED = 20261122
#: What a single view must bear; borders and mirroring are undone by the other views of a query.
QUERY_DISTORTIONS = (
    "clean",
    "jpeg",
    "small",
    "crop_10",
    "crop_20",
    "brightness",
    "tint",
    "grey",
    "subtitle",
)


@dataclass(frozen=True, slots=True)
class FrameSetOrder:
    """What to make: so many runs of frames in so many segments, and up to so many queries of each kind."""

    frames: int
    queries: int
    segments: int
    videos: tuple[Path, ...]
    stills: tuple[Path, ...]

    def fingerprint(self) -> str:
        """Changes with all that the result depends on."""
        graph = (hnsw.M, hnsw.EF_CONSTRUCTION, hnsw.GRAPH_FROM, hnsw.INSERTED_AT_A_TIME)
        parts = (self.frames, self.queries, self.segments, graph, asdict(GEOMETRY), self.films_of())
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def films_of(self) -> str:
        """Changes with all that the virtual films depend on."""
        sources = [(path.name, path.stat().st_size) for path in (*self.videos, *self.stills)]
        return hashlib.sha256(repr((sources, GEOMETRY.descriptor, FILM_RUNS, _SEED)).encode()).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Queries:
    """Degraded frames that lie between those of the index, and what they show.

    Attributes:
        pictures: (Q, 144, 256, 3) uint8 RGB.
        real: (Q,) bool; taken from a decoded video, not from a virtual one.
        videos: (Q,) content hash of the video.
        at_ms: (Q,) time in it.
    """

    pictures: NDArray[np.uint8]
    real: NDArray[np.bool_]
    videos: NDArray[np.str_]
    at_ms: NDArray[np.int32]


@dataclass(slots=True)
class _Wanted:
    """Queries in the making."""

    pictures: list[Picture] = field(default_factory=list)
    real: list[bool] = field(default_factory=list)
    videos: list[str] = field(default_factory=list)
    at_ms: list[int] = field(default_factory=list)

    def add(self, rgb: Picture, video: str, at_ms: int, *, real: bool, random: np.random.Generator) -> None:
        name = QUERY_DISTORTIONS[int(random.integers(len(QUERY_DISTORTIONS)))]
        self.pictures.append(at_frame_size(DISTORTIONS[name](rgb, random)))
        self.videos.append(video)
        self.at_ms.append(at_ms)
        self.real.append(real)


def frame_store(folder: Path, ef: int) -> IndexStore:
    """The index below a frame set's folder."""
    return IndexStore(folder / "index", GEOMETRY, ef=ef)


def load_queries(folder: Path) -> Queries:
    """The queries of a frame set that was made."""
    with np.load(folder / "queries.npz") as arrays:
        return Queries(**{name: arrays[name] for name in ("pictures", "real", "videos", "at_ms")})


def make_frame_set(order: FrameSetOrder, folder: Path) -> dict[str, int]:
    """Build index and queries below ``folder``, unless they are there; how many frames of each kind it holds."""
    done = folder / "made.json"
    if done.is_file() and (made := json.loads(done.read_text()))["fingerprint"] == order.fingerprint():
        return {name: made[name] for name in ("real", "virtual")}
    done.unlink(missing_ok=True)
    random = np.random.default_rng(_SEED)
    wanted = _Wanted()
    real = list(_real_frames(order, wanted, random))
    counts = {"real": sum(len(video.vectors) for video in real)}
    counts["virtual"] = order.frames - counts["real"]
    film = VirtualFilm(_bases(order), _SEED, DESCRIPTOR)
    places: list[NDArray[np.int32]] = []
    spans: list[NDArray[np.int32]] = []
    virtual = _virtual_frames(film, counts["virtual"], places, spans, folder / order.films_of()[:16])
    _build(order, [*real], virtual, folder)
    _add_virtual_queries(film, places, spans, order.queries, wanted, random)
    np.savez(
        folder / "queries.npz",
        pictures=np.stack(wanted.pictures),
        real=np.array(wanted.real),
        videos=np.array(wanted.videos),
        at_ms=np.array(wanted.at_ms, np.int32),
    )
    done.write_text(json.dumps({"fingerprint": order.fingerprint(), **counts}))
    return counts


def _build(
    order: FrameSetOrder, real: list[VideoFrames], virtual: Iterator[VideoFrames], folder: Path
) -> None:
    store = frame_store(folder, ef=256)
    threads = os.cpu_count() or 1
    stock = _Stock(iter([*real]), virtual)
    described = np.lib.format.open_memmap(
        folder / VECTORS, "w+", dtype=np.float16, shape=(order.frames, GEOMETRY.dim)
    )
    share = -(-order.frames // order.segments)
    with store.writing():
        for number in range(order.segments):
            count = min(share, order.frames - number * share)
            say(f"building segment {number + 1} of {order.segments}: {count} frames")
            videos = _noted(stock.take(count, f"s{number}"), described[number * share :])
            if number:
                store.add(videos, count, threads=threads)
            else:
                store.build(videos, count, threads=threads)


def _noted(videos: Iterator[VideoFrames], rows: NDArray[np.float16]) -> Iterator[VideoFrames]:
    """The same videos; their vectors are written to ``rows``, one video after the other."""
    done = 0
    for video in videos:
        rows[done : done + len(video.vectors)] = video.vectors
        done += len(video.vectors)
        yield video


def load_vectors(folder: Path) -> NDArray[np.float16]:
    """What the descriptor gave for each frame of a frame set that was made, in the order of the index."""
    return np.asarray(np.load(folder / VECTORS, mmap_mode="r"))


def is_part_of(part: str, video: str) -> bool:
    """Whether a video of the index is the one of that name, or the rest of it that went to the next segment."""
    return part[-32:] == video[-32:]


class _Stock:
    """All videos in a row, cut where a segment is full."""

    def __init__(self, *sources: Iterator[VideoFrames]) -> None:
        self._videos = (video for source in sources for video in source)
        self._rest: VideoFrames | None = None

    def take(self, count: int, mark: str) -> Iterator[VideoFrames]:
        """Videos of ``count`` frames in all; the last one may be cut, and its rest goes to the next taker."""
        while count:
            video = self._rest or next(self._videos)
            self._rest = None
            if len(video.vectors) > count:
                self._rest = VideoFrames(
                    f"{mark}{video.video[len(mark) :]}", video.vectors[count:], video.times_ms[:, count:]
                )
                video = VideoFrames(video.video, video.vectors[:count], video.times_ms[:, :count])
            count -= len(video.vectors)
            yield video


def _real_frames(order: FrameSetOrder, wanted: _Wanted, random: np.random.Generator) -> Iterator[VideoFrames]:
    each = -(-order.queries // len(order.videos))
    left = order.frames
    for number, path in enumerate(order.videos):
        video = hashlib.sha256(f"{number} {path.name}".encode()).hexdigest()
        try:
            track = make_track(
                path, video=video, descriptor=DESCRIPTOR, rate_hz=RATE_HZ, limits=VideoLimits()
            )
        except VideoError as error:
            say(f"left out {path.name}: {error}")
            continue
        count = min(len(track), left)
        left -= count
        if not count:
            continue
        times_ms = np.stack([track.from_ms, track.at_ms, track.to_ms])[:, :count]
        sampled = {int(time_s * RATE_HZ): time_s for time_s, _ in reversed(list(frames_of(path, side=16)))}
        last_s = times_ms[2, -1] / 1000
        between = [
            (time_s, rgb)
            for time_s, rgb in frames_of(path, most=3000, side=640)
            if sampled[int(time_s * RATE_HZ)] != time_s and time_s <= last_s
        ]
        for chosen in random.permutation(len(between))[:each]:
            time_s, rgb = between[chosen]
            wanted.add(rgb, video, round(1000 * time_s), real=True, random=random)
        yield VideoFrames(video, track.descriptors[:count], times_ms)


def _bases(order: FrameSetOrder) -> list[Picture]:
    """Real pictures for virtual shots: frames of all videos, evenly, and stills."""
    bases = [at_most(read_still(path), _BASE_SIDE) for path in order.stills[: _BASES // 2]]
    each = max(1, (_BASES - len(bases)) // len(order.videos))
    for path in order.videos:
        frames = [rgb for _time_s, rgb in frames_of(path, most=1500, side=_BASE_SIDE)]
        bases += frames[:: max(1, len(frames) // each)][:each]
    say(f"virtual shots are composed of {len(bases)} real pictures")
    return bases


def _virtual_frames(
    film: VirtualFilm,
    count: int,
    places: list[NDArray[np.int32]],
    spans: list[NDArray[np.int32]],
    kept: Path,
) -> Iterator[VideoFrames]:
    """Films of ``count`` runs of frames in all, those already in the folder ``kept`` read and the others made."""
    orders = [(n, min(FILM_RUNS, count - n * FILM_RUNS)) for n in range(-(-count // FILM_RUNS))]
    kept.mkdir(exist_ok=True)
    made = make_films(film, [order for order in orders if not _film_file(kept, order).is_file()])
    done = 0
    for order in orders:
        path = _film_file(kept, order)
        if not path.is_file():
            frames, place = next(made)
            with path.with_suffix(".part").open("wb") as file:
                np.savez(file, vectors=frames.vectors, times_ms=frames.times_ms, place=place)
            path.with_suffix(".part").replace(path)
        with np.load(path) as arrays:
            frames = VideoFrames(f"{order[0]:064x}", arrays["vectors"], arrays["times_ms"])
            place = arrays["place"]
        places.append(place)
        spans.append(frames.times_ms)
        done += len(place)
        say(f"{done} of {count} virtual frames")
        yield frames


def _film_file(folder: Path, order: tuple[int, int]) -> Path:
    number, runs = order
    return folder / f"{number}-{runs}.npz"


def _add_virtual_queries(
    film: VirtualFilm,
    places: list[NDArray[np.int32]],
    spans: list[NDArray[np.int32]],
    count: int,
    wanted: _Wanted,
    random: np.random.Generator,
) -> None:
    for _query in range(count if places else 0):
        number = int(random.integers(len(places)))
        run = int(random.integers(len(places[number])))
        shot, sample = (int(value) for value in places[number][run])
        rgb = film.shot(number, shot).picture(sample + 0.5)
        rgb = np.asarray(cv2.resize(rgb, (640, 360), interpolation=cv2.INTER_CUBIC), np.uint8)
        at_ms = int(spans[number][0, run]) + round(500 / RATE_HZ)
        wanted.add(rgb, f"{number:064x}", at_ms, real=False, random=random)
