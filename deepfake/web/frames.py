"""The frames that were judged, as the verdict's page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from deepfake.engine.pictures import LONG_SIDE
from deepfake.keepsakes import KeptPictures
from deepfake.web.timeline import time_text
from deepfake.web.verdict_words import percent

#: Frames that are shown large.
MOST_HEAVY = 3
#: Units of the drawing that lies over a picture.
UNITS = 1000


@dataclass(frozen=True, slots=True)
class BoxView:
    """A part of a picture, in :data:`UNITS` of its width and height, and in words."""

    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class FrameView:
    """One judged frame.

    Attributes:
        number: from 1 on, in the order of time.
        at, probability, weight: in words.
        share: its share in the verdict, 0 to 1.
        faces, regions: parts of it; the regions are those that weighed most.
        manipulated: of each face the probability of being manipulated, in a line; empty without faces.
        picture, heat: addresses; empty where there is none.
        width, height: of the pictures as they are laid out.
    """

    number: int
    at: str
    probability: str
    weight: str
    share: float
    faces: tuple[BoxView, ...]
    manipulated: str
    regions: tuple[BoxView, ...]
    picture: str
    heat: str
    width: int
    height: int


def frame_views(public_id: str, evidence: Mapping[str, Any], kept: KeptPictures) -> list[FrameView]:
    """The frames of an analysis, in order of time."""
    video = evidence.get("video") or {}
    width, height = _size(video.get("width") or 16, video.get("height") or 9)
    comma = pgettext("between the parts of a list", ", ")
    return [
        FrameView(
            number=number + 1,
            at=time_text(frame["at_s"]),
            probability=percent(frame["prob_fake"], 0),
            weight=percent(frame["weight"], 0),
            share=frame["weight"],
            faces=tuple(_face(each) for each in frame.get("faces", ())),
            manipulated=comma.join(_manipulated(each) for each in frame.get("faces", ())),
            regions=tuple(_region(each) for each in frame.get("regions", ())),
            picture=reverse("detect-frame", args=[public_id, number]) if number in kept.plain else "",
            heat=reverse("detect-heat", args=[public_id, number]) if number in kept.heat else "",
            width=width,
            height=height,
        )
        for number, frame in enumerate(evidence.get("frames", ()))
    ]


def heaviest(frames: Sequence[FrameView]) -> list[FrameView]:
    """The frames that weighed most, heaviest first."""
    return sorted(frames, key=lambda frame: -frame.share)[:MOST_HEAVY]


def _size(width: int, height: int) -> tuple[int, int]:
    """Of the small pictures of a video of this size."""
    scale = LONG_SIDE / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _region(raw: Mapping[str, Any]) -> BoxView:
    words = _("%(place)s: %(share)s of what spoke for a fake in this frame")
    return _box(raw["box"], words % {"place": _place(raw["box"]), "share": percent(raw["weight"], 0)})


def _face(raw: Mapping[str, Any]) -> BoxView:
    if raw.get("prob_fake") is None:
        return _box(raw["box"], _("face, %(place)s") % {"place": _place(raw["box"])})
    words = _("face, %(place)s: manipulated with a probability of %(probability)s")
    return _box(
        raw["box"], words % {"place": _place(raw["box"]), "probability": percent(raw["prob_fake"], 0)}
    )


def _manipulated(raw: Mapping[str, Any]) -> str:
    return _("not looked at") if raw.get("prob_fake") is None else percent(raw["prob_fake"], 0)


def _box(raw: Mapping[str, float], words: str) -> BoxView:
    x, y, width, height = (round(UNITS * float(raw[name]), 1) for name in ("left", "top", "width", "height"))
    return BoxView(x, y, width, height, words)


def _place(box: Mapping[str, float]) -> str:
    """Where the middle of a part lies, in words."""
    column = _third(box["left"] + box["width"] / 2)
    row = _third(box["top"] + box["height"] / 2)
    names = (
        (_("top left"), _("top"), _("top right")),
        (_("left"), _("middle"), _("right")),
        (_("bottom left"), _("bottom"), _("bottom right")),
    )
    return names[row][column]


def _third(share: float) -> int:
    return min(2, max(0, int(3 * share)))
