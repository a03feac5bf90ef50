"""What the pages say of errors: every error has an entry in the table by itself or by a base class."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from core.errors import DomainError, Unavailable
from core.pages import Countdown, Problem, wait_until
from core.surfaces import BodyTooLarge
from credits.errors import (
    IdempotencyKeyReused,
    InsufficientCredits,
    LimitExceeded,
    QuotaExhausted,
    RequestRunning,
)
from credits.problems import SHARED, ProblemTable, waiting, way_out
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


def most_megabytes() -> int:
    """Size of the largest file that is taken, in mebibytes."""
    return int(settings.MAX_BODY_BYTES) // (1024 * 1024)


def _credits(error: DomainError) -> Problem:
    resets_at = error.data["resets_at"]
    advice, countdown = _("Nothing was charged. Buy more to go on."), None
    if resets_at is not None:
        advice = _("Nothing was charged. New free credits come in %(wait)s. Or buy more to go on.") % {
            "wait": wait_until(resets_at)
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
        way_out=way_out(error.data["snapshot"]),
        countdown=countdown,
    )


def _quota(error: DomainError) -> Problem:
    state = error.data["snapshot"]
    if state.limits.daily == 0:
        return _not_included(is_guest=state.balance is None)
    return Problem(429, _("Today’s analyses are used up"), **waiting(error), way_out=way_out(state))


def _not_included(*, is_guest: bool) -> Problem:
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
    """There is no model that is whole."""
    return Problem(
        503,
        _("The detector is out of order"),
        _("Its model is missing or damaged. “manage.py deepfake_model verify” tells whoever runs this site what is wrong."),
        retry_after_s,
    )  # fmt: skip


def _too_large(error: DomainError) -> Problem:
    return Problem(
        413,
        _("This file is too large"),
        _("Files may have up to %(megabytes)d MB. A shorter part of the video does as well.")
        % {"megabytes": most_megabytes()},
    )


PROBLEMS: Final[ProblemTable] = {
    **SHARED,
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
    IdempotencyKeyReused: lambda error: Problem(
        409, _("This form was sent before"), _("Please reload the page and try again.")
    ),
    RequestRunning: lambda error: Problem(409, _("This video is being analysed already"), **waiting(error)),
    AnalysisNotFound: lambda error: Problem(
        409, _("This analysis was deleted"), _("Please reload the page and try again.")
    ),
    SourceGone: lambda error: Problem(
        410, _("The file is not there any more"), _("Please send it once more.")
    ),
    InsufficientCredits: _credits,
    QuotaExhausted: _quota,
    LimitExceeded: lambda error: Problem(429, _("Too many analyses in a short time"), **waiting(error)),
    TooManyAnalyses: lambda error: Problem(
        429,
        _("Too many of your analyses are waiting"),
        _("Please wait for one of them to end, or cancel it."),
        int(error.data["retry_after_s"]),
        ("detect-history", _("See your analyses")),
    ),
    DetectorUnavailable: lambda error: without_detector(int(error.data["retry_after_s"])),
    AnalysisQueueFull: lambda error: Problem(503, _("Too many analyses are waiting"), **waiting(error)),
    Unavailable: lambda error: Problem(503, _("The detector is busy right now"), **waiting(error)),
}
