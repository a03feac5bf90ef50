"""Accounts: an e-mail address that signs in, and a tier."""

from __future__ import annotations

import io

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import Tier, User, display_name
from accounts.selectors import email_of

pytestmark = pytest.mark.django_db


def test_user_is_an_address_with_a_password_and_the_free_tier() -> None:
    user = User.objects.create_user("Someone@Example.COM", "secret")
    assert user.email == "someone@example.com"
    assert user.check_password("secret")
    assert user.password != "secret"
    assert user.tier == Tier.FREE
    assert not user.is_staff
    assert not user.is_superuser
    assert user.is_active
    assert str(user) == "someone@example.com"


def test_user_without_a_password_cannot_sign_in_with_one() -> None:
    user = User.objects.create_user("someone@example.com")
    assert not user.has_usable_password()
    assert authenticate(username="someone@example.com", password="") is None


@pytest.mark.parametrize("email", ["", None])
def test_user_without_an_address_is_refused(email: str | None) -> None:
    with pytest.raises(ValueError, match="e-mail"):
        User.objects.create_user(email)


@pytest.mark.parametrize("other", ["someone@example.com", "Someone@example.com", "SOMEONE@EXAMPLE.COM"])
def test_address_is_unique_in_any_letter_case(other: str) -> None:
    User.objects.create_user("someone@example.com", "x")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(other, "x")
    with pytest.raises(ValidationError):
        User(email=other, password="x").full_clean()


@pytest.mark.parametrize("spelling", ["someone@example.com", "Someone@Example.com", "SOMEONE@EXAMPLE.COM"])
def test_address_signs_in_in_any_letter_case(client: Client, spelling: str) -> None:
    user = User.objects.create_user("Someone@example.com", "secret")
    assert authenticate(username=spelling, password="secret") == user
    assert client.login(email=spelling, password="secret")
    assert authenticate(username=spelling, password="Secret") is None


def test_unknown_address_and_switched_off_account_do_not_sign_in() -> None:
    User.objects.create_user("off@example.com", "secret", is_active=False)
    assert authenticate(username="off@example.com", password="secret") is None
    assert authenticate(username="nobody@example.com", password="secret") is None


def test_superuser_is_made_by_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a long enough secret 17")
    call_command("createsuperuser", "--noinput", "--email", "root@example.com", stdout=io.StringIO())
    user = User.objects.get()
    assert user.is_staff
    assert user.is_superuser
    assert user.check_password("a long enough secret 17")
    with pytest.raises(CommandError):
        call_command("createsuperuser", "--noinput", "--email", "root@example.com", stdout=io.StringIO())


def test_tier_is_one_of_four() -> None:
    assert set(Tier.values) == {"free", "pro", "business", "enterprise"}
    with pytest.raises(ValidationError) as refusal:
        User(email="someone@example.com", password="x", tier="guest").full_clean()
    assert set(refusal.value.message_dict) == {"tier"}


def test_address_is_found_by_the_account() -> None:
    user = User.objects.create_user("someone@example.com", "x")
    assert email_of(user_id=user.pk) == "someone@example.com"
    assert email_of(user_id=user.pk + 1) == email_of(user_id=None) == ""


def test_address_is_kept_in_lower_case_by_the_form_of_the_admin_too() -> None:
    user = User(email="Someone@Example.com", password="x")
    user.full_clean()
    assert user.email == "someone@example.com"


def test_name_is_what_a_user_is_called() -> None:
    user = User(email="someone@example.com", name="Someone")
    assert (user.get_full_name(), user.get_short_name(), display_name(user)) == ("Someone",) * 3
    assert display_name(User(email="someone@example.com")) == "someone@example.com"
