"""Who sends a request: a key's owner, a signed-in user, or a guest known by the client's address."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from accounts.errors import OriginForeign
from accounts.models import Tier, User
from accounts.principal import Principal, PrincipalKind
from apikeys.authentication import bearer_key, count_wrong_key, principal_of, signed_in
from apikeys.errors import (
    ApiKeyExpired,
    ApiKeyInvalid,
    ApiKeyRevoked,
    KeyGuessingLimited,
    SignInRequired,
)
from apikeys.services import create_key, revoke_key
from config.env import networks
from core import clock
from core.client_ip import parse_trusted_proxy


def request_from(address: str = "203.0.113.1", user: object = None, **headers: Any) -> HttpRequest:
    request = RequestFactory().get("/", REMOTE_ADDR=address, **headers)
    if user is not None:
        request.user = user
    return request


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_visitor_is_a_guest_known_by_the_address(user: object) -> None:
    principal = principal_of(request_from(user=user))
    assert principal == Principal(kind=PrincipalKind.GUEST, address="203.0.113.1", tier="guest")
    assert (principal.user_id, principal.key_id) == (None, None)


@pytest.fixture
def user() -> User:
    return User(pk=7, email="someone@example.com", tier=Tier.BUSINESS)


def test_signed_in_user_is_known_by_the_account(user: User) -> None:
    principal = principal_of(request_from(user=user))
    assert principal == Principal(kind=PrincipalKind.USER, user_id=7, address="203.0.113.1", tier="business")


def test_dialect_without_sessions_sees_the_address_only(user: User) -> None:
    principal = principal_of(request_from(user=user), use_session=False)
    assert principal == Principal.guest("203.0.113.1")


@pytest.mark.parametrize("key", ["unknown", "ak_0123456789", " ", "\0", "\ud800", "ak_" + "0" * 10_240])
@pytest.mark.parametrize("use_session", [True, False])
def test_key_that_is_shown_and_unknown_makes_nobody_a_guest(user: User, key: str, use_session: bool) -> None:
    with pytest.raises(ApiKeyInvalid):
        principal_of(request_from(user=user), key=key, use_session=use_session)


def test_empty_key_is_none() -> None:
    assert principal_of(request_from(), key="").kind is PrincipalKind.GUEST


@pytest.mark.parametrize(
    "header",
    ["HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_CF_CONNECTING_IP", "HTTP_TRUE_CLIENT_IP",
     "HTTP_X_CLIENT_IP"],
)  # fmt: skip
def test_header_of_a_stranger_changes_nothing(header: str) -> None:
    request = request_from(**{header: "198.51.100.1"})
    assert principal_of(request).address == "203.0.113.1"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("nonsense", "10.0.0.1"),
        ("", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_trusted_proxy_says_who_it_is(settings: Settings, forwarded: str, address: str) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    assert principal_of(request_from("10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)).address == address


def test_proxy_list_that_changes_is_read_anew(settings: Settings) -> None:
    request = request_from("10.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.1")
    assert principal_of(request).address == "10.0.0.1"
    settings.TRUSTED_PROXIES = ("10.0.0.1",)
    assert principal_of(request).address == "198.51.100.1"


@pytest.mark.parametrize("entry", ["10.0.0.0/8", "10.0.0.1", "::1", "2001:db8::/32", "unix"])
def test_proxy_that_the_settings_take_can_be_used(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    monkeypatch.setenv("PROXIES", f" {entry} ,")
    (read,) = networks("PROXIES")
    parse_trusted_proxy(read)


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "proxy.example", "10.0.0.0/40", "10.0.0", "*"])
def test_proxy_that_could_not_be_used_stops_the_process(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    monkeypatch.setenv("PROXIES", entry)
    with pytest.raises(ImproperlyConfigured, match="PROXIES"):
        networks("PROXIES")
    with pytest.raises(ValueError, match=entry.split("/", maxsplit=1)[0].replace("*", r"\*")):
        parse_trusted_proxy(entry)


# Keys


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner@example.com", "x", tier=Tier.PRO)


@pytest.fixture
def key(owner: User) -> str:
    return create_key(user_id=owner.pk, title="tests")[1]


@pytest.mark.parametrize("use_session", [True, False])
def test_owner_of_a_key_is_known_by_the_account(owner: User, user: User, key: str, use_session: bool) -> None:
    principal = principal_of(request_from(user=user), key=key, use_session=use_session)
    row = owner.api_keys.get()
    assert principal == Principal(
        kind=PrincipalKind.API_KEY, user_id=owner.pk, key_id=row.pk, address="203.0.113.1", tier="pro"
    )
    assert principal.account_id == owner.pk


def test_keys_that_were_good_once_are_told_apart_from_unknown_ones(
    owner: User, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    expiring = create_key(user_id=owner.pk, title="x", expires_at=now + timedelta(hours=1))[1]
    revoke_key(user_id=owner.pk, key_id=owner.api_keys.get(title="tests").pk)
    with pytest.raises(ApiKeyRevoked):
        principal_of(request_from(), key=key)
    monkeypatch.setattr("apikeys.services.now", lambda: now + timedelta(hours=1))
    with pytest.raises(ApiKeyExpired):
        principal_of(request_from(), key=expiring)
    assert (ApiKeyRevoked.code, ApiKeyExpired.code) == ("KEY_REVOKED", "INVALID_KEY")


def test_key_is_read_off_the_header_by_rfc_6750() -> None:
    for header, key in [
        ("Bearer x", "x"),
        ("bearer x", "x"),
        ("BEARER   x ", "x"),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("", ""),
        ("Basic x", ""),
        ("Bearerx", ""),
        ("x", ""),
        ("Bearer x y", "x y"),
    ]:
        assert bearer_key(request_from(HTTP_AUTHORIZATION=header)) == key, header
    assert bearer_key(request_from()) == ""


def test_key_does_not_open_what_is_for_signed_in_people(owner: User, key: str, user: User) -> None:
    for request in (
        request_from(HTTP_AUTHORIZATION=f"Bearer {key}"),
        request_from(user=AnonymousUser()),
    ):
        with pytest.raises(SignInRequired):
            signed_in(request)
    assert signed_in(request_from(user=user)).user_id == 7


def test_foreign_page_cannot_write_with_a_cookie_and_may_with_a_key(user: User, key: str) -> None:
    request = RequestFactory().post("/", headers={"Origin": "https://evil.example"})
    request.user = user
    for call in (principal_of, signed_in):
        with pytest.raises(OriginForeign):
            call(request)
    assert principal_of(request, key=key).kind is PrincipalKind.API_KEY
    assert principal_of(request, use_session=False).kind is PrincipalKind.GUEST


def test_wrong_keys_of_an_address_are_counted_and_good_ones_are_not(key: str) -> None:
    for _ in range(100):
        principal_of(request_from(), key=key)
    for _ in range(60):
        with pytest.raises(ApiKeyInvalid):
            principal_of(request_from(), key="wrong")
    for _ in range(2):
        with pytest.raises(KeyGuessingLimited) as refusal:
            principal_of(request_from(), key="wrong")
        assert 1 <= refusal.value.data["retry_after_s"] <= 60
    # Neither other addresses nor the right key are slowed.
    with pytest.raises(ApiKeyInvalid):
        principal_of(request_from("203.0.113.2"), key="wrong")
    assert principal_of(request_from(), key=key).kind is PrincipalKind.API_KEY
    assert principal_of(request_from()).kind is PrincipalKind.GUEST


def test_wrong_keys_are_counted_by_the_network_of_an_address() -> None:
    for number in range(60):
        count_wrong_key(request_from(f"2001:db8:1:2::{number:x}"))
    with pytest.raises(KeyGuessingLimited):
        count_wrong_key(request_from("2001:db8:1:2:ffff::1"))
    count_wrong_key(request_from("2001:db8:1:3::1"))


def test_revoked_key_is_no_guess(owner: User, key: str) -> None:
    revoke_key(user_id=owner.pk, key_id=owner.api_keys.get().pk)
    for _ in range(70):
        with pytest.raises(ApiKeyRevoked):
            principal_of(request_from(), key=key)


def test_principal_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Principal.guest("203.0.113.1").tier = "enterprise"


def test_operator_has_no_address_and_no_account() -> None:
    operator = Principal.operator()
    assert (operator.kind, operator.user_id, operator.address) == (PrincipalKind.OPERATOR, None, "")
    for nobody in (operator, Principal.guest("203.0.113.1")):
        with pytest.raises(ValueError, match="no account"):
            nobody.account_id  # noqa: B018 - reading it is what fails
