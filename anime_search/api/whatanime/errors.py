"""Errors of the whatanimeisthis API, of one shape: ``{"error": "sentence", "code": "NAME"}``."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse, JsonResponse

from accounts.errors import OriginForeign
from anime_search.errors import (
    ImageEmpty,
    ImageFetchFailed,
    ImageMissing,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageUndecodable,
)
from apikeys.errors import ApiKeyInvalid, ApiKeyRevoked, KeyGuessingLimited, SignInRequired
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
from credits.errors import (
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    InsufficientCredits,
    LimitExceeded,
    RequestRunning,
)
from credits.headers import add_ratelimit_headers


def failed(error: DomainError, status: int, code: str = "", **more: object) -> HttpResponse:
    """An error's body; ``code`` is this host's documented name of it where the domain has another."""
    return JsonResponse({"error": error.message, "code": code or error.code, **more}, status=status)


def _limited(error: DomainError) -> HttpResponse:
    seconds = error.data["retry_after_s"]
    reset_at = int(now().timestamp()) + seconds
    response = failed(error, 429, "RATE_LIMIT_EXCEEDED", retryAfter=seconds, resetAt=reset_at)
    if "snapshot" in error.data:
        add_ratelimit_headers(response, error.data["snapshot"])
    return response


def _without_credits(error: DomainError) -> HttpResponse:
    resets_at = error.data["resets_at"]
    response = failed(error, 402, resetAt=int(resets_at.timestamp()) if resets_at is not None else None)
    add_ratelimit_headers(response, error.data["snapshot"])
    return response


def _unauthorized(error: DomainError) -> HttpResponse:
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
    ApiKeyInvalid: _unauthorized,
    ApiKeyRevoked: _unauthorized,
    SignInRequired: _unauthorized,
    OriginForeign: lambda error: failed(error, 403),
    KeyGuessingLimited: _limited,
    LimitExceeded: _limited,
    InsufficientCredits: _without_credits,
    IdempotencyKeyInvalid: lambda error: failed(error, 400),
    IdempotencyKeyReused: lambda error: failed(error, 422),
    RequestRunning: lambda error: failed(error, 409),
    MethodNotAllowed: lambda error: failed(error, 405),
    RouteNotFound: lambda error: failed(error, 404),
    Unavailable: lambda error: failed(error, 503),
    DomainError: lambda error: failed(InternalFault(), 500),
}
