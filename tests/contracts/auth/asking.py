"""How clients of better-auth ask."""

from __future__ import annotations

import json
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.totp.internal.auth import yield_hotp_counters_from_time as counters
from django.conf import settings
from django.test import Client

from accounts.models import User
from accounts.services import create_user
from tests.contracts.telling import assert_tells_nothing_internal

PASSWORD = "a long enough secret 17"
OTHER_PASSWORD = "another secret of 23 letters"
EMAIL = "someone@example.com"
COOKIE = settings.SESSION_COOKIE_NAME


def post(client: Client, path: str, body: Any = None, **more: Any) -> Any:
    """A write as ``fetch`` sends it; ``body`` may be bytes, to be wrong in."""
    data = body if isinstance(body, (bytes, str)) else json.dumps({} if body is None else body)
    return client.post(f"/api/auth/{path}", data, content_type="application/json", **more)


def sign_up(client: Client, email: str = EMAIL, password: str = PASSWORD, **more: Any) -> Any:
    return post(client, "sign-up/email", {"name": "Someone", "email": email, "password": password, **more})


def sign_in(client: Client, email: str = EMAIL, password: str = PASSWORD, **more: Any) -> Any:
    return post(client, "sign-in/email", {"email": email, "password": password, **more})


def session(client: Client) -> Any:
    """What ``get-session`` says: None for nobody."""
    response = client.get("/api/auth/get-session")
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    return response.json()


def refusal(response: Any, status: int) -> str:
    """The code of an error; its body is of the one shape that errors have here."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert set(body) == {"code", "message"}
    assert body["message"]
    assert_tells_nothing_internal(response.content.decode())
    code: str = body["code"]
    assert code == code.upper()
    return code


def member(email: str = EMAIL, *, verified: bool = True, name: str = "Someone") -> User:
    return create_user(email=email, password=PASSWORD, name=name, verified=verified)


def with_second_factor(user: User) -> tuple[str, list[str]]:
    """Turn the second factor on; the secret and the recovery codes."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    codes = RecoveryCodes.activate(user).get_unused_codes()
    assert Authenticator.objects.filter(user=user).count() == 2
    return secret, codes


def totp_code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(counters()))))


def is_verified(email: str) -> bool:
    return EmailAddress.objects.filter(email=email, verified=True).exists()
