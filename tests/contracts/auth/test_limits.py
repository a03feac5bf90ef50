"""Guessing is slowed, by account and by the client's address; pages and the API share one count."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.contracts.auth.asking import EMAIL, PASSWORD, member, post, refusal, session, sign_in

pytestmark = pytest.mark.django_db


def guess(client: Client, email: str, **more: Any) -> Any:
    return post(client, "sign-in/email", {"email": email, "password": "a wrong guess"}, **more)


def test_sixth_wrong_password_of_an_account_is_refused_from_any_address(client: Client) -> None:
    member()
    for number in range(5):
        assert guess(client, EMAIL, REMOTE_ADDR=f"203.0.113.{number}").status_code == 401
    response = guess(client, EMAIL.upper(), REMOTE_ADDR="198.51.100.1")
    assert refusal(response, 429) == "TOO_MANY_REQUESTS"
    assert response["Retry-After"] == response["X-Retry-After"] == "300"
    # The right password does not help either: else it could be told from the wrong ones.
    assert sign_in(client).status_code == 429
    assert session(client) is None


def test_limit_of_an_account_holds_where_there_is_no_account(client: Client) -> None:
    statuses = [
        guess(client, "nobody@example.com", REMOTE_ADDR=f"203.0.113.{n}").status_code for n in range(6)
    ]
    assert statuses == [401] * 5 + [429]


def test_eleventh_wrong_password_of_an_address_is_refused_for_any_account(client: Client) -> None:
    for number in range(10):
        assert guess(client, f"nobody{number}@example.com").status_code == 401
    assert guess(client, "somebody@example.com").status_code == 429
    assert guess(client, "somebody@example.com", REMOTE_ADDR="203.0.113.9").status_code == 401


def test_addresses_of_one_ipv6_network_count_as_one(client: Client) -> None:
    for number in range(10):
        guess(client, f"nobody{number}@example.com", REMOTE_ADDR=f"2001:db8:1:2::{number + 1:x}")
    assert guess(client, "other@example.com", REMOTE_ADDR="2001:db8:1:2:ffff::1").status_code == 429
    assert guess(client, "other@example.com", REMOTE_ADDR="2001:db8:1:3::1").status_code == 401


def test_forwarded_address_counts_only_where_the_proxy_is_trusted(client: Client, settings: Settings) -> None:
    for number in range(10):
        guess(client, f"nobody{number}@example.com", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")
    assert guess(client, "a@example.com", HTTP_X_FORWARDED_FOR="198.51.100.99").status_code == 429
    settings.TRUSTED_PROXIES = ("127.0.0.1",)
    assert guess(client, "a@example.com", HTTP_X_FORWARDED_FOR="198.51.100.99").status_code == 401


def test_client_without_an_address_is_counted_too(client: Client) -> None:
    for number in range(10):
        assert guess(client, f"nobody{number}@example.com", REMOTE_ADDR="").status_code == 401
    assert guess(client, "a@example.com", REMOTE_ADDR="").status_code == 429


def test_host_that_the_request_came_to_makes_no_difference(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    for number in range(5):
        guess(client, EMAIL, HTTP_HOST=f"name{number}.example", REMOTE_ADDR=f"203.0.113.{number}")
    assert guess(client, EMAIL, HTTP_HOST="other.example", REMOTE_ADDR="203.0.113.77").status_code == 429


def test_right_passwords_use_nothing_up(client: Client) -> None:
    member()
    for _ in range(8):
        assert sign_in(client).status_code == 200


def test_wrong_passwords_of_pages_and_api_are_counted_together(client: Client) -> None:
    member()
    for _ in range(3):
        guess(client, EMAIL)
    for _ in range(2):
        assert client.post("/accounts/login/", {"login": EMAIL, "password": "wrong"}).status_code == 200
    response = client.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})
    assert response.status_code == 429
    assert response["Retry-After"] == "300"
    assert "Too many requests" in response.content.decode()
    assert guess(client, EMAIL).status_code == 429


def test_resets_of_one_address_are_slowed(client: Client) -> None:
    statuses = [
        post(
            client, "request-password-reset", {"email": EMAIL}, REMOTE_ADDR=f"203.0.113.{number}"
        ).status_code
        for number in range(6)
    ]
    assert statuses == [200] * 5 + [429]
    assert client.post("/accounts/password/reset/", {"email": EMAIL}).status_code == 429


def test_sign_in_of_staff_is_the_one_of_everybody(client: Client) -> None:
    response = client.get("/admin/login/?next=/admin/")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=")
    for number in range(5):
        response = client.post("/admin/login/", {"username": EMAIL, "password": "wrong"})
        assert response.status_code == 302, number
        assert response["Location"].startswith("/accounts/login/")
