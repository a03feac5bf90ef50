"""Base of an API surface: a dialect's own errors for everything that can go wrong on its URLs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions as drf
from rest_framework.request import Request
from rest_framework.views import APIView

from core.errors import DomainError

log = logging.getLogger(__name__)


class RouteNotFound(DomainError):
    """Nothing is at this address."""

    code = "NOT_FOUND"
    default_message = "There is nothing at this address."


class MethodNotAllowed(DomainError):
    """The address takes other methods; ``data["allowed"]`` names them."""

    code = "METHOD_NOT_ALLOWED"
    default_message = "This address does not take this method."


class BodyTooLarge(DomainError):
    """The body has more bytes than the surface takes."""

    code = "BODY_TOO_LARGE"
    default_message = "The request is too large."


class BodyMalformed(DomainError):
    """The body is not what its content type says, or of no type the surface reads."""

    code = "BODY_MALFORMED"
    default_message = "The request's body could not be read."


class InternalFault(DomainError):
    """A fault of ours, logged; the caller learns no more."""

    code = "INTERNAL_ERROR"
    default_message = "Something went wrong on our side. Please try again later."


#: How a dialect renders each kind of error; the nearest base class of the error decides.
ErrorTable = Mapping[type[DomainError], Callable[[DomainError], HttpResponse]]


class SurfaceView(APIView):
    """A view of one dialect. Whatever is raised in it comes out as the dialect's own error.

    Attributes:
        errors: the dialect's table; it has an entry for :class:`~core.errors.DomainError` itself.
        max_body_bytes: bodies above are refused before they are read.
    """

    errors: ClassVar[ErrorTable]
    max_body_bytes: ClassVar[int | None] = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            raise BodyMalformed from None
        if length > (self.max_body_bytes or settings.MAX_BODY_BYTES):
            raise BodyTooLarge

    def http_method_not_allowed(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        raise MethodNotAllowed(allowed=self.allowed_methods)

    def handle_exception(self, exc: Exception) -> HttpResponse:
        error = as_domain_error(exc)
        if isinstance(error, InternalFault):
            log.error("unhandled error at %s", self.request.path, exc_info=exc)
        response = render_error(self.errors, error)
        if isinstance(error, MethodNotAllowed):
            response["Allow"] = ", ".join(error.data["allowed"])
        return response


def plain_request(request: Request) -> HttpRequest:
    """Django's own request behind REST framework's: the dialects parse bodies by rules of their own."""
    return request._request  # noqa: SLF001


def catch_all(errors: ErrorTable) -> Callable[..., HttpResponse]:
    """A view for the rest of a dialect's URLs: its own "not found", whatever the method."""

    def not_found(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return render_error(errors, RouteNotFound())

    not_found.csrf_exempt = True  # type: ignore[attr-defined]
    return not_found


def render_error(errors: ErrorTable, error: DomainError) -> HttpResponse:
    """The response of a dialect to an error, by the nearest of its classes in the table."""
    response = next(errors[kind] for kind in type(error).__mro__ if kind in errors)(error)
    if retry_after_s := error.data.get("retry_after_s"):
        response["Retry-After"] = str(retry_after_s)
    return response


def as_domain_error(error: Exception) -> DomainError:
    """What a framework raises, in words of the domain; anything unknown is a fault of ours."""
    match error:
        case DomainError():
            return error
        case RequestDataTooBig():
            return BodyTooLarge()
        case drf.MethodNotAllowed():
            return MethodNotAllowed(allowed=[])
        case (
            drf.ParseError()
            | drf.UnsupportedMediaType()
            | MultiPartParserError()
            | TooManyFieldsSent()
            | TooManyFilesSent()
            | UnreadablePostError()
            | SuspiciousOperation()
            # Deeply nested JSON exhausts the stack of the parser.
            | RecursionError()
        ):
            return BodyMalformed()
        case LookupError() if "unknown encoding" in str(error):
            return BodyMalformed()
        case drf.NotFound():
            return RouteNotFound()
        case _:
            return InternalFault()
