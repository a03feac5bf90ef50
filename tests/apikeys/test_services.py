"""Keys are made, recognised, used, revoked and forgotten."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from apikeys import services
from apikeys.errors import (
    ApiKeyExpired,
    ApiKeyInvalid,
    ApiKeyNotFound,
    ApiKeyRevoked,
    KeyExpiryInvalid,
    KeyTitleInvalid,
    TooManyKeys,
)
from apikeys.models import ApiKey, Revocation
from apikeys.selectors import key_of, keys_of
from apikeys.services import create_key, revoke_key, revoke_keys, revoke_leaked_key, verify_key
from apikeys.tokens import digest_of, is_well_formed, make_key
from core.clock import now
from tests.rankings.crowd import at_once

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("someone@example.com", "x")


@pytest.fixture
def other(db: None) -> User:
    return User.objects.create_user("other@example.com", "x")


def make(user: User, title: str = "tests", **more: Any) -> tuple[ApiKey, str]:
    return create_key(user_id=user.pk, title=title, **more)


def test_key_is_shown_once_and_stored_as_prefix_and_digest(user: User) -> None:
    row, key = make(user, "  my key ")
    assert is_well_formed(key)
    assert (row.title, row.prefix, row.digest) == ("my key", key[:11], digest_of(key))
    assert (row.last_used_at, row.expires_at, row.revoked_at) == (None, None, None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM apikeys_apikey")
        assert key[11:] not in str(cursor.fetchall())
    assert key[11:] not in str(row)


def test_key_is_its_owners(user: User, other: User) -> None:
    keys = [make(owner)[1] for owner in (user, other, user)]
    assert [verify_key(key=key).user for key in keys] == [user, other, user]


@pytest.mark.parametrize(
    "title", ["", "  ", "x" * 101, "a\0b", "a\nb", "\x1b[31m", "\ud800", "a\u202eb", "\u200b", "\x7f"]
)
def test_title_is_of_1_to_100_printable_characters(user: User, title: str) -> None:
    with pytest.raises(KeyTitleInvalid):
        make(user, title)
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    "title", ["x", "x" * 100, " " + "x" * 100 + " ", "<img src=x onerror=alert(1)>", "鍵 🔑", "'; --"]
)
def test_titles_that_are_taken(user: User, title: str) -> None:
    row, _ = make(user, title)
    row.refresh_from_db()
    assert row.title == title.strip()


def test_expiry_lies_in_the_future(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "now", lambda: NOON)
    for moment in (NOON, NOON - timedelta(seconds=1), datetime.min.replace(tzinfo=UTC)):
        with pytest.raises(KeyExpiryInvalid):
            make(user, expires_at=moment)
    row, key = make(user, expires_at=NOON + timedelta(seconds=1))
    assert verify_key(key=key) == row
    for after in (timedelta(seconds=1), timedelta(days=400)):
        monkeypatch.setattr(services, "now", lambda after=after: NOON + after)
        with pytest.raises(ApiKeyExpired):
            verify_key(key=key)


def test_keys_of_accounts_that_are_closed_open_nothing(user: User, other: User) -> None:
    keys = [make(owner)[1] for owner in (user, other)]
    User.objects.filter(pk=user.pk).update(is_active=False)
    other.delete()
    for key in keys:
        with pytest.raises(ApiKeyInvalid) as refusal:
            verify_key(key=key)
        assert type(refusal.value) is ApiKeyInvalid
    assert not ApiKey.objects.filter(user_id=other.pk).exists()


def test_right_prefix_with_a_wrong_secret_opens_nothing(user: User) -> None:
    row, _ = make(user)
    stranger = make_key()
    ApiKey.objects.filter(pk=row.pk).update(prefix=stranger[:11])
    with pytest.raises(ApiKeyInvalid):
        verify_key(key=stranger)


def test_keys_of_one_prefix_are_told_apart(user: User, other: User) -> None:
    rows = [make(owner) for owner in (user, other)]
    ApiKey.objects.update(prefix=rows[0][1][:11])
    assert verify_key(key=rows[0][1]).user == user


def test_digests_are_compared_in_constant_time(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database finds the row by what is visible of the key; ``hmac.compare_digest`` alone decides."""
    _, key = make(user)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        verify_key(key=key)
    select = queries.captured_queries[0]["sql"]
    assert digest_of(key) not in select
    assert key not in select
    compared = []

    def compare(one: str, two: str) -> bool:
        compared.append((one, two))
        return False

    with monkeypatch.context() as patch:
        patch.setattr(hmac, "compare_digest", compare)
        with pytest.raises(ApiKeyInvalid):
            verify_key(key=key)
    assert compared == [(digest_of(key), digest_of(key))]


