"""The page of one's own API keys."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.personal_data import export_personal_data
from accounts.services import create_user
from apikeys.errors import ApiKeyRevoked
from apikeys.models import ApiKey
from apikeys.services import create_key, verify_key
from core.clock import now, today

PAGE = "/account/keys"


@pytest.fixture
def user(db: None) -> User:
    return create_user(email="maker@example.com", password=None)


@pytest.fixture
def signed_in(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def key_on(page: str) -> str:
    found = re.search(r'<code id="new-key-text">(ak_\w+)</code>', page)
    return found.group(1) if found else ""


def test_new_key_is_shown_once_and_works(signed_in: Client, user: User) -> None:
    answer = signed_in.post(PAGE, {"title": "Bot <b>", "last_day": ""})
    page = answer.content.decode()
    key = key_on(page)
    row = verify_key(key=key)
    assert (row.user_id, row.title, row.expires_at) == (user.pk, "Bot <b>", None)
    assert "no-store" in answer["Cache-Control"]
    assert "Bot &lt;b&gt;" in page
    assert 'data-copy-from="new-key-text"' in page
    later = signed_in.get(PAGE).content.decode()
    assert key not in later
    assert row.prefix in later


def test_form_that_is_sent_again_makes_no_second_key(signed_in: Client) -> None:
    page = signed_in.get(PAGE).content.decode()
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found
    form = {"title": "Bot", "last_day": "", "once": found.group(1)}
    assert key_on(signed_in.post(PAGE, form).content.decode())
    again = signed_in.post(PAGE, form, follow=True)
    assert not key_on(again.content.decode())
    assert "made already" in again.content.decode()
    assert ApiKey.objects.count() == 1


def test_last_day_is_the_last_one_that_the_key_works(signed_in: Client) -> None:
    day = today() + timedelta(days=1)
    signed_in.post(PAGE, {"title": "Bot", "last_day": day.isoformat()})
    expires_at = ApiKey.objects.get().expires_at
    assert expires_at is not None
    assert (expires_at - timedelta(microseconds=1)).date() == day


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"title": ""},
        {"title": "   "},
        {"title": "x" * 101},
        {"title": "a\0b"},
        {"title": "a\u202eb"},
        {"title": "Bot", "last_day": "2020-01-01"},
        {"title": "Bot", "last_day": "9999-12-31"},
        {"title": "Bot", "last_day": "tomorrow"},
        {"title": "Bot", "last_day": "\0"},
    ],
)
def test_form_that_cannot_be_used_says_why(signed_in: Client, fields: dict[str, str]) -> None:
    answer = signed_in.post(PAGE, fields)
    assert answer.status_code == 400
    assert "field-errors" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_hundred_and_first_key_is_refused(signed_in: Client, user: User) -> None:
    ApiKey.objects.bulk_create(
        ApiKey(user=user, title="t", prefix="p", digest=str(n), created_at=now()) for n in range(100)
    )
    answer = signed_in.post(PAGE, {"title": "one more"})
    assert answer.status_code == 409
    assert "Revoke one first" in answer.content.decode()
    assert ApiKey.objects.count() == 100


def test_revoking_asks_first(signed_in: Client, user: User) -> None:
    row, key = create_key(user_id=user.pk, title="Bot")
    address = reverse("account-keys-revoke", args=[row.pk])
    assert "Revoke “Bot”?" in signed_in.get(address).content.decode()
    assert verify_key(key=key) == row
    answer = signed_in.post(address, follow=True)
    page = answer.content.decode()
    assert "The key “Bot” was revoked." in page
    assert "by its owner" in page
    with pytest.raises(ApiKeyRevoked):
        verify_key(key=key)
    assert signed_in.get(address).status_code == 404


def test_key_of_somebody_else_is_not_found(signed_in: Client) -> None:
    row, key = create_key(user_id=create_user(email="other@example.com", password=None).pk, title="Theirs")
    address = reverse("account-keys-revoke", args=[row.pk])
    assert [signed_in.get(address).status_code, signed_in.post(address).status_code] == [404, 404]
    assert verify_key(key=key) == row
    assert "Theirs" not in signed_in.get(PAGE).content.decode()


def test_expired_key_is_marked(signed_in: Client, user: User) -> None:
    row, _ = create_key(user_id=user.pk, title="Old", expires_at=now() + timedelta(days=1))
    ApiKey.objects.filter(pk=row.pk).update(expires_at=now() - timedelta(days=1))
    assert "expired" in signed_in.get(PAGE).content.decode()


@pytest.mark.parametrize("address", [f"{PAGE}/{'9' * 19}/revoke", f"{PAGE}/0/revoke", f"{PAGE}/x/revoke"])
def test_address_of_no_key_is_not_found(signed_in: Client, address: str) -> None:
    assert signed_in.get(address).status_code == 404


def test_nobody_makes_keys_without_signing_in(client: Client, user: User) -> None:
    row, _ = create_key(user_id=user.pk, title="Bot")
    for address in (PAGE, reverse("account-keys-revoke", args=[row.pk])):
        answer = client.post(address, {"title": "Bot"})
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("account_login"))
    assert ApiKey.objects.filter(revoked_at__isnull=True).count() == 1


def test_page_of_another_site_makes_no_key(user: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    assert strict.post(PAGE, {"title": "Bot"}).status_code == 403
    assert not ApiKey.objects.exists()


def test_key_signs_nobody_in(client: Client, user: User) -> None:
    _, key = create_key(user_id=user.pk, title="Bot")
    assert client.get(PAGE, headers={"Authorization": f"Bearer {key}"}).status_code == 302


def test_export_has_the_keys_without_what_opens_anything(user: User) -> None:
    row, key = create_key(user_id=user.pk, title="Bot")
    found = json.dumps(export_personal_data(user)["apiKeys"])
    assert row.prefix in found
    assert key not in found
    assert row.digest not in found
