"""Times: frames merged into runs at ingest, hits merged into scenes at search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

#: Hits of one video that are no farther apart than this, in milliseconds, show one scene.
SCENE_GAP_MS = 2000


@dataclass(frozen=True, slots=True)
class Hit:
    """One indexed run of frames that looks like the query.

    Attributes:
        video: the video's content hash.
        from_ms, at_ms, to_ms: first, representative and last time of the run.
        score: cosine of the angle between its descriptor and the query's, -1 to 1.
        view: name of the query's view that it looks like.
        run: its position among the runs of its video.
        picture_ms: when that run begins, by which its stored picture is found; None while that is ``from_ms``, which
            a scene moves to the beginning of its span.
    """

    video: str
    from_ms: int
    at_ms: int
    to_ms: int
    score: float
    view: str
    run: int = 0
    picture_ms: int | None = None

    @property
    def pictured_ms(self) -> int:
        """The time by which the stored picture of its best run is found."""
        return self.from_ms if self.picture_ms is None else self.picture_ms

    def seen_as(self, view: str) -> Hit:
        """The same run under another view's name."""
        return replace(self, view=view)


def group_scenes(hits: Iterable[Hit], *, near: float = 0.04) -> list[Hit]:
    """Merge hits that are near each other in time into scenes, best first.

    A scene takes the time ``at_ms``, score and view of its best hit; its span grows over the neighbours
    that score within ``near`` of the best. Weaker neighbours belong to the scene (they are not listed
    beside it) and do not stretch it. Scenes that grow together become one.

    Args:
        hits: in any order; several views may have found the same run.
        near: how much lower, in cosine, a frame may score and still show the same moment.
    """
    scenes: dict[str, list[Hit]] = {}
    for hit in sorted(hits, key=_rank):
        of_video = scenes.setdefault(hit.video, [])
        # The best of what touches takes it in, and may by that have come to touch another.
        while (
            found := min((scene for scene in of_video if _touch(scene, hit)), key=_rank, default=None)
        ) is not None:
            of_video.remove(found)
            hit = _joined(*sorted((found, hit), key=_rank), near=near)  # noqa: PLW2901
        of_video.append(hit)
    return sorted((scene for of_video in scenes.values() for scene in of_video), key=_rank)


def _rank(hit: Hit) -> tuple[float, str, int]:
    return -hit.score, hit.video, hit.at_ms


def _touch(one: Hit, other: Hit) -> bool:
    return one.from_ms - SCENE_GAP_MS <= other.to_ms and other.from_ms <= one.to_ms + SCENE_GAP_MS


def _joined(best: Hit, other: Hit, *, near: float) -> Hit:
    if other.score < best.score - near:
        return best
    return replace(
        best,
        from_ms=min(best.from_ms, other.from_ms),
        to_ms=max(best.to_ms, other.to_ms),
        picture_ms=best.pictured_ms,
    )
