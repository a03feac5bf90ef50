"""Searches on the page are counted like those over the APIs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from anime_search import clip_search
from anime_search.errors import SearchTimedOut
from core import clock
from credits.ledger import balance_of, grant_credits
from credits.models import Admission
from credits.policies import Product
from credits.reconcile import differences
from tests.anime_search.web.asking import FRAGMENT, png, text_of
from tests.policies import set_policy

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _reconciled() -> Any:
    yield
    assert differences() == []


@pytest.fixture
def user(client: Client) -> User:
    """Somebody who is signed in at ``client``."""
    user = User.objects.create_user("someone@example.com", "x")
    client.force_login(user)
    return user


def search(client: Client, **more: Any) -> Any:
    return client.post("/", {"image": png()}, **more)


def test_guest_has_five_searches_a_day(client: Client, answer: dict[str, Any]) -> None:
    assert [search(client).status_code for _ in range(5)] == [200] * 5
    response = search(client)
    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 86_400
    assert re.search(
        r"Today’s searches are used up You can try again in \d+ (hour|minute|second)s?",
        text_of(response.content.decode()),
    )
    assert len(answer["calls"]) == 5
    notice = response.content.decode().partition('role="alert"')[2].partition("</div></div>")[0]
    assert 'data-text="You can try again in {time}."' in notice
    assert 'href="/accounts/login/">Sign in for more' in notice


def test_guests_page_and_apis_are_counted_together(
    client: Client, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        assert search(client).status_code == 200
    assert client.get("/api/me").json()["quota"] == 147
    assert client.get("/api/me").json()["limit"] == 7
    answer["scenes"] = []
    monkeypatch.setattr("anime_search.api.whatanime.views.search_media", clip_search.search_media)
    statuses = [client.post("/api/anime/search", {"image": png()}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert client.get("/api/me").json()["quota"] == 147


def test_guest_whose_trace_moe_minute_is_used_up_waits_on_the_page(
    client: Client, answer: dict[str, Any]
) -> None:
    for _ in range(10):
        client.post("/api/search", {"image": "AAAA"})
    response = search(client)
    assert response.status_code == 429
    assert int(response["Retry-After"]) <= 60
    assert not Admission.objects.filter(product=Product.WHAT_ANIME).exists()


def test_refusal_by_one_limit_gives_the_other_back(client: Client, answer: dict[str, Any]) -> None:
    set_policy(Product.WHAT_ANIME, daily=1)
    assert search(client).status_code == 200
    for _ in range(3):
        assert search(client).status_code == 429
    assert client.get("/api/me").json()["quota"] == 149


def test_failed_search_is_given_back_by_both(client: Client, answer: dict[str, Any]) -> None:
    answer["error"] = SearchTimedOut()
    assert search(client).status_code == 503
    assert client.get("/api/me").json()["quota"] == 150
    answer["error"] = None
    assert [search(client).status_code for _ in range(6)] == [200] * 5 + [429]


def test_signed_in_user_has_ten_searches_and_then_pays(
    client: Client, answer: dict[str, Any], user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = datetime(2026, 3, 29, 21, 30, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: evening)
    grant_credits(user_id=user.pk, amount=1, reason="a test", actor="command")
    assert [search(client).status_code for _ in range(11)] == [200] * 11
    assert balance_of(user_id=user.pk) == 0
    for headers in ({}, FRAGMENT):
        response = search(client, headers=headers)
        assert response.status_code == 402
        said = text_of(response.content.decode())
        assert "Your credits are used up New free searches come in 2 hours 30 minutes." in said
        assert 'data-resets-at="2026-03-30T00:00:00+00:00"' in response.content.decode()
        assert 'href="/pricing"' in response.content.decode()
    assert client.get("/api/me").json()["quota"] == 150


def test_user_without_free_credits_is_told_to_buy(client: Client, answer: dict[str, Any], user: User) -> None:
    set_policy(Product.WHAT_ANIME, "free", free_credits=0)
    response = search(client)
    assert response.status_code == 402
    assert "Buy more to go on." in text_of(response.content.decode())


def test_foreign_page_cannot_spend_a_users_credits(
    client: Client, answer: dict[str, Any], user: User
) -> None:
    response = search(client, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
    assert not Admission.objects.exists()
    assert not answer["calls"]


@pytest.mark.parametrize("signed_in", [False, True])
def test_cache_that_is_down_lets_nobody_in_and_charges_nobody(
    client: Client, answer: dict[str, Any], user: User, settings: Settings, signed_in: bool
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
            "OPTIONS": {"socket_connect_timeout": 1},
        }
    }
    response = search(client if signed_in else Client())
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert not answer["calls"]
    assert not Admission.objects.exists()
