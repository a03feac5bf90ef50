"""Errors of today's trace.moe API: ``{"error": "…"}``."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse, JsonResponse

from anime_search.errors import PreviewExpired, PreviewGone, PreviewRefused
from core.errors import DomainError, Unavailable
from core.surfaces import ErrorTable, MethodNotAllowed, RouteNotFound


def failed(text: str, status: int) -> HttpResponse:
    """An error's body."""
    return JsonResponse({"error": text}, status=status, headers={"Access-Control-Allow-Origin": "*"})


ERRORS: Final[ErrorTable] = {
    PreviewExpired: lambda error: failed("Expired", 410),
    PreviewRefused: lambda error: failed("Invalid signature", 403),
    PreviewGone: lambda error: failed("Not found", 404),
    MethodNotAllowed: lambda error: failed("Method Not Allowed", 405),
    RouteNotFound: lambda error: failed("Not found", 404),
    Unavailable: lambda error: failed(error.message, 503),
    DomainError: lambda error: failed("Internal Server Error", 500),
}
