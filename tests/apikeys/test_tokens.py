"""API keys as text: random, recognisable, and worth a database's time only when they can be ours."""

from __future__ import annotations

import re
import string
import zlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apikeys import services
from apikeys.errors import ApiKeyInvalid
from apikeys.models import ApiKey
from apikeys.tokens import KEY_LENGTH, KEY_PATTERN, digest_of, is_well_formed, make_key, prefix_of

LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase


def test_key_has_the_documented_form() -> None:
    for _ in range(100):
        key = make_key()
        assert re.fullmatch(r"ak_[0-9A-Za-z]{38}", key)
        assert len(key) == KEY_LENGTH == 41
        assert is_well_formed(key)
        assert key.startswith(prefix_of(key))
        assert len(prefix_of(key)) == len("ak_x7Kp9mN2")
        assert re.fullmatch(r"[0-9a-f]{64}", digest_of(key))
        assert key[3:] not in digest_of(key)


def test_key_has_at_least_160_random_bits() -> None:
    keys = [make_key() for _ in range(2000)]
    assert len(set(keys)) == len({prefix_of(key) for key in keys}) == 2000
    letters = Counter("".join(key[3:35] for key in keys))
    assert set(letters) == set(LETTERS)
    # 32 letters of 62 that are equally likely: 190 bits. Each comes about 1032 times in 64,000.
    assert len(LETTERS) ** 32 > 2**160
    assert 850 < min(letters.values()) <= max(letters.values()) < 1220


def test_checksum_is_that_which_scanners_can_compute() -> None:
    """CRC-32 of what comes before, in base 62, most significant digit first, six of them."""
    key = make_key()
    value = 0
    for letter in key[-6:]:
        value = value * 62 + LETTERS.index(letter)
    assert value == zlib.crc32(key[:-6].encode())


def test_pattern_for_scanners_finds_keys_in_text_and_nothing_else() -> None:
    key = make_key()
    for text in (
        f"KEY={key}",
        f'"{key}"',
        f"curl -H 'Authorization: Bearer {key}' x",
        f"?token={key}&a=b",
        key,
    ):
        assert re.findall(KEY_PATTERN, text) == [key]
    for text in (f"{key}x", f"break_{key[:-1]}", key[:-1], f"x{key}", key.replace("ak_", "AK_")):
        assert re.findall(KEY_PATTERN, text) == []


@given(st.integers(0, 40), st.characters(codec="utf-8"))
def test_key_with_any_letter_changed_is_none(position: int, letter: str) -> None:
    key = make_key()
    changed = key[:position] + letter + key[position + 1 :]
    assert is_well_formed(changed) == (changed == key)


@given(st.integers(0, 39))
def test_key_with_two_neighbours_exchanged_is_none(position: int) -> None:
    key = make_key()
    changed = key[:position] + key[position + 1] + key[position] + key[position + 2 :]
    assert is_well_formed(changed) == (changed == key)


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert is_well_formed(text) is False


@pytest.mark.parametrize(
    "key",
    ["", "ak_", "ak_" + "0" * 37, "ak_" + "0" * 39, "ak_" + "0" * 10_240, "ak_" + "０" * 38, "\ud800" * 41,
     "sk_" + "0" * 38, "ak_" + "-" * 38, "ak_" + "0" * 37 + "\n", "\0" * 41, "ak_" + "0" * 38],
    ids=range(12),
)  # fmt: skip
@pytest.mark.django_db
def test_what_cannot_be_a_key_costs_no_query_and_no_hash(
    key: str, django_assert_num_queries: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hashed(_: str) -> str:
        raise AssertionError("it was hashed")

    monkeypatch.setattr(services, "digest_of", hashed)
    assert callable(django_assert_num_queries)
    with django_assert_num_queries(0), pytest.raises(ApiKeyInvalid):
        services.verify_key(key=key)
    with django_assert_num_queries(0):
        assert services.revoke_leaked_key(key=key) is False


@pytest.mark.django_db
def test_good_key_with_a_letter_changed_costs_no_query(django_assert_num_queries: object) -> None:
    from accounts.models import User

    user = User.objects.create_user("someone@example.com", "x")
    _, key = services.create_key(user_id=user.pk, title="tests")
    assert callable(django_assert_num_queries)
    with django_assert_num_queries(0):
        for position in range(len(key)):
            changed = key[:position] + ("a" if key[position] != "a" else "b") + key[position + 1 :]
            with pytest.raises(ApiKeyInvalid):
                services.verify_key(key=changed)
    assert services.verify_key(key=key).pk == ApiKey.objects.get().pk
