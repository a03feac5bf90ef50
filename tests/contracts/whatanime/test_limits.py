"""What a search costs: guests 5 a day, signed-in users 10 free credits a day and then bought ones, 100 an hour."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from accounts.models import Tier, User
from apikeys.services import create_key, revoke_key
from core import clock
from credits.ledger import balance_of, grant_credits
from credits.models import Admission, AdmissionStatus, LedgerEntry
from credits.policies import Product
from tests.contracts.whatanime.asking import PATH, by_key, credits_of, refusal, search
from tests.policies import set_policy

pytestmark = pytest.mark.usefixtures("reconciled", "searched")

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
MIDNIGHT = int(datetime(2026, 3, 30, tzinfo=UTC).timestamp())


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noon UTC of a day on which clocks in Europe change."""
    monkeypatch.setattr(clock, "now", lambda: NOON)
    monkeypatch.setattr("anime_search.api.whatanime.errors.now", lambda: NOON)


def test_guest_has_five_searches_a_day(client: Client, noon: None) -> None:
    for number in range(1, 6):
        response = search(client)
        assert response.status_code == 200
        assert response["RateLimit-Policy"] == '"window";q=100;w=3600, "day";q=5;w=86400'
        assert response["RateLimit"] == f'"window";r={100 - number};t=3600, "day";r={5 - number};t=43200'
    for number in range(6, 9):
        response = search(client)
        assert refusal(response, 429) == "RATE_LIMIT_EXCEEDED"
        assert response["Retry-After"] == "43200"
        assert (response.json()["retryAfter"], response.json()["resetAt"]) == (43_200, MIDNIGHT)
        assert response["RateLimit"] == f'"window";r={100 - number};t=3600, "day";r=0;t=43200'


def test_guests_day_is_renewed_at_midnight_utc(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for moment, statuses in [
        (NOON.replace(hour=23, minute=59, second=59), [200] * 5 + [429]),
        (NOON.replace(hour=23, minute=59, second=59, microsecond=999_999), [429]),
        (NOON.replace(hour=0) + timedelta(days=1), [200] * 5 + [429]),
    ]:
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        assert [search(client).status_code for _ in statuses] == statuses


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP", "Forwarded"],
)
def test_forged_addresses_do_not_make_new_guests(client: Client, header: str) -> None:
    statuses = [search(client, headers={header: f"198.51.100.{n}"}).status_code for n in range(6)]
    assert statuses == [200] * 5 + [429]


@pytest.mark.parametrize("forwarded", ["1.2.3.4, " * 10_000, "\xff\xfe", "", ", , ,", "::::", "300.1.1.1"])
def test_senseless_forwarding_headers_mean_the_peer(
    client: Client, settings: Settings, forwarded: str
) -> None:
    for trusted in ((), ("127.0.0.1/32",)):
        settings.TRUSTED_PROXIES = trusted
        assert search(client, HTTP_X_FORWARDED_FOR=forwarded).status_code == 200


def test_ipv4_address_written_as_ipv6_is_the_same_guest(client: Client) -> None:
    addresses = ["203.0.113.7", "::ffff:203.0.113.7"] * 3
    statuses = [search(client, REMOTE_ADDR=address).status_code for address in addresses]
    assert statuses == [200] * 5 + [429]


def test_hundred_and_first_search_of_an_hour_is_refused(client: Client) -> None:
    """Searches that failed are given back to the day, and count against the hour."""
    for _ in range(100):
        assert search(client, b"slow").status_code == 503
    response = search(client, b"slow")
    assert refusal(response, 429) == "RATE_LIMIT_EXCEEDED"
    assert 3590 <= int(response["Retry-After"]) == response.json()["retryAfter"] <= 3600
    assert '"day";r=5' in response["RateLimit"]


def test_signed_in_user_has_ten_free_credits_and_then_pays(signed_in: Client, user: User, noon: None) -> None:
    grant_credits(user_id=user.pk, amount=2, reason="a test", actor="command")
    for number in range(1, 11):
        response = search(signed_in)
        assert response.status_code == 200
        assert f'"free";r={10 - number};t=43200' in response["RateLimit"]
    assert balance_of(user_id=user.pk) == 2
    assert [search(signed_in).status_code for _ in range(2)] == [200, 200]
    assert balance_of(user_id=user.pk) == 0
    response = search(signed_in)
    assert refusal(response, 402) == "INSUFFICIENT_CREDITS"
    assert response.json()["resetAt"] == MIDNIGHT
    assert response["RateLimit"].endswith('"free";r=0;t=43200')
    assert [entry.amount for entry in LedgerEntry.objects.order_by("pk")] == [2, -1, -1]


