"""``POST /api/auth/sign-up/email``."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
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
    refusal,
    session,
    sign_in,
    sign_up,
)

pytestmark = pytest.mark.django_db
Mails = list[EmailMessage]
#: An address as long as the known one.
NEW = "another@example.com"


def shape(response: Any) -> Any:
    """An answer without what differs between two answers to the very same request."""
    body = json.loads(response.content)
    for name in ("id", "createdAt", "updatedAt"):
        assert body["user"].pop(name)
    headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
    return response.status_code, body, headers, len(response.content), sorted(response.cookies)


def test_new_account_is_told_of_and_not_signed_in(client: Client) -> None:
    response = sign_up(client, email="Someone@Example.com")
    assert response.status_code == 200
    user = User.objects.get()
    body = response.json()
    assert body["token"] is None
    created = body["user"].pop("createdAt")
    assert body["user"].pop("updatedAt") == created
    assert created.endswith("Z")
    assert body["user"] == {
        "id": str(user.public_id),
        "email": EMAIL,
        "name": "Someone",
        "image": None,
        "emailVerified": False,
    }
    assert COOKIE not in response.cookies
    assert session(client) is None
    assert user.email == EMAIL
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("verification", ["optional", "mandatory"])
@pytest.mark.parametrize("spelling", [EMAIL, "SOMEONE@Example.com"])
@pytest.mark.parametrize("verified", [True, False])
def test_known_address_is_answered_exactly_like_a_new_one(
    client: Client, settings: Settings, mailoutbox: Mails, verification: str, spelling: str, verified: bool
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    member(verified=verified)
    known = sign_up(client, email=spelling, password=OTHER_PASSWORD)
    new = sign_up(Client(), email=NEW, password=OTHER_PASSWORD)
    known_shape, new_shape = shape(known), shape(new)
    assert known_shape[1]["user"].pop("email") == EMAIL
    assert new_shape[1]["user"].pop("email") == NEW
    assert known_shape == new_shape
    UUID(known.json()["user"]["id"])
    # Nothing has happened to the account; its owner is told.
    assert User.objects.get(email=EMAIL).check_password(PASSWORD)
    assert [mail.to for mail in mailoutbox] == [[EMAIL], [NEW]]
    assert "already exists" in mailoutbox[0].body
    assert "/accounts/password/reset/" in mailoutbox[0].body
    assert "/accounts/confirm-email/" in mailoutbox[1].body


def test_account_may_sign_in_at_once_where_no_mail_server_is(client: Client, settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    sign_up(client)
    assert sign_in(client).status_code == 200


def test_name_is_taken_as_it_is_and_escaped_on_pages(client: Client) -> None:
    sign_up(client, name="<script>alert(1)</script> ゆるキャン△")
    sign_in(client)
    assert User.objects.get().name == "<script>alert(1)</script> ゆるキャン△"
    page = client.get("/account").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "PASSWORD_TOO_SHORT"),
        ("", "VALIDATION_ERROR"),
        ("x" * 129, "PASSWORD_TOO_LONG"),
        ("password1234", "PASSWORD_TOO_WEAK"),
        ("x" * 10_000, "VALIDATION_ERROR"),
    ],
)
def test_password_that_would_be_no_good_is_refused(client: Client, password: str, code: str) -> None:
    assert refusal(sign_up(client, password=password), 400) == code
    assert not User.objects.exists()


def test_password_like_the_address_is_refused(client: Client) -> None:
    assert refusal(sign_up(client, email="extraordinary@example.com", password="extraordinary"), 400) == (
        "PASSWORD_TOO_WEAK"
    )


@pytest.mark.parametrize(
    "email", ["", "someone", "@example.com", "a b@example.com", "x@" + "a" * 10_000, "a@b@c.de", "a@example.com\n",
              "someone@example.com\r\nBcc: other@example.com"]
)  # fmt: skip
def test_what_is_no_address_is_refused(client: Client, mailoutbox: Mails, email: str) -> None:
    assert refusal(sign_up(client, email=email), 400) == "INVALID_EMAIL"
    assert not mailoutbox


@pytest.mark.parametrize(
    "fields",
    [
        {"email": 17}, {"email": None}, {"email": ["someone@example.com"]}, {"email": {"a": 1}},
        {"email": "some\0one@example.com"}, {"email": "some\ud800one@example.com"},
        {"password": None}, {"password": 12345678}, {"password": "a long\0 secret 17"},
        {"name": None}, {"name": 17}, {"name": "x" * 151}, {"name": "a\0b"}, {"name": "\udfff"},
        {"image": 17}, {"callbackURL": 17},
    ],
    ids=str,
)  # fmt: skip
def test_field_of_another_kind_is_refused(client: Client, fields: dict[str, Any]) -> None:
    assert refusal(sign_up(client, **fields), 400) == "VALIDATION_ERROR"
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "https:evil.example",
    ],
)
def test_way_on_to_another_site_is_refused(client: Client, url: str) -> None:
    assert refusal(sign_up(client, callbackURL=url), 403) == "INVALID_CALLBACK_URL"


def test_sign_ups_of_one_address_are_slowed(client: Client) -> None:
    for number in range(20):
        assert sign_up(client, email=f"someone{number}@example.com").status_code == 200
    response = sign_up(client, email="last@example.com")
    assert refusal(response, 429) == "TOO_MANY_REQUESTS"
    assert 0 < int(response["Retry-After"]) <= 60
    assert not User.objects.filter(email="last@example.com").exists()
