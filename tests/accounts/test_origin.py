"""Which pages may write with a visitor's cookie."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from accounts.errors import OriginForeign
from accounts.origin import check_origin

OWN = "https://scenes.example"


def write(
    origin: str | None = None, *, method: str = "post", secure: bool = True, **meta: Any
) -> HttpRequest:
    if origin is not None:
        meta["HTTP_ORIGIN"] = origin
    send = getattr(RequestFactory(), method)
    request: HttpRequest = send(
        "/api/auth/sign-out", secure=secure, **({"HTTP_HOST": "scenes.example"} | meta)
    )
    return request


@pytest.fixture(autouse=True)
def _own_site(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["scenes.example", "127.0.0.1", "[::1]"]
    settings.SITE_URL = ""
    settings.CSRF_TRUSTED_ORIGINS = []


@pytest.mark.parametrize("origin", [OWN, "https://scenes.example:443", "HTTPS://Scenes.Example"])
def test_own_origin_is_accepted(origin: str) -> None:
    check_origin(write(origin))


def test_missing_origin_is_accepted() -> None:
    check_origin(write())


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none", ""])
def test_missing_origin_of_a_browser_that_is_here_is_accepted(site: str) -> None:
    check_origin(write(HTTP_SEC_FETCH_SITE=site))


@pytest.mark.parametrize("site", ["cross-site", "Cross-Site", " cross-site "])
def test_missing_origin_of_a_browser_that_is_elsewhere_is_refused(site: str) -> None:
    with pytest.raises(OriginForeign):
        check_origin(write(HTTP_SEC_FETCH_SITE=site))


def test_what_no_page_began_is_accepted() -> None:
    check_origin(write("null", HTTP_SEC_FETCH_SITE="none"))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin", ""])
def test_page_without_an_origin_of_its_own_is_foreign(site: str) -> None:
    with pytest.raises(OriginForeign):
        check_origin(write("null", HTTP_SEC_FETCH_SITE=site))


@pytest.mark.parametrize(
    "origin",
    [
        "http://scenes.example",
        "https://scenes.example:8443",
        "https://scenes.example:80",
        "https://scenes.example:0",
        "https://evil.example",
        "https://scenes.example.evil.example",
        "https://evil-scenes.example",
        "https://www.scenes.example",
        "https://scenes.example@evil.example",
        "https://evil.example@scenes.example",
        "https://scenes.example/",
        "https://scenes.example/path",
        "https://scenes.example?x",
        "https://scenes.example#x",
        "https://scenes.example, https://evil.example",
        "https://scenes.example https://evil.example",
        "https://scenes.example\\.evil.example",
        "https://scenes.example:443x",
        "https://scenes.example:99999",
        "https://[::1",
        "//scenes.example",
        "scenes.example",
        "null",
        "",
        "file://",
        "https://",
        "https://sc\u0435nes.example",
        "https://scenes.example\0",
        "https://" + "a" * 10_000,
        "chrome-extension://scenes.example",
    ],
)
def test_foreign_origin_is_refused(origin: str) -> None:
    with pytest.raises(OriginForeign) as refusal:
        check_origin(write(origin))
    assert refusal.value.code == "INVALID_ORIGIN"
    # What Sec-Fetch-Site says besides cannot mend it.
    with pytest.raises(OriginForeign):
        check_origin(write(origin, HTTP_SEC_FETCH_SITE="same-origin"))


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_every_method_that_writes_is_looked_at(method: str) -> None:
    with pytest.raises(OriginForeign):
        check_origin(write("https://evil.example", method=method))


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_method_that_changes_nothing_is_not_looked_at(method: str) -> None:
    check_origin(write("https://evil.example", method=method))


def test_port_and_scheme_of_the_request_count() -> None:
    request = {"HTTP_HOST": "127.0.0.1:8000", "secure": False}
    check_origin(write("http://127.0.0.1:8000", **request))
    for foreign in (
        "http://127.0.0.1",
        "http://127.0.0.1:8001",
        "https://127.0.0.1:8000",
        "http://localhost:8000",
    ):
        with pytest.raises(OriginForeign):
            check_origin(write(foreign, **request))


def test_address_of_ipv6_is_an_origin() -> None:
    check_origin(write("http://[::1]:8000", HTTP_HOST="[::1]:8000", secure=False))


def test_site_url_is_our_own_origin_behind_a_proxy(settings: Settings) -> None:
    settings.SITE_URL = "https://front.example/scenes"
    check_origin(write("https://front.example", secure=False, HTTP_HOST="127.0.0.1:8000"))
    with pytest.raises(OriginForeign):
        check_origin(write("http://front.example", secure=False, HTTP_HOST="127.0.0.1:8000"))


def test_trusted_origins_of_the_operator_are_accepted(settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example", "https://*.apps.example"]
    for trusted in ("https://app.example", "https://one.apps.example"):
        check_origin(write(trusted))
    for foreign in (
        "http://app.example",
        "https://apps.example",
        "https://evilapps.example",
        "https://x.app.example",
    ):
        with pytest.raises(OriginForeign):
            check_origin(write(foreign))


def test_forwarded_host_is_not_believed() -> None:
    with pytest.raises(OriginForeign):
        check_origin(write("https://evil.example", HTTP_X_FORWARDED_HOST="evil.example"))
