"""Pages that say not now."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

log = logging.getLogger(__name__)


def too_many_requests(request: HttpRequest, *, retry_after_s: int = 60) -> HttpResponse:
    """Somebody tried something too often. Also what allauth's own limits, of a minute most of them, answer with."""
    response = render(request, "accounts/too_many_requests.html", status=429)
    response["Retry-After"] = str(retry_after_s)
    return response


def unavailable(request: HttpRequest, error: Exception, *, retry_after_s: int) -> HttpResponse:
    """A part that the page needs (the cache, the mail server, the database) is out of order for now."""
    log.error("unavailable: %s", request.path, exc_info=error)
    # Without the request: what is out of order may be what the page would ask for the user.
    response = render(None, "accounts/unavailable.html", status=503)
    response["Retry-After"] = str(retry_after_s)
    return response
