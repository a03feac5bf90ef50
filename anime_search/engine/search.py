"""A search from picture to scenes."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.descriptor import Descriptor
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.judging import Judged, Judging, Thumbnails
from anime_search.engine.scenes import Hit, group_scenes
from anime_search.engine.similarity import Calibration, probability_of, similarity_of
from anime_search.engine.verify import Verifier
from anime_search.engine.views import View, first_views, mirrored, more_views

#: Runs of frames asked of the index for each view, before they are merged into scenes.
RUNS_PER_VIEW = 64
#: Scenes whose stored pictures are compared with the query, at most, and of each view's the first; some 2 ms each.
VERIFIED = 10
#: Scenes that are compared however unlike they look.
_COMPARED = 3
#: Other places that are looked at whether they show the same as the first, a repeated opening's.
MOST_PLACES = 40
#: Runs before and after the one that was found whose pictures are compared as well, and how far away they may be.
_NEIGHBOURS, _NEIGHBOURS_MS = 3, 2000
#: What tells views of one name apart.
_NUMBER = re.compile(r"#\d+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where else the very same is shown: the video's content hash, and its span in seconds."""

    video: str
    from_s: float
    at_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene that looks like the query.

    Attributes:
        video: the video's content hash.
        from_s, at_s, to_s: span of frames that look alike, and the time that looks most like the query, in seconds.
        similarity: 0 to 1; below 0.87 it is probably another scene.
        probability: that this is the scene, 0 to 1.
        view: which reading of the query matched.
        is_match: it is likely enough to be called a match; where the picture holds next to nothing, none is.
        also: where else the very same is shown, the likeliest first: an opening is in every episode.
    """

    video: str
    from_s: float
    at_s: float
    to_s: float
    similarity: float
    probability: float
    view: str
    is_match: bool = False
    also: tuple[Place, ...] = ()

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """The scene that ``dataclasses.asdict`` made plain, after a way through JSON."""
        return cls(**{**plain, "also": tuple(Place(**place) for place in plain["also"])})


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What a search found, best first, and what it cost.

    Attributes:
        confident: whether the first scene is called a match.
        frames: runs of frames in the index that was searched.
        generation: of the index.
        timings_ms: milliseconds by stage.
    """

    scenes: tuple[Scene, ...]
    confident: bool
    frames: int
    generation: int
    timings_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """A query as the index understands it.

    Attributes:
        rgb: (H, W, 3) uint8, for the views that are only made where these do not find it.
        views: its first readings.
        vectors: (V, dim) float32 of unit length, one a view.
        flat: the picture holds next to nothing, so that no match of it can be called one.
        timings_ms: milliseconds by stage.
    """

    rgb: NDArray[np.uint8]
    views: tuple[View, ...]
    vectors: NDArray[np.float32]
    flat: bool
    timings_ms: dict[str, float]

    @property
    def feature(self) -> str:
        """Names what was extracted from the picture: the same for the same picture, however it was sent.

        Components are rounded to 7 bits: what decoders of one picture differ in changes no digit of it.
        """
        rounded = np.round(self.vectors * 127).astype(np.int8)
        names = "\n".join(view.name for view in self.views).encode()
        return hashlib.sha256(
            b"\0".join((names, rounded.tobytes(), b"flat" if self.flat else b""))
        ).hexdigest()


