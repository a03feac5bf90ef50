"""Where a clip is from: its frames are searched one by one, and vote for a place in time.

A clip that shows a scene shows it in order. Frame ``i``, which comes ``t_i`` seconds into the clip, lies in the video
at ``offset + speed * t_i``: all frames on one line, whatever each of them looks like beside. What a frame was found to
be like, and how likely, is its vote for lines; the line with the strongest votes is the scene (a Hough transform with
exhaustive pairs, as in RANSAC, instead of cells; of equal votes the least absolute deviation decides).

How votes add up, in logarithms of odds:

* For: the best of what lies on the line, and of each other drawing there ``ln(1 + e^(l + c)) / k``, the strongest
  first (``k`` = 2, 3, …), with ``c`` = :data:`IN_TIME`. Frames of one drawing are one: they are right or wrong
  together. Drawings of one scene depend on each other too, so that the ``k``-th is worth a ``k``-th: a dozen are worth
  as much as three that are independent.
* Against: of frames that are likelier somewhere else, how likely, in the same way, ``l / k`` by drawing.
* Frames without any match, and places that are less likely than not, say nothing either way.

So the sum grows with every vote on the line and falls with every vote elsewhere, and no single frame decides it: votes
are cut at :data:`MOST_LOG_ODDS`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anime_search.engine.search import Place
from anime_search.engine.sightings import AskedFrame, Sighting
from anime_search.engine.similarity import probability_of

#: How far from the line, in seconds, what a frame shows may be.
TOLERANCE_S = 0.5
#: How many times as fast, or as slow, as the video a clip may be.
SLOWEST, FASTEST = 0.5, 2.0
#: A single frame's vote is cut at this: the odds of 3,000 to 1.
MOST_LOG_ODDS = 8.0
#: Frames agree with a place that is at least so likely (5 %), and hardly less than any other place.
LEAST_LOG_ODDS = -3.0
MARGIN = 2.0
#: Times in a video that are no farther apart show one drawing, in seconds.
DRAWING_S = 0.25
#: What lying on the line is worth by itself: hardly anything else does.
IN_TIME = 2.0
#: Probability from which an answer is called a match although no frame is a match by itself.
CERTAIN = 0.95

#: Bounds of the work: places of a frame in one video that lines are drawn through, the likeliest first; videos that
#: lines are looked for in; lines of one video that are answered, and that are looked at for each.
_PLACES_A_FRAME, _MOST_VIDEOS, _LINES_A_VIDEO, _MOST_LINES = 4, 24, 3, 64
#: A line of another speed than the video's own must lie so much better: over short clips any speed does.
_OTHER_SPEED = 0.9


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one frame says of a scene.

    Attributes:
        time_s: of the frame, in the clip.
        agrees: whether it was seen where the scene has it.
        here: logarithm of the odds that it is; None where it was not seen there at all.
        elsewhere: of the likeliest other place; None where there is none.
    """

    time_s: float
    agrees: bool
    here: float | None
    elsewhere: float | None


