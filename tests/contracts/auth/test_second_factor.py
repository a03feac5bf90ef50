"""Signing in with a code besides the password."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.contracts.auth.asking import (
    COOKIE,
    EMAIL,
    PASSWORD,
    member,
    post,
    refusal,
    session,
    sign_in,
    totp_code,
    with_second_factor,
)

pytestmark = pytest.mark.django_db
TOTP = "two-factor/verify-totp"
BACKUP = "two-factor/verify-backup-code"


@pytest.fixture
def factor() -> tuple[str, list[str]]:
    """The secret and the recovery codes of the one account."""
    return with_second_factor(member())


@pytest.fixture
def waiting(client: Client, factor: tuple[str, list[str]]) -> Client:
    """A client whose password was right."""
    response = sign_in(client)
    assert response.json() == {"twoFactorRedirect": True, "twoFactorMethods": ["totp"]}
    return client


def test_password_alone_signs_nobody_in(waiting: Client) -> None:
    assert session(waiting) is None
    assert waiting.get("/account").status_code == 302
    assert refusal(post(waiting, "change-password", {}), 401) == "UNAUTHORIZED"


def test_wrong_password_does_not_tell_of_the_second_factor(
    client: Client, factor: tuple[str, list[str]]
) -> None:
    assert refusal(sign_in(client, password="wrong"), 401) == "INVALID_EMAIL_OR_PASSWORD"


def test_code_of_the_app_signs_in(waiting: Client, factor: tuple[str, list[str]]) -> None:
    before = waiting.cookies[COOKIE].value
    body = post(waiting, TOTP, {"code": totp_code(factor[0])}).json()
    assert set(body) == {"token", "user"}
    assert body["user"]["email"] == EMAIL
    assert session(waiting)["session"]["token"] == body["token"]
    assert waiting.cookies[COOKIE].value != before


def test_code_serves_once(waiting: Client, factor: tuple[str, list[str]]) -> None:
    code = totp_code(factor[0])
    assert post(waiting, TOTP, {"code": code}).status_code == 200
    other = Client()
    sign_in(other)
    assert refusal(post(other, TOTP, {"code": code}), 401) == "INVALID_CODE"


def test_recovery_code_signs_in_once(waiting: Client, factor: tuple[str, list[str]]) -> None:
    code = factor[1][0]
    assert post(waiting, BACKUP, {"code": code}).status_code == 200
    other = Client()
    sign_in(other)
    assert refusal(post(other, BACKUP, {"code": code}), 401) == "INVALID_CODE"
    assert post(other, BACKUP, {"code": factor[1][1]}).status_code == 200


@pytest.mark.parametrize("code", ["000000", "", " ", "x" * 64, "１２３４５６", "-1"])
def test_wrong_code_is_refused(waiting: Client, code: str) -> None:
    assert refusal(post(waiting, TOTP, {"code": code}), 401) == "INVALID_CODE"
    assert session(waiting) is None


@pytest.mark.parametrize("code", [None, 123456, "1\0", "x" * 65, ["1"]])
def test_code_of_another_kind_is_refused(waiting: Client, code: object) -> None:
    assert refusal(post(waiting, TOTP, {"code": code}), 400) == "VALIDATION_ERROR"


def test_codes_cannot_be_tried_out(waiting: Client, factor: tuple[str, list[str]]) -> None:
    for number in range(5):
        response = post(waiting, TOTP, {"code": "000000"}, REMOTE_ADDR=f"203.0.113.{number}")
        assert response.status_code == 401
    response = post(waiting, TOTP, {"code": totp_code(factor[0])}, REMOTE_ADDR="203.0.113.99")
    assert refusal(response, 429) == "TOO_MANY_REQUESTS"
    assert int(response["Retry-After"]) > 0


def test_code_without_a_password_is_refused(client: Client, factor: tuple[str, list[str]]) -> None:
    assert refusal(post(client, TOTP, {"code": totp_code(factor[0])}), 401) == "INVALID_TWO_FACTOR_COOKIE"


def test_code_of_one_account_does_not_serve_another(client: Client, factor: tuple[str, list[str]]) -> None:
    with_second_factor(member("other@example.com"))
    sign_in(client, email="other@example.com", password=PASSWORD)
    assert refusal(post(client, TOTP, {"code": totp_code(factor[0])}), 401) == "INVALID_CODE"


def test_session_that_is_not_to_be_remembered_ends_with_the_browser(
    client: Client, factor: tuple[str, list[str]]
) -> None:
    sign_in(client, rememberMe=False)
    response = post(client, TOTP, {"code": totp_code(factor[0])})
    assert response.cookies[COOKIE]["max-age"] == ""


def test_sign_in_of_the_api_can_be_ended_on_the_page(waiting: Client, factor: tuple[str, list[str]]) -> None:
    response = waiting.post("/accounts/2fa/authenticate/", {"code": totp_code(factor[0])})
    assert (response.status_code, response["Location"]) == (302, "/account")
    assert session(waiting)["user"]["email"] == EMAIL
