"""Passwords that are lost and changed, and addresses that are to be verified."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.contracts.auth.asking import (
    EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
    is_verified,
    member,
    post,
    refusal,
    session,
    sign_in,
    sign_up,
)

pytestmark = pytest.mark.django_db
Mails = list[EmailMessage]


def link_of(mail: EmailMessage) -> str:
    found = re.search(r"(https?://\S+)", mail.body)
    assert found
    return found[1]


def token_of(mail: EmailMessage) -> str:
    return link_of(mail).rstrip("/").rsplit("/", 1)[1]


def ask_reset(client: Client, email: str = EMAIL, **headers: str) -> bytes:
    response = post(client, "request-password-reset", {"email": email}, **headers)
    assert response.status_code == 200
    content: bytes = response.content
    return content


def reset(client: Client, token: str, password: str = OTHER_PASSWORD) -> object:
    return post(client, "reset-password", {"token": token, "newPassword": password})


@pytest.mark.parametrize("path", ["request-password-reset", "forget-password"])
def test_reset_is_answered_alike_for_every_address(client: Client, mailoutbox: Mails, path: str) -> None:
    member()
    known = post(client, path, {"email": EMAIL, "redirectTo": "/account"})
    unknown = post(client, path, {"email": "nobody@example.com"})
    assert known.status_code == unknown.status_code == 200
    assert known.content == unknown.content
    assert dict(known.headers) == dict(unknown.headers)
    assert known.json()["status"] is True
    assert not known.cookies
    # Both take a mail's time: the one has a link, the other says that there is no account.
    assert [mail.to for mail in mailoutbox] == [[EMAIL], ["nobody@example.com"]]
    assert "/accounts/password/reset/key/" in mailoutbox[0].body
    assert "/accounts/password/reset/key/" not in mailoutbox[1].body


def test_reset_sets_another_password_and_ends_every_session(client: Client, mailoutbox: Mails) -> None:
    member()
    sign_in(client)
    other = Client()
    ask_reset(other)
    response = reset(other, token_of(mailoutbox[0]))
    assert response.json() == {"status": True}
    assert session(client) is None
    assert session(other) is None
    assert sign_in(other).status_code == 401
    assert sign_in(other, password=OTHER_PASSWORD).status_code == 200


def test_token_serves_once(client: Client, mailoutbox: Mails) -> None:
    member()
    ask_reset(client)
    token = token_of(mailoutbox[0])
    reset(client, token)
    assert refusal(reset(client, token, "yet another secret 99"), 400) == "INVALID_TOKEN"
    assert User.objects.get().check_password(OTHER_PASSWORD)


def test_token_serves_its_own_account_alone(client: Client, mailoutbox: Mails) -> None:
    member()
    other = member("other@example.com")
    ask_reset(client)
    _, _, key = token_of(mailoutbox[0]).partition("-")
    assert refusal(reset(client, f"{other.pk}-{key}"), 400) == "INVALID_TOKEN"
    assert User.objects.get(pk=other.pk).check_password(PASSWORD)


def test_token_of_three_days_ago_is_refused(client: Client, mailoutbox: Mails, settings: Settings) -> None:
    member()
    ask_reset(client)
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert refusal(reset(client, token_of(mailoutbox[0])), 400) == "INVALID_TOKEN"


@pytest.mark.parametrize("token", ["", "-", "x", "1-abc", "zzzzzzzzzzzzzzzz-abc", "💥-x", "1-" + "x" * 150])
def test_token_that_is_not_ours_is_refused(client: Client, token: str) -> None:
    member()
    assert refusal(reset(client, token), 400) == "INVALID_TOKEN"


def test_new_password_of_a_reset_has_to_be_good(client: Client, mailoutbox: Mails) -> None:
    member()
    ask_reset(client)
    assert refusal(reset(client, token_of(mailoutbox[0]), "short"), 400) == "PASSWORD_TOO_SHORT"
    assert refusal(reset(client, token_of(mailoutbox[0]), "x" * 129), 400) == "PASSWORD_TOO_LONG"


@pytest.mark.parametrize(
    "headers", [{"HTTP_X_FORWARDED_HOST": "evil.example"}, {"HTTP_FORWARDED": "host=evil.example"},
                {"HTTP_X_HOST": "evil.example"}, {"HTTP_X_FORWARDED_PROTO": "https"}]
)  # fmt: skip
def test_link_of_a_mail_keeps_our_own_host(
    client: Client, mailoutbox: Mails, headers: dict[str, str]
) -> None:
    member()
    ask_reset(client, **headers)
    assert link_of(mailoutbox[0]).startswith("http://testserver/accounts/password/reset/key/")
    assert "evil" not in mailoutbox[0].body


def test_foreign_host_sends_no_mail(client: Client, mailoutbox: Mails) -> None:
    member()
    response = post(client, "request-password-reset", {"email": EMAIL}, HTTP_HOST="evil.example")
    assert response.status_code == 400
    assert not mailoutbox


def test_links_of_mails_lead_to_the_address_of_the_site(
    client: Client, mailoutbox: Mails, settings: Settings
) -> None:
    settings.SITE_URL = "https://scenes.example"
    settings.ALLOWED_HOSTS = ["*"]
    member()
    ask_reset(client, HTTP_HOST="evil.example")
    ask_reset(client, "nobody@example.com", HTTP_HOST="evil.example")
    sign_up(client, "new@example.com", HTTP_HOST="evil.example")
    for mail in mailoutbox:
        assert link_of(mail).startswith("https://scenes.example/accounts/")
        assert "evil" not in mail.body
        assert "evil" not in mail.subject
    assert len(mailoutbox) == 3


def test_changed_password_ends_the_other_sessions_and_keeps_this_one(client: Client) -> None:
    member()
    sign_in(client)
    other = Client()
    sign_in(other)
    fields = {"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD}
    response = post(client, "change-password", fields)
    assert response.status_code == 200
    assert response.json()["token"] == session(client)["session"]["token"]
    assert session(other) is None
    assert len(client.get("/api/auth/list-sessions").json()) == 1
    assert sign_in(other, password=OTHER_PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "code"),
    [
        ("wrong", OTHER_PASSWORD, "INVALID_PASSWORD"),
        (PASSWORD, "short", "PASSWORD_TOO_SHORT"),
        (PASSWORD, "x" * 129, "PASSWORD_TOO_LONG"),
        (PASSWORD, "password1234", "PASSWORD_TOO_WEAK"),
    ],
)
def test_change_of_a_password_is_refused(client: Client, current: str, new: str, code: str) -> None:
    member()
    sign_in(client)
    assert (
        refusal(post(client, "change-password", {"currentPassword": current, "newPassword": new}), 400)
        == code
    )
    assert User.objects.get().check_password(PASSWORD)


def test_changes_of_a_password_are_slowed(client: Client) -> None:
    member()
    sign_in(client)
    fields = {"currentPassword": "a guess", "newPassword": OTHER_PASSWORD}
    statuses = [post(client, "change-password", fields).status_code for _ in range(6)]
    assert statuses == [400] * 5 + [429]


@pytest.mark.parametrize("verified", [True, False])
def test_mail_of_verification_is_answered_alike_for_every_address(
    client: Client, mailoutbox: Mails, verified: bool
) -> None:
    member(verified=verified)
    known = post(client, "send-verification-email", {"email": EMAIL, "callbackURL": "/"})
    unknown = post(client, "send-verification-email", {"email": "nobody@example.com"})
    assert known.json() == unknown.json() == {"status": True}
    assert dict(known.headers) == dict(unknown.headers)
    assert [mail.to for mail in mailoutbox] == [[EMAIL], ["nobody@example.com"]]
    assert ("/accounts/confirm-email/" in mailoutbox[0].body) != verified


def test_link_of_the_mail_verifies_the_address(client: Client, mailoutbox: Mails, settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    sign_up(client)
    assert sign_in(client).status_code == 403
    path = link_of(mailoutbox[0]).removeprefix("http://testserver")
    assert client.get(path).status_code == 200
    assert not is_verified(EMAIL)
    assert client.post(path).status_code == 302
    assert is_verified(EMAIL)
    assert session(client) is None
    body = sign_in(client).json()
    assert body["user"]["emailVerified"] is True


def test_address_that_became_another_account_is_not_taken_over(client: Client, mailoutbox: Mails) -> None:
    first = member()
    sign_in(client)
    client.post("/accounts/email/", {"email": "wanted@example.com", "action_add": ""})
    second = User.objects.create_user("wanted@example.com", PASSWORD)
    path = link_of(mailoutbox[0]).removeprefix("http://testserver")
    assert client.post(path).status_code == 302
    assert User.objects.get(pk=first.pk).email == EMAIL
    assert User.objects.get(pk=second.pk).email == "wanted@example.com"
    assert not is_verified("wanted@example.com")


def test_verification_is_asked_again_of_an_account_made_by_hand(client: Client, mailoutbox: Mails) -> None:
    User.objects.create_user(EMAIL, PASSWORD)
    post(client, "send-verification-email", {"email": EMAIL})
    assert "/accounts/confirm-email/" in mailoutbox[0].body
    assert EmailAddress.objects.get().email == EMAIL
