"""What pages with a form share: reading it where a page of ours can still tell what is wrong, and saying so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import ngettext, pgettext

from core import clock
from core.surfaces import BodyMalformed, BodyTooLarge


@dataclass(frozen=True, slots=True)
class Countdown:
    """A wait that the page's script counts down, in the place of the advice that says it once.

    Attributes:
        ends_at: when it is over.
        text: the sentence, with ``{time}`` where the time goes.
        text_now: what is said from then on.
    """

    ends_at: datetime
    text: str
    text_now: str


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as a page shows it.

    Attributes:
        status: HTTP status of the response.
        title: what happened, in a few words.
        advice: what can be done about it.
        retry_after_s: seconds after which trying again may work; None where waiting does not help.
        way_out: name of the page that offers more than waiting, and its words.
        countdown: to the moment at which the advice is out of date.
    """

    status: int
    title: str
    advice: str
    retry_after_s: int | None = None
    way_out: tuple[str, str] | None = None
    countdown: Countdown | None = None


def in_words(seconds: int) -> str:
    """A wait in its two largest units: ``59 minutes 3 seconds``, ``14 hours 2 minutes``."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = []
    if hours:
        parts.append(ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours})
    if minutes:
        parts.append(ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes})
    if (rest and not hours) or not parts:
        parts.append(ngettext("%(n)d second", "%(n)d seconds", rest) % {"n": rest})
    if len(parts) == 1:
        return parts[0]
    larger, smaller = parts
    return pgettext("a length of time", "%(larger)s %(smaller)s") % {"larger": larger, "smaller": smaller}


def wait_until(moment: datetime) -> str:
    """The same for the time that is left until a moment."""
    return in_words(max(1, round((moment - clock.now()).total_seconds())))


def parse_form(request: HttpRequest) -> None:
    """Have the form parsed, so that whatever is wrong with the body comes up here and nowhere else.

    Raises:
        BodyTooLarge: before a byte of it is read.
        BodyMalformed: the length is no number.
        Exception: what Django's parsers raise; :func:`core.surfaces.as_domain_error` knows them.
    """
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise BodyMalformed from None
    if length > settings.MAX_BODY_BYTES:
        raise BodyTooLarge
    # The page is UTF-8, and so is its form; a charset that is declared may be none that exists.
    request.encoding = "utf-8"
    request.FILES  # noqa: B018 - the parsers run on first access
