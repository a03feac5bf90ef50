"""Errors as better-auth words them: ``{"code": "NAME", "message": "Sentence"}``."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse, JsonResponse

from accounts import errors
from core.errors import DomainError, Unavailable
from core.surfaces import (
    BodyMalformed,
    BodyTooLarge,
    ErrorTable,
    InternalFault,
    MethodNotAllowed,
    RouteNotFound,
)


class MediaTypeUnsupported(DomainError):
    """The body is no JSON: forms of other sites could send it without asking."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    default_message = "Content-Type must be application/json"


def failed(error: DomainError, status: int) -> HttpResponse:
    """An error's body."""
    return JsonResponse({"code": error.code, "message": error.message}, status=status)


def _limited(error: DomainError) -> HttpResponse:
    response = failed(error, 429)
    # better-auth's own name for it.
    response["X-Retry-After"] = str(error.data["retry_after_s"])
    return response


def _not_allowed(error: DomainError) -> HttpResponse:
    response = failed(error, 405)
    if allowed := error.data.get("allowed"):
        response["Allow"] = ", ".join(allowed)
    return response


ERRORS: Final[ErrorTable] = {
    BodyMalformed: lambda error: failed(error, 400),
    errors.FieldInvalid: lambda error: failed(error, 400),
    errors.EmailInvalid: lambda error: failed(error, 400),
    errors.PasswordTooShort: lambda error: failed(error, 400),
    errors.PasswordTooLong: lambda error: failed(error, 400),
    errors.PasswordTooWeak: lambda error: failed(error, 400),
    errors.PasswordWrong: lambda error: failed(error, 400),
    errors.TokenInvalid: lambda error: failed(error, 400),
    errors.CredentialsInvalid: lambda error: failed(error, 401),
    errors.SessionMissing: lambda error: failed(error, 401),
    errors.SecondFactorNotAsked: lambda error: failed(error, 401),
    errors.CodeInvalid: lambda error: failed(error, 401),
    errors.EmailUnverified: lambda error: failed(error, 403),
    errors.AccountDisabled: lambda error: failed(error, 403),
    errors.AccountKept: lambda error: failed(error, 403),
    errors.OriginForeign: lambda error: failed(error, 403),
    errors.CallbackForeign: lambda error: failed(error, 403),
    RouteNotFound: lambda error: failed(error, 404),
    MethodNotAllowed: _not_allowed,
    BodyTooLarge: lambda error: failed(error, 413),
    MediaTypeUnsupported: lambda error: failed(error, 415),
    errors.TooManyAttempts: _limited,
    Unavailable: lambda error: failed(error, 503),
    DomainError: lambda error: failed(InternalFault(), 500),
}
