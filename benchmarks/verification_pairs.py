"""Pairs of a query's view and a stored picture: of the same drawing, of another show, of the same show."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.descriptor import DctDescriptor, Vectors
from anime_search.engine.image import ImageLimits, decode_image
from anime_search.engine.track import make_track
from anime_search.engine.verify import Features, Verifier
from anime_search.engine.views import query_views
from benchmarks.clips import Picture
from benchmarks.queries import Clip, Query, Role, by_hash, make_queries
from benchmarks.report import say
from benchmarks.trials import NEAR_MS, QUERY_SIDE, sampled_times
from video.reader import VideoError, VideoLimits

#: Cosine from which a stored picture shows the same drawing as an undistorted frame. A frame whose own shot holds
#: none is not stored at all (animated pictures of few frames leave out every second drawing), and one that another
#: group holds is a near-duplicate that the groups do not know of: neither is asked for.
STORED = 0.9
#: Wider pictures are several side by side: of these a cut to 4:3 leaves none whole.
_WIDEST = 2.4
_NEED_ONE_PICTURE = ("cut to 4:3", "two at once")


class Kind(StrEnum):
    """How a query and the picture it is compared with belong together."""

    TRUE = "same drawing"
    OTHER = "another show"
    SAME_SHOW = "same show"
    SAME_CLIP = "another shot of the clip"


@dataclass(slots=True, eq=False)
class Shelf:
    """The stored pictures of some clips, one a run of frames.

    Attributes:
        clip: (N,) number of the clip.
        shot: (N,) number of the shot within it.
        spans_ms: (2, N) first and last time of the run.
    """

    clips: list[Clip]
    pictures: list[Picture] = field(default_factory=list)
    vectors: Vectors = field(default_factory=lambda: np.empty((0, DctDescriptor.dim), np.float32))
    clip: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    shot: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    spans_ms: NDArray[np.int32] = field(default_factory=lambda: np.empty((2, 0), np.int32))
    grids: dict[int, frozenset[int]] = field(default_factory=dict)
    wide: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """What is compared.

    Attributes:
        number: of the query.
        view: the reading of it that looks most like the stored picture; ``view_ms`` is what extracting took.
        stored: number of that picture on the shelf.
        cosine: of their descriptors.
        first: number of the picture within two seconds whose descriptor is most like the view's; the same as
            ``stored`` where the descriptor alone finds the moment.
    """

    kind: Kind
    label: str
    number: int
    clip: int
    at_ms: int
    view: Features
    view_ms: float
    stored: int
    cosine: float
    first: int


def fill_shelf(clips: Sequence[Clip]) -> Shelf:
    """Decode clips as ingest does."""
    shelf = Shelf(list(clips))
    parts: list[tuple[NDArray[np.float16], int, NDArray[np.intp], NDArray[np.int32]]] = []
    for number, clip in enumerate(clips):
        try:
            grid, rate_hz = sampled_times(clip.path)
            pictures: list[Picture] = []
            track = make_track(
                clip.path,
                video=by_hash(clip.name).hex(),
                descriptor=DctDescriptor(),
                rate_hz=rate_hz,
                limits=VideoLimits(),
                on_run=lambda _ms, rgb, kept=pictures: kept.append(rgb),
            )
        except VideoError as error:
            say(f"left out {clip.path.name}: {error}")
            continue
        shelf.grids[number] = grid
        if track.info.width > _WIDEST * track.info.height:
            shelf.wide.add(number)
        shelf.pictures += pictures
        shots = np.searchsorted(track.shots_ms, track.from_ms, side="right")
        parts.append((track.descriptors, number, shots, np.stack([track.from_ms, track.to_ms])))
        if number % 20 == 19:
            say(f"decoded {number + 1} of {len(clips)} clips")
    shelf.vectors = np.concatenate([part[0] for part in parts]).astype(np.float32)
    shelf.clip = np.concatenate([np.full(len(part[0]), part[1], np.int32) for part in parts])
    shelf.shot = np.concatenate([part[2] for part in parts]).astype(np.int32)
    shelf.spans_ms = np.concatenate([part[3] for part in parts], axis=1)
    return shelf


def make_pairs(shelf: Shelf, each: int) -> Iterator[Pair]:
    """Pairs of every class of queries, with ``each`` frames a clip; the true one first."""
    clip_of = [shelf.clips[number] for number in shelf.clip]
    kin = np.array([clip.kin for clip in clip_of])
    show = np.array([clip.show for clip in clip_of])
    asked, verifier = 0, Verifier()
    for number, grid in shelf.grids.items():
        clip = shelf.clips[number]
        own = shelf.clip == number
        shown: dict[int, tuple[int, NDArray[np.bool_]]] = {}
        for query in make_queries(clip, Role.INDEXED, grid, each):
            views = query_views(decode_image(query.jpeg, ImageLimits(working_side=QUERY_SIDE)).rgb)
            scores = DctDescriptor().describe(np.stack([view.rgb for view in views])) @ shelf.vectors.T
            far = np.abs(shelf.spans_ms[0] - query.at_ms) > NEAR_MS
            if query.label == "clean":
                same = np.where(own & ~far, scores[0], -2.0)
                if same.max() >= STORED:
                    shown[query.at_ms] = int(same.argmax()), scores[0] >= STORED
            if query.at_ms not in shown or (number in shelf.wide and query.label in _NEED_ONE_PICTURE):
                continue
            place, alike = shown[query.at_ms]
            extracted: dict[int, tuple[Features, float]] = {}
            for kind, among in (
                (Kind.TRUE, np.arange(len(own)) == place),
                (Kind.OTHER, (kin != clip.kin) & (show != clip.show) & ~alike),
                (Kind.SAME_SHOW, (kin != clip.kin) & (show == clip.show) & ~alike),
                (Kind.SAME_CLIP, own & (shelf.shot != shelf.shot[place]) & far & ~alike),
            ):
                allowed = _right_way_round(query, [view.name for view in views], kind)
                if among.any() and allowed.any():
                    of_kind = np.where(allowed[:, None] & among, scores, -2.0)
                    view, at = (int(place) for place in np.unravel_index(of_kind.argmax(), of_kind.shape))
                    if view not in extracted:
                        extracted[view] = _extracted(verifier, views[view].rgb)
                    yield Pair(
                        kind,
                        query.label,
                        asked,
                        number,
                        query.at_ms,
                        *extracted[view],
                        at,
                        float(of_kind[view, at]),
                        int(np.where(own & ~far, scores[view], -2.0).argmax()),
                    )
            asked += 1
        say(f"asked for {number + 1} of {len(shelf.clips)} clips: {asked} queries")


def _extracted(verifier: Verifier, rgb: Picture) -> tuple[Features, float]:
    started = time.perf_counter()
    features = verifier.features(rgb)
    return features, 1000 * (time.perf_counter() - started)


def _right_way_round(query: Query, views: list[str], kind: Kind) -> NDArray[np.bool_]:
    """Views that may be what is compared: of a true pair only those that are mirrored if the query is.

    Which view is taken is the descriptor's choice, and no verification can be blamed for it.
    """
    mirrored = np.array(["mirrored" in view for view in views])
    if kind is not Kind.TRUE or query.label == "two at once":
        return np.ones(len(views), bool)
    return mirrored if query.label == "mirrored" else ~mirrored
