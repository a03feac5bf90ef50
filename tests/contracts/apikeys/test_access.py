"""``/api/apikeys``: who may, keys that were found, and the rest of the dialect."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from apikeys.models import ApiKey, Revocation
from apikeys.services import create_key, verify_key
from tests.contracts.apikeys.asking import JSON, PATH, made, post, refusal

# Who may


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_key_does_not_open_the_management_of_keys(user: User, method: str) -> None:
    row, key = create_key(user_id=user.pk, title="t")
    path = f"{PATH}/{row.pk}" if method == "DELETE" else PATH
    for headers in (
        {},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": "Bearer wrong"},
        {"X-Trace-Key": key},
        {"Cookie": f"better-auth.session_token={key}"},
        {"Cookie": "better-auth.session_token=" + "x" * 8000},
    ):
        response = Client().generic(
            method, f"{path}?key={key}&token={key}", '{"title": "t"}', JSON, headers=headers
        )
        assert refusal(response, 401) == "UNAUTHORIZED"
    assert ApiKey.objects.count() == 1
    assert verify_key(key=key).pk == row.pk


def test_key_does_not_open_the_admin(user: User) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    _, key = create_key(user_id=user.pk, title="t")
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-Trace-Key": key}):
        assert Client().get("/admin/", headers=headers).status_code == 302


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://testserver", True),
        ("http://TESTSERVER", True),
        ("http://testserver:80", True),
        ("https://testserver", False),
        ("http://testserver:8080", False),
        ("http://testserver.evil.example", False),
        ("https://evil.example", False),
        ("null", False),
        ("", False),
        ("testserver", False),
        ("http://testserver, https://evil.example", False),
    ],
)
def test_writes_with_a_cookie_check_where_they_come_from(
    signed_in: Client, user: User, origin: str | None, allowed: bool
) -> None:
    row, key = create_key(user_id=user.pk, title="t")
    headers = {} if origin is None else {"Origin": origin}
    created = post(signed_in, {"title": "t"}, headers=headers)
    deleted = signed_in.delete(f"{PATH}/{row.pk}", headers=headers)
    if allowed:
        assert (created.status_code, deleted.status_code) == (201, 200)
    else:
        assert refusal(created, 403) == refusal(deleted, 403) == "INVALID_ORIGIN"
        assert ApiKey.objects.count() == 1
        assert verify_key(key=key)
    assert signed_in.get(PATH, headers=headers).status_code == 200


def test_host_of_somebody_else_is_refused(signed_in: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    for host in ("evil.example", "testserver.evil.example", "a b", "testserver@evil.example"):
        assert signed_in.get(PATH, HTTP_HOST=host).status_code == 400


def test_foreign_page_reads_nothing(signed_in: Client) -> None:
    response = signed_in.get(PATH, headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in response


# Keys that were found


def test_whoever_found_a_key_may_end_it(user: User) -> None:
    row, key = create_key(user_id=user.pk, title="t")
    stranger = Client()
    for fields, revoked in [({"key": f" {key}\n"}, True), ({"key": key}, False)]:
        response = post(
            stranger, fields, path=f"{PATH}/revoke-leaked", headers={"Origin": "https://github.com"}
        )
        assert (response.status_code, response.json()) == (200, {"revoked": revoked})
    row.refresh_from_db()
    assert row.revoked_by == Revocation.LEAK
    response = stranger.post(f"{PATH}/revoke-leaked", {"key": "ak_unknown"})
    assert response.json() == {"revoked": False}


@pytest.mark.parametrize("fields", [{}, {"key": None}, {"key": 5}, {"key": ["x"]}])
def test_found_key_has_to_be_named(fields: dict[str, Any]) -> None:
    assert refusal(post(Client(), fields, path=f"{PATH}/revoke-leaked"), 400) == "INVALID_REQUEST"


def test_found_keys_are_no_way_to_guess(user: User) -> None:
    _, key = create_key(user_id=user.pk, title="t")
    answers = [post(Client(), {"key": f"x{number}"}, path=f"{PATH}/revoke-leaked") for number in range(62)]
    assert [answer.status_code for answer in answers] == [200] * 60 + [429] * 2
    assert refusal(answers[-1], 429) == "RATE_LIMIT_EXCEEDED"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert post(Client(), {"key": key}, path=f"{PATH}/revoke-leaked").json() == {"revoked": True}


# The rest of the dialect


@pytest.mark.parametrize(
    "path",
    ["/", "/x", "/1/", "/1/x", "/-1", "/1.0", "/0x1", "/%0A", "/%00", "/%ff", "/" + "9" * 19, "/" + "9" * 5000,
     "/revoke-leaked/", "/../users", "/\u0663"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_unknown_path_is_not_found(client: Client, path: str, method: str) -> None:
    response = client.generic(method, PATH + path)
    assert refusal(response, 404) == "NOT_FOUND"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("", "GET, POST, HEAD, OPTIONS"), ("/1", "DELETE, OPTIONS"), ("/revoke-leaked", "POST, OPTIONS")],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "FOO"])
def test_other_methods_are_not_allowed(client: Client, path: str, allowed: str, method: str) -> None:
    response = client.generic(method, PATH + path)
    assert refusal(response, 405) == "METHOD_NOT_ALLOWED"
    assert response["Allow"] == allowed


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense"])
def test_accept_header_changes_nothing(signed_in: Client, accept: str) -> None:
    assert (
        signed_in.get(f"{PATH}?format=xml", headers={"Accept": accept})["Content-Type"] == "application/json"
    )


def test_cache_that_is_down_is_unavailable_where_guesses_are_counted(
    signed_in: Client, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
            "OPTIONS": {"socket_connect_timeout": 1},
        }
    }
    response = post(Client(), {"key": "x"}, path=f"{PATH}/revoke-leaked")
    assert refusal(response, 503) == "UNAVAILABLE"
    assert int(response["Retry-After"]) > 0


def test_moments_are_told_in_utc(signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 3, 29, 1, 30, 0, 123_456, tzinfo=UTC)
    monkeypatch.setattr("apikeys.services.now", lambda: moment)
    assert made(post(signed_in, {"title": "t"}))["createdAt"] == "2026-03-29T01:30:00.123Z"
