"""A query's candidates compared with their stored pictures, and ranked by what that says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.agreement import IDENTITY, mean_correlation
from anime_search.engine.scenes import Hit
from anime_search.engine.similarity import Calibration, probability_of
from anime_search.engine.verify import Features, Verification, Verifier
from anime_search.engine.views import MIRRORED, View

#: Reads the stored picture, (144, 256, 3) uint8 RGB, of the run of a video that begins at a time in milliseconds.
Thumbnails = Callable[[str, int], NDArray[np.uint8] | None]

#: Inliers and agreement without which a candidate is looked at in the mirror as well.
_PLAIN_INLIERS, _PLAIN_AGREEMENT = 12, 0.5
#: ... if the mirrored view found it too, by a cosine lower by no more than this.
_TWIN_WITHIN = 0.15
#: How well two stored pictures agree, as they lie, that show one drawing: a repeated opening, a recap.
_SAME_DRAWING = 0.8
#: One drawing encoded twice is about as like the query, in cosine.
_SAME_SCORE = 0.06


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate, and how likely it is the scene.

    Attributes:
        hit: with the view that fits best, which may be the mirrored twin of the one that found it.
        log_odds: the natural logarithm of the odds that it is the scene.
        verification: None where there was no picture to compare with.
    """

    hit: Hit
    log_odds: float
    verification: Verification | None

    @property
    def probability(self) -> float:
        """That it is the scene, 0 to 1."""
        return probability_of(self.log_odds)

    def at(self, from_ms: int, at_ms: int, to_ms: int) -> Judged:
        """The same scene with its picture at another time, which the scene's span takes in."""
        hit = self.hit
        return replace(
            self,
            hit=replace(
                hit,
                from_ms=min(hit.from_ms, from_ms),
                at_ms=at_ms,
                to_ms=max(hit.to_ms, to_ms),
                picture_ms=from_ms,
            ),
        )


class Judging:
    """Compares one query's views with candidates' pictures, each pair once. Belongs to one search."""

    def __init__(self, verifier: Verifier, thumbnails: Thumbnails, calibration: Calibration) -> None:
        self._verifier = verifier
        self._thumbnails = thumbnails
        self._calibration = calibration
        self._views: dict[str, View] = {}
        self._of_view: dict[str, Features] = {}
        self._of_picture: dict[tuple[str, int], Features | None] = {}
        self._pixels_of: dict[tuple[str, int], Features | None] = {}
        self._judged: dict[tuple[str, int, str], Judged] = {}
        self._cosines: dict[tuple[str, int, str], float] = {}

    def take(self, views: Iterable[View], hits: Iterable[Hit]) -> None:
        """Views of the query that hits may name from now on, and all that they hit."""
        self._views |= {view.name: view for view in views}
        self._cosines |= {(hit.video, hit.pictured_ms, hit.view): hit.score for hit in hits}

    def judge(self, hits: Iterable[Hit]) -> list[Judged]:
        """All of them, the likeliest first."""
        return sorted((self._judge(hit) for hit in hits), key=lambda each: -each.log_odds)

    def _judge(self, hit: Hit) -> Judged:
        key = (hit.video, hit.pictured_ms, hit.view)
        if key not in self._judged:
            self._judged[key] = self._compare(hit)
        return self._judged[key]

    def _compare(self, hit: Hit) -> Judged:
        found = self._as(hit)
        seen = found.verification
        if seen is None or (seen.inliers >= _PLAIN_INLIERS and seen.agreement >= _PLAIN_AGREEMENT):
            return found
        twin = hit.view.removesuffix(MIRRORED) if hit.view.endswith(MIRRORED) else hit.view + MIRRORED
        if self._cosines.get((hit.video, hit.pictured_ms, twin), -1.0) < hit.score - _TWIN_WITHIN:
            return found
        return max(found, self._as(hit.seen_as(twin)), key=lambda each: each.log_odds)

    def _as(self, hit: Hit) -> Judged:
        picture = self.features(hit.video, hit.pictured_ms)
        verification = None if picture is None else self._verifier.check(self.view(hit.view), picture)
        return Judged(hit, self._calibration.log_odds(hit.score, verification), verification)

    def view(self, name: str) -> Features:
        """What is compared of a view."""
        if name not in self._of_view:
            self._of_view[name] = self._verifier.features(self._views[name].rgb)
        return self._of_view[name]

    def features(self, video: str, from_ms: int) -> Features | None:
        """What is compared of a stored picture; None where there is none."""
        key = (video, from_ms)
        if key not in self._of_picture:
            rgb = self._thumbnails(video, from_ms)
            self._of_picture[key] = None if rgb is None else self._verifier.features(rgb)
        return self._of_picture[key]

    def _pixels(self, video: str, from_ms: int) -> Features | None:
        """The same without local features, unless they were looked for already."""
        key = (video, from_ms)
        if key not in self._pixels_of and key not in self._of_picture:
            rgb = self._thumbnails(video, from_ms)
            self._pixels_of[key] = None if rgb is None else self._verifier.pixels(rgb)
        return self._of_picture[key] if key in self._of_picture else self._pixels_of[key]

    def show_the_same(self, one: Hit, other: Hit) -> bool:
        """Whether the stored pictures of two candidates are one drawing."""
        if abs(one.score - other.score) > _SAME_SCORE:
            return False
        pictures = self._pixels(one.video, one.pictured_ms), self._pixels(other.video, other.pictured_ms)
        if pictures[0] is None or pictures[1] is None:
            return False
        return mean_correlation(pictures[0].luma, pictures[1].luma, IDENTITY) >= _SAME_DRAWING

    def best_of(self, judged: Judged, neighbours: Iterable[int]) -> int:
        """The time at which the run begins, among neighbours of a candidate, whose picture lies best on the query."""
        seen, times = judged.verification, list(neighbours)
        if seen is None or not times:
            return judged.hit.pictured_ms
        pictures = [self._pixels(judged.hit.video, from_ms) for from_ms in times]
        refined = self._verifier.refine(self.view(judged.hit.view), seen, pictures)
        return judged.hit.pictured_ms if refined is None else times[refined.position]