class SceneSearcher:
    """Finds scenes in a snapshot of the index.

    A query is asked in its first views. Only if none of what they find is called a match are the others made: the
    picture within a screenshot or on a photographed screen, with what may have been cropped put back.

    Args:
        descriptor: the one that the index was built with.
        calibration: of that descriptor.
        thumbnails: reads stored pictures to verify by; without it, cosines alone decide.
        timer: a monotonic clock in seconds.
        on_judged: told of each stage of a search what was compared in it, the likeliest first; what is fitted on
            it must not see more than the search does.
    """

    def __init__(
        self,
        descriptor: Descriptor,
        calibration: Calibration,
        *,
        thumbnails: Thumbnails = lambda video, from_ms: None,
        timer: Callable[[], float] = time.perf_counter,
        on_judged: Callable[[Sequence[Judged]], None] = lambda judged: None,
    ) -> None:
        self._descriptor = descriptor
        self._calibration = calibration
        self._thumbnails = thumbnails
        self._verifier = Verifier()
        self._timer = timer
        self._on_judged = on_judged

    def search(
        self,
        rgb: NDArray[np.uint8],
        snapshot: Snapshot,
        *,
        limit: int,
        videos: frozenset[str] | None = None,
        flat: bool = False,
    ) -> SearchOutcome:
        """Find the scenes that look most like a picture.

        Args:
            rgb: (H, W, 3) uint8.
            limit: scenes to return at most.
            videos: content hashes of the only videos to look in; None for all.
            flat: the picture holds next to nothing, so that no match of it can be called one.
        """
        return self.find(self.describe(rgb, flat=flat), snapshot, limit=limit, videos=videos)

    def describe(self, rgb: NDArray[np.uint8], *, flat: bool = False) -> Described:
        """The first half of :meth:`search`: what the picture is like."""
        clock = _Stopwatch(self._timer)
        first = first_views(rgb)
        views = (*first, *mirrored(first))
        clock.lap("views")
        vectors = self._vectors(views)
        clock.lap("describe")
        return Described(rgb, views, vectors, flat, clock.ms)

    def find(
        self, query: Described, snapshot: Snapshot, *, limit: int, videos: frozenset[str] | None = None
    ) -> SearchOutcome:
        """The second half: what is like it."""
        clock = _Stopwatch(self._timer, query.timings_ms)
        judging = Judging(self._verifier, self._thumbnails, self._calibration)
        hits = _hits(query.views, query.vectors, snapshot, videos)
        judging.take(query.views, hits)
        clock.lap("index")
        groups, judged = self._judge(judging, hits, limit)
        clock.lap("verify")
        self._on_judged(judged)
        if not query.flat and not self._is_match(judged):
            first = more_views(query.rgb)
            views = tuple(_told_apart([*first, *mirrored(first)]))
            clock.lap("views")
            if views:
                vectors = self._vectors(views)
                clock.lap("describe")
                more = _hits(views, vectors, snapshot, videos)
                judging.take(views, more)
                hits += more
                clock.lap("index")
                groups, judged = self._judge(judging, hits, limit)
                clock.lap("verify")
                self._on_judged(judged)
        scenes = self._scenes(judging, judged, groups, snapshot, limit, flat=query.flat)
        clock.lap("group")
        return SearchOutcome(
            scenes=scenes,
            confident=bool(scenes) and scenes[0].is_match,
            frames=snapshot.count,
            generation=snapshot.number,
            timings_ms=clock.ms,
        )

    def _vectors(self, views: Sequence[View]) -> NDArray[np.float32]:
        return self._descriptor.describe(np.stack([view.rgb for view in views]))

    def _is_match(self, judged: Sequence[Judged]) -> bool:
        best = judged[0] if judged else None
        return best is not None and self._calibration.is_match(best.probability, best.verification)

    def _judge(self, judging: Judging, hits: Sequence[Hit], limit: int) -> tuple[list[Hit], list[Judged]]:
        """All scenes by their cosine, and those that were compared by how likely they are."""
        groups = group_scenes(hits)
        first = judging.judge(self._worth_comparing(groups[: min(limit, VERIFIED)]))
        if self._is_match(first):
            return groups, first
        chosen = groups[:VERIFIED]
        # What one view is sure of is not crowded out by what another one finds everywhere.
        for view in dict.fromkeys(hit.view for hit in hits):
            best = next((group for group in groups if group.view == view), None)
            if best is not None and best not in chosen:
                chosen.append(best)
        return groups, judging.judge(self._worth_comparing(chosen))

    def _worth_comparing(self, groups: Sequence[Hit]) -> list[Hit]:
        """Those near the best one by their cosine, and some in any case."""
        if not groups:
            return []
        least = max(self._calibration.least, groups[0].score - self._calibration.behind)
        return [group for number, group in enumerate(groups) if number < _COMPARED or group.score >= least]

    def _scenes(
        self,
        judging: Judging,
        judged: Sequence[Judged],
        groups: Sequence[Hit],
        snapshot: Snapshot,
        limit: int,
        *,
        flat: bool,
    ) -> tuple[Scene, ...]:
        """What is answered: judged scenes, then others by cosine, each drawing once with all of its places."""
        shown: list[Judged] = []
        places: list[list[Hit]] = []
        for each in judged:
            same = next((i for i, one in enumerate(shown) if judging.show_the_same(one.hit, each.hit)), None)
            if same is None:
                shown.append(each)
                places.append([])
            else:
                places[same].append(each.hit)
        taken = {(each.hit.video, each.hit.from_ms) for each in judged}
        rest = [hit for hit in groups if (hit.video, hit.from_ms) not in taken]
        if shown:
            best = shown[0].hit
            # What is no match is not worth a look at what else may show the same.
            likely = self._is_match(shown)
            same_as_best = [hit for hit in rest[:MOST_PLACES] if likely and judging.show_the_same(best, hit)]
            places[0] += same_as_best
            rest = [hit for hit in rest if hit not in same_as_best]
            shown[0] = _moved(shown[0], judging, snapshot)
        least = shown[-1].log_odds if shown else None
        scenes = [
            _scene(each.hit, each.log_odds, others, flat=flat, is_match=self._is_match([each]))
            for each, others in zip(shown, places, strict=True)
        ]
        for hit in rest[: max(0, limit - len(scenes))]:
            # It was not worth comparing: it is no likelier than what was.
            odds = self._calibration.log_odds(hit.score)
            odds = odds if least is None else min(odds, least)
            scenes.append(_scene(hit, odds, (), flat=flat, is_match=False))
        return tuple(scenes[:limit])


