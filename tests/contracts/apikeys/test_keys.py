"""``/api/apikeys``: a signed-in user makes, lists and revokes keys."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from apikeys.models import ApiKey
from apikeys.services import create_key, verify_key
from core.clock import now
from tests.contracts.apikeys.asking import JSON, PATH, listed, made, post, refusal

KEY_FIELDS = ["id", "title", "prefix", "createdAt", "lastUsedAt", "expiresAt", "revokedAt"]
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


# Making


def test_new_key_is_shown_this_once(signed_in: Client, user: User) -> None:
    body = made(post(signed_in, {"title": "my-key"}))
    assert list(body) == [*KEY_FIELDS, "key"]
    assert re.fullmatch(r"ak_[0-9A-Za-z]{38}", body["key"])
    assert body["key"].startswith(body["prefix"])
    assert (body["title"], body["lastUsedAt"], body["expiresAt"], body["revokedAt"]) == (
        "my-key",
        None,
        None,
        None,
    )
    assert re.fullmatch(MOMENT, body["createdAt"])
    assert verify_key(key=body["key"]).user == user
    page = signed_in.get(PATH).content.decode()
    assert body["prefix"] in page
    assert body["key"] not in page


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"title": "t", "more": [1]}', JSON),
        (b'{"title": "t"}', "application/json; charset=utf-8"),
        (b'{"title": "t"}', ""),
        (b'{"title": "t"}', "text/plain"),
        (b"title=t", "application/x-www-form-urlencoded"),
        (b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nt\r\n--b--\r\n', "multipart/form-data; boundary=b"),
    ],
)  # fmt: skip
def test_title_is_read_off_json_and_forms(signed_in: Client, body: bytes, content_type: str) -> None:
    assert made(signed_in.generic("POST", PATH, body, content_type))["title"] == "t"


@pytest.mark.parametrize(
    "title",
    ["<img src=x onerror=alert(1)>", "x" * 100, "  padded  ", "鍵 🔑", "null", "'; DROP TABLE --", "{{7*7}}"],
)
def test_titles_that_are_taken_come_back_as_they_are(signed_in: Client, title: str) -> None:
    assert made(post(signed_in, {"title": title}))["title"] == title.strip()
    response = signed_in.get(PATH)
    assert response.json()["items"][0]["title"] == title.strip()
    assert response["Content-Type"] == "application/json"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": "t"},
        {"title": ""},
        {"title": "   "},
        {"title": None},
        {"title": 5},
        {"title": True},
        {"title": ["t"]},
        {"title": {"a": 1}},
        {"title": "x" * 101},
        {"title": "x" * 10_000},
        {"title": "a\0b"},
        {"title": "a\nb"},
        {"title": "\ud800"},
        {"title": "\u202e"},
    ],
    ids=lambda fields: json.dumps(fields)[:30],
)
def test_title_that_is_none_is_refused(signed_in: Client, fields: dict[str, Any]) -> None:
    assert refusal(post(signed_in, fields), 400) == "INVALID_TITLE"
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("expires_at", "stored"),
    [
        (None, None),
        ("", None),
        ("2999-01-02T03:04:05Z", "2999-01-02T03:04:05.000Z"),
        ("2999-01-02T03:04:05.678+02:00", "2999-01-02T01:04:05.678Z"),
        ("2999-01-02T03:04", "2999-01-02T03:04:00.000Z"),
        ("2999-01-02", "2999-01-02T00:00:00.000Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
    ],
)
def test_expiry_is_a_moment_of_iso_8601(
    signed_in: Client, expires_at: str | None, stored: str | None
) -> None:
    assert made(post(signed_in, {"title": "t", "expiresAt": expires_at}))["expiresAt"] == stored
    assert listed(signed_in)["items"][0]["expiresAt"] == stored


@pytest.mark.parametrize(
    "expires_at",
    ["2020-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "tomorrow", "x" * 9000,
     "\ud800", "\0", 4_102_444_800, 1e99, True, False, 0, [], {}, ["2999-01-01"], "2999-02-30", "2999-01-01T25:00:00Z",
     "+010000-01-01T00:00:00Z"],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_expiry_that_is_no_moment_to_come_is_refused(signed_in: Client, expires_at: object) -> None:
    assert refusal(post(signed_in, {"title": "t", "expiresAt": expires_at}), 400) == "INVALID_EXPIRY"
    assert not ApiKey.objects.exists()


def test_expired_key_opens_nothing(signed_in: Client, user: User) -> None:
    soon = (now() + timedelta(hours=1)).isoformat()
    key = made(post(signed_in, {"title": "t", "expiresAt": soon}))["key"]
    ApiKey.objects.update(expires_at=now())
    response = Client().post("/api/anime/search", headers={"Authorization": f"Bearer {key}"})
    assert refusal(response, 401) == "INVALID_KEY"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", JSON),
        (b"{", JSON),
        (b"[]", JSON),
        (b'"t"', JSON),
        (b"null", JSON),
        (b"1" * 5000, JSON),
        (b'{"title": ' + b"1" * 5000 + b"}", JSON),
        (b"[" * 10_000, JSON),
        (b'{"a":' * 2000, JSON),
        (b'{"title": "\xff"}', JSON),
        (b"\xff\xfe{\x00}\x00", JSON),
        (b"no form", "multipart/form-data; boundary=b"),
        (b"", "multipart/form-data"),
        (b"&".join(b"f=1" for _ in range(1500)), "application/x-www-form-urlencoded"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_body_that_cannot_be_read_is_refused(signed_in: Client, body: bytes, content_type: str) -> None:
    response = signed_in.generic("POST", PATH, body, content_type)
    assert refusal(response, 400) in ("INVALID_REQUEST", "INVALID_TITLE")


def test_body_over_the_limit_is_too_large(signed_in: Client) -> None:
    for path in (PATH, f"{PATH}/revoke-leaked"):
        response = signed_in.generic("POST", path, b'{"title": "' + b"x" * 20_000 + b'"}', JSON)
        assert refusal(response, 413) == "BODY_TOO_LARGE"


def test_hundred_and_first_key_is_refused(signed_in: Client, user: User) -> None:
    for _ in range(99):
        create_key(user_id=user.pk, title="t")
    last = made(post(signed_in, {"title": "the hundredth"}))
    assert refusal(post(signed_in, {"title": "t"}), 409) == "TOO_MANY_KEYS"
    assert signed_in.delete(f"{PATH}/{last['id']}").status_code == 200
    made(post(signed_in, {"title": "t"}))


# Listing


def test_list_is_of_ones_own_keys_newest_first(signed_in: Client, user: User, other: User) -> None:
    assert listed(signed_in) == {"items": [], "page": 1, "pageSize": 20, "total": 0, "totalPages": 1}
    create_key(user_id=other.pk, title="theirs")
    for number in range(45):
        create_key(user_id=user.pk, title=f"{number}")
    for page, titles in [(1, range(44, 24, -1)), (2, range(24, 4, -1)), (3, range(4, -1, -1)), (4, [])]:
        body = listed(signed_in, page=page)
        assert [item["title"] for item in body["items"]] == [str(number) for number in titles]
        assert (body["page"], body["pageSize"], body["total"], body["totalPages"]) == (page, 20, 45, 3)
    assert list(listed(signed_in)["items"][0]) == KEY_FIELDS
    assert len(listed(signed_in, pageSize=100)["items"]) == 45
    assert listed(signed_in, pageSize=45)["totalPages"] == 1
    assert listed(signed_in, pageSize=44)["totalPages"] == 2


@pytest.mark.parametrize(
    ("query", "page", "size"),
    [
        ("page=0", 1, 20),
        ("page=-1", 1, 20),
        ("page=abc&pageSize=abc", 1, 20),
        ("page=&pageSize=", 1, 20),
        ("page=1.5&pageSize=2.5", 1, 20),
        ("page=99999999999999999999&pageSize=0", 10_000, 1),
        ("page=10001&pageSize=101", 10_000, 100),
        ("page=%D9%A3&pageSize=%C2%B2", 1, 20),
        ("page=%00&pageSize=%ff", 1, 20),
        ("page=1&page=2", 2, 20),
        ("page[]=3", 1, 20),
        ("page=+2&pageSize=1e2", 1, 20),
    ],
)
def test_page_out_of_bounds_is_the_nearest_that_is_not(
    signed_in: Client, query: str, page: int, size: int
) -> None:
    response = signed_in.get(f"{PATH}?{query}")
    assert response.status_code == 200
    assert (response.json()["page"], response.json()["pageSize"]) == (page, size)


def test_list_says_when_a_key_was_used_and_revoked(signed_in: Client, user: User) -> None:
    row, key = create_key(user_id=user.pk, title="t")
    verify_key(key=key)
    signed_in.delete(f"{PATH}/{row.pk}")
    (item,) = listed(signed_in)["items"]
    assert re.fullmatch(MOMENT, item["lastUsedAt"])
    assert re.fullmatch(MOMENT, item["revokedAt"])


def test_list_takes_few_queries(signed_in: Client, user: User, django_assert_max_num_queries: Any) -> None:
    for _ in range(30):
        create_key(user_id=user.pk, title="t")
    with django_assert_max_num_queries(6):
        listed(signed_in, pageSize=30)


# Revoking


def test_key_is_revoked_at_once_and_again_without_harm(signed_in: Client, user: User) -> None:
    row, key = create_key(user_id=user.pk, title="t")
    bodies = []
    for _ in range(2):
        response = signed_in.delete(f"{PATH}/{row.pk}")
        assert response.status_code == 200
        bodies.append(response.json())
    assert bodies[0] == bodies[1]
    assert list(bodies[0]) == KEY_FIELDS
    assert bodies[0]["revokedAt"]
    response = Client().post("/api/anime/search", headers={"Authorization": f"Bearer {key}"})
    assert refusal(response, 401) == "KEY_REVOKED"


def test_key_of_another_user_is_like_one_that_is_not_there(signed_in: Client, other: User) -> None:
    row, key = create_key(user_id=other.pk, title="t")
    theirs, unknown = signed_in.delete(f"{PATH}/{row.pk}"), signed_in.delete(f"{PATH}/{row.pk + 1000}")
    assert refusal(theirs, 404) == refusal(unknown, 404) == "NOT_FOUND"
    assert theirs.content == unknown.content
    assert verify_key(key=key).pk == row.pk


@pytest.mark.parametrize("key_id", ["0", "9" * 18])
def test_number_that_is_no_key_is_not_found(signed_in: Client, key_id: str) -> None:
    assert refusal(signed_in.delete(f"{PATH}/{key_id}"), 404) == "NOT_FOUND"
