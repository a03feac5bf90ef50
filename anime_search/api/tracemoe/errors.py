"""Errors of today's trace.moe API: ``{"error": "…"}``."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse, JsonResponse

from anime_search.api.tracemoe.headers import limit_headers
from anime_search.api.tracemoe.responses import quota_fields
from anime_search.errors import (
    ImageEmpty,
    ImageFetchFailed,
    ImageFetchTooLarge,
    ImageMissing,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageUndecodable,
    PreviewExpired,
    PreviewGone,
    PreviewRefused,
    PreviewSizeInvalid,
    PreviewsLimited,
    SearchQueueFull,
)
from apikeys.errors import ApiKeyInvalid, ApiKeyRevoked, KeyGuessingLimited
from core.errors import DomainError, Unavailable
from core.surfaces import BodyMalformed, BodyTooLarge, ErrorTable, MethodNotAllowed, RouteNotFound
from credits.errors import ConcurrencyExceeded, InsufficientCredits, QuotaExhausted, RateLimited


def failed(text: str, status: int, **more: Any) -> HttpResponse:
    """An error's body."""
    return JsonResponse(
        {"error": text, **more},
        status=status,
        headers={"Access-Control-Allow-Origin": "*"},
        json_dumps_params={"ensure_ascii": False},
    )


def _limited(error: DomainError, text: str, status: int, **more: Any) -> HttpResponse:
    response = failed(text, status, **more)
    for name, value in limit_headers(error.data["snapshot"]).items():
        response[name] = value
    return response


def _not_fetched(error: DomainError) -> HttpResponse:
    what = "Failed to fetch image" if error.data.get("is_address", True) else "Invalid image url"
    return failed(f"{what} {error.data['url']}", 400)


ERRORS: Final[ErrorTable] = {
    ImageMissing: lambda error: failed("Method Not Allowed", 405),
    ImageEmpty: lambda error: failed("Failed to process image", 400),
    ImageUndecodable: lambda error: failed("Failed to process image", 400),
    ImageTooManyPixels: lambda error: failed("Failed to process image", 400),
    ImageTooLarge: lambda error: failed("Payload Too Large", 413),
    BodyTooLarge: lambda error: failed("Payload Too Large", 413),
    BodyMalformed: lambda error: failed("Failed to process image", 400),
    ImageFetchFailed: _not_fetched,
    ImageFetchTooLarge: lambda error: failed("Payload Too Large", 413),
    ApiKeyInvalid: lambda error: failed("Invalid API key", 403),
    ApiKeyRevoked: lambda error: failed("Invalid API key", 403),
    KeyGuessingLimited: lambda error: failed("Too many requests", 429),
    RateLimited: lambda error: _limited(error, "Too many requests", 429),
    QuotaExhausted: lambda error: _limited(
        error, "Search quota depleted", 402, **quota_fields(error.data["snapshot"])
    ),
    InsufficientCredits: lambda error: _limited(
        error, "Search quota depleted", 402, **quota_fields(error.data["snapshot"])
    ),
    ConcurrencyExceeded: lambda error: _limited(
        error, "Concurrency limit exceeded", 402, **quota_fields(error.data["snapshot"])
    ),
    SearchQueueFull: lambda error: failed("Error: Search queue is full", 503),
    PreviewsLimited: lambda error: failed("Too many requests", 429),
    PreviewSizeInvalid: lambda error: failed("Invalid size", 400),
    PreviewExpired: lambda error: failed("Expired", 410),
    PreviewRefused: lambda error: failed("Invalid signature", 403),
    PreviewGone: lambda error: failed("Not found", 404),
    MethodNotAllowed: lambda error: failed("Method Not Allowed", 405),
    RouteNotFound: lambda error: failed("Not found", 404),
    Unavailable: lambda error: failed(error.message, 503),
    DomainError: lambda error: failed("Internal Server Error", 500),
}
