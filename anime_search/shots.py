"""Which shot of its video a scene is, by the boundaries that were found when the video was indexed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anime_search import runtime
from anime_search.engine.bundle import known_descriptors
from anime_search.engine.cuts import scene_around
from anime_search.engine.search import Place
from anime_search.engine.track import load_cuts, track_path
from anime_search.models import Video
from anime_search.selectors import Candidate, Elsewhere

#: Seconds before and after the moment beyond which a shot is not told: a still picture may last for minutes.
MOST_S = 30.0


def cuts_of(video: Video) -> NDArray[np.int32] | None:
    """Beginnings and ends of the transitions between a video's shots, in milliseconds; see :mod:`.engine.cuts`.

    None for a video that was indexed before they were looked for.
    """
    # While videos are described anew, some have a track by another descriptor only; its cuts are the same.
    tracks = (track_path(runtime.tracks_dir(), name, video.sha256) for name in known_descriptors())
    return next((cuts for path in tracks if (cuts := load_cuts(path)) is not None), None)


def in_shots(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The same candidates, each from the beginning to the end of the shot that shows it, and so their other places.

    Where the boundaries are not known, the span is that of the frames that look alike. Of candidates out of one
    shot the first stays.
    """
    cuts: dict[str, NDArray[np.int32] | None] = {}

    def shot(video: Video, from_s: float, at_s: float, to_s: float) -> tuple[float, float]:
        if video.sha256 not in cuts:
            cuts[video.sha256] = cuts_of(video)
        if cuts[video.sha256] is None:
            return from_s, to_s
        return scene_around(
            cuts[video.sha256],
            at_s,
            video.duration_ms / 1000,
            most_before_s=MOST_S,
            most_after_s=MOST_S,
            least_s=0.0,
        )

    def whole(other: Elsewhere) -> Elsewhere:
        place = other.place
        from_s, to_s = shot(other.video, place.from_s, place.at_s, place.to_s)
        return replace(other, place=Place(place.video, from_s, place.at_s, to_s))

    found: dict[tuple[str, float, float], Candidate] = {}
    for candidate in candidates:
        scene = candidate.scene
        from_s, to_s = shot(candidate.video, scene.from_s, scene.at_s, scene.to_s)
        others = tuple(whole(other) for other in candidate.also)
        found.setdefault(
            (scene.video, from_s, to_s),
            replace(candidate, scene=replace(scene, from_s=from_s, to_s=to_s), also=others),
        )
    return list(found.values())