@dataclass(frozen=True, slots=True)
class VotedScene:
    """A scene that a clip may show.

    Attributes:
        video: content hash.
        from_s, to_s: what the clip shows of the video, without frames of another origin at its ends, in seconds.
            Where one frame agrees only, the span of the scene it was found in.
        at_s: time in the video of the first of these frames.
        log_odds, probability: that the clip shows it.
        speed: seconds of video in a second of the clip.
        view: reading of the frame that is the surest.
        is_match: it is likely, and borne out, enough to be called a match.
        evidence: of each frame that was asked about.
        also: other places that show the same drawings.
    """

    video: str
    from_s: float
    at_s: float
    to_s: float
    log_odds: float
    probability: float
    speed: float
    view: str
    is_match: bool
    evidence: tuple[Evidence, ...]
    also: tuple[Place, ...] = ()

    @property
    def agreeing(self) -> int:
        """How many frames agree."""
        return sum(one.agrees for one in self.evidence)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the frames of a clip found together, best first, and whether the first is called a match."""

    scenes: tuple[VotedScene, ...]
    confident: bool


def vote(frames: Sequence[AskedFrame], *, length_s: float, limit: int) -> Verdict:
    """Find the scene that a clip shows.

    A scene is called a match if it is likelier than not, at least one of its frames is a match by itself (or
    the whole is all but certain), and it is not one drawing among many frames that were found nowhere near: of a dozen
    frames one will look like something by chance.

    Args:
        frames: in the order of their times.
        length_s: of the clip.
        limit: scenes at most.
    """
    frames = [
        replace(frame, sightings=tuple(sorted(frame.sightings, key=lambda seen: -seen.log_odds)))
        for frame in frames
    ]
    found = sorted(
        (line for video in _likeliest_videos(frames) for line in _lines(frames, video)),
        key=lambda line: (-line.log_odds, -line.quality, line.video, line.offset_s),
    )
    shown: list[_Line] = []
    places: list[list[_Line]] = []
    for line in found:
        same = next((i for i, one in enumerate(shown) if _shows_the_same(one, line)), None)
        if same is None:
            shown.append(line)
            places.append([])
        else:
            places[same].append(line)
    scenes = tuple(
        replace(
            line.scene(length_s),
            also=tuple(
                Place(other.video, other.from_s, other.at_s, other.to_s)
                for other in (each.scene(length_s) for each in others)
            ),
        )
        for line, others in zip(shown[:limit], places[:limit], strict=True)
    )
    return Verdict(scenes, bool(shown) and _is_match(shown[0]))


def _is_match(line: _Line) -> bool:
    agreeing = [seen for seen, says in zip(line.seen, line.evidence, strict=True) if says.agrees and seen]
    drawings = {_drawing(seen) for seen in agreeing}
    is_borne_out = len(drawings) >= 2 or 2 * len(agreeing) >= len(line.frames)
    is_sure = any(seen.is_match for seen in agreeing) or probability_of(line.log_odds) >= CERTAIN
    return bool(agreeing) and line.log_odds >= 0 and is_borne_out and is_sure


@dataclass(frozen=True, slots=True)
class _Line:
    """Frame times mapped to a video's; ``seen`` is what each frame has on it."""

    frames: Sequence[AskedFrame]
    video: str
    offset_s: float
    speed: float
    seen: tuple[Sighting | None, ...]
    evidence: tuple[Evidence, ...]
    log_odds: float
    quality: float

    def scene(self, length_s: float) -> VotedScene:
        from_s, at_s, to_s = self._span(length_s)
        surest = max((seen for seen in self.seen if seen is not None), key=lambda seen: seen.log_odds)
        return VotedScene(
            video=self.video,
            from_s=from_s,
            at_s=at_s,
            to_s=to_s,
            log_odds=self.log_odds,
            probability=probability_of(self.log_odds),
            speed=self.speed,
            view=surest.view,
            is_match=_is_match(self),
            evidence=self.evidence,
        )

    def _span(self, length_s: float) -> tuple[float, float, float]:
        agreeing = [number for number, says in enumerate(self.evidence) if says.agrees]
        if len(agreeing) < 2:
            seen = [each for each in self.seen if each is not None]
            best = max(seen, key=lambda each: each.log_odds)
            return best.from_s, best.at_s, best.to_s
        first, last = agreeing[0], agreeing[-1]
        while first and not self._is_foreign(first - 1):
            first -= 1
        while last + 1 < len(self.frames) and not self._is_foreign(last + 1):
            last += 1
        start_s = self.frames[first].time_s
        end_s = length_s if last + 1 == len(self.frames) else self.frames[last].time_s
        from_s = max(0.0, self.offset_s + self.speed * start_s)
        return from_s, from_s, max(from_s, self.offset_s + self.speed * end_s)

    def _is_foreign(self, number: int) -> bool:
        says = self.evidence[number]
        return _speaks_against(says.here, says.elsewhere)


def _likeliest_videos(frames: Sequence[AskedFrame]) -> list[str]:
    votes: dict[str, float] = {}
    for frame in frames:
        best: dict[str, float] = {}
        for seen in frame.sightings:
            best[seen.video] = max(best.get(seen.video, 0.0), _softplus(_cut(seen.log_odds)))
        for video, worth in best.items():
            votes[video] = votes.get(video, 0.0) + worth
    return sorted(votes, key=lambda video: (-votes[video], video))[:_MOST_VIDEOS]


def _lines(frames: Sequence[AskedFrame], video: str) -> Iterable[_Line]:
    """The best line through a video, then the best through what is left, and so on."""
    left = [
        (number, seen)
        for number, frame in enumerate(frames)
        for seen in [each for each in frame.sightings if each.video == video][:_PLACES_A_FRAME]
    ]
    for _ in range(_LINES_A_VIDEO):
        if not left:
            return
        best, is_on = _best_line(frames, video, left)
        yield best
        left = [each for each, on in zip(left, is_on, strict=True) if not on]


