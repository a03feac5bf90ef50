"""What came of an event, as whoever acted on it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from credits.payment_models import EventOutcome


@dataclass(frozen=True, slots=True)
class Result:
    """What is written down of an event; see :class:`~credits.payment_models.PaymentEvent`."""

    outcome: EventOutcome
    about: str = ""
    note: str = ""


IGNORED: Final = Result(EventOutcome.IGNORED)


def done(about: str, note: str = "") -> Result:
    return Result(EventOutcome.DONE, about, note)


def kept(about: str, note: str) -> Result:
    return Result(EventOutcome.KEPT, about, note)
