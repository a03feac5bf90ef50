"""Errors of the aividect API: ``{"success": false, "error": {"code": …, "message": …}}``."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse, JsonResponse

from apikeys.errors import ApiKeyInvalid, ApiKeyRevoked, KeyGuessingLimited
from core.errors import DomainError, Unavailable
from core.surfaces import (
    BodyMalformed,
    BodyTooLarge,
    ErrorTable,
    InternalFault,
    MethodNotAllowed,
    RouteNotFound,
)
from credits.errors import InsufficientCredits, LimitExceeded
from credits.headers import add_ratelimit_headers
from deepfake.errors import AnalysisNotFound, AuthenticationMissing


def failed(error: DomainError, status: int, code: str = "", message: str = "") -> HttpResponse:
    """An error's body; ``code`` and ``message`` are the document's where the domain has others."""
    body = {"success": False, "error": {"code": code or error.code, "message": message or error.message}}
    response = JsonResponse(body, status=status, json_dumps_params={"ensure_ascii": False})
    if "snapshot" in error.data:
        add_ratelimit_headers(response, error.data["snapshot"])
    return response


def _unauthorized(error: DomainError) -> HttpResponse:
    response = failed(error, 401)
    response["WWW-Authenticate"] = "Bearer"
    return response


ERRORS: Final[ErrorTable] = {
    AuthenticationMissing: _unauthorized,
    ApiKeyInvalid: _unauthorized,
    ApiKeyRevoked: _unauthorized,
    KeyGuessingLimited: lambda error: failed(error, 429),
    LimitExceeded: lambda error: failed(
        error, 429, "RATE_LIMIT_EXCEEDED", "The daily API limit is reached. It is renewed at midnight UTC."
    ),
    InsufficientCredits: lambda error: failed(error, 402),
    AnalysisNotFound: lambda error: failed(error, 404),
    BodyMalformed: lambda error: failed(error, 400, "INVALID_REQUEST", "The request body is not valid JSON."),
    BodyTooLarge: lambda error: failed(error, 413, "INVALID_REQUEST"),
    MethodNotAllowed: lambda error: failed(error, 405),
    RouteNotFound: lambda error: failed(error, 404),
    Unavailable: lambda error: failed(error, 503, "INTERNAL_ERROR"),
    DomainError: lambda error: failed(InternalFault(), 500),
}
