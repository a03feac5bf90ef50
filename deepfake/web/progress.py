"""How far an analysis is: its stages in order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deepfake.models import Analysis, AnalysisStatus, SourceType, Stage
from deepfake.selectors import analyses_before


class StepState(StrEnum):
    """Whether a step is behind, at hand, or ahead."""

    DONE = "done"
    NOW = "now"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        share: what is done of the one at hand, in hundredths; None where that is not known.
    """

    label: str
    state: StepState
    share: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """All steps, the words of the one at hand, and how many analyses come before this one, in words or empty."""

    steps: list[Step]
    now: str
    before: str


def progress_of(analysis: Analysis) -> Progress:
    """The steps of an analysis that is open."""
    labels = {
        "": _("Waiting for its turn"),
        Stage.DOWNLOAD: _("Fetching the video"),
        Stage.DECODE: _("Looking over the video"),
        Stage.FACES: _("Looking for faces"),
        Stage.MODEL: _("Judging the frames"),
    }
    if analysis.source_type == SourceType.FILE:
        del labels[Stage.DOWNLOAD]
    names = list(labels)
    place = names.index(analysis.stage) if analysis.stage in labels else 0
    # A stage that has just begun, and faces, which say nothing of how far they are.
    share = round(100 * analysis.share) if analysis.stage and analysis.share > 0 else None
    steps = [
        Step(label, _state(number, place), share if number == place else None)
        for number, label in enumerate(labels.values())
    ]
    return Progress(steps, steps[place].label, _before(analysis))


def _state(number: int, place: int) -> StepState:
    if number == place:
        return StepState.NOW
    return StepState.DONE if number < place else StepState.AHEAD


def _before(analysis: Analysis) -> str:
    if analysis.status != AnalysisStatus.QUEUED or not (before := analyses_before(analysis)):
        return ""
    words = ngettext("%(n)d analysis is before this one.", "%(n)d analyses are before this one.", before)
    return words % {"n": before}
