"""What goes wrong outside of a page's own form is told on a page of the design, in the reader's language, with a way on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.template import TemplateSyntaxError
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from accounts.errors import TooManyAttempts
from accounts.models import User
from core import error_pages

handler400 = "core.error_pages.bad_request"
handler403 = "core.error_pages.forbidden"
handler404 = "core.error_pages.not_found"
handler500 = "core.error_pages.server_error"


def raising(error: Exception) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        raise error

    return view


def taking(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{len(request.POST)} fields")


urlpatterns = [
    path("forbidden", raising(PermissionDenied())),
    path("suspicious", raising(SuspiciousOperation("SECRET"))),
    path("fault", raising(ZeroDivisionError("SECRET"))),
    path("tried", raising(TooManyAttempts(retry_after_s=125))),
    path("away", raising(OperationalError("SECRET"))),
    path("taking", taking),
    path("", include("config.urls")),
]

FAILURES = [
    ("/forbidden", 403, "This page is not for you"),
    ("/no/such/page", 404, "There is no such page"),
    ("/suspicious", 400, "This request could not be read"),
    ("/fault", 500, "Something went wrong on our side"),
    ("/tried", 429, "Too many requests"),
    ("/away", 503, "Not available right now"),
]


@pytest.fixture(autouse=True)
def _these_pages(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


def in_our_form(response: Any, status: int, heading: str) -> str:
    text: str = response.content.decode()
    assert response.status_code == status
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert f"<h1>{heading}</h1>" in text
    assert "css/frameproof.css" in text
    assert 'name="color-scheme" content="light dark"' in text
    assert "SECRET" not in text
    main = text[text.index("<main") : text.index("</main>")]
    assert 'href="/"' in main
    assert 'href="/detect"' in main
    assert "no-store" in response["Cache-Control"]
    return text


@pytest.mark.django_db
@pytest.mark.parametrize(("where", "status", "heading"), FAILURES)
def test_failure_is_a_page_with_a_way_on(client: Client, where: str, status: int, heading: str) -> None:
    in_our_form(client.get(where), status, heading)


@pytest.mark.django_db
@pytest.mark.parametrize(("where", "status", "heading"), FAILURES)
def test_page_of_a_failure_speaks_the_readers_language(
    client: Client, where: str, status: int, heading: str
) -> None:
    # Those before left their own language in this thread.
    client.get("/", headers={"accept-language": "ko"})
    response = client.get(where, headers={"accept-language": "ja"})
    text = response.content.decode()
    assert response.status_code == status
    assert '<html lang="ja"' in text
    assert heading not in text


@pytest.mark.django_db
def test_form_without_its_token_leads_back_to_its_page(client: Client) -> None:
    sent = {"headers": {"referer": "http://testserver/account/keys?page=2"}}
    text = in_our_form(client.post("/taking", {}, **sent), 403, "This page has been open for too long")
    assert 'href="/account/keys?page=2"' in text


@pytest.mark.django_db
@pytest.mark.parametrize("sender", ["https://evil.example/x", "//evil.example", "javascript:alert(1)", ""])
def test_way_back_leads_to_no_other_site(client: Client, sender: str) -> None:
    text = client.post("/taking", {}, headers={"referer": sender}).content.decode()
    assert "evil.example" not in text
    assert "javascript:" not in text
    assert "Open the page anew" not in text


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_form_that_is_too_large_is_told_so_unread(client: Client, settings: Settings, kind: str) -> None:
    settings.MAX_BODY_BYTES = 2 << 20
    response = client.generic("POST", "/taking", b"x", content_type=kind, CONTENT_LENGTH=str((2 << 20) + 1))
    assert "Up to 2 MB" in in_our_form(response, 413, "This is too large")


@pytest.mark.django_db
def test_form_of_the_largest_size_is_read(settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 1000
    body = ("a=" + "x" * 998).encode()
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert Client().generic("POST", "/taking", body, **form).content == b"1 fields"


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["/api/anime/search", "/api/search", "/search", "/api/v1/analyze"])
def test_programs_are_told_in_their_dialect(client: Client, settings: Settings, where: str) -> None:
    response = client.generic("POST", where, b"x", CONTENT_LENGTH=str(settings.MAX_BODY_BYTES + 1))
    assert response.status_code == 413
    assert "<html" not in response.content.decode()


@pytest.mark.django_db
def test_waiting_is_told_to_programs_and_counted_down_for_people(client: Client) -> None:
    response = client.get("/tried")
    assert response["Retry-After"] == "125"
    text = in_our_form(response, 429, "Too many requests")
    assert "You can try again in 2 minutes 5 seconds." in text
    assert re.search(r'data-resets-at="\d{4}-.*?" data-text="You can try again in \{time\}\."', text)
    assert "js/countdown.js" in text
    assert 'href="/tried"' in text


@pytest.fixture
def signed_in(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_user("reader@example.com", "x"))
    return client


@contextmanager
def without_database() -> Iterator[None]:
    def gone(*_: object, **__: object) -> None:
        raise OperationalError("SECRET")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(connection, "cursor", gone)
        yield


@pytest.mark.parametrize(
    ("where", "status", "heading"), [each for each in FAILURES if each[1] in (404, 429, 500, 503)]
)
def test_page_of_a_failure_needs_no_database(
    signed_in: Client, where: str, status: int, heading: str
) -> None:
    assert 'href="/account"' in signed_in.get("/no/such/page").content.decode()
    with without_database():
        in_our_form(signed_in.get(where), status, heading)


def test_page_that_needs_the_database_says_that_it_is_away(
    signed_in: Client,
) -> None:
    with without_database():
        response = signed_in.get("/account")
    in_our_form(response, 503, "Not available right now")
    assert int(response["Retry-After"]) > 0


@pytest.mark.django_db
def test_fault_of_the_templates_themselves_is_told_plainly(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise TemplateSyntaxError("SECRET")

    monkeypatch.setattr(error_pages, "render", broken)
    response = client.get("/fault")
    text = response.content.decode()
    assert response.status_code == 500
    assert "Something went wrong on our side" in text
    assert "SECRET" not in text
