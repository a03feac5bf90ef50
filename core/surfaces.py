"""Base of an API surface: a dialect's own errors for everything that can go wrong on its URLs."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.utils import translation
from redis.exceptions import RedisError
from rest_framework import exceptions as drf
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from core.errors import DomainError, Unavailable

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
        max_body_bytes: bodies above are refused before they are read; never more than ``MAX_BODY_BYTES``.
    """

    errors: ClassVar[ErrorTable]
    max_body_bytes: ClassVar[int | None] = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """As REST framework does, in English: programs compare what they are told, whatever their language."""
        with translation.override(settings.LANGUAGE_CODE):
            return super().dispatch(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Nothing: who asks is for ``apikeys.authentication`` to say, which reads the session off Django's request.

        Without authenticators, REST framework would put None in the place of the session's user.
        """

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        """The dialect's one representation, whatever ``Accept`` or a parameter ``format`` ask for."""
        renderer = JSONRenderer()
        return renderer, renderer.media_type

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # A form is UTF-8 (RFC 7578 and the URL standard); a charset that is declared may be no text encoding.
        plain_request(request).encoding = "utf-8"
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            raise BodyMalformed from None
        if length > min(self.max_body_bytes or math.inf, settings.MAX_BODY_BYTES):
            raise BodyTooLarge

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """An empty answer; :meth:`finalize_response` adds ``Allow``."""
        return HttpResponse()

    def finalize_response(
        self, request: Request, response: HttpResponse, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def http_method_not_allowed(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        raise MethodNotAllowed(allowed=self.allowed_methods)

    def handle_exception(self, exc: Exception) -> HttpResponse:
        error = as_domain_error(exc)
        kind = entry_of(self.errors, error)
        if kind is DomainError or (error is not exc and isinstance(error, Unavailable)):
            log.error("unhandled error at %s", self.request.path, exc_info=exc)
        return render_error(self.errors, error)


class OpenSurfaceView(SurfaceView):
    """A view that scripts of any site may call: it knows no cookies, so that nothing is given away by that.

    Attributes:
        exposed_headers: what such a script may read of an answer, beside its body.
        accepted_methods, accepted_headers: what it may send; told in answer to ``OPTIONS``.
    """

    exposed_headers: ClassVar[str] = ""
    accepted_methods: ClassVar[str] = "GET, OPTIONS"
    accepted_headers: ClassVar[str] = ""

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().options(request, *args, **kwargs)
        response["Access-Control-Allow-Methods"] = self.accepted_methods
        if self.accepted_headers:
            response["Access-Control-Allow-Headers"] = self.accepted_headers
        return response

    def finalize_response(
        self, request: Request, response: HttpResponse, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Access-Control-Allow-Origin"] = "*"
        if self.exposed_headers:
            response["Access-Control-Expose-Headers"] = self.exposed_headers
        return response


def json_object(body: bytes) -> dict[str, Any]:
    """A body that is a JSON object.

    Raises:
        BodyMalformed: it is anything else.
    """
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise BodyMalformed from None
    if not isinstance(parsed, dict):
        raise BodyMalformed
    return parsed


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
    response = errors[entry_of(errors, error)](error)
    if retry_after_s := error.data.get("retry_after_s"):
        response["Retry-After"] = str(retry_after_s)
    return response


def entry_of(errors: ErrorTable, error: DomainError) -> type[DomainError]:
    """The nearest class of an error that a dialect's table has an entry for."""
    return next(kind for kind in type(error).__mro__ if kind in errors)


def as_domain_error(error: Exception) -> DomainError:
    """What a framework raises, in words of the domain; anything unknown is a fault of ours."""
    match error:
        case DomainError():
            return error
        case RequestDataTooBig():
            return BodyTooLarge()
        case drf.NotFound() | Http404():
            return RouteNotFound()
        case drf.MethodNotAllowed():
            return MethodNotAllowed(allowed=[])
        case OperationalError() | InterfaceError() | RedisError():
            return Unavailable()
        case (
            BadRequest()
            | SuspiciousOperation()
            | MultiPartParserError()
            | UnreadablePostError()
            # Deeply nested JSON exhausts the stack of the parser.
            | RecursionError()
        ):
            return BodyMalformed()
        case drf.APIException(status_code=status) if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return BodyMalformed()
        case _:
            return InternalFault()
