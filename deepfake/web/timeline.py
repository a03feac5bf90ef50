"""The timeline: the frames' probabilities over the video's length, drawn on the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: The drawing's own units; the page stretches it.
WIDTH, HEIGHT = 1000, 200


@dataclass(frozen=True, slots=True)
class Timeline:
    """A drawing.

    Attributes:
        line: the path from frame to frame.
        dots: a path of a point for each frame.
        unsure_y, unsure_height: the band in which nothing is decided; None where the bounds are not known.
        ticks: times under the drawing.
    """

    line: str
    dots: str
    unsure_y: float | None
    unsure_height: float | None
    ticks: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT


def timeline_of(
    points: Sequence[tuple[float, float]], *, duration_s: float, band: tuple[float, float] | None
) -> Timeline:
    """Draw frames.

    Args:
        points: of each frame the second, and its probability of being a fake.
        band: the probabilities between which nothing is decided.
    """
    length_s = max([duration_s, *(at_s for at_s, _ in points)], default=0.0) or 1.0
    places = [(_part(WIDTH, at_s / length_s), _part(HEIGHT, 1 - value)) for at_s, value in points]
    return Timeline(
        line="M" + "L".join(f"{x:g} {y:g}" for x, y in places) if places else "",
        dots="".join(f"M{x:g} {y:g}h0" for x, y in places),
        unsure_y=None if band is None else _part(HEIGHT, 1 - band[1]),
        unsure_height=None if band is None else _part(HEIGHT, band[1] - band[0]),
        ticks=tuple(time_text(length_s * part / 4) for part in range(5)),
    )


@dataclass(frozen=True, slots=True)
class Gauge:
    """The whole range of probabilities as a bar of 1000 units: what is real, undecided, AI-made; and where the video is."""

    real: float
    unsure: float
    fake: float
    at: float


def gauge_of(prob_fake: float, band: tuple[float, float] | None) -> Gauge:
    """Draw a probability. Without bounds the whole bar is undecided."""
    low, high = band if band is not None else (0.0, 1.0)
    return Gauge(
        real=_part(WIDTH, low),
        unsure=_part(WIDTH, high - low),
        fake=_part(WIDTH, high),
        at=_part(WIDTH, prob_fake),
    )


def time_text(time_s: float) -> str:
    """A time as players write it, to the tenth of a second: ``1:02:03.4``, ``2:03.4``."""
    minutes, tenths = divmod(round(time_s * 10), 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{tenths // 10:02d}.{tenths % 10}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


def _part(length: int, share: float) -> float:
    return round(length * min(1.0, max(0.0, share)), 2)
