"""The limits of today's trace.moe API: requests a minute, searches a day, searches at a time, and the queue."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Tier
from accounts.principal import Principal
from anime_search.services import SearchAnswer
from core import clock
from credits.policies import Product
from credits.reconcile import differences
from credits.services import admitted
from tests.contracts.conftest import Library
from tests.contracts.tracemoe.asking import assert_framed, found, post, refusal, used
from tests.contracts.tracemoe.conftest import MakeKey
from tests.policies import set_policy

pytestmark = pytest.mark.django_db

#: A picture at sight: the search is answered by the test.
PICTURE = b"\xff\xd8\xff\xe0picture"


class Searches:
    """Searches that are answered at once, with nothing; each may do something first."""

    def __init__(self) -> None:
        self.count = 0
        self.meanwhile: Any = None

    def __call__(self, **_: object) -> SearchAnswer:
        self.count += 1
        if self.meanwhile is not None:
            self.meanwhile()
        return SearchAnswer([], False, 0, {})


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Searches:
    made = Searches()
    monkeypatch.setattr("anime_search.api.tracemoe.views.search_scenes", made)
    return made


def by_key(key: str = "", **more: Any) -> Any:
    return post(Client(), PICTURE, headers={"x-trace-key": key} if key else {}, **more)


def test_key_counts_for_its_owner_by_header_or_parameter(
    client: Client, library: Library, screenshot: bytes, key_of: MakeKey
) -> None:
    key = key_of(Tier.PRO)
    for response in (
        post(client, screenshot, headers={"x-trace-key": key}),
        post(client, screenshot, query=f"key={key}", REMOTE_ADDR="203.0.113.9"),
        post(client, screenshot, query="key=unknown", headers={"x-trace-key": key}),
    ):
        found(response)
        assert response["X-RateLimit-Limit"] == "20"
    assert (response["X-RateLimit-Remaining"], response.json()["quota"]) == ("17", 2000)
    assert used(client, headers={"x-trace-key": key}) == response.json()["quotaUsed"] == 3
    assert used(client) == 0


@pytest.mark.parametrize("key", ["", "&key="])
def test_empty_key_is_none(client: Client, searches: Searches, key: str) -> None:
    assert post(client, PICTURE, query=key, headers={"x-trace-key": ""}).json()["quota"] == 150


def test_eleventh_request_of_a_minute_is_too_many(client: Client, searches: Searches) -> None:
    for left in range(9, -1, -1):
        assert by_key()["X-RateLimit-Remaining"] == str(left)
    for _ in range(2):
        response = by_key()
        assert refusal(response, 429) == "Too many requests"
        assert 0 < int(response["Retry-After"]) <= 60
        assert response["X-RateLimit-Remaining"] == "0"
        assert abs(int(response["X-RateLimit-Reset"]) - time.time() - int(response["Retry-After"])) <= 2
    assert (searches.count, used(client)) == (10, 10)
    assert client.get("/me")["X-RateLimit-Remaining"] == "0"


def test_end_of_a_window_is_the_same_in_all_of_its_answers(
    client: Client, searches: Searches, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, begun = by_key()["X-RateLimit-Reset"], clock.now()
    for later_ms in range(0, 2000, 130):
        monkeypatch.setattr(clock, "now", lambda ms=later_ms: begun + timedelta(milliseconds=ms))
        assert client.get("/me")["X-RateLimit-Reset"] == first
    assert by_key()["X-RateLimit-Reset"] == first


def test_search_over_the_days_quota_is_not_paid_for(client: Client, searches: Searches) -> None:
    set_policy(Product.TRACE_MOE, daily=2)
    assert [by_key().json()["quotaUsed"] for _ in range(2)] == [1, 2]
    for _ in range(2):
        response = by_key()
        assert refusal(response, 402) == "Search quota depleted"
        assert (response.json()["quota"], response.json()["quotaUsed"]) == (2, 2)
    assert searches.count == 2


@pytest.mark.parametrize(
    ("tier", "at_a_time"),
    [(None, 1), (Tier.FREE, 1), (Tier.PRO, 2), (Tier.BUSINESS, 3), (Tier.ENTERPRISE, 4)],
)
def test_as_many_searches_at_a_time_as_the_tier_may(
    client: Client, searches: Searches, key_of: MakeKey, tier: Tier | None, at_a_time: int
) -> None:
    key = key_of(tier) if tier else ""
    refused: list[Any] = []

    def search_again() -> None:
        response = by_key(key)
        if response.status_code != 200:
            refused.append(response)

    searches.meanwhile = search_again
    last = by_key(key)
    assert searches.count == at_a_time
    assert [refusal(response, 402) for response in refused] == ["Concurrency limit exceeded"]
    # The one that was refused is not charged, and there is room again.
    assert last.json()["quotaUsed"] == 1
    searches.meanwhile = None
    assert by_key(key).json()["quotaUsed"] == at_a_time + 1
    assert differences() == []


def test_others_search_meanwhile(searches: Searches) -> None:
    statuses: list[int] = []

    def search_elsewhere() -> None:
        searches.meanwhile = None
        statuses.append(by_key(REMOTE_ADDR="203.0.113.9").status_code)

    searches.meanwhile = search_elsewhere
    statuses.append(by_key().status_code)
    assert statuses == [200, 200]


def test_search_that_failed_leaves_its_place(client: Client) -> None:
    for _ in range(3):
        assert refusal(post(client, b"no picture"), 400) == "Failed to process image"
    assert (used(client), client.get("/me")["X-RateLimit-Remaining"]) == (0, "7")


@pytest.mark.parametrize(
    ("tier", "most"), [(None, 4), (Tier.FREE, 5), (Tier.PRO, 6), (Tier.BUSINESS, 7), (Tier.ENTERPRISE, 8)]
)
def test_full_queue_refuses_the_lower_priorities_first(
    client: Client,
    searches: Searches,
    key_of: MakeKey,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tier: Tier | None,
    most: int,
) -> None:
    settings.SEARCH_QUEUE_LENGTH = 8
    key = key_of(tier) if tier else ""
    for waiting in (0, most - 1, most, 1000):
        monkeypatch.setattr("anime_search.queueing.backlog", lambda _queue, waiting=waiting: waiting)
        response = by_key(key)
        if waiting < most:
            assert response.status_code == 200
        else:
            assert refusal(response, 503) == "Error: Search queue is full"
            assert int(response["Retry-After"]) > 0
    assert used(client, headers={"x-trace-key": key} if key else {}) == searches.count == 2


def test_queue_that_cannot_be_asked_is_no_fault_of_the_caller(
    client: Client, searches: Searches, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_queue: str) -> int:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("anime_search.queueing.backlog", fail)
    assert refusal(by_key(), 503)
    assert used(client) == 0


def test_limits_that_staff_took_away_are_numbers_all_the_same(client: Client, searches: Searches) -> None:
    """Clients read numbers, and divide by them."""
    set_policy(Product.TRACE_MOE, rate=None, daily=None)
    for response in (by_key(), client.get("/me")):
        assert_framed(response)
        assert int(response["X-RateLimit-Remaining"]) > 10_000
        assert response.json()["quota"] > 10_000
        assert response.json()["quotaUsed"] == 0


def test_addresses_of_one_ipv6_network_are_one_guest(client: Client, searches: Searches) -> None:
    for number in range(3):
        assert by_key(REMOTE_ADDR=f"2001:db8:1:2::{number:x}").json()["quotaUsed"] == number + 1
    assert by_key(REMOTE_ADDR="2001:db8:1:3::1").json()["quotaUsed"] == 1


def test_forged_forwarding_headers_name_nobody(client: Client, searches: Searches) -> None:
    for number in range(3):
        forged = {"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}"}
        assert post(client, PICTURE, headers=forged).json()["quotaUsed"] == number + 1


def test_both_dialects_draw_on_one_quota(client: Client, searches: Searches) -> None:
    with admitted(principal=Principal.guest("127.0.0.1"), product=Product.TRACE_MOE):
        pass
    assert by_key().json()["quotaUsed"] == 2
    legacy = client.get("/api/me").json()
    assert (legacy["quota"], legacy["limit"]) == (148, 8)
