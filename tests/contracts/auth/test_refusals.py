"""What no endpoint takes: bodies that are no JSON, requests of other sites, methods and addresses that are not there."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisConnectionError

from accounts.models import User
from accounts.selectors import session_token
from tests.contracts.auth.asking import (
    COOKIE,
    EMAIL,
    PASSWORD,
    member,
    post,
    refusal,
    session,
    sign_in,
    sign_up,
)

pytestmark = pytest.mark.django_db

PUBLIC_WRITES = [
    "sign-up/email", "sign-in/email", "sign-out", "request-password-reset", "forget-password", "reset-password",
    "send-verification-email", "two-factor/verify-totp", "two-factor/verify-backup-code",
]  # fmt: skip
MEMBER_WRITES = [
    "change-password",
    "revoke-session",
    "revoke-sessions",
    "revoke-other-sessions",
    "delete-user",
]
WRITES = PUBLIC_WRITES + MEMBER_WRITES
READS = ["get-session", "list-sessions"]


@pytest.fixture
def signed_in(client: Client) -> Client:
    member()
    sign_in(client)
    return client


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "kind",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "application/xml"],
)
def test_body_of_another_type_is_refused(signed_in: Client, path: str, kind: str) -> None:
    body = b'{"email": "someone@example.com"}'
    response = signed_in.generic("POST", f"/api/auth/{path}", body, content_type=kind)
    assert refusal(response, 415) == "UNSUPPORTED_MEDIA_TYPE"
    assert session(signed_in)


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'"text"', b"17", b"null", b"\xff\xfe", b"{'a': 1}", b"[" * 30_000, b'{"a":' * 5_000,
     b'{"email": ' + b"9" * 6_000 + b"}"],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_body_that_is_no_object_is_refused(signed_in: Client, path: str, body: bytes) -> None:
    assert refusal(post(signed_in, path, body), 400) == "BODY_MALFORMED"
    assert session(signed_in)


@pytest.mark.parametrize("path", WRITES)
def test_body_that_is_too_large_is_refused(signed_in: Client, path: str) -> None:
    assert refusal(post(signed_in, path, {"x": "y" * 33_000}), 413) == "BODY_TOO_LARGE"


@pytest.mark.parametrize(
    "path", [path for path in WRITES if path not in ("sign-out", "revoke-sessions", "revoke-other-sessions")]
)
def test_body_without_its_fields_is_refused(signed_in: Client, path: str) -> None:
    assert refusal(post(signed_in, path, {}), 400) == "VALIDATION_ERROR"


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://testserver:8001",
        "https://testserver",
        "http://testserver.evil.example",
    ],
)
def test_write_of_a_foreign_page_is_refused(signed_in: Client, path: str, origin: str) -> None:
    fields = {"name": "x", "email": "new@example.com", "password": PASSWORD}
    assert refusal(post(signed_in, path, fields, HTTP_ORIGIN=origin), 403) == "INVALID_ORIGIN"
    assert session(signed_in)
    assert User.objects.count() == 1


@pytest.mark.parametrize("path", WRITES)
def test_write_that_a_browser_calls_cross_site_is_refused(signed_in: Client, path: str) -> None:
    response = post(signed_in, path, {}, HTTP_SEC_FETCH_SITE="cross-site")
    assert refusal(response, 403) == "INVALID_ORIGIN"


@pytest.mark.parametrize("headers", [{}, {"HTTP_ORIGIN": "http://testserver"}])
def test_write_of_our_own_page_or_of_no_page_is_taken(client: Client, headers: dict[str, Any]) -> None:
    fields = {"name": "Someone", "email": EMAIL, "password": PASSWORD}
    assert post(client, "sign-up/email", fields, **headers).status_code == 200
    assert post(client, "sign-in/email", fields, **headers).status_code == 200
    assert post(client, "sign-out", {}, **headers).status_code == 200


@pytest.mark.parametrize("path", MEMBER_WRITES)
def test_write_of_a_member_needs_a_session(client: Client, path: str) -> None:
    assert refusal(post(client, path, {}), 401) == "UNAUTHORIZED"


def test_list_of_sessions_needs_a_session(client: Client) -> None:
    assert refusal(client.get("/api/auth/list-sessions"), 401) == "UNAUTHORIZED"


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_method_is_refused_in_the_dialect(client: Client, path: str, method: str) -> None:
    response = client.generic(method, f"/api/auth/{path}")
    assert refusal(response, 405) == "METHOD_NOT_ALLOWED"
    assert response["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("path", READS)
def test_reading_by_a_write_is_refused_in_the_dialect(client: Client, path: str) -> None:
    assert refusal(post(client, path), 405) == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    "path", ["", "/", "/sign-in", "/sign-in/email/", "/nothing", "/a\nb", "/sign-in/social"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_address_that_is_not_there_is_refused_in_the_dialect(client: Client, path: str, method: str) -> None:
    response = client.generic(method, f"/api/auth{path}")
    assert response.status_code == 404
    assert response.json()["code"] == "NOT_FOUND"


def test_foreign_host_is_refused(client: Client) -> None:
    response = post(client, "sign-in/email", {"email": EMAIL, "password": PASSWORD}, HTTP_HOST="evil.example")
    assert response.status_code == 400
    assert COOKIE not in response.cookies


@pytest.mark.parametrize("ask", [sign_up, sign_in])
def test_cache_that_is_gone_is_neither_a_fault_nor_a_way_around_limits(
    client: Client, monkeypatch: pytest.MonkeyPatch, ask: Any
) -> None:
    member()

    def gone(*_: Any, **__: Any) -> Any:
        raise RedisConnectionError("Connection refused")

    monkeypatch.setattr(type(cache._connections["default"]), "add", gone)
    response = ask(client)
    assert refusal(response, 503) == "UNAVAILABLE"
    assert int(response["Retry-After"]) > 0
    assert session(client) is None


def test_session_named_by_its_token_is_not_the_key() -> None:
    key = "a" * 32
    assert key not in session_token(key)
    assert session_token(key) == session_token("a" * 32) != session_token("b" * 32)


def test_trusted_origin_of_the_operator_is_taken(client: Client, settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example"]
    member()
    fields = {"email": EMAIL, "password": PASSWORD}
    assert post(client, "sign-in/email", fields, HTTP_ORIGIN="https://app.example").status_code == 200
