"""HEAD over a real connection: the headers of GET, and not a byte after them."""

from __future__ import annotations

import http.client

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from core.middleware import BodilessHeadMiddleware
from tests.contracts.live import Site


def answered(
    method: str, response: HttpResponse | StreamingHttpResponse
) -> HttpResponse | StreamingHttpResponse:
    def get_response(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        return response

    made = BodilessHeadMiddleware(get_response)(RequestFactory().generic(method, "/"))
    assert isinstance(made, HttpResponse | StreamingHttpResponse)
    return made


def test_head_has_the_length_of_get_and_no_body() -> None:
    response = answered("HEAD", HttpResponse(b"twelve bytes"))
    assert (response.getvalue(), response["Content-Length"]) == (b"", "12")


def test_head_of_a_stream_ends_it() -> None:
    response = answered("HEAD", StreamingHttpResponse(iter([b"a", b"b"])))
    assert response.getvalue() == b""


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_methods_keep_their_body(method: str) -> None:
    assert answered(method, HttpResponse(b"x")).getvalue() == b"x"


def test_connection_goes_on_after_head(site: Site) -> None:
    address = site.url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=20)
    for path in ("/", "/api/me", "/api/anime/rankings", "/accounts/login/", "/nothing", "/me", "/image/x"):
        connection.request("HEAD", path)
        head = connection.getresponse()
        head.read()
        connection.request("GET", path)
        got = connection.getresponse()
        body = got.read()
        assert (got.status, path) == (head.status, path)
        assert body
    connection.close()
