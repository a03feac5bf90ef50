"""Export of one's data, and the end of an account, on the pages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings as configured
from django.contrib.sessions.models import Session
from django.test import Client

from accounts import personal_data
from accounts.models import User
from accounts.personal_data import export_personal_data, register_eraser, register_exporter
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone with it."""
    monkeypatch.setattr(personal_data, "_exporters", dict(personal_data._exporters))
    monkeypatch.setattr(personal_data, "_erasers", dict(personal_data._erasers))


def exported(client: Client) -> dict[str, Any]:
    response = client.get("/account/export")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert "attachment" in response["Content-Disposition"]
    assert "no-store" in response["Cache-Control"]
    body: dict[str, Any] = json.loads(response.content)
    return body


def test_export_has_what_is_stored_of_the_user(visitor: Client, member: User) -> None:
    User.objects.create_user("other@example.com", PASSWORD)
    account = exported(visitor)["account"]
    assert account["profile"] == {
        "id": str(member.public_id),
        "email": "someone@example.com",
        "name": "Someone",
        "tier": "free",
        "joined": member.date_joined.isoformat(),
        "lastSignIn": User.objects.get(pk=member.pk).last_login.isoformat(),
    }
    assert account["emailAddresses"] == [{"email": "someone@example.com", "verified": True, "primary": True}]
    assert [each["address"] for each in account["sessions"]] == ["127.0.0.1"]
    assert "other@example.com" not in json.dumps(account)


def test_export_has_no_secret(visitor: Client, member: User) -> None:
    TOTP.activate(member, "JBSWY3DPEHPK3PXP")
    codes = RecoveryCodes.activate(member).get_unused_codes()
    text = json.dumps(exported(visitor))
    member.refresh_from_db()
    key = visitor.cookies[configured.SESSION_COOKIE_NAME].value
    assert [each["type"] for each in exported(visitor)["account"]["secondFactors"]] == [
        "totp",
        "recovery_codes",
    ]
    for secret in ("JBSWY3DPEHPK3PXP", codes[0], member.password, key):
        assert secret not in text


def test_every_app_adds_its_section(visitor: Client, member: User) -> None:
    register_exporter("ledger", lambda user: [user.email])
    assert exported(visitor)["ledger"] == ["someone@example.com"]
    assert set(export_personal_data(member)) >= {"account", "ledger"}


def test_export_is_for_its_owner(client: Client) -> None:
    assert client.get("/account/export").status_code == 302


def test_account_is_deleted_after_the_password(visitor: Client, member: User) -> None:
    erased: list[int] = []
    register_eraser("ledger", lambda user: erased.append(user.pk))
    other = Client()
    other.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    assert visitor.get("/account/delete").status_code == 200
    assert User.objects.count() == 1
    wrong = visitor.post("/account/delete", {"password": "wrong"})
    assert (wrong.status_code, "This is not your password" in wrong.content.decode()) == (200, True)
    assert visitor.post("/account/delete", {}).status_code == 200
    assert User.objects.count() == 1
    assert erased == []

    done = visitor.post("/account/delete", {"password": PASSWORD})
    assert "Your account is deleted" in done.content.decode()
    assert 'href="/accounts/login/"' in done.content.decode()
    assert erased == [member.pk]
    assert not User.objects.exists()
    assert not Session.objects.exists()
    assert visitor.get("/account").status_code == other.get("/account").status_code == 302


def test_password_cannot_be_tried_out_by_deleting(visitor: Client) -> None:
    for number in range(5):
        visitor.post("/account/delete", {"password": f"guess {number}"})
    assert visitor.post("/account/delete", {"password": PASSWORD}).status_code == 429
    assert User.objects.exists()


def test_account_without_a_password_types_its_address(client: Client, member: User) -> None:
    member.set_unusable_password()
    member.save()
    client.force_login(member)
    assert (
        "not the address" in client.post("/account/delete", {"email": "other@example.com"}).content.decode()
    )
    assert User.objects.exists()
    client.post("/account/delete", {"email": "Someone@Example.com"})
    assert not User.objects.exists()


def test_account_of_staff_is_kept(visitor: Client, member: User) -> None:
    User.objects.update(is_staff=True)
    text = visitor.post("/account/delete", {"password": PASSWORD}).content.decode()
    assert "Accounts of staff" in text
    assert User.objects.exists()


def test_deletion_by_a_foreign_page_is_refused(member: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(member)
    response = strict.post("/account/delete", {"password": PASSWORD}, HTTP_ORIGIN="https://evil.example")
    assert response.status_code == 403
    assert User.objects.exists()
