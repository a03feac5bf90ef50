"""Errors of the aividect API: ``{"success": false, "error": {"code": …, "message": …}}``."""

from __future__ import annotations

from typing import Any, Final

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
from credits.errors import (
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    InsufficientCredits,
    LimitExceeded,
    RequestRunning,
)
from credits.headers import add_ratelimit_headers
from deepfake.errors import (
    AnalysisCancelled,
    AnalysisFailed,
    AnalysisNotFound,
    AnalysisTimedOut,
    AuthenticationMissing,
    DownloadFailed,
    TooManyAnalyses,
    UrlMissing,
    VideoTooLarge,
    VideoUnreadable,
)

#: The document's codes of errors that have others in the domain. A file that is no video is told as a download that
#: failed: both mean that no video could be had, and the document has no nearer code.
_CODES: Final[dict[type[DomainError], str]] = {
    VideoUnreadable: "DOWNLOAD_FAILED",
    AnalysisTimedOut: "INTERNAL_ERROR",
    TooManyAnalyses: "RATE_LIMIT_EXCEEDED",
    VideoTooLarge: "INVALID_REQUEST",
    BodyMalformed: "INVALID_REQUEST",
    BodyTooLarge: "INVALID_REQUEST",
    LimitExceeded: "RATE_LIMIT_EXCEEDED",
    Unavailable: "INTERNAL_ERROR",
}


def error_body(error: DomainError) -> dict[str, str]:
    """Code and sentence, as every answer of this dialect tells them."""
    kind = next((each for each in type(error).__mro__ if each in _CODES), None)
    return {"code": error.code if kind is None else _CODES[kind], "message": error.message}


def failed(error: DomainError, status: int, message: str = "") -> HttpResponse:
    """An error's answer; ``message`` is the dialect's where the domain's says too little."""
    told: dict[str, Any] = error_body(error) | ({"message": message} if message else {})
    response = JsonResponse(
        {"success": False, "error": told}, status=status, json_dumps_params={"ensure_ascii": False}
    )
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
        error, 429, "The daily API limit is reached. It is renewed at midnight UTC."
    ),
    InsufficientCredits: lambda error: failed(error, 402),
    TooManyAnalyses: lambda error: failed(error, 429),
    IdempotencyKeyInvalid: lambda error: failed(error, 400),
    IdempotencyKeyReused: lambda error: failed(error, 422),
    RequestRunning: lambda error: failed(error, 409),
    UrlMissing: lambda error: failed(error, 400),
    DownloadFailed: lambda error: failed(error, 400),
    VideoUnreadable: lambda error: failed(error, 400),
    VideoTooLarge: lambda error: failed(error, 413),
    AnalysisNotFound: lambda error: failed(error, 404),
    AnalysisCancelled: lambda error: failed(error, 409),
    AnalysisTimedOut: lambda error: failed(error, 500),
    AnalysisFailed: lambda error: failed(error, 500),
    BodyMalformed: lambda error: failed(error, 400, "The request body is not valid JSON."),
    BodyTooLarge: lambda error: failed(error, 413),
    MethodNotAllowed: lambda error: failed(error, 405),
    RouteNotFound: lambda error: failed(error, 404),
    Unavailable: lambda error: failed(error, 503),
    DomainError: lambda error: failed(InternalFault(), 500),
}
