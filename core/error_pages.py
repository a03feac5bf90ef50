"""Pages for what goes wrong outside of a page's own form: what happened, and a way on.

APIs answer in dialects of their own (:mod:`core.surfaces`), and a page whose form is refused says so in its own
place (:class:`core.pages.Problem`). What is left comes here: Django's handlers, and the refusals of middleware.

None of these pages needs the database: where the navigation cannot be told who reads it, it is that of a guest.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from core.clock import now
from core.pages import in_words

log = logging.getLogger(__name__)

#: Where not even a template can be rendered: no style, but what the browser does by itself in the light and in the dark.
_LAST_RESORT = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark"><title>Frameproof</title>'
    '<h1>Something went wrong on our side</h1><p>Please try again in a while.</p><p><a href="/">Frameproof</a></p></html>'
)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: what was sent cannot be read; a body that is too large is told to be that."""
    if isinstance(exception, RequestDataTooBig):
        return too_large(request)
    return _page(request, "400.html", 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: the page is not for whoever asks."""
    return _page(request, "403.html", 403)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the check against forged requests failed; as a rule because a page was open for too long."""
    return _page(request, "403_csrf.html", 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: there is nothing at this address."""
    return _page(request, "404.html", 404)


def too_large(request: HttpRequest) -> HttpResponse:
    """413: more bytes than any page takes."""
    return _page(request, "413.html", 413, most_megabytes=settings.MAX_BODY_BYTES // (1024 * 1024))


def too_many_requests(request: HttpRequest, *, retry_after_s: int = 60) -> HttpResponse:
    """429: somebody tried something too often. Also what allauth's own limits, of a minute most of them, answer with."""
    return _later(request, "429.html", 429, retry_after_s)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: a fault of ours, logged where it was raised. Whatever failed may fail again, so the page asks for nothing."""
    try:
        return _page(request, "500.html", 500, anonymous=True)
    except Exception:
        log.exception("the page of the error %s cannot be rendered either", 500)
        return HttpResponse(_LAST_RESORT, status=500)


def unavailable(request: HttpRequest, error: Exception, *, retry_after_s: int) -> HttpResponse:
    """503: a part that the page needs (the cache, the mail server, the database) is out of order for now."""
    log.error("unavailable: %s", request.path, exc_info=error)
    return _later(request, "503.html", 503, retry_after_s, anonymous=True)


def _later(
    request: HttpRequest, template: str, status: int, retry_after_s: int, *, anonymous: bool = False
) -> HttpResponse:
    response = _page(
        request,
        template,
        status,
        anonymous=anonymous,
        again_at=now() + timedelta(seconds=retry_after_s),
        wait_s=retry_after_s,
    )
    response["Retry-After"] = str(retry_after_s)
    return response


def _page(
    request: HttpRequest,
    template: str,
    status: int,
    *,
    anonymous: bool = False,
    wait_s: int = 0,
    **facts: Any,
) -> HttpResponse:
    """Render an error's page in the reader's language.

    Args:
        anonymous: do not ask who reads it: what is out of order may be what would have to be asked.
        wait_s: seconds after which trying again may work.
    """
    # What was raised above the middleware of languages finds the language of the thread's last reader.
    with translation.override(translation.get_language_from_request(request)):
        context = {"back": _way_back(request), **facts}
        if wait_s:
            context["wait"] = _("You can try again in %(wait)s.") % {"wait": in_words(wait_s)}
        try:
            response = render(None if anonymous else request, template, context, status=status)
        except Exception:
            if anonymous:
                raise
            log.exception("who reads the page of the error %s cannot be told", status)
            response = render(None, template, context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _way_back(request: HttpRequest) -> str:
    """The page to try again on: the one that sent a form, else this very address; empty where none is known."""
    try:
        host = request.get_host()
    except DisallowedHost:
        return ""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    sender = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(sender, {host}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(sender)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
