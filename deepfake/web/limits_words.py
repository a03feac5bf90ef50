"""What was measured of a model, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from deepfake.web.verdict_words import number_of

#: Of a model that was measured on clips that played no part in its making, such figures count first.
_HELD_OUT = "test_"


@dataclass(frozen=True, slots=True)
class MeasuredLimits:
    """A model's measured limits.

    Attributes:
        sentences: those that there are plain words for.
        others: names and figures of all that was measured.
    """

    sentences: tuple[str, ...]
    others: tuple[tuple[str, str], ...]


def limits_of(metrics: Mapping[str, float]) -> MeasuredLimits:
    """Put a manifest's metrics into words."""
    figures = _Figures(metrics)
    found = [
        figures.told("found", _("Of 100 AI-made videos it recognises %(number)s.")),
        figures.told("false_positives", _("Of 100 real videos it calls %(number)s AI-made.")),
        figures.told("inconclusive", _("Of 100 videos it leaves %(number)s undecided.")),
        figures.told(
            "auc",
            _("Of 100 pairs of a real and an AI-made video it ranks the AI-made one higher in %(number)s."),
        ),
        figures.interval(
            "auc", _("That figure itself is known to lie between %(low)s and %(high)s (95%% interval).")
        ),
        figures.told(
            "auc_hardest",
            _("Where lifelike videos made from texts stand against footage of the web, it does so in %(number)s."),
        ),
        figures.told(
            "auc_faces_reenacted", _("With real and AI-made talking heads, it does so in %(number)s.")
        ),
        figures.told(
            "calibration_error", _("Its probabilities are off by %(number)s percentage points on average.")
        ),
    ]  # fmt: skip
    return MeasuredLimits(
        tuple(each for each in found if each),
        tuple((name, number_of(value, 3)) for name, value in sorted(metrics.items())),
    )


class _Figures:
    """Figures by name, those of clips that were held out first."""

    def __init__(self, metrics: Mapping[str, float]) -> None:
        self._metrics = metrics

    def told(self, name: str, words: str) -> str:
        """A sentence with the figure as a number of a hundred; empty where it was not measured."""
        value = self._of(name)
        return "" if value is None else words % {"number": _hundredths(value)}

    def interval(self, name: str, words: str) -> str:
        """A sentence with the interval of a figure; empty where there is none."""
        low, high = self._of(f"{name}_low"), self._of(f"{name}_high")
        if low is None or high is None:
            return ""
        return words % {"low": _hundredths(low), "high": _hundredths(high)}

    def _of(self, name: str) -> float | None:
        return self._metrics.get(_HELD_OUT + name, self._metrics.get(name))


def _hundredths(share: float) -> str:
    return number_of(100 * share, 1)
