"""``?token=``: an API key's owner has limits of the own tier, wherever the requests come from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Tier, User
from anime_search.services import SearchAnswer
from apikeys.models import ApiKey, Revocation
from apikeys.services import create_key, revoke_keys
from core import clock
from credits.models import Admission
from credits.policies import Product
from credits.reconcile import differences
from tests.contracts.tracemoe_legacy.asking import post_raw, quoted, spent
from tests.policies import set_policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return User.objects.create_user("someone@example.com", "x")


@pytest.fixture
def key(user: User) -> str:
    return create_key(user_id=user.pk, title="tests")[1]


def me(key: str, address: str = "127.0.0.1") -> dict[str, Any]:
    response = Client().get("/api/me", {"token": key}, REMOTE_ADDR=address)
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


def search(key: str, address: str = "127.0.0.1") -> Any:
    """A search with an unreadable picture: it counts against the minute, and needs no index."""
    return post_raw(Client(), "image=AAAA", query_params={"token": key}, REMOTE_ADDR=address)


@pytest.mark.parametrize(
    ("tier", "limit", "quota"),
    [(Tier.FREE, 10, 1000), (Tier.PRO, 20, 2000), (Tier.BUSINESS, 30, 3000), (Tier.ENTERPRISE, 30, 3000)],
)
def test_me_says_whose_token_it_is_and_the_tiers_limits(
    user: User, key: str, tier: Tier, limit: int, quota: int
) -> None:
    user.tier = tier
    user.save()
    body = me(key)
    assert (body["user_id"], body["email"]) == (user.pk, "someone@example.com")
    assert (body["user_limit"], body["user_limit_ttl"], body["user_quota"]) == (limit, 60, quota)
    assert (body["limit"], body["quota"]) == (limit, quota)
    assert not Admission.objects.exists()


def test_token_is_counted_by_the_account_and_not_by_the_address(user: User, key: str) -> None:
    other = create_key(user_id=user.pk, title="another")[1]
    for number in range(10):
        assert search((key, other)[number % 2], f"203.0.113.{number}").status_code == 500
    for token in (key, other):
        response = search(token, "198.51.100.1")
        assert response.status_code == 429
        assert quoted(response).startswith("Search limit exceeded.")
    assert spent(Client()) == (0, 0)
    assert me(key)["limit"] == 0


def test_limits_of_address_and_token_are_apart(key: str) -> None:
    assert [post_raw(Client(), "image=AAAA").status_code for _ in range(11)] == [500] * 10 + [429]
    assert search(key).status_code == 500


def test_day_of_a_token_begins_with_its_first_search(
    user: User, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_policy(Product.TRACE_MOE, "free", daily=1, rate=None)
    began = clock.now()
    monkeypatch.setattr("anime_search.api.tracemoe_legacy.views.search_scenes", _found_nothing)
    admitted_at = []
    for hours in (0, 1, 23.99, 24, 25, 47.99, 48):
        monkeypatch.setattr(clock, "now", lambda hours=hours: began + timedelta(hours=hours))
        if search(key).status_code == 200:
            admitted_at.append(hours)
    assert admitted_at == [0, 24, 48]
    assert differences() == []


def _found_nothing(**_: object) -> Any:
    return SearchAnswer([], False, 1, {"total": 1.0})


@pytest.mark.parametrize("ended", ["revoked", "expired", "inactive", "deleted"])
def test_token_that_was_good_once_is_refused_like_any(user: User, key: str, ended: str) -> None:
    if ended == "revoked":
        revoke_keys(keys=ApiKey.objects.values("pk"), by=Revocation.STAFF)
    elif ended == "expired":
        ApiKey.objects.update(expires_at=clock.now())
    elif ended == "inactive":
        User.objects.update(is_active=False)
    else:
        user.delete()
    for response in (search(key), Client().get("/api/me", {"token": key})):
        assert (response.status_code, quoted(response)) == (403, "Invalid API token")
    assert not Admission.objects.exists()


def test_flood_of_wrong_tokens_is_slowed_and_valid_ones_go_on_working(key: str) -> None:
    statuses = [search(f"wrong{number}").status_code for number in range(62)]
    assert statuses == [403] * 60 + [429] * 2
    response = search("wrong")
    assert quoted(response) == "Too many wrong API keys. Please wait a moment."
    assert 1 <= int(response["Retry-After"]) <= 60
    assert search(key).status_code == 500


def test_limits_that_staff_took_away_are_numbers_all_the_same(key: str) -> None:
    set_policy(Product.TRACE_MOE, "free", rate=None, daily=None)
    response = search(key)
    for name in ("limit", "limit-ttl", "quota", "quota-ttl"):
        assert int(Client().get("/api/me", {"token": key})[f"x-whatanime-{name}"]) > 10_000
    assert response.status_code == 500
    body = me(key)
    assert min(body["limit"], body["quota"]) > 10_000
