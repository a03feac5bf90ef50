"""``POST /api/auth/sign-in/email``, ``sign-out``, ``get-session``: one session for the API and the pages."""

from __future__ import annotations

from http.cookies import Morsel
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.contracts.auth.asking import (
    COOKIE,
    EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
    member,
    post,
    refusal,
    session,
    sign_in,
)

pytestmark = pytest.mark.django_db


def cookie(response: Any) -> Morsel[str]:
    found: Morsel[str] = response.cookies[COOKIE]
    return found


def test_session_cookie_has_the_name_that_better_auth_gives_it() -> None:
    assert COOKIE == "better-auth.session_token"


def test_signing_in_answers_with_the_user_and_sets_the_cookie(client: Client) -> None:
    user = member()
    response = sign_in(client, email="SOMEONE@example.com")
    body = response.json()
    assert set(body) == {"redirect", "token", "user"}
    assert body["redirect"] is False
    assert (body["user"]["id"], body["user"]["email"], body["user"]["emailVerified"]) == (
        str(user.public_id),
        EMAIL,
        True,
    )
    sent = cookie(response)
    assert (sent["httponly"], sent["samesite"], sent["path"]) == (True, "Lax", "/")
    assert int(sent["max-age"]) > 86_400


def test_cookie_is_for_https_alone_behind_tls(client: Client, settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = True
    member()
    assert cookie(sign_in(client))["secure"] is True


def test_session_that_is_not_to_be_remembered_ends_with_the_browser(client: Client) -> None:
    member()
    sent = cookie(sign_in(client, rememberMe=False))
    assert (sent["max-age"], sent["expires"]) == ("", "")


def test_token_of_the_body_is_not_what_the_cookie_holds(client: Client) -> None:
    member()
    response = sign_in(client)
    token = response.json()["token"]
    assert cookie(response).value not in response.content.decode()
    thief = Client()
    thief.cookies[COOKIE] = token
    assert session(thief) is None
    thief.cookies[COOKIE] = token[:32]
    assert session(thief) is None


def test_session_has_the_documented_fields(client: Client) -> None:
    member()
    credentials = {"email": EMAIL, "password": PASSWORD}
    response = post(client, "sign-in/email", credentials, HTTP_USER_AGENT="a test")
    found = session(client)
    assert set(found) == {"session", "user"}
    assert found["user"] == response.json()["user"]
    told = found["session"]
    assert set(told) == {
        "id",
        "userId",
        "token",
        "expiresAt",
        "createdAt",
        "updatedAt",
        "ipAddress",
        "userAgent",
    }
    assert told["token"] == response.json()["token"]
    assert told["userId"] == found["user"]["id"]
    assert (told["ipAddress"], told["userAgent"]) == ("127.0.0.1", "a test")
    assert told["createdAt"] < told["expiresAt"]


def test_nobody_has_no_session(client: Client) -> None:
    assert session(client) is None


def test_one_session_serves_the_pages_too(client: Client) -> None:
    member()
    sign_in(client)
    assert client.get("/account").status_code == 200
    client.post("/accounts/logout/")
    assert session(client) is None
    client.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})
    assert session(client)["user"]["email"] == EMAIL


def test_signing_out_ends_the_session_and_clears_the_cookie(client: Client) -> None:
    member()
    sign_in(client)
    stolen = client.cookies[COOKIE].value
    response = post(client, "sign-out")
    assert response.json() == {"success": True}
    assert cookie(response)["max-age"] == 0
    assert not Session.objects.exists()
    assert not UserSession.objects.exists()
    client.cookies[COOKIE] = stolen
    assert session(client) is None


def test_signing_out_needs_neither_a_body_nor_a_session(client: Client) -> None:
    response = client.generic("POST", "/api/auth/sign-out")
    assert response.json() == {"success": True}


def test_signing_in_again_changes_the_key_of_the_session(client: Client) -> None:
    member()
    member("other@example.com")
    sign_in(client)
    first = client.cookies[COOKIE].value
    sign_in(client, email="other@example.com")
    assert client.cookies[COOKIE].value != first
    assert session(client)["user"]["email"] == "other@example.com"
    client.cookies[COOKIE] = first
    assert session(client) is None


def test_wrong_password_and_unknown_address_are_answered_alike(client: Client) -> None:
    member()
    wrong = sign_in(client, password="not the password")
    unknown = sign_in(client, email="nobody@example.com")
    assert refusal(wrong, 401) == refusal(unknown, 401) == "INVALID_EMAIL_OR_PASSWORD"
    assert wrong.content == unknown.content
    assert not wrong.cookies
    assert not unknown.cookies


def test_unknown_address_takes_a_hash_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    plain = User.set_password
    monkeypatch.setattr(User, "set_password", lambda self, raw: (hashed.append(raw), plain(self, raw))[1])
    sign_in(client, email="nobody@example.com", password="whatever it is")
    assert hashed == ["whatever it is"]


def test_account_that_staff_switched_off_is_refused(client: Client) -> None:
    user = member()
    user.is_active = False
    user.save()
    assert refusal(sign_in(client), 403) == "ACCOUNT_DISABLED"
    assert refusal(sign_in(client, password="wrong"), 401) == "INVALID_EMAIL_OR_PASSWORD"
    assert session(client) is None


def test_unverified_address_is_refused_and_gets_another_mail_once(
    client: Client, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    member(verified=False)
    assert refusal(sign_in(client, password="wrong password"), 401) == "INVALID_EMAIL_OR_PASSWORD"
    assert not mailoutbox
    for _ in range(2):
        response = sign_in(client)
        assert refusal(response, 403) == "EMAIL_NOT_VERIFIED"
        assert COOKIE not in response.cookies or response.cookies[COOKIE]["max-age"] == 0
    assert [mail.to for mail in mailoutbox] == [[EMAIL]]
    assert session(client) is None


def test_way_on_is_answered_where_it_is_ours(client: Client) -> None:
    member()
    body = sign_in(client, callbackURL="/account?tab=1").json()
    assert (body["redirect"], body["url"]) == (True, "/account?tab=1")


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\tjavascript:x"],
)
def test_way_on_to_another_site_is_refused(client: Client, url: str) -> None:
    member()
    assert refusal(sign_in(client, callbackURL=url), 403) == "INVALID_CALLBACK_URL"
    assert session(client) is None


@pytest.mark.parametrize(
    "fields",
    [{"email": 1}, {"password": None}, {"password": ["x"]}, {"rememberMe": "yes"}, {"rememberMe": 1},
     {"password": "a\0b"}, {"password": "x" * 2000}, {"callbackURL": {}}],
    ids=str,
)  # fmt: skip
def test_field_of_another_kind_is_refused(client: Client, fields: dict[str, Any]) -> None:
    member()
    assert refusal(sign_in(client, **fields), 400) == "VALIDATION_ERROR"


@pytest.mark.parametrize(
    "value", ["x" * 8192, "a" * 32, "", "../../etc", "é", "a\0b", "'; drop table", "x" * 40]
)
def test_cookie_that_is_not_ours_is_ignored(client: Client, value: str) -> None:
    client.cookies[COOKIE] = value
    assert session(client) is None
    assert client.get("/").status_code == 200
    member()
    assert sign_in(client).status_code == 200


def test_password_can_be_any_text(client: Client) -> None:
    user = member()
    user.set_password(OTHER_PASSWORD + " パスワード 🎬 ")
    user.save()
    assert sign_in(client, password=OTHER_PASSWORD + " パスワード 🎬 ").status_code == 200