class _Stopwatch:
    """Milliseconds by stage, added up where a stage comes again."""

    def __init__(self, timer: Callable[[], float], before: dict[str, float] | None = None) -> None:
        self._timer = timer
        self._last = timer()
        self.ms: dict[str, float] = dict(before or {})

    def lap(self, stage: str) -> None:
        now = self._timer()
        self.ms[stage] = self.ms.get(stage, 0.0) + 1000 * (now - self._last)
        self._last = now


def _hits(
    views: Sequence[View], vectors: NDArray[np.float32], snapshot: Snapshot, videos: frozenset[str] | None
) -> list[Hit]:
    found = snapshot.search(vectors, RUNS_PER_VIEW, videos)
    return [
        Hit(hit.video, hit.from_ms, hit.at_ms, hit.to_ms, hit.score, view.name, hit.run)
        for view, of_view in zip(views, found, strict=True)
        for hit in of_view
    ]


def _told_apart(views: Iterable[View]) -> Iterator[View]:
    """The same views with a number behind a name that comes again."""
    count: dict[str, int] = {}
    for view in views:
        count[view.name] = count.get(view.name, 0) + 1
        kind, *rest = view.name.split("+")
        number = f"#{count[view.name]}" if count[view.name] > 1 else ""
        yield View("+".join([kind + number, *rest]), view.rgb)


def _moved(judged: Judged, judging: Judging, snapshot: Snapshot) -> Judged:
    """The same scene at the run, of those around it, whose picture lies best on the query."""
    if judged.verification is None:
        return judged
    hit = judged.hit
    around = snapshot.runs_around(hit.video, hit.at_ms, _NEIGHBOURS, _NEIGHBOURS_MS)
    if len(around) < 2:
        return judged
    start_ms = judging.best_of(judged, [from_ms for from_ms, _at, _to in around])
    moved_to = next((run for run in around if run[0] == start_ms), None)
    return judged if moved_to is None else judged.at(*moved_to)


def _scene(hit: Hit, log_odds: float, also: Iterable[Hit], *, flat: bool, is_match: bool) -> Scene:
    return Scene(
        video=hit.video,
        from_s=hit.from_ms / 1000,
        at_s=hit.at_ms / 1000,
        to_s=hit.to_ms / 1000,
        similarity=similarity_of(min(log_odds, 0.0) if flat else log_odds),
        probability=0.0 if flat else probability_of(log_odds),
        view=_NUMBER.sub("", hit.view),
        is_match=is_match and not flat,
        also=tuple(
            Place(other.video, other.from_ms / 1000, other.at_ms / 1000, other.to_ms / 1000) for other in also
        ),
    )
