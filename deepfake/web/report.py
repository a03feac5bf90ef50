"""A verdict's page: everything in words, nothing left for the template to compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deepfake.keepsakes import pictures_kept
from deepfake.models import Analysis
from deepfake.web.frames import FrameView, frame_views, heaviest
from deepfake.web.limits_words import MeasuredLimits, limits_of
from deepfake.web.timeline import Gauge, Timeline, gauge_of, time_text, timeline_of
from deepfake.web.verdict_words import (
    VerdictWords,
    never_certain,
    number_of,
    percent,
    quality_words,
    verdict_words,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something in the file that says where it comes from."""

    words: str
    generator: str
    detail: str
    is_generator: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A verdict.

    Attributes:
        probability, counter_probability: that it is artificial, and that it is not.
        band: the undecided range in words; empty where it is not known.
        frames, heaviest: all that were judged, and those that weighed most.
        facts: names and values of what was looked at.
        warnings: what makes the verdict worth less.
        marks: what the file says of itself.
        takes: how long it took, in words.
    """

    words: VerdictWords
    probability: str
    counter_probability: str
    band: str
    gauge: Gauge
    timeline: Timeline
    frames: list[FrameView]
    heaviest: list[FrameView]
    facts: list[tuple[str, str]]
    warnings: list[str]
    marks: list[Mark]
    limits: MeasuredLimits
    takes: str

    @property
    def has_pictures(self) -> bool:
        return any(frame.picture for frame in self.frames)

    @property
    def has_regions(self) -> bool:
        return any(frame.heat or frame.regions for frame in self.heaviest)

    @property
    def names_generator(self) -> bool:
        return any(mark.is_generator for mark in self.marks)


def report_of(analysis: Analysis) -> Report:
    """The page of an analysis that is done."""
    evidence: Mapping[str, Any] = analysis.evidence or {}
    video, fake = evidence.get("video") or {}, analysis.thousandths_fake / 1000
    band = _band(evidence)
    frames = frame_views(analysis.public_id, evidence, pictures_kept(analysis.public_id))
    points = [(frame["at_s"], frame["prob_fake"]) for frame in evidence.get("frames", ())]
    return Report(
        words=verdict_words(analysis),
        probability=percent(never_certain(fake)),
        counter_probability=percent(never_certain(1 - fake)),
        band=""
        if band is None
        else _("Between %(low)s and %(high)s this model does not decide.")
        % {"low": percent(band[0]), "high": percent(band[1])},
        gauge=gauge_of(fake, band),
        timeline=timeline_of(points, duration_s=video.get("duration_s") or 0.0, band=band),
        frames=frames,
        heaviest=heaviest(frames),
        facts=_facts(evidence),
        warnings=[quality_words(name) for name in evidence.get("quality", ())],
        marks=[_mark(raw) for raw in evidence.get("provenance", ())],
        limits=limits_of((evidence.get("model") or {}).get("metrics") or {}),
        takes=number_of((analysis.processing_time_ms or 0) / 1000, 1),
    )


def _band(evidence: Mapping[str, Any]) -> tuple[float, float] | None:
    raw = evidence.get("thresholds")
    return None if raw is None else (raw["real_below"], raw["fake_above"])


def _facts(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Frames, faces, size, length, codec and compression."""
    video, frames = evidence.get("video") or {}, evidence.get("frames") or []
    faces = sum(len(frame.get("faces", ())) for frame in frames)
    with_faces = sum(bool(frame.get("faces")) for frame in frames)
    facts = [(_("Frames"), ngettext("%(n)d frame", "%(n)d frames", len(frames)) % {"n": len(frames)})]
    if faces:
        facts += [
            (_("Faces"), ngettext("%(n)d face", "%(n)d faces", faces) % {"n": faces}),
            (
                _("Frames with a face"),
                ngettext("%(n)d frame", "%(n)d frames", with_faces) % {"n": with_faces},
            ),
        ]
    else:
        facts.append((_("Faces"), _("none found, or not looked for")))
    if video:
        facts += [
            (_("Resolution"), f"{video['width']} × {video['height']}"),
            (_("Length"), time_text(video["duration_s"])),
            (_("Frames a second"), number_of(video["fps"], 2)),
            (_("Format"), _format(video)),
            (_("Compression"), _compression(evidence)),
        ]
    return facts


#: What people call the containers that libavformat has long names for.
_CONTAINERS: Final = {
    "mov,mp4,m4a,3gp,3g2,mj2": "MP4/MOV",
    "matroska,webm": "Matroska/WebM",
    "avi": "AVI",
    "mpegts": "MPEG-TS",
}


def _format(video: Mapping[str, Any]) -> str:
    container = str(video["container"])
    return f"{video['codec']} · {_CONTAINERS.get(container, container)}"


def _compression(evidence: Mapping[str, Any]) -> str:
    bits = number_of(evidence["video"]["bits_per_pixel"], 3)
    if "heavily_compressed" in evidence.get("quality", ()):
        return _("heavy, %(bits)s bits a pixel: probably saved again") % {"bits": bits}
    return _("not heavy, %(bits)s bits a pixel") % {"bits": bits}


def _mark(raw: Mapping[str, Any]) -> Mark:
    if raw.get("found_in") == "c2pa":
        words = {
            True: _("Signed provenance (C2PA), the signature holds"),
            False: _("Provenance (C2PA) that does not hold"),
            None: _("Provenance (C2PA), not checked"),
        }[raw.get("verified")]
    else:
        words = _("A tag of the file")
    return Mark(words, raw.get("generator") or "", raw.get("detail") or "", bool(raw.get("is_generator")))
