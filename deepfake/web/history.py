"""An analysis in a line: what it was of, when, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from deepfake.models import Analysis, AnalysisStatus, SourceType
from deepfake.web.failures import failure_words
from deepfake.web.verdict_words import never_certain, percent, verdict_words


@dataclass(frozen=True, slots=True)
class Entry:
    """One analysis.

    Attributes:
        label: what the video is called, or where it is.
        url: where it was found; empty for a file.
        tone: of the verdict; ``open`` or ``failed`` where there is none.
        words: the verdict, or how it stands.
        probability: that it is artificial; empty without a verdict.
    """

    public_id: str
    label: str
    url: str
    at: datetime
    is_open: bool
    tone: str
    words: str
    probability: str


def entry_of(analysis: Analysis) -> Entry:
    """The line of an analysis."""
    probability = ""
    if analysis.is_open:
        tone, words = "open", _("Being worked on")
    elif analysis.status == AnalysisStatus.DONE:
        verdict = verdict_words(analysis)
        tone, words, probability = (
            verdict.tone.value,
            verdict.title,
            percent(never_certain(analysis.thousandths_fake / 1000)),
        )
    else:
        tone, words = "failed", failure_words(analysis).title
    unnamed = _("A file") if analysis.source_type == SourceType.FILE else analysis.source_url
    return Entry(
        public_id=analysis.public_id,
        label=analysis.title or unnamed,
        url=analysis.source_url,
        at=analysis.created_at,
        is_open=analysis.is_open,
        tone=tone,
        words=words,
        probability=probability,
    )