def test_free_credits_expire_at_midnight_and_come_again(
    signed_in: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(2):
        moment = NOON + timedelta(days=day)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        used = 4 if day == 0 else 10
        assert [search(signed_in).status_code for _ in range(used)] == [200] * used
    assert search(signed_in).status_code == 402


def test_session_and_keys_of_a_user_are_one_account(signed_in: Client, user: User, key: str) -> None:
    other = create_key(user_id=user.pk, title="another")[1]
    statuses = [search(signed_in).status_code for _ in range(4)]
    statuses += [by_key(key).status_code for _ in range(3)] + [by_key(other).status_code for _ in range(3)]
    assert statuses == [200] * 10
    assert [search(signed_in).status_code, by_key(key).status_code] == [402, 402]


def test_key_is_its_owners_on_a_foreign_session(signed_in: Client) -> None:
    owner = User.objects.create_user("owner@example.com", "x")
    key = create_key(user_id=owner.pk, title="tests")[1]
    assert search(signed_in, headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert credits_of(signed_in)["dailyUsed"] == 0
    assert Admission.objects.get().subject == f"user:{owner.pk}"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_scheme_is_case_insensitive(key: str, scheme: str) -> None:
    assert by_key(key, scheme=scheme).status_code == 200


def test_users_addresses_and_guests_do_not_mix(signed_in: Client) -> None:
    assert [search(Client()).status_code for _ in range(6)] == [200] * 5 + [429]
    assert search(signed_in).status_code == 200


def test_hourly_limit_holds_for_paid_searches_and_takes_no_credit(signed_in: Client, user: User) -> None:
    grant_credits(user_id=user.pk, amount=200, reason="a test", actor="command")
    assert {search(signed_in).status_code for _ in range(100)} == {200}
    response = search(signed_in)
    assert refusal(response, 429) == "RATE_LIMIT_EXCEEDED"
    assert balance_of(user_id=user.pk) == 110


@pytest.mark.parametrize("paid", [0, 3])
def test_failed_search_costs_nothing(signed_in: Client, user: User, paid: int) -> None:
    if paid:
        grant_credits(user_id=user.pk, amount=paid, reason="a test", actor="command")
        set_policy(Product.WHAT_ANIME, "free", free_credits=0)
    before = credits_of(signed_in)
    assert search(signed_in, b"slow").status_code == 503
    after = credits_of(signed_in)
    assert after.pop("hourlyRemaining") == before.pop("hourlyRemaining") - 1
    assert after == before
    assert Admission.objects.get().status == AdmissionStatus.REFUNDED


@pytest.mark.parametrize("body", [{}, {"url": ""}, {"image": SimpleUploadedFile("a.png", b"")}])
def test_request_that_is_refused_before_the_work_is_not_counted(
    signed_in: Client, key: str, body: dict[str, Any]
) -> None:
    for client, headers in ((signed_in, {}), (Client(), {"Authorization": f"Bearer {key}"}), (Client(), {})):
        assert client.post(PATH, body, headers=headers).status_code == 400
    assert not Admission.objects.exists()
    assert (credits_of(signed_in)["remaining"], credits_of(signed_in)["hourlyRemaining"]) == (10, 100)


def test_tier_and_policy_hold_from_the_next_request_on(signed_in: Client, user: User) -> None:
    assert {search(signed_in).status_code for _ in range(10)} == {200}
    assert search(signed_in).status_code == 402
    set_policy(Product.WHAT_ANIME, "pro", free_credits=12)
    user.tier = Tier.PRO
    user.save()
    assert [search(signed_in).status_code for _ in range(3)] == [200, 200, 402]
    set_policy(Product.WHAT_ANIME, "pro", free_credits=13)
    assert [search(signed_in).status_code for _ in range(2)] == [200, 402]
    set_policy(Product.WHAT_ANIME, "pro", free_credits=5)
    assert credits_of(signed_in)["dailyRemaining"] == 0


# /api/user/anime-credits


def test_credits_say_what_is_left_and_cost_nothing(signed_in: Client, user: User, noon: None) -> None:
    grant_credits(user_id=user.pk, amount=25, reason="a test", actor="command")
    search(signed_in)
    for _ in range(20):
        body = credits_of(signed_in)
    assert body == {
        "tier": "free",
        "credits": 25,
        "dailyFree": 10,
        "dailyUsed": 1,
        "dailyRemaining": 9,
        "resetAt": MIDNIGHT,
        "remaining": 34,
        "costPerSearch": 1,
        "hourlyLimit": 100,
        "hourlyRemaining": 99,
    }
    response = signed_in.get("/api/user/anime-credits")
    assert response["RateLimit-Policy"] == '"window";q=100;w=3600, "free";q=10;w=86400'
    assert response["RateLimit"] == '"window";r=99;t=3600, "free";r=9;t=43200'
    assert response["Cache-Control"] == "no-store"


def test_credits_are_for_sessions_only(key: str) -> None:
    for headers in (
        {},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": "Bearer x"},
        {"X-Trace-Key": key},
    ):
        response = Client().get("/api/user/anime-credits", headers=headers)
        assert refusal(response, 401) == "UNAUTHORIZED"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_credits_take_no_other_method(signed_in: Client, method: str) -> None:
    assert refusal(signed_in.generic(method, "/api/user/anime-credits"), 405) == "METHOD_NOT_ALLOWED"


# Keys that open nothing


def test_revoked_and_unknown_keys_are_told_apart(user: User, key: str) -> None:
    row, revoked = create_key(user_id=user.pk, title="old")
    revoke_key(user_id=user.pk, key_id=row.pk)
    for shown, code in [
        (revoked, "KEY_REVOKED"),
        (revoked[:-1] + ("a" if revoked[-1] != "a" else "b"), "INVALID_KEY"),
        ("ak_" + "0" * 10_240, "INVALID_KEY"),
    ]:
        response = by_key(shown)
        assert refusal(response, 401) == code
        assert response["WWW-Authenticate"] == "Bearer"
    assert not Admission.objects.exists()


def test_flood_of_wrong_keys_is_slowed_and_valid_ones_go_on_working(key: str) -> None:
    codes = [refusal(r, r.status_code) for r in (by_key(f"wrong{n}") for n in range(62))]
    assert codes == ["INVALID_KEY"] * 60 + ["RATE_LIMIT_EXCEEDED"] * 2
    response = by_key("wrong")
    assert 1 <= int(response["Retry-After"]) == response.json()["retryAfter"] <= 60
    assert by_key(key).status_code == 200
    assert search(Client()).status_code == 200
    elsewhere = search(Client(), headers={"Authorization": "Bearer wrong"}, REMOTE_ADDR="203.0.113.77")
    assert refusal(elsewhere, 401) == "INVALID_KEY"


# Writes that a cookie authenticates


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://testserver", 200),
        ("https://evil.example", 403),
        ("http://testserver:8080", 403),
        ("https://testserver", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_foreign_page_cannot_spend_a_users_credits(
    signed_in: Client, origin: str | None, status: int
) -> None:
    headers = {} if origin is None else {"Origin": origin}
    response = search(signed_in, headers=headers)
    assert response.status_code == status
    if status == 403:
        assert refusal(response, 403) == "INVALID_ORIGIN"
    assert credits_of(signed_in)["dailyUsed"] == (1 if status == 200 else 0)


def test_key_may_be_used_from_any_page(key: str) -> None:
    assert by_key(key, Origin="https://app.example").status_code == 200


# What cannot be counted is not given away


def test_cache_that_is_down_lets_nobody_in_and_charges_nobody(
    signed_in: Client, user: User, key: str, settings: Settings, searched: list[object]
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
            "OPTIONS": {"socket_connect_timeout": 1},
        }
    }
    for response in (
        search(signed_in),
        search(Client()),
        by_key(key),
        by_key("wrong"),
        signed_in.get("/api/user/anime-credits"),
    ):
        assert refusal(response, 503) == "UNAVAILABLE"
        assert int(response["Retry-After"]) > 0
    assert not searched
    assert not Admission.objects.exists()


def test_syntax_of_the_headers_is_that_of_structured_fields(client: Client) -> None:
    """Lists of strings with integer parameters (RFC 9651), as draft-ietf-httpapi-ratelimit-headers has them."""
    response = search(client)
    item = r'"(?:window|day|free)";q=\d+;w=\d+'
    assert re.fullmatch(rf"{item}(?:, {item})*", response["RateLimit-Policy"])
    item = r'"(?:window|day|free)";r=\d+;t=\d+'
    assert re.fullmatch(rf"{item}(?:, {item})*", response["RateLimit"])


def test_who_buys_credits_can_go_on_at_once(signed_in: Client, user: User, noon: None) -> None:
    for _ in range(10):
        assert search(signed_in).status_code == 200
    for _ in range(95):
        response = search(signed_in)
        assert response.status_code == 402
    assert response["Retry-After"] == "43200"
    assert '"window";r=90;t=3600' in response["RateLimit"]
    grant_credits(user_id=user.pk, amount=1, reason="bought", actor="command")
    assert search(signed_in).status_code == 200
