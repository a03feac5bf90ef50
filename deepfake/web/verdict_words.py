"""A verdict in calibrated words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from deepfake.engine.verdict import Manipulation, Quality, Result
from deepfake.models import Analysis


class Tone(StrEnum):
    """Colour of a verdict."""

    FAKE = "fake"
    REAL = "real"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """A verdict as it is told.

    Attributes:
        title: in a few words.
        sentence: what that means.
    """

    tone: Tone
    title: str
    sentence: str


#: Words of likelihood and the probability from which on they hold: the scale of the IPCC's guidance note on
#: uncertainty (Mastrandrea et al., 2010), which readers were found to take much alike.
_CERTAIN, _VERY_LIKELY, _LIKELY, _RATHER = 0.99, 0.9, 0.66, 0.5


def verdict_words(analysis: Analysis) -> VerdictWords:
    """What to say of an analysis that is done."""
    fake = analysis.thousandths_fake / 1000
    match analysis.result:
        case Result.AI_GENERATED:
            sentence = (
                _("The faces in it speak for a manipulation; the rest of the pictures does not.")
                if analysis.manipulation == Manipulation.FACE
                else _("Of 100 videos with this probability, about %(number)s are AI-made or manipulated.")
                % {"number": _of_hundred(fake)}
            )
            return VerdictWords(Tone.FAKE, _fake_title(fake), sentence)
        case Result.REAL:
            sentence = _("Of 100 videos with this probability, about %(number)s are real.") % {
                "number": _of_hundred(1 - fake)
            }
            return VerdictWords(Tone.REAL, _real_title(1 - fake), sentence)
        case _:
            return VerdictWords(
                Tone.UNSURE,
                _("Inconclusive"),
                _(
                    "The probability lies where this model is wrong too often to call the video real or AI-made."
                ),
            )


def percent(share: float, places: int = 1) -> str:
    """A share as a percentage."""
    return _("%(number)s%%") % {"number": number_of(100 * share, places)}


def number_of(value: float, places: int) -> str:
    """A number as the reader's language writes it, rounded: Django's own way cuts decimals off."""
    return number_format(round(value, places), places)


def never_certain(share: float) -> float:
    """A probability as it may be told: no model is measured well enough for more than 99.9 %."""
    return min(0.999, max(0.001, share))


def quality_words(name: str) -> str:
    """What makes a verdict worth less."""
    words: dict[str, str] = {
        Quality.TOO_DARK: _("The pictures are very dark."),
        Quality.TOO_SHORT: _("The video is very short."),
        Quality.TOO_SMALL: _("The pictures are very small."),
        Quality.HEAVILY_COMPRESSED: _("The video is heavily compressed, as it is after being saved or sent on many times."),
        Quality.NEARLY_STILL: _("Hardly anything moves."),
        Quality.NO_FACE: _("There is no face in it to look at."),
        Quality.ONLY_BEGINNING: _("Only the beginning of the video was fetched and looked at."),
    }  # fmt: skip
    return words.get(name, name.replace("_", " "))


def _fake_title(probability: float) -> str:
    if probability >= _CERTAIN:
        return _("Almost certainly AI-made")
    if probability >= _VERY_LIKELY:
        return _("Very likely AI-made")
    if probability >= _LIKELY:
        return _("Likely AI-made")
    if probability >= _RATHER:
        return _("More likely AI-made than not")
    return _("Suspected to be AI-made")


def _real_title(probability: float) -> str:
    if probability >= _CERTAIN:
        return _("Almost certainly real")
    if probability >= _VERY_LIKELY:
        return _("Very likely real")
    if probability >= _LIKELY:
        return _("Likely real")
    if probability >= _RATHER:
        return _("More likely real than not")
    return _("Taken for real")


def _of_hundred(share: float) -> str:
    """A share as a number of a hundred, with a decimal where rounding would say all or none."""
    number = 100 * never_certain(share)
    return number_of(number, 0 if 1 <= number <= 99 else 1)
