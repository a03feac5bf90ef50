"""``/api/v1/me`` and ``/api/v1/usage`` as the aividect document has them, and who is let in."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Tier, User
from accounts.tiers import set_tier
from apikeys.models import ApiKey, Revocation
from apikeys.services import create_key, revoke_keys
from core import clock
from credits.ledger import grant_credits
from credits.models import Admission, AdmissionStatus
from credits.policies import Product
from tests.contracts.telling import assert_tells_nothing_internal

pytestmark = pytest.mark.django_db

PATHS = ["/api/v1/me", "/api/v1/usage"]


@pytest.fixture
def user() -> User:
    return User.objects.create_user("john@example.com", "x", name="john_doe", tier=Tier.PRO)


@pytest.fixture
def key(user: User) -> str:
    return create_key(user_id=user.pk, title="Production")[1]


def ask(client: Client, path: str, key: str, **headers: str) -> Any:
    return client.get(path, headers={"Authorization": f"Bearer {key}", **headers})


def refusal(response: Any, status: int) -> str:
    assert response.status_code == status
    body = response.json()
    assert list(body) == ["success", "error"]
    assert body["success"] is False
    assert list(body["error"]) == ["code", "message"]
    assert body["error"]["message"]
    assert_tells_nothing_internal(body["error"]["message"])
    return str(body["error"]["code"])


def test_me_is_the_documented_body(client: Client, user: User, key: str) -> None:
    grant_credits(user_id=user.pk, amount=45, reason="x", actor="command")
    ask(client, "/api/v1/usage", key)
    response = ask(client, "/api/v1/me", key)
    assert response.status_code == 200
    assert response.json() == {
        "success": True,
        "user": {
            "id": user.pk,
            "username": "john_doe",
            "email": "john@example.com",
            "tier": "pro",
            "credits_balance": 45,
        },
        "api_key": {"name": "Production", "prefix": key[:11], "daily_requests": 2, "daily_limit": 100},
    }


def test_user_without_a_name_is_called_by_the_address(client: Client, user: User, key: str) -> None:
    User.objects.filter(pk=user.pk).update(name="")
    assert ask(client, "/api/v1/me", key).json()["user"]["username"] == "john"


def test_usage_is_the_documented_body(client: Client, user: User, key: str) -> None:
    response = ask(client, "/api/v1/usage", key)
    assert response.status_code == 200
    assert response.json() == {
        "success": True,
        "usage": {"credits_balance": 0, "analyses_today": 0, "analyses_week": 0, "analyses_month": 0},
        "limits": {
            "tier": "pro",
            "daily_api_limit": 100,
            "daily_api_used": 1,
            "daily_api_remaining": 99,
        },
    }


def test_usage_counts_analyses_of_today_the_week_and_the_month(client: Client, user: User, key: str) -> None:
    from datetime import timedelta

    today = clock.next_day_starts() - timedelta(hours=12)
    for days, status in ((0, "settled"), (0, "refunded"), (0, "held"), (6, "settled"), (7, "settled"),
                         (29, "settled"), (30, "settled")):  # fmt: skip
        at = today - timedelta(days=days)
        Admission.objects.create(
            product=Product.ANALYSIS, subject=f"user:{user.pk}", status=AdmissionStatus(status), created_at=at,
            expires_at=at, ended_at=None if status == "held" else at,
        )  # fmt: skip
    usage = ask(client, "/api/v1/usage", key).json()["usage"]
    assert (usage["analyses_today"], usage["analyses_week"], usage["analyses_month"]) == (1, 2, 4)


@pytest.mark.parametrize(
    ("tier", "limit"), [("free", 10), ("pro", 100), ("business", 1000), ("enterprise", None)]
)
def test_daily_limit_is_the_tiers(client: Client, user: User, key: str, tier: str, limit: int | None) -> None:
    set_tier(user_ids=[user.pk], tier=Tier(tier))
    ask(client, "/api/v1/me", key)
    limits = ask(client, "/api/v1/usage", key).json()["limits"]
    assert limits == {
        "tier": tier,
        "daily_api_limit": limit,
        "daily_api_used": 2,
        "daily_api_remaining": None if limit is None else limit - 2,
    }
    assert ask(client, "/api/v1/me", key).json()["api_key"]["daily_requests"] == 3


def test_eleventh_request_of_a_free_users_day_is_refused_until_the_tier_is_another(
    client: Client, user: User, key: str
) -> None:
    set_tier(user_ids=[user.pk], tier=Tier.FREE)
    other_key = create_key(user_id=user.pk, title="Other")[1]
    for number in range(10):
        assert ask(client, PATHS[number % 2], [key, other_key][number % 2]).status_code == 200
    response = ask(client, "/api/v1/me", other_key)
    assert refusal(response, 429) == "RATE_LIMIT_EXCEEDED"
    assert 1 <= int(response["Retry-After"]) <= 86_400
    assert response["RateLimit-Policy"] == '"day";q=10;w=86400'
    assert response["RateLimit"].startswith('"day";r=0;t=')
    set_tier(user_ids=[user.pk], tier=Tier.PRO)
    assert ask(client, "/api/v1/me", key).json()["api_key"]["daily_requests"] == 11


def test_every_answer_says_what_is_left(client: Client, key: str) -> None:
    response = ask(client, "/api/v1/me", key)
    assert response["RateLimit-Policy"] == '"day";q=100;w=86400'
    assert response["RateLimit"].startswith('"day";r=99;t=')


@pytest.mark.parametrize("path", PATHS)
def test_who_shows_no_key_is_told_so(client: Client, user: User, path: str) -> None:
    client.force_login(user)
    for headers in ({}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"}):
        response = client.get(path, headers=headers)
        assert refusal(response, 401) == "MISSING_AUTH"
        assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_scheme_is_case_insensitive(client: Client, key: str, scheme: str) -> None:
    assert client.get("/api/v1/me", headers={"Authorization": f"{scheme} {key}"}).status_code == 200


def test_keys_that_open_nothing_are_told_apart_as_documented(client: Client, user: User, key: str) -> None:
    for wrong in (
        "x",
        key[:-1] + ("a" if key[-1] != "a" else "b"),
        key[:11] + "0" * 30,
        "ak_" + "x" * 10_000,
    ):
        assert refusal(ask(client, "/api/v1/me", wrong), 401) == "INVALID_KEY"
    revoke_keys(keys=ApiKey.objects.values_list("pk", flat=True), by=Revocation.OWNER)
    assert refusal(ask(client, "/api/v1/me", key), 401) == "KEY_REVOKED"
    user.delete()
    assert refusal(ask(client, "/api/v1/me", key), 401) == "INVALID_KEY"


def test_refused_keys_count_against_nobody(client: Client, user: User, key: str) -> None:
    ask(client, "/api/v1/me", "wrong")
    assert ask(client, "/api/v1/me", key).json()["api_key"]["daily_requests"] == 1


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/me/", "/api/v1/%00"])
def test_addresses_that_are_none_answer_in_the_dialect(client: Client, key: str, path: str) -> None:
    assert refusal(ask(client, path, key), 404) == "NOT_FOUND"


@pytest.mark.parametrize("path", PATHS)
def test_other_methods_answer_in_the_dialect(client: Client, key: str, path: str) -> None:
    for method in (client.post, client.put, client.delete, client.patch):
        response = method(path, headers={"Authorization": f"Bearer {key}"})
        assert refusal(response, 405) == "METHOD_NOT_ALLOWED"
