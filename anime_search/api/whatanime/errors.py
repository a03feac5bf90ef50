"""Errors of the whatanimeisthis API, of one shape: ``{"error": "sentence", "code": "NAME"}``."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse, JsonResponse

from anime_search.errors import ImageEmpty, ImageFetchFailed, ImageMissing, ImageTooLarge, ImageUndecodable
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


def failed(error: DomainError, status: int, **more: object) -> HttpResponse:
    """An error's body."""
    return JsonResponse({"error": error.message, "code": error.code, **more}, status=status)


def _limited(error: DomainError) -> HttpResponse:
    seconds = error.data["retry_after_s"]
    return failed(error, 429, retryAfter=seconds, resetAt=int(now().timestamp()) + seconds)


ERRORS: Final[ErrorTable] = {
    ImageMissing: lambda error: failed(error, 400),
    ImageEmpty: lambda error: failed(error, 400),
    ImageUndecodable: lambda error: failed(error, 400),
    ImageFetchFailed: lambda error: failed(error, 400),
    ImageTooLarge: lambda error: failed(error, 413),
    BodyTooLarge: lambda error: failed(error, 413),
    BodyMalformed: lambda error: failed(error, 400),
    LimitExceeded: _limited,
    MethodNotAllowed: lambda error: failed(error, 405),
    RouteNotFound: lambda error: failed(error, 404),
    Unavailable: lambda error: failed(error, 503),
    DomainError: lambda error: failed(InternalFault(), 500),
}
