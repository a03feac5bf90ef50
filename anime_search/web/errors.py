"""What the pages say of errors: one table, and every error has an entry in it by itself or by a base class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.utils.translation import gettext as _

from accounts.errors import OriginForeign, ShareForeign
from anime_search.errors import (
    AnimeUnknown,
    ImageEmpty,
    ImageFetchFailed,
    ImageMissing,
    ImageTooLarge,
    ImageUndecodable,
    IndexUnavailable,
    SearchTimedOut,
)
from anime_search.runtime import IMAGE_LIMITS
from core.clock import now
from core.errors import DomainError, Unavailable
from core.pages import Countdown, Problem, in_words
from core.surfaces import BodyMalformed, BodyTooLarge
from credits.errors import InsufficientCredits, LimitExceeded, QuotaExhausted


def problem_of(error: DomainError) -> Problem:
    """What to say of an error, by the nearest of its classes in the table."""
    return next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)(error)


def most_megabytes() -> int:
    """Size of the largest picture that is taken, in mebibytes."""
    return IMAGE_LIMITS.max_bytes // (1024 * 1024)


def _wait(error: DomainError) -> dict[str, Any]:
    seconds = int(error.data["retry_after_s"])
    return {
        "retry_after_s": seconds,
        "advice": _("You can search again in %(wait)s.") % {"wait": in_words(seconds)},
        "countdown": Countdown(
            now() + timedelta(seconds=seconds),
            _("You can search again in {time}."),
            _("You can search again now."),
        ),
    }


def _way_out(error: DomainError) -> tuple[str, str]:
    """A guest can sign in, a user can buy."""
    if error.data["snapshot"].balance is None:
        return "account_login", _("Sign in for more")
    return "pricing", _("Upgrade for more")


def _reset(error: DomainError) -> dict[str, Any]:
    resets_at = error.data["resets_at"]
    if resets_at is None:
        return {"advice": _("Buy more to go on.")}
    wait = in_words(max(1, int((resets_at - now()).total_seconds())))
    return {
        "advice": _("New free searches come in %(wait)s. Or buy more to go on.") % {"wait": wait},
        "countdown": Countdown(
            resets_at,
            _("New free searches come in {time}. Or buy more to go on."),
            _("There are new free searches now."),
        ),
    }


def _too_large(error: DomainError) -> Problem:
    return Problem(
        413,
        _("This picture is too large"),
        _(
            "Pictures may have up to %(megabytes)d MB and %(megapixels)d megapixels. A smaller copy does as well."
        )
        % {"megabytes": most_megabytes(), "megapixels": IMAGE_LIMITS.max_pixels // 1_000_000},
    )


PROBLEMS: Final[Mapping[type[DomainError], Callable[[DomainError], Problem]]] = {
    ImageMissing: lambda error: Problem(
        400, _("No picture yet"), _("Choose a picture, or give the address of one.")
    ),
    ImageEmpty: lambda error: Problem(400, _("This file is empty"), _("Choose another picture.")),
    ImageUndecodable: lambda error: Problem(
        400,
        _("This is not a picture that can be read"),
        _("JPEG, PNG, GIF, BMP and WebP are understood. The file may also be damaged."),
    ),
    ImageTooLarge: _too_large,
    BodyTooLarge: _too_large,
    ImageFetchFailed: lambda error: Problem(
        400,
        _("The picture could not be fetched from that address"),
        _(
            "The address must lead to the picture itself, open to everybody. Or save the picture and drop it here."
        ),
    ),
    AnimeUnknown: lambda error: Problem(
        400, _("There is no such anime here"), _("Search in all of them, or choose another one.")
    ),
    BodyMalformed: lambda error: Problem(
        400, _("The request could not be read"), _("Please reload the page and try again.")
    ),
    InsufficientCredits: lambda error: Problem(
        402, _("Your credits are used up"), **_reset(error), way_out=_way_out(error)
    ),
    OriginForeign: lambda error: Problem(
        403, _("This request came from another site"), _("Please reload the page and try again.")
    ),
    ShareForeign: lambda error: Problem(
        403,
        _("This was not shared by your own device"),
        _("Choose the picture here instead, or give the address of one."),
    ),
    QuotaExhausted: lambda error: Problem(
        429,
        _("Today’s searches are used up"),
        **_wait(error),
        way_out=_way_out(error),
    ),
    LimitExceeded: lambda error: Problem(
        429,
        _("Too many searches in a short time"),
        **_wait(error),
        # Guests are counted twice: with those who ask in the other dialect, of whom a minute takes fewer.
        way_out=_way_out(error) if error.data["snapshot"].balance is None else None,
    ),
    IndexUnavailable: lambda error: Problem(
        503,
        _("There is nothing to search in yet"),
        _(
            "The index is empty or being repaired. Whoever runs this site fills it with “manage.py anime_ingest”."
        ),
        error.data["retry_after_s"],
    ),
    SearchTimedOut: lambda error: Problem(503, _("The search took too long"), **_wait(error)),
    Unavailable: lambda error: Problem(503, _("The search is busy right now"), **_wait(error)),
    DomainError: lambda error: Problem(
        500, _("Something went wrong on our side"), _("It has been noted. Please try again later.")
    ),
}
