"""Errors of ``/api/apikeys``, of the shape of the whatanimeisthis API: ``{"error": "sentence", "code": "NAME"}``."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse, JsonResponse

from accounts.errors import OriginForeign
from apikeys.errors import (
    ApiKeyNotFound,
    KeyExpiryInvalid,
    KeyGuessingLimited,
    KeyTitleInvalid,
    SignInRequired,
    TooManyKeys,
)
from core.errors import DomainError, Unavailable
from core.surfaces import (
    BodyMalformed,
    BodyTooLarge,
    ErrorTable,
    InternalFault,
    MethodNotAllowed,
    RouteNotFound,
)


def failed(error: DomainError, status: int, code: str = "") -> HttpResponse:
    """An error's body; ``code`` is this host's documented name of it where the domain has another."""
    return JsonResponse({"error": error.message, "code": code or error.code}, status=status)


ERRORS: Final[ErrorTable] = {
    SignInRequired: lambda error: failed(error, 401),
    OriginForeign: lambda error: failed(error, 403),
    KeyTitleInvalid: lambda error: failed(error, 400),
    KeyExpiryInvalid: lambda error: failed(error, 400),
    TooManyKeys: lambda error: failed(error, 409),
    ApiKeyNotFound: lambda error: failed(error, 404),
    KeyGuessingLimited: lambda error: failed(error, 429),
    BodyMalformed: lambda error: failed(error, 400, "INVALID_REQUEST"),
    BodyTooLarge: lambda error: failed(error, 413),
    MethodNotAllowed: lambda error: failed(error, 405),
    RouteNotFound: lambda error: failed(error, 404),
    Unavailable: lambda error: failed(error, 503),
    DomainError: lambda error: failed(InternalFault(), 500),
}
