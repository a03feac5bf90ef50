"""Errors of the whatanimeisthis API, of one shape: ``{"error": "sentence", "code": "NAME"}``."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse, JsonResponse

from accounts.errors import ApiKeyInvalid
from anime_search.errors import (
    ImageEmpty,
    ImageFetchFailed,
    ImageMissing,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageUndecodable,
)
from core.clock import now
from core.errors import DomainError, Unavailable
from core.surfaces import (
    BodyMalformed,
    BodyTooLarge,
    ErrorTable,
    InternalFault,
    MethodNotAllowed,
    RouteNotFound,
)
from credits.errors import LimitExceeded


def failed(error: DomainError, status: int, code: str = "", **more: object) -> HttpResponse:
    """An error's body; ``code`` is this host's documented name of it where the domain has another."""
    return JsonResponse({"error": error.message, "code": code or error.code, **more}, status=status)


def _limited(error: DomainError) -> HttpResponse:
    seconds = error.data["retry_after_s"]
    reset_at = int(now().timestamp()) + seconds
    return failed(error, 429, "RATE_LIMIT_EXCEEDED", retryAfter=seconds, resetAt=reset_at)


def _unknown_key(error: DomainError) -> HttpResponse:
    response = failed(error, 401)
    response["WWW-Authenticate"] = "Bearer"
    return response


ERRORS: Final[ErrorTable] = {
    ImageMissing: lambda error: failed(error, 400),
    ImageEmpty: lambda error: failed(error, 400),
    ImageUndecodable: lambda error: failed(error, 400),
    ImageTooManyPixels: lambda error: failed(error, 400),
    ImageFetchFailed: lambda error: failed(error, 400, "DOWNLOAD_FAILED"),
    ImageTooLarge: lambda error: failed(error, 413),
    BodyTooLarge: lambda error: failed(error, 413),
    BodyMalformed: lambda error: failed(error, 400, "INVALID_REQUEST"),
    ApiKeyInvalid: _unknown_key,
    LimitExceeded: _limited,
    MethodNotAllowed: lambda error: failed(error, 405),
    RouteNotFound: lambda error: failed(error, 404),
    Unavailable: lambda error: failed(error, 503),
    DomainError: lambda error: failed(InternalFault(), 500),
}
