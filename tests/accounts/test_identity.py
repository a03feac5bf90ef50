"""Who sends a request: a user, or a guest known by the client's address."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from accounts.errors import ApiKeyInvalid
from accounts.identity import principal_of
from accounts.models import Tier, User
from accounts.principal import Principal, PrincipalKind
from config.env import networks
from core.client_ip import parse_trusted_proxy


def request_from(address: str = "203.0.113.1", user: object = None, **headers: Any) -> HttpRequest:
    request = RequestFactory().get("/", REMOTE_ADDR=address, **headers)
    if user is not None:
        request.user = user  # type: ignore[assignment]
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


@pytest.mark.parametrize("key", ["unknown", "ak_0123456789", " ", "\0"])
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


def test_principal_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Principal.guest("203.0.113.1").tier = "enterprise"  # type: ignore[misc]


def test_operator_has_no_address_and_no_account() -> None:
    operator = Principal.operator()
    assert (operator.kind, operator.user_id, operator.address) == (PrincipalKind.OPERATOR, None, "")
