"""A search from picture to scenes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.descriptor import Descriptor
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.scenes import Hit, group_scenes
from anime_search.engine.similarity import Calibration
from anime_search.engine.views import query_views

#: Runs of frames asked of the index for each view, before they are merged into scenes.
RUNS_PER_VIEW = 64


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene that looks like the query.

    Attributes:
        video: the video's content hash.
        from_s, at_s, to_s: span of the scene, and the time that looks most like the query, in seconds.
        similarity: 0 to 1; below 0.87 it is probably another scene.
        probability: that this is the scene, 0 to 1.
        view: which reading of the query matched.
    """

    video: str
    from_s: float
    at_s: float
    to_s: float
    similarity: float
    probability: float
    view: str


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
        views: names of its readings.
        vectors: (V, dim) float32 of unit length, one a view.
        flat: the picture holds next to nothing, so that no match of it can be called one.
        timings_ms: milliseconds by stage.
    """

    views: tuple[str, ...]
    vectors: NDArray[np.float32]
    flat: bool
    timings_ms: dict[str, float]

    @property
    def feature(self) -> str:
        """Names what was extracted from the picture: the same for the same picture, however it was sent.

        Components are rounded to 7 bits: what decoders of one picture differ in changes no digit of it.
        """
        rounded = np.round(self.vectors * 127).astype(np.int8)
        parts = ("\n".join(self.views).encode(), rounded.tobytes(), b"flat" if self.flat else b"")
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


class SceneSearcher:
    """Finds scenes in a snapshot of the index.

    Args:
        descriptor: the one that the index was built with.
        calibration: of that descriptor.
        timer: a monotonic clock in seconds.
    """

    def __init__(
        self, descriptor: Descriptor, calibration: Calibration, timer: Callable[[], float] = time.perf_counter
    ) -> None:
        self._descriptor = descriptor
        self._calibration = calibration
        self._timer = timer

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
        started = self._timer()
        views = query_views(rgb)
        viewed = self._timer()
        vectors = self._descriptor.describe(np.stack([view.rgb for view in views]))
        described = self._timer()
        timings = {"views": 1000 * (viewed - started), "describe": 1000 * (described - viewed)}
        return Described(tuple(view.name for view in views), vectors, flat, timings)

    def find(
        self, query: Described, snapshot: Snapshot, *, limit: int, videos: frozenset[str] | None = None
    ) -> SearchOutcome:
        """The second half: what is like it."""
        started = self._timer()
        found = snapshot.search(query.vectors, RUNS_PER_VIEW, videos)
        searched = self._timer()
        hits = (
            Hit(hit.video, hit.from_ms, hit.at_ms, hit.to_ms, hit.score, view)
            for view, of_view in zip(query.views, found, strict=True)
            for hit in of_view
        )
        scenes = tuple(self._scene(hit, flat=query.flat) for hit in group_scenes(hits)[:limit])
        ended = self._timer()
        return SearchOutcome(
            scenes=scenes,
            confident=bool(scenes) and scenes[0].probability >= self._calibration.confident,
            frames=snapshot.count,
            generation=snapshot.number,
            timings_ms={
                **query.timings_ms,
                "index": 1000 * (searched - started),
                "group": 1000 * (ended - searched),
            },
        )

    def _scene(self, hit: Hit, *, flat: bool) -> Scene:
        return Scene(
            video=hit.video,
            from_s=hit.from_ms / 1000,
            at_s=hit.at_ms / 1000,
            to_s=hit.to_ms / 1000,
            similarity=self._calibration.similarity(hit.score),
            probability=0.0 if flat else self._calibration.probability(hit.score),
            view=hit.view,
        )
