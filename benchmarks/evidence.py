"""What a search compares of queries with a known answer: gathered once, to fit and to try calibrations on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.descriptor import Descriptor
from anime_search.engine.image import ImageLimits, decode_image
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.judging import Judged, Thumbnails
from anime_search.engine.search import SceneSearcher
from anime_search.engine.similarity import CALIBRATIONS, Calibration, VerifiedWeights
from anime_search.engine.verify import Verification
from benchmarks.logistic import Values
from benchmarks.queries import Clip, Query, Role, make_queries
from benchmarks.report import say
from benchmarks.scene_index import SceneIndex
from benchmarks.trials import NEAR_MS, QUERY_SIDE, show_one_drawing
from video.reader import VideoError

#: What compares candidates while evidence is gathered. It calls nothing a match, so that both stages of every search
#: are seen, and its weights choose no more than between a view and its mirrored twin.
IMPARTIAL = Calibration(
    slope=20.0,
    midpoint=0.7,
    confident=2.0,
    verified=VerifiedWeights(-10.0, 5.0, 1.0, 1.0, 5.0, 2.0, 0.0),
    confident_verified=2.0,
)
#: Scenes that are asked for, as of a server.
_ANSWERS = 5


def impartial(descriptor: str) -> Calibration:
    """:data:`IMPARTIAL`, comparing no more candidates than the search by that descriptor does."""
    known = CALIBRATIONS.get(descriptor, IMPARTIAL)
    return replace(IMPARTIAL, least=known.least, behind=known.behind)


class Truth(StrEnum):
    """What a candidate is: the scene; another one; or a moment of the clip's or its near-duplicate's that nobody can tell."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class Without(StrEnum):
    """What was in the index when a query was put: all; all of its show but its group; nothing of its show."""

    NOTHING = "nothing held out"
    GROUP = "its group held out"
    SHOW = "its show held out"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A candidate as it was compared.

    Attributes:
        cosine: of the run and the view that found it.
        seen: None where there was no stored picture.
        truth: for fitting on it.
        accepted: it would be right as an answer.
    """

    cosine: float
    seen: Verification | None
    truth: Truth
    accepted: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that was put, and the candidates of each stage of its search, the likeliest first.

    Attributes:
        kin: of its clip: what cross-validation parts by.
        sampled: its drawing is in the index.
        flat: the picture holds next to nothing, so that nothing is called a match of it.
    """

    label: str
    clip: str
    kin: str
    without: Without
    sampled: bool
    flat: bool
    stages: tuple[tuple[Evidence, ...], ...]

    def candidates(self) -> tuple[Evidence, ...]:
        """Of all stages, each once."""
        return tuple(dict.fromkeys(each for stage in self.stages for each in stage))


def gather(
    index: SceneIndex,
    snapshot: Snapshot,
    descriptor: Descriptor,
    thumbnails: Thumbnails,
    clips: Sequence[Clip],
    each: int,
    classes: Collection[str],
) -> Iterator[Asked]:
    """Put queries out of ``clips`` with their group in the index, and without it.

    Args:
        snapshot: the frames of ``index``, and any others that no query is of.
        thumbnails: reads the pictures of both.
    """
    seen: list[Sequence[Judged]] = []
    searcher = SceneSearcher(
        descriptor, impartial(descriptor.name), thumbnails=thumbnails, on_judged=seen.append
    )
    count = 0
    for number, clip in enumerate(clips):
        if clip not in index.grids:
            continue
        indexed = _indexed_without(index.clips, snapshot.videos, clip)
        try:
            for query in make_queries(clip, Role.INDEXED, index.grids[clip], each, classes):
                picture = decode_image(query.jpeg, ImageLimits(working_side=QUERY_SIDE))
                described = searcher.describe(picture.rgb, flat=picture.flat)
                for without, videos in indexed.items():
                    seen.clear()
                    searcher.find(described, snapshot, limit=_ANSWERS, videos=videos)
                    stages = tuple(
                        tuple(_evidence(index, query, judged) for judged in stage) for stage in seen
                    )
                    count += 1
                    yield Asked(
                        query.label,
                        clip.name,
                        clip.kin,
                        without,
                        index.shows_drawing(query),
                        picture.flat,
                        stages,
                    )
        except VideoError as error:
            say(f"left out {clip.path.name}: {error}")
        say(f"asked for {number + 1} of {len(clips)} videos: {count} searches")


def _indexed_without(
    clips: Mapping[str, Clip], videos: frozenset[str], clip: Clip
) -> dict[Without, frozenset[str] | None]:
    """The videos that are searched: all of them, and without the clip's group, or its show where it has others."""
    kin = {video for video, other in clips.items() if other.kin == clip.kin}
    show = {video for video, other in clips.items() if other.show == clip.show} | kin
    asked: dict[Without, frozenset[str] | None] = {Without.NOTHING: None, Without.SHOW: videos - show}
    if show != kin:
        asked[Without.GROUP] = videos - kin
    return asked


def _evidence(index: SceneIndex, query: Query, judged: Judged) -> Evidence:
    hit = judged.hit
    accepted = index.is_right(query, hit.video, hit.at_ms)
    return Evidence(hit.score, judged.verification, _truth(index, query, judged, accepted), accepted)


def _truth(index: SceneIndex, query: Query, judged: Judged, accepted: bool) -> Truth:
    """Whether it is the scene, as far as anybody can tell.

    A loop shows its drawings again: the same drawing elsewhere in the clip is no wrong answer, and no right one
    either. And a near-duplicate is accepted whatever its moment, for nobody knows which is the right one: fitted on
    is only what shows the frame's very drawing.
    """
    hit = judged.hit
    answer = index.clips.get(hit.video)
    if answer is None or answer.kin != query.clip.kin:
        return Truth.WRONG
    picture = index.glances[hit.video].pictures[hit.run]
    same = bool(show_one_drawing(query.glance, picture[None])[0])
    if answer == query.clip:
        near = hit.from_ms - NEAR_MS <= query.at_ms <= hit.to_ms + NEAR_MS
        return Truth.RIGHT if accepted else Truth.UNKNOWN if same or near else Truth.WRONG
    return Truth.RIGHT if same else Truth.UNKNOWN


#: What a verified candidate is judged by: attributes of ``VerifiedWeights`` but its bias, in their order.
FEATURES = (
    "cosine",
    "inliers",
    "coverage",
    "agreement",
    "weakest",
    "compared",
    "alike",
    "throughout",
    "many",
)


def features(evidence: Sequence[Evidence]) -> Values:
    """(N, 9) of verified candidates, as ``VerifiedWeights`` takes them: asked of itself, with one weight at a time."""
    rows = np.empty((len(evidence), len(FEATURES)))
    for column, name in enumerate(FEATURES):
        alone = VerifiedWeights(**{"bias": 0.0, **dict.fromkeys(FEATURES, 0.0), name: 1.0})
        rows[:, column] = [
            alone.log_odds(each.cosine, each.seen) for each in evidence if each.seen is not None
        ]
    return rows


def truths(evidence: Sequence[Evidence]) -> NDArray[np.bool_]:
    """Which of them are the scene."""
    return np.array([each.truth is Truth.RIGHT for each in evidence], bool)
