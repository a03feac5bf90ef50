"""The limits of the old trace.moe API: 10 searches a minute and 150 a day for each address."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from credits.policies import Product
from credits.reconcile import differences
from tests.contracts.conftest import Library
from tests.contracts.tracemoe_legacy.asking import post_json, quoted, spent
from tests.policies import set_policy

ME_KEYS = [
    "user_id", "email", "limit", "limit_ttl", "quota", "quota_ttl",
    "user_limit", "user_limit_ttl", "user_quota", "user_quota_ttl",
]  # fmt: skip
HEADERS = ("x-whatanime-limit", "x-whatanime-limit-ttl", "x-whatanime-quota", "x-whatanime-quota-ttl")


def headers(response: Any) -> tuple[int, ...]:
    return tuple(int(response[name]) for name in HEADERS)


def test_headers_and_body_say_what_is_left_after_each_search(
    client: Client, library: Library, encoded: str
) -> None:
    for number in range(1, 11):
        response = post_json(client, image=encoded)
        limit, limit_ttl, quota, quota_ttl = headers(response)
        assert (limit, quota) == (10 - number, 150 - number)
        assert 58 <= limit_ttl <= 60
        assert 86_398 <= quota_ttl <= 86_400
        body = response.json()
        assert (body["limit"], body["limit_ttl"], body["quota"], body["quota_ttl"]) == headers(response)
    assert headers(client.get("/api/me"))[:3:2] == (0, 140)


def test_first_answer_has_the_documented_numbers(client: Client, library: Library, encoded: str) -> None:
    assert headers(post_json(client, image=encoded)) == (9, 60, 149, 86_400)


def assert_refused(response: Any, what: str, most_s: int) -> int:
    assert response.status_code == 429
    match = re.fullmatch(rf"Search {what} exceeded\. Please wait ([0-9]+) seconds\.", quoted(response))
    assert match
    seconds = int(match[1])
    assert 0 < seconds <= most_s
    assert response["Retry-After"] == str(seconds)
    return seconds


def test_eleventh_search_of_a_minute_is_refused(client: Client, library: Library, encoded: str) -> None:
    for _ in range(10):
        assert post_json(client, image=encoded).status_code == 200
    for _ in range(3):
        response = post_json(client, image=encoded)
        seconds = assert_refused(response, "limit", 60)
        assert headers(response)[:3] == (0, seconds, 140)
    assert spent(client) == (10, 10)


def test_search_over_the_days_quota_is_refused(client: Client, library: Library, encoded: str) -> None:
    set_policy(Product.TRACE_MOE, daily=2)
    for _ in range(2):
        assert post_json(client, image=encoded).status_code == 200
    for _ in range(3):
        response = post_json(client, image=encoded)
        seconds = assert_refused(response, "quota", 86_400)
        assert seconds > 86_000
        assert headers(response)[2:] == (0, seconds)
        assert headers(response)[0] > 0


def test_minute_is_checked_before_the_day(client: Client, library: Library, encoded: str) -> None:
    set_policy(Product.TRACE_MOE, rate=1, daily=1)
    assert post_json(client, image=encoded).status_code == 200
    assert_refused(post_json(client, image=encoded), "limit", 60)


def test_minute_is_renewed_when_it_is_over(client: Client, library: Library, encoded: str) -> None:
    set_policy(Product.TRACE_MOE, rate=1, rate_s=1)
    assert post_json(client, image=encoded).status_code == 200
    response = post_json(client, image=encoded)
    assert_refused(response, "limit", 1)
    time.sleep(int(response["Retry-After"]) + 0.05)
    assert post_json(client, image=encoded).status_code == 200


def test_refund_makes_room_however_many_were_turned_away_meanwhile(
    client: Client, library: Library, encoded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_policy(Product.TRACE_MOE, daily=1, rate=100)

    def fail_after_others(**_: object) -> None:
        for _attempt in range(3):
            assert_refused(post_json(client, image=encoded), "quota", 86_400)
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("anime_search.api.tracemoe_legacy.views.search_scenes", fail_after_others)
        assert post_json(client, image=encoded).status_code == 500
    assert post_json(client, image=encoded).status_code == 200


def test_unreadable_images_count_against_the_minute(client: Client) -> None:
    statuses = [post_json(client, image="AAAA").status_code for _ in range(12)]
    assert statuses == [500] * 10 + [429] * 2
    assert spent(client) == (10, 0)


@pytest.mark.parametrize("path", ["/api/search", "/api/me"])
@pytest.mark.parametrize(
    "token", ["unknown", "ak_0123456789abcdef", "0", "null", " ", "é", "x" * 4000, "%00"]
)
def test_unknown_token_is_refused(client: Client, encoded: str, path: str, token: str) -> None:
    query = {"token": token}
    if path == "/api/me":
        response = client.get(path, query)
    else:
        response = client.post(path, {"image": encoded}, content_type="application/json", query_params=query)
    assert (response.status_code, quoted(response)) == (403, "Invalid API token")
    assert spent(client) == (0, 0)


def test_request_without_an_image_is_told_so_before_its_token_is_looked_at(client: Client) -> None:
    response = client.post("/api/search?token=unknown")
    assert (response.status_code, quoted(response)) == (400, "No image received")


def test_unknown_token_is_refused_before_the_image_is_decoded(client: Client) -> None:
    response = client.post("/api/search?token=unknown", {"image": "AAAA"})
    assert (response.status_code, quoted(response)) == (403, "Invalid API token")


@pytest.mark.parametrize("query", ["", "?token=", "?token=&token="])
def test_empty_token_means_none(client: Client, query: str) -> None:
    assert client.get(f"/api/me{query}").json()["user_id"] is None


def test_me_says_who_and_how_much_and_costs_nothing(client: Client) -> None:
    for _ in range(30):
        response = client.get("/api/me", REMOTE_ADDR="203.0.113.9")
    body = response.json()
    assert list(body) == ME_KEYS
    assert body == {
        "user_id": None,
        "email": "203.0.113.9",
        "limit": 10,
        "limit_ttl": 60,
        "quota": 150,
        "quota_ttl": 86_400,
        "user_limit": 10,
        "user_limit_ttl": 60,
        "user_quota": 150,
        "user_quota_ttl": 86_400,
    }
    assert headers(response) == (10, 60, 150, 86_400)


def test_signed_in_visitor_without_a_token_is_known_by_the_address(client: Client) -> None:
    client.force_login(User.objects.create_user("someone@example.com", "x"))
    body = client.get("/api/me").json()
    assert (body["user_id"], body["email"]) == (None, "127.0.0.1")


def test_forged_forwarding_headers_name_nobody(client: Client) -> None:
    for number in range(12):
        response = post_json_from(
            client,
            "203.0.113.9",
            HTTP_X_FORWARDED_FOR=f"198.51.100.{number}",
            HTTP_X_REAL_IP=f"198.51.100.{number}",
            HTTP_FORWARDED=f"for=198.51.100.{number}",
            HTTP_CF_CONNECTING_IP=f"198.51.100.{number}",
        )
        assert response.status_code == (500 if number < 10 else 429)
    assert spent(client, "203.0.113.9")[0] == 10


def test_address_behind_a_trusted_proxy_counts_for_itself(client: Client, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    for number in range(12):
        response = post_json_from(client, "10.1.2.3", HTTP_X_FORWARDED_FOR=f"8.8.8.8, 203.0.113.{number}")
        assert response.status_code == 500
        assert client.get(
            "/api/me", REMOTE_ADDR="10.1.2.3", HTTP_X_FORWARDED_FOR=f"1.2.3.4, 203.0.113.{number}"
        ).json()["email"] == (f"203.0.113.{number}")


def test_addresses_of_one_ipv6_network_share_a_window(client: Client) -> None:
    statuses = [
        post_json_from(client, f"2001:db8:1:2:{number:x}::{number:x}").status_code for number in range(12)
    ]
    assert statuses == [500] * 10 + [429] * 2
    assert post_json_from(client, "2001:db8:1:3::1").status_code == 500


def test_ipv4_address_written_as_ipv6_is_the_same_client(client: Client) -> None:
    for _ in range(10):
        post_json_from(client, "203.0.113.7")
    assert post_json_from(client, "::ffff:203.0.113.7").status_code == 429


def post_json_from(client: Client, address: str, **more: Any) -> Any:
    """A search with an unreadable picture: it counts, and needs no index."""
    return client.post(
        "/api/search", {"image": "AAAA"}, content_type="application/json", REMOTE_ADDR=address, **more
    )


@pytest.mark.django_db(transaction=True)
def test_simultaneous_searches_of_one_address_pass_ten_times() -> None:
    def search(_: int) -> int:
        return int(post_json_from(Client(raise_request_exception=False), "203.0.113.50").status_code)

    with ThreadPoolExecutor(40) as pool:
        statuses = list(pool.map(search, range(120)))
    assert statuses.count(500) == 10
    assert statuses.count(429) == 110
    assert differences() == []


def test_cache_that_is_down_lets_nobody_in(client: Client, settings: Settings, encoded: str) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
            "OPTIONS": {"socket_connect_timeout": 1},
        }
    }
    for response in (post_json(client, image=encoded), client.get("/api/me")):
        assert response.status_code == 503
        assert int(response["Retry-After"]) > 0
        assert "127.0.0.1" not in quoted(response)
