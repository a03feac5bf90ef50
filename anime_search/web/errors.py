"""What the pages say of errors: every error has an entry in the table by itself or by a base class."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts.errors import ShareForeign
from anime_search.errors import (
    AnimeUnknown,
    ImageEmpty,
    ImageFetchFailed,
    ImageMissing,
    ImageTooLarge,
    ImageUndecodable,
    IndexUnavailable,
    MatchRefused,
    PreviewExpired,
    PreviewGone,
    PreviewRefused,
    PreviewsLimited,
    SearchTimedOut,
    SharedResultGone,
    SharesLimited,
)
from anime_search.runtime import IMAGE_LIMITS
from anime_search.web.requests import FRAGMENT_HEADER, wants_fragment
from core.errors import DomainError, Unavailable
from core.pages import Countdown, Problem, wait_until
from core.surfaces import BodyTooLarge
from credits.errors import InsufficientCredits, LimitExceeded, QuotaExhausted
from credits.problems import SHARED, ProblemTable, answer_error, waiting, way_out


def problem_page(request: HttpRequest, error: Exception) -> HttpResponse:
    """A page of its own for an error, with a way on; for a page's script the words alone."""

    def page(problem: Problem) -> HttpResponse:
        return render(request, "anime_search/problem.html", {"problem": problem}, status=problem.status)

    def words(problem: Problem) -> HttpResponse:
        facts = {"title": problem.title, "advice": problem.advice}
        response = render(request, "anime_search/_problem.html", facts, status=problem.status)
        response[FRAGMENT_HEADER] = "problem"
        return response

    return answer_error(request, error, PROBLEMS, words if wants_fragment(request) else page)


def most_megabytes() -> int:
    """Size of the largest picture that is taken, in mebibytes."""
    return IMAGE_LIMITS.max_bytes // (1024 * 1024)


def _reset(error: DomainError) -> dict[str, Any]:
    resets_at = error.data["resets_at"]
    if resets_at is None:
        return {"advice": _("Buy more to go on.")}
    return {
        "advice": _("New free searches come in %(wait)s. Or buy more to go on.")
        % {"wait": wait_until(resets_at)},
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


PROBLEMS: Final[ProblemTable] = {
    **SHARED,
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
    InsufficientCredits: lambda error: Problem(
        402, _("Your credits are used up"), **_reset(error), way_out=way_out(error.data["snapshot"])
    ),
    ShareForeign: lambda error: Problem(
        403,
        _("This was not shared by your own device"),
        _("Choose the picture here instead, or give the address of one."),
    ),
    QuotaExhausted: lambda error: Problem(
        429,
        _("Today’s searches are used up"),
        **waiting(error),
        way_out=way_out(error.data["snapshot"]),
    ),
    LimitExceeded: lambda error: Problem(
        429,
        _("Too many searches in a short time"),
        **waiting(error),
        # Guests are counted twice: with those who ask in the other dialect, of whom a minute takes fewer.
        way_out=way_out(error.data["snapshot"]) if error.data["snapshot"].balance is None else None,
    ),
    MatchRefused: lambda error: Problem(
        410,
        _("This result cannot be shared any more"),
        _(
            "It is too old, or was found from another connection. Search for the picture again, and share that result."
        ),
    ),
    SharedResultGone: lambda error: Problem(
        404,
        _("There is no such shared result"),
        _("It may have expired or been withdrawn, or the address is not whole."),
    ),
    SharesLimited: lambda error: Problem(
        429,
        _("Too many results were shared in a short time"),
        **waiting(error),
    ),
    PreviewRefused: lambda error: Problem(
        404, _("There is no such scene"), _("The address is not whole, or was never one of this site.")
    ),
    PreviewExpired: lambda error: Problem(
        410,
        _("This scene’s address has expired"),
        _("It works for a day after the search. Search for the picture again to see the scene."),
    ),
    PreviewGone: lambda error: Problem(
        404, _("This scene cannot be shown now"), _("Its video has been moved or is not here any more.")
    ),
    PreviewsLimited: lambda error: Problem(
        429,
        _("Too many clips in a short time"),
        **waiting(error),
    ),
    IndexUnavailable: lambda error: Problem(
        503,
        _("There is nothing to search in yet"),
        _(
            "The index is empty or being repaired. Whoever runs this site fills it with “manage.py anime_ingest”."
        ),
        error.data["retry_after_s"],
    ),
    SearchTimedOut: lambda error: Problem(503, _("The search took too long"), **waiting(error)),
    Unavailable: lambda error: Problem(503, _("The search is busy right now"), **waiting(error)),
}
