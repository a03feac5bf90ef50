"""Mail with and without a server, and what is out of order."""

from __future__ import annotations

import logging
from pathlib import Path
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisConnectionError

from accounts.adapter import public_url
from accounts.checks import check_mail
from accounts.models import User
from config.settings.auth import auth_settings, mail_settings
from tests.accounts.conftest import PASSWORD

KEPT = "accounts.mail.KeptMailBackend"


def test_mail_without_a_server_is_kept_in_files_and_in_the_log(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = KEPT
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    with caplog.at_level(logging.WARNING, "accounts.mail"):
        mail.send_mail("Subject", "Open http://127.0.0.1/x", None, ["someone@example.com"])
    (file,) = (tmp_path / "mail").iterdir()
    assert "http://127.0.0.1/x" in file.read_text()
    assert "http://127.0.0.1/x" in caplog.text
    assert "EMAIL_URL" in caplog.text


def test_mail_server_is_taken_from_its_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMAIL_URL", "submission://user%40x:pass@mail.example:587")
    found = mail_settings(tmp_path)
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_USE_TLS"]) == ("mail.example", 587, True)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_TIMEOUT"]) == ("user@x", 10)
    assert found["EMAIL_FILE_PATH"] == str(tmp_path / "mail")


def test_url_of_no_kind_of_server_stops_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp+tls://mail.example:587")
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        mail_settings(tmp_path)


@pytest.mark.parametrize(
    ("url", "wanted", "found"),
    [("", "", "optional"), ("smtp://mail.example", "", "mandatory"), ("", "mandatory", "mandatory"),
     ("smtp://mail.example", "optional", "optional")],
)  # fmt: skip
def test_addresses_must_be_verified_where_mail_reaches_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, wanted: str, found: str
) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    monkeypatch.setenv("EMAIL_VERIFICATION", wanted)
    assert auth_settings(tmp_path)["ACCOUNT_EMAIL_VERIFICATION"] == found


def test_unknown_kind_of_verification_stops_the_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EMAIL_VERIFICATION", "sometimes")
    with pytest.raises(Exception, match="EMAIL_VERIFICATION"):
        auth_settings(tmp_path)


@pytest.mark.parametrize(
    ("database", "backend", "warnings"),
    [
        ("", KEPT, 0),
        ("postgres://x", KEPT, 1),
        ("postgres://x", "django.core.mail.backends.smtp.EmailBackend", 0),
    ],
)
def test_site_of_many_users_is_warned_of_missing_mail(
    settings: Settings, database: str, backend: str, warnings: int
) -> None:
    settings.DATABASE_URL, settings.EMAIL_BACKEND = database, backend
    assert len(check_mail(None)) == warnings


def test_address_of_a_link_is_the_sites(settings: Settings) -> None:
    settings.SITE_URL = ""
    assert public_url("http://a.example/x?y#z") == "http://a.example/x?y#z"
    settings.SITE_URL = "https://b.example/sub"
    assert public_url("http://a.example/x?y#z") == "https://b.example/sub/x?y#z"


@pytest.fixture
def broken_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise SMTPServerDisconnected("SECRET-server")

    monkeypatch.setattr(EmailBackend, "send_messages", fail)


@pytest.mark.parametrize("email", ["someone@example.com", "nobody@example.com"])
def test_mail_server_that_is_gone_is_no_fault_and_no_clue(
    client: Client, member: User, broken_mail: None, email: str
) -> None:
    page = client.post("/accounts/password/reset/", {"email": email})
    assert page.status_code == 503
    assert page["Retry-After"]
    assert "SECRET" not in page.content.decode()
    answer = client.post(
        "/api/auth/request-password-reset", {"email": email}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")


def test_password_that_is_changed_stays_changed_without_mail(
    visitor: Client, member: User, broken_mail: None
) -> None:
    new = "another secret of 23"
    fields = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert visitor.post("/accounts/password/change/", fields).status_code == 302
    member.refresh_from_db()
    assert member.check_password(new)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"])
def test_cache_that_is_gone_closes_the_forms(
    client: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def gone(*_: Any, **__: Any) -> Any:
        raise RedisConnectionError("Connection refused")

    monkeypatch.setattr(type(cache._connections["default"]), "add", gone)
    fields = {"login": "a@example.com", "email": "a@example.com", "password": PASSWORD, "password1": PASSWORD}
    response = client.post(path, fields)
    assert response.status_code == 503
    assert response["Retry-After"]
    assert not User.objects.exists()
