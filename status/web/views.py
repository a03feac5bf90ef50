"""The status page, and the same figures for programs."""

from __future__ import annotations

import logging
from typing import Final

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from status.selectors import REMEMBERED_S, figures
from status.web.document import document_of
from status.web.words import page_of

log = logging.getLogger(__name__)

_OPEN: Final = {"Access-Control-Allow-Origin": "*"}


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """How the site is doing."""
    return render(request, "status/status.html", page_of(figures()))


@require_safe
def document(request: HttpRequest) -> HttpResponse:
    """The same as JSON, for scripts of any site; 503 where even the figures cannot be had."""
    try:
        body = document_of(figures())
    except (OperationalError, InterfaceError):
        log.exception("no figures")
        return JsonResponse(
            {"status": "down"}, status=503, headers=_OPEN | {"Retry-After": "30", "Cache-Control": "no-store"}
        )
    return JsonResponse(body, headers=_OPEN | {"Cache-Control": f"public, max-age={REMEMBERED_S}"})
