"""Errors of the old trace.moe API: every one is a double-quoted string."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse, JsonResponse

from anime_search.api.tracemoe_legacy.headers import limit_headers
from anime_search.errors import (
    ImageEmpty,
    ImageFetchFailed,
    ImageMissing,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageUndecodable,
    PreviewGone,
    PreviewRefused,
    PreviewsLimited,
    PreviewTimeInvalid,
)
from apikeys.errors import ApiKeyInvalid, ApiKeyRevoked, KeyGuessingLimited
from core.errors import DomainError, Unavailable
from core.surfaces import BodyMalformed, BodyTooLarge, ErrorTable, MethodNotAllowed, RouteNotFound
from credits.errors import InsufficientCredits, QuotaExhausted, RateLimited


def quoted(text: str, status: int) -> HttpResponse:
    """A JSON string as a body, as this API says everything that is not a result."""
    response = JsonResponse(text, status=status, safe=False, json_dumps_params={"ensure_ascii": False})
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _limited(error: DomainError, what: str) -> HttpResponse:
    seconds = error.data["retry_after_s"]
    response = quoted(f"Search {what} exceeded. Please wait {seconds} seconds.", 429)
    for name, value in limit_headers(error.data["snapshot"]).items():
        response[name] = value
    return response


ERRORS: Final[ErrorTable] = {
    ImageMissing: lambda error: quoted("No image received", 400),
    ImageEmpty: lambda error: quoted("Image is empty", 400),
    ImageTooLarge: lambda error: quoted("Image is too large", 413),
    ImageTooManyPixels: lambda error: quoted("Image is too large", 400),
    BodyTooLarge: lambda error: quoted("Request Entity Too Large", 413),
    # The document's text for this goes on with an address inside the original's network; ours has none to give.
    ImageUndecodable: lambda error: quoted("Error reading image from request", 500),
    ImageFetchFailed: lambda error: quoted("Error reading image from URL", 400),
    ApiKeyInvalid: lambda error: quoted("Invalid API token", 403),
    ApiKeyRevoked: lambda error: quoted("Invalid API token", 403),
    KeyGuessingLimited: lambda error: quoted(error.message, 429),
    RateLimited: lambda error: _limited(error, "limit"),
    QuotaExhausted: lambda error: _limited(error, "quota"),
    # Only where staff put a price on this API's searches.
    InsufficientCredits: lambda error: quoted(error.message, 402),
    PreviewsLimited: lambda error: quoted(error.message, 429),
    PreviewTimeInvalid: lambda error: quoted("Invalid time", 400),
    PreviewRefused: lambda error: quoted("Invalid token", 403),
    PreviewGone: lambda error: quoted("File not found", 404),
    BodyMalformed: lambda error: quoted("Malformed request", 400),
    MethodNotAllowed: lambda error: quoted("Method Not Allowed", 405),
    RouteNotFound: lambda error: quoted("Not Found", 404),
    Unavailable: lambda error: quoted(error.message, 503),
    DomainError: lambda error: quoted("Internal Server Error", 500),
}
