"""Errors of ``/api/payments``; the status is what the provider goes by: it repeats what is not 2xx."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse, JsonResponse

from core.errors import DomainError, Unavailable
from core.surfaces import (
    BodyMalformed,
    BodyTooLarge,
    ErrorTable,
    InternalFault,
    MethodNotAllowed,
    RouteNotFound,
)
from credits.payments.errors import EventMalformed, EventUnsigned, PaymentsOff, ProviderRefused


def _failed(error: DomainError, status: int) -> HttpResponse:
    return JsonResponse({"error": error.message, "code": error.code}, status=status)


ERRORS: Final[ErrorTable] = {
    EventUnsigned: lambda error: _failed(error, 400),
    EventMalformed: lambda error: _failed(error, 400),
    BodyMalformed: lambda error: _failed(error, 400),
    PaymentsOff: lambda error: _failed(RouteNotFound(), 404),
    RouteNotFound: lambda error: _failed(error, 404),
    MethodNotAllowed: lambda error: _failed(error, 405),
    BodyTooLarge: lambda error: _failed(error, 413),
    ProviderRefused: lambda error: _failed(error, 502),
    Unavailable: lambda error: _failed(error, 503),
    DomainError: lambda error: _failed(InternalFault(), 500),
}
