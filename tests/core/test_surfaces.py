"""A dialect's own errors for everything that can go wrong on its URLs, and the headers of every answer."""

from __future__ import annotations

import json
import logging
from typing import Any, ClassVar, Final

import pytest
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    ImproperlyConfigured,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.test import Client, RequestFactory
from django.urls import path, re_path
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisDown
from rest_framework import exceptions as drf
from rest_framework.request import Request

from accounts.models import User
from core.errors import DomainError, Unavailable
from core.surfaces import (
    BodyMalformed,
    BodyTooLarge,
    ErrorTable,
    InternalFault,
    MethodNotAllowed,
    RouteNotFound,
    SurfaceView,
    as_domain_error,
    catch_all,
    plain_request,
    render_error,
)


class Teapot(DomainError):
    code = "TEAPOT"
    default_message = "Short and stout."


class SmallTeapot(Teapot):
    code = "SMALL_TEAPOT"


class Unlisted(DomainError):
    code = "UNLISTED"
    default_message = "Nothing says how to render this: SECRET."


def said(status: int) -> Any:
    return lambda error: JsonResponse({"said": error.code}, status=status)


ERRORS: Final[ErrorTable] = {
    Teapot: said(418),
    BodyMalformed: said(400),
    BodyTooLarge: said(413),
    MethodNotAllowed: said(405),
    RouteNotFound: said(404),
    Unavailable: said(503),
    DomainError: lambda error: JsonResponse({"said": "INTERNAL_ERROR"}, status=500),
}


class Kettle(SurfaceView):
    errors = ERRORS
    max_body_bytes = 1000
    to_raise: ClassVar[BaseException | None] = None

    def get(self, request: Request) -> HttpResponse:
        if self.to_raise is not None:
            raise self.to_raise
        user = plain_request(request).user
        return JsonResponse({"user": getattr(user, "email", None)})

    def post(self, request: Request) -> HttpResponse:
        http = plain_request(request)
        # Reading the body beforehand would keep a form from being parsed as it comes in.
        fields = http.POST.dict()
        return JsonResponse({"fields": fields} if fields else {"bytes": len(http.body)})

    def put(self, request: Request) -> HttpResponse:
        return HttpResponse("kept", headers={"Cache-Control": "max-age=60"})


urlpatterns = [path("kettle", Kettle.as_view()), re_path("^kettle/", catch_all(ERRORS))]


@pytest.fixture
def surface(client: Client, settings: Settings) -> Client:
    """A client of the dialect above."""
    settings.ROOT_URLCONF = __name__
    return client


def kettle(surface: Client, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Kettle, "to_raise", error)
    return surface.get("/kettle")


MAPPED: list[tuple[Exception, type[DomainError], int]] = [
    (Teapot(), Teapot, 418),
    (SmallTeapot(), Teapot, 418),
    (RequestDataTooBig(), BodyTooLarge, 413),
    (TooManyFieldsSent(), BodyMalformed, 400),
    (TooManyFilesSent(), BodyMalformed, 400),
    (DisallowedHost(), BodyMalformed, 400),
    (SuspiciousOperation("SECRET"), BodyMalformed, 400),
    (BadRequest("SECRET"), BodyMalformed, 400),
    (MultiPartParserError("SECRET"), BodyMalformed, 400),
    (UnreadablePostError("SECRET"), BodyMalformed, 400),
    (RecursionError("SECRET"), BodyMalformed, 400),
    (drf.ParseError("SECRET"), BodyMalformed, 400),
    (drf.ValidationError("SECRET"), BodyMalformed, 400),
    (drf.UnsupportedMediaType("SECRET"), BodyMalformed, 400),
    (drf.NotAcceptable("SECRET"), BodyMalformed, 400),
    (drf.MethodNotAllowed("SECRET"), MethodNotAllowed, 405),
    (drf.NotFound("SECRET"), RouteNotFound, 404),
    (Http404("SECRET"), RouteNotFound, 404),
    (Unavailable(), Unavailable, 503),
]
OUT_OF_ORDER: list[Exception] = [OperationalError("SECRET"), InterfaceError("SECRET"), RedisDown("SECRET")]
OUR_FAULT: list[Exception] = [
    RuntimeError("SECRET"),
    ValueError("SECRET"),
    KeyError("SECRET"),
    LookupError("unknown encoding: SECRET"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "SECRET"),
    MemoryError("SECRET"),
    OSError(5, "SECRET"),
    TimeoutError("SECRET"),
    AssertionError("SECRET"),
    ImproperlyConfigured("SECRET"),
    DatabaseError("SECRET"),
    IntegrityError("SECRET"),
    drf.APIException("SECRET"),
    InternalFault(),
    Unlisted(),
]


