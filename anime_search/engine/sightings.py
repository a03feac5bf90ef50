"""What a clip's frames look like, each by itself: what they vote with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anime_search.engine.search import Place, SearchOutcome


@dataclass(frozen=True, slots=True)
class Sighting:
    """A place that looks like a frame.

    Attributes:
        video: content hash.
        from_s, at_s, to_s: where, in seconds.
        log_odds: the natural logarithm of the odds that it is the frame's scene.
        shown: which of the frame's scenes this is a place of: those of one number show the same drawing.
        is_match: whether the search of this frame alone called it a match.
        view: which reading of the frame it is.
    """

    video: str
    from_s: float
    at_s: float
    to_s: float
    log_odds: float
    shown: int = 0
    is_match: bool = False
    view: str = "full"


@dataclass(frozen=True, slots=True)
class AskedFrame:
    """A frame of the clip: its time in it, in seconds, and what it looks like; nothing, where it says nothing."""

    time_s: float
    sightings: tuple[Sighting, ...] = ()


def sightings_of(outcome: SearchOutcome) -> tuple[Sighting, ...]:
    """What a search for one frame found, with the other places of each scene."""
    sightings: list[Sighting] = []
    for shown, scene in enumerate(outcome.scenes):
        if scene.probability <= 0.0:
            continue
        places = [Place(scene.video, scene.from_s, scene.at_s, scene.to_s), *scene.also]
        sightings += [
            Sighting(
                place.video,
                place.from_s,
                place.at_s,
                place.to_s,
                _log_odds(scene.probability),
                shown,
                scene.is_match,
                scene.view,
            )
            for place in places
        ]
    return tuple(sightings)


def _log_odds(probability: float) -> float:
    return math.log(probability / (1.0 - probability)) if probability < 1.0 else math.inf
