"""What the pages say of errors: one table, and every error has an entry in it by itself or by a base class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.errors import OriginForeign
from core.clock import now
from core.errors import DomainError, Unavailable
from core.pages import Countdown, Problem, in_words
from core.surfaces import BodyMalformed, BodyTooLarge
from credits.errors import (
    IdempotencyKeyReused,
    InsufficientCredits,
    LimitExceeded,
    QuotaExhausted,
    RequestRunning,
)
from deepfake.errors import (
    AnalysisNotFound,
    AnalysisQueueFull,
    DetectorUnavailable,
    DownloadFailed,
    SourceGone,
    TooManyAnalyses,
    UrlMissing,
    VideoEmpty,
    VideoTooLarge,
    VideoUnreadable,
)
from deepfake.web.failures import sentence_of


def problem_of(error: DomainError) -> Problem:
    """What to say of an error, by the nearest of its classes in the table."""
    return next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)(error)


def most_megabytes() -> int:
    """Size of the largest file that is taken, in mebibytes."""
    return int(settings.MAX_BODY_BYTES) // (1024 * 1024)


def way_out(*, is_guest: bool) -> tuple[str, str]:
    """A guest can sign in, a user can buy."""
    return ("account_login", _("Sign in for more")) if is_guest else ("pricing", _("Upgrade for more"))


def _wait(error: DomainError) -> dict[str, Any]:
    seconds = int(error.data["retry_after_s"])
    return {
        "retry_after_s": seconds,
        "advice": _("You can try again in %(wait)s.") % {"wait": in_words(seconds)},
        "countdown": Countdown(
            now() + timedelta(seconds=seconds),
            _("You can try again in {time}."),
            _("You can try again now."),
        ),
    }


def _credits(error: DomainError) -> Problem:
    resets_at, is_guest = error.data["resets_at"], error.data["snapshot"].balance is None
    advice, countdown = _("Nothing was charged. Buy more to go on."), None
    if resets_at is not None:
        seconds = max(1, int((resets_at - now()).total_seconds()))
        advice = _("Nothing was charged. New free credits come in %(wait)s. Or buy more to go on.") % {
            "wait": in_words(seconds)
        }
        countdown = Countdown(
            resets_at,
            _("Nothing was charged. New free credits come in {time}. Or buy more to go on."),
            _("There are new free credits now."),
        )
    return Problem(
        402,
        _("Your credits do not suffice"),
        advice,
        way_out=way_out(is_guest=is_guest),
        countdown=countdown,
    )


def _quota(error: DomainError) -> Problem:
    state = error.data["snapshot"]
    is_guest = state.balance is None
    if state.limits.daily == 0:
        return not_included(is_guest=is_guest)
    return Problem(429, _("Today’s analyses are used up"), **_wait(error), way_out=way_out(is_guest=is_guest))


def not_included(*, is_guest: bool) -> Problem:
    """A tier that has no analyses at all."""
    if is_guest:
        return Problem(
            403,
            _("Analyses need an account"),
            _("Sign in, or sign up: that takes a minute."),
            way_out=("account_login", _("Sign in")),
        )
    return Problem(
        403,
        _("Your tier has no analyses"),
        _("Others have."),
        way_out=("pricing", _("See what the tiers include")),
    )


def without_detector(retry_after_s: int | None = None) -> Problem:
    """No model is installed, or it is damaged."""
    return Problem(
        503,
        _("There is no detector here yet"),
        _("No model is installed, or it is being repaired. Whoever runs this site installs one with “manage.py deepfake_model install”."),
        retry_after_s,
    )  # fmt: skip


def _too_large(error: DomainError) -> Problem:
    return Problem(
        413,
        _("This file is too large"),
        _("Files may have up to %(megabytes)d MB. A shorter part of the video does as well.")
        % {"megabytes": most_megabytes()},
    )


PROBLEMS: Final[Mapping[type[DomainError], Callable[[DomainError], Problem]]] = {
    UrlMissing: lambda error: Problem(
        400, _("No video yet"), _("Choose a file, or give the address of a video.")
    ),
    VideoEmpty: lambda error: Problem(400, _("This file is empty"), _("Choose another one.")),
    VideoUnreadable: lambda error: Problem(
        400, _("This is not a video that can be read"), sentence_of(error.message)
    ),
    VideoTooLarge: _too_large,
    BodyTooLarge: _too_large,
    DownloadFailed: lambda error: Problem(
        400, _("This address is not one of a video"), sentence_of(error.message)
    ),
    BodyMalformed: lambda error: Problem(
        400, _("The request could not be read"), _("Please reload the page and try again.")
    ),
    IdempotencyKeyReused: lambda error: Problem(
        409, _("This form was sent before"), _("Please reload the page and try again.")
    ),
    RequestRunning: lambda error: Problem(409, _("This video is being analysed already"), **_wait(error)),
    AnalysisNotFound: lambda error: Problem(
        409, _("This analysis was deleted"), _("Please reload the page and try again.")
    ),
    SourceGone: lambda error: Problem(
        410, _("The file is not there any more"), _("Please send it once more.")
    ),
    InsufficientCredits: _credits,
    OriginForeign: lambda error: Problem(
        403, _("This request came from another site"), _("Please reload the page and try again.")
    ),
    QuotaExhausted: _quota,
    LimitExceeded: lambda error: Problem(429, _("Too many analyses in a short time"), **_wait(error)),
    TooManyAnalyses: lambda error: Problem(
        429,
        _("Too many of your analyses are waiting"),
        _("Please wait for one of them to end, or cancel it."),
        int(error.data["retry_after_s"]),
        ("detect-history", _("See your analyses")),
    ),
    DetectorUnavailable: lambda error: without_detector(int(error.data["retry_after_s"])),
    AnalysisQueueFull: lambda error: Problem(503, _("Too many analyses are waiting"), **_wait(error)),
    Unavailable: lambda error: Problem(503, _("The detector is busy right now"), **_wait(error)),
    DomainError: lambda error: Problem(
        500, _("Something went wrong on our side"), _("It has been noted. Please try again later.")
    ),
}
