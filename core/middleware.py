"""What stands around every request of the site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from core.error_pages import too_large

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class BodilessHeadMiddleware:
    """Answers HEAD with the headers of GET and nothing after them (RFC 9110, section 9.3.2).

    Some servers send whatever the application returns: what follows the headers would be read as the next
    answer of a connection that is kept.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method != "HEAD":
            return response
        if isinstance(response, StreamingHttpResponse):
            response.close()
            response.streaming_content = ()
            return response
        if isinstance(response, HttpResponse):
            length = len(response.content)
            response.content = b""
            response["Content-Length"] = str(length)
        return response


class BodyLimitMiddleware:
    """Answers a form that is larger than anything the site takes with a page, before anything reads it.

    Django would read it in its check against forged requests, and say something else of it. Views without that check
    (those of the APIs, and pages that take files) measure by themselves, and tell it in their own words.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if getattr(view, "csrf_exempt", False) or not length.isdecimal():
            return None
        return too_large(request) if int(length) > settings.MAX_BODY_BYTES else None