@pytest.mark.parametrize(("error", "kind", "status"), MAPPED, ids=lambda value: type(value).__name__)
def test_error_comes_out_as_the_dialects_own(
    surface: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    kind: type[DomainError],
    status: int,
) -> None:
    assert isinstance(as_domain_error(error), kind)
    response = kettle(surface, error, monkeypatch)
    assert response.status_code == status
    assert set(response.json()) == {"said"}
    assert b"SECRET" not in response.content
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("error", OUR_FAULT, ids=lambda error: type(error).__name__)
def test_what_nobody_expected_is_logged_and_not_told(
    surface: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    response = kettle(surface, error, monkeypatch)
    assert (response.status_code, response.json()) == (500, {"said": "INTERNAL_ERROR"})
    (record,) = [record for record in caplog.records if record.name == "core.surfaces"]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert "/kettle" in record.getMessage()


@pytest.mark.parametrize("error", OUT_OF_ORDER, ids=lambda error: type(error).__name__)
def test_database_or_cache_that_is_down_is_unavailable_and_logged(
    surface: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    response = kettle(surface, error, monkeypatch)
    assert (response.status_code, response.json()) == (503, {"said": "UNAVAILABLE"})
    assert int(response["Retry-After"]) > 0
    assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [error]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_end_of_the_process_is_no_error_of_a_request(
    surface: Client, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        kettle(surface, error, monkeypatch)


def test_nearest_class_in_the_table_decides() -> None:
    table: ErrorTable = {**ERRORS, SmallTeapot: said(419)}
    assert render_error(table, SmallTeapot()).status_code == 419
    assert render_error(table, Teapot()).status_code == 418
    assert render_error(ERRORS, SmallTeapot()).status_code == 418
    assert render_error(ERRORS, Unlisted()).status_code == 500


@pytest.mark.parametrize(("seconds", "header"), [(7, "7"), (86_400, "86400"), (None, None)])
def test_wait_becomes_a_header(seconds: int | None, header: str | None) -> None:
    error = Teapot() if seconds is None else Teapot(retry_after_s=seconds)
    assert render_error(ERRORS, error).get("Retry-After") == header


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "TRACE", "CONNECT", "FOO", "kettle"])
def test_other_methods_are_not_allowed_and_the_right_ones_named(surface: Client, method: str) -> None:
    response = surface.generic(method, "/kettle")
    assert (response.status_code, response.json()) == (405, {"said": "METHOD_NOT_ALLOWED"})
    assert response["Allow"] == "GET, POST, PUT, HEAD, OPTIONS"


def test_head_is_get_without_a_body(surface: Client) -> None:
    response = surface.head("/kettle")
    assert (response.status_code, response.content) == (200, b"")


def test_options_describes_nothing_of_the_code(surface: Client) -> None:
    response = surface.options("/kettle")
    assert (response.status_code, response.content) == (200, b"")
    assert response["Allow"] == "GET, POST, PUT, HEAD, OPTIONS"


@pytest.mark.parametrize("where", ["/kettle/", "/kettle/x/y", "/kettle/%0A"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "FOO"])
def test_rest_of_a_dialects_urls_is_its_own_not_found(surface: Client, where: str, method: str) -> None:
    response = Client(enforce_csrf_checks=True).generic(method, where, b"x" * 5000)
    assert response.status_code == 404
    if method != "HEAD":
        assert response.json() == {"said": "NOT_FOUND"}


@pytest.mark.parametrize(
    "accept", ["text/html", "image/png", "application/xml", "application/json; q=0", "x", ""]
)
@pytest.mark.parametrize("query", ["", "?format=xml", "?format=json", "?format=api"])
def test_representation_is_not_negotiated(surface: Client, accept: str, query: str) -> None:
    assert surface.get(f"/kettle{query}", headers={"Accept": accept}).status_code == 200


def test_post_needs_no_csrf_token(surface: Client) -> None:
    assert Client(enforce_csrf_checks=True).post("/kettle", {"a": "b"}).json()["fields"] == {"a": "b"}


@pytest.mark.django_db
def test_session_user_is_still_there(surface: Client) -> None:
    assert surface.get("/kettle").json() == {"user": None}
    surface.force_login(User.objects.create_user("someone@example.com", "x"))
    assert surface.get("/kettle").json() == {"user": "someone@example.com"}


@pytest.mark.parametrize(
    ("length", "status"), [(0, 200), (999, 200), (1000, 200), (1001, 413), (100_000, 413)]
)
@pytest.mark.parametrize("content_type", ["application/octet-stream", "application/json", ""])
def test_body_is_limited_before_it_is_read(
    surface: Client, length: int, status: int, content_type: str
) -> None:
    response = surface.generic("POST", "/kettle", b"x" * length, content_type=content_type)
    assert response.status_code == status


def test_body_without_a_limit_of_the_view_has_the_sites(
    surface: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Kettle, "max_body_bytes", None)
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 5000
    assert surface.generic("POST", "/kettle", b"x" * 5000).status_code == 200
    assert surface.generic("POST", "/kettle", b"x" * 5001).status_code == 413


def test_djangos_own_limit_is_a_body_too_large(surface: Client, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    response = surface.generic("POST", "/kettle", b"x" * 20)
    assert (response.status_code, response.json()) == (413, {"said": "BODY_TOO_LARGE"})


@pytest.mark.parametrize("length", ["x", "1.5", "-x", "٣x"])
def test_content_length_that_is_no_number_is_malformed(length: str) -> None:
    request = RequestFactory().post("/kettle")
    request.META["CONTENT_LENGTH"] = length
    response = Kettle.as_view()(request)
    assert (response.status_code, json.loads(response.content)) == (400, {"said": "BODY_MALFORMED"})


@pytest.mark.parametrize("charset", ["hex", "zlib", "undefined", "utf-16", "shift_jis", "klingon"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", "a=%E3%82%86"),
        (
            "multipart/form-data; boundary=b",
            '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nゆ\r\n--b--',
        ),
    ],
)
def test_form_is_utf_8_whatever_it_says(surface: Client, kind: str, body: str, charset: str) -> None:
    response = surface.generic("POST", "/kettle", body, content_type=f"{kind}; charset={charset}")
    assert response.json() == {"fields": {"a": "ゆ"}}


def test_answer_is_not_stored_unless_the_view_says_so(
    surface: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert surface.get("/kettle")["Cache-Control"] == "no-store"
    assert surface.put("/kettle")["Cache-Control"] == "max-age=60"
    assert kettle(surface, Teapot(), monkeypatch)["Cache-Control"] == "no-store"


def test_plain_request_is_djangos_own() -> None:
    request = RequestFactory().get("/")
    assert isinstance(plain_request(Request(request)), HttpRequest)
    assert plain_request(Request(request)) is request