def test_last_use_is_written_once_a_minute(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    row, key = make(user)
    written = []
    for seconds in (0, 1, 59, 60, 61, 100, 121, 122):
        monkeypatch.setattr(services, "now", lambda seconds=seconds: NOON + timedelta(seconds=seconds))
        with CaptureQueriesContext(connection) as queries:
            verify_key(key=key)
        if any(query["sql"].startswith("UPDATE") for query in queries.captured_queries):
            written.append(seconds)
        assert len(queries) <= 2
    assert written == [0, 61, 122]
    row.refresh_from_db()
    assert row.last_used_at == NOON + timedelta(seconds=122)


def test_key_that_is_refused_is_not_used(user: User) -> None:
    row, key = make(user)
    revoke_key(user_id=user.pk, key_id=row.pk)
    with pytest.raises(ApiKeyRevoked):
        verify_key(key=key)
    row.refresh_from_db()
    assert row.last_used_at is None


def test_key_is_revoked_once_and_stays_in_the_list(user: User) -> None:
    row, key = make(user)
    first = revoke_key(user_id=user.pk, key_id=row.pk)
    again = revoke_key(user_id=user.pk, key_id=row.pk)
    assert first.revoked_at is not None
    assert (again.revoked_at, again.revoked_by) == (first.revoked_at, Revocation.OWNER)
    assert list(keys_of(user_id=user.pk)) == [row]
    with pytest.raises(ApiKeyRevoked):
        verify_key(key=key)
    assert revoke_keys(keys=[row.pk], by=Revocation.STAFF) == 0


def test_key_of_another_user_is_not_there(user: User, other: User) -> None:
    row, key = make(other)
    for key_id in (row.pk, 10**15, 0, -1):
        with pytest.raises(ApiKeyNotFound):
            revoke_key(user_id=user.pk, key_id=key_id)
    assert verify_key(key=key).pk == row.pk
    assert key_of(key_id=row.pk) == row
    assert key_of(key_id=10**15) is None


def test_whoever_holds_a_key_may_end_it(user: User) -> None:
    row, key = make(user)
    assert revoke_leaked_key(key=make_key()) is False
    assert [revoke_leaked_key(key=key) for _ in range(2)] == [True, False]
    row.refresh_from_db()
    assert row.revoked_by == Revocation.LEAK


def test_staff_revoke_many_keys_at_once(user: User, other: User) -> None:
    for owner in (user, user, other):
        make(owner)
    assert revoke_keys(keys=ApiKey.objects.filter(user=user).values("pk"), by=Revocation.STAFF) == 2
    assert ApiKey.objects.filter(revoked_at__isnull=True).count() == 1


def test_database_refuses_a_revocation_by_nobody(user: User) -> None:
    row, _ = make(user)
    for change in ({"revoked_at": now()}, {"revoked_by": "staff"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.filter(pk=row.pk).update(**change)


def test_user_has_a_hundred_keys_at_most_and_revoked_ones_make_room(user: User, other: User) -> None:
    rows = [make(user)[0] for _ in range(100)]
    for _ in range(2):
        with pytest.raises(TooManyKeys):
            make(user)
    make(other)
    revoke_key(user_id=user.pk, key_id=rows[50].pk)
    make(user)
    with pytest.raises(TooManyKeys):
        make(user)


def test_hundred_revoked_keys_are_remembered(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_REVOKED", 3)
    keys = []
    for number in range(5):
        monkeypatch.setattr(services, "now", lambda number=number: NOON + timedelta(seconds=number))
        row, key = make(user)
        keys.append(key)
        revoke_key(user_id=user.pk, key_id=row.pk)
    make(user)
    codes = []
    for key in keys:
        with pytest.raises((ApiKeyInvalid, ApiKeyRevoked)) as refusal:
            verify_key(key=key)
        codes.append(refusal.value.code)
    assert codes == ["INVALID_KEY"] * 2 + ["KEY_REVOKED"] * 3


def test_key_for_nobody_is_not_made() -> None:
    with pytest.raises(User.DoesNotExist):
        create_key(user_id=10**9, title="tests")


@pytest.mark.django_db(transaction=True)
def test_hundredth_key_is_made_once_however_many_ask_at_once(user: User) -> None:
    for _ in range(95):
        make(user)

    def ask() -> bool:
        try:
            make(user)
        except TooManyKeys:
            return False
        return True

    assert sum(at_once([ask] * 20)) == 5
    assert ApiKey.objects.count() == 100


@pytest.mark.django_db(transaction=True)
def test_key_that_many_use_at_once_is_noted_and_revoked_once(user: User) -> None:
    row, key = make(user)
    assert {each.pk for each in at_once([partial(verify_key, key=key)] * 20)} == {row.pk}
    assert sum(at_once([partial(revoke_leaked_key, key=key)] * 20)) == 1