def _best_line(
    frames: Sequence[AskedFrame], video: str, left: Sequence[tuple[int, Sighting]]
) -> tuple[_Line, NDArray[np.bool_]]:
    numbers = np.array([number for number, _ in left])
    times = np.array([frames[number].time_s for number, _ in left])
    from_, at, to = (
        np.array(column)
        for column in zip(*((seen.from_s, seen.at_s, seen.to_s) for _, seen in left), strict=True)
    )
    votes = np.array([_softplus(_cut(seen.log_odds)) for _, seen in left])
    offsets, speeds = _through(times, at)
    predicted = offsets[:, None] + speeds[:, None] * times
    on = np.maximum(from_ - predicted, predicted - to) <= TOLERANCE_S
    near = 1.0 - 0.5 * np.minimum(1.0, np.abs(at - predicted))
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    quality = np.maximum.reduceat(np.where(on, votes * near, 0.0), starts, axis=1).sum(axis=1)
    quality *= np.where(speeds == 1.0, 1.0, _OTHER_SPEED)
    # Lines through the same sightings have the same votes: the one that lies best stands for them.
    different: dict[bytes, int] = {}
    for row in np.argsort(-quality, kind="stable"):
        different.setdefault(on[row].tobytes(), int(row))
        if len(different) == _MOST_LINES:
            break
    lines = {
        row: _line(frames, video, left, on[row], offsets[row], speeds[row], quality[row])
        for row in different.values()
    }
    best = max(lines, key=lambda row: (round(lines[row].log_odds, 6), lines[row].quality))
    return lines[best], on[best]


def _through(times: NDArray[np.float64], at: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Offsets and speeds of lines through each sighting, at some speeds, and through each two of them."""
    speeds = [np.full(len(times), speed) for speed in (1.0, SLOWEST, FASTEST)]
    anchors = [np.arange(len(times))] * 3
    one, other = np.nonzero(times[:, None] < times)
    slope = (at[other] - at[one]) / (times[other] - times[one])
    is_possible = (slope >= SLOWEST) & (slope <= FASTEST)
    anchor = np.concatenate([*anchors, one[is_possible]])
    speed = np.concatenate([*speeds, slope[is_possible]])
    return at[anchor] - speed * times[anchor], speed


def _line(
    frames: Sequence[AskedFrame],
    video: str,
    left: Sequence[tuple[int, Sighting]],
    is_on: NDArray[np.bool_],
    offset_s: float,
    speed: float,
    quality: float,
) -> _Line:
    seen: list[Sighting | None] = [None] * len(frames)
    for (number, each), on in zip(left, is_on, strict=True):
        if on:
            best = seen[number]
            seen[number] = each if best is None or each.log_odds > best.log_odds else best
    evidence: list[Evidence] = []
    for_: dict[tuple[str, int], float] = {}
    against: dict[tuple[str, int], float] = {}
    for frame, here in zip(frames, seen, strict=True):
        other = next(
            (each for each in frame.sightings if not _is_on(each, video, offset_s + speed * frame.time_s)),
            None,
        )
        odds = None if here is None else _cut(here.log_odds)
        others = None if other is None else _cut(other.log_odds)
        is_against = _speaks_against(odds, others)
        agrees = odds is not None and odds >= LEAST_LOG_ODDS and not is_against
        evidence.append(Evidence(frame.time_s, agrees, odds, others))
        if here is not None and odds is not None:
            for_[_drawing(here)] = max(odds, for_.get(_drawing(here), -MOST_LOG_ODDS))
        if is_against and other is not None and others is not None:
            against[_drawing(other)] = max(others, against.get(_drawing(other), 0.0))
    surest, *rest = sorted(for_.values(), reverse=True)
    log_odds = surest + sum(_softplus(odds + IN_TIME) / k for k, odds in enumerate(rest, 2))
    log_odds -= sum(odds / k for k, odds in enumerate(sorted(against.values(), reverse=True), 1))
    return _Line(
        frames, video, float(offset_s), float(speed), tuple(seen), tuple(evidence), log_odds, float(quality)
    )


def _speaks_against(here: float | None, elsewhere: float | None) -> bool:
    """Whether a frame of these votes is more of another place, likelier than not, than of this one."""
    return elsewhere is not None and elsewhere > 0 and (here is None or here < elsewhere - MARGIN)


def _is_on(seen: Sighting, video: str, time_s: float) -> bool:
    return seen.video == video and seen.from_s - TOLERANCE_S <= time_s <= seen.to_s + TOLERANCE_S


def _shows_the_same(one: _Line, other: _Line) -> bool:
    """Whether most frames that agree with a line are of drawings that the other line has as well."""
    pairs = [
        theirs.shown == ours.shown if ours is not None else False
        for ours, theirs, says in zip(one.seen, other.seen, other.evidence, strict=True)
        if theirs is not None and says.agrees
    ]
    return 2 * sum(pairs) > len(pairs)


def _drawing(seen: Sighting) -> tuple[str, int]:
    """Names the drawing: cells of a fixed grid, so that one frame more never joins two others."""
    return seen.video, math.floor(seen.at_s / DRAWING_S)


def _cut(log_odds: float) -> float:
    return max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, log_odds))


def _softplus(log_odds: float) -> float:
    return math.log1p(math.exp(log_odds))
