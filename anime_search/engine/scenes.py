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
    """

    video: str
    from_ms: int
    at_ms: int
    to_ms: int
    score: float
    view: str


def group_scenes(hits: Iterable[Hit], *, near: float = 0.04) -> list[Hit]:
    """Merge hits that are near each other in time into scenes, best first.

    A scene takes the time ``at_ms``, score and view of its best hit; its span grows over the neighbours
    that score within ``near`` of the best. Weaker neighbours belong to the scene (they are not listed
    beside it) and do not stretch it.

    Args:
        hits: in any order; several views may have found the same run.
        near: how much lower, in cosine, a frame may score and still show the same moment.
    """
    scenes: dict[str, list[Hit]] = {}
    for hit in sorted(hits, key=lambda hit: (-hit.score, hit.video, hit.at_ms)):
        of_video = scenes.setdefault(hit.video, [])
        for position, scene in enumerate(of_video):
            if hit.from_ms - SCENE_GAP_MS <= scene.to_ms and scene.from_ms <= hit.to_ms + SCENE_GAP_MS:
                if hit.score >= scene.score - near:
                    of_video[position] = replace(
                        scene,
                        from_ms=min(scene.from_ms, hit.from_ms),
                        to_ms=max(scene.to_ms, hit.to_ms),
                    )
                break
        else:
            of_video.append(hit)
    return sorted(
        (scene for of_video in scenes.values() for scene in of_video),
        key=lambda scene: (-scene.score, scene.video, scene.at_ms),
    )
