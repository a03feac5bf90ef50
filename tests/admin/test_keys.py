"""API keys as staff see and revoke them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apikeys.errors import ApiKeyRevoked
from apikeys.models import ApiKey, Revocation
from apikeys.services import create_key, revoke_key, verify_key
from core import clock
from tests.admin.conftest import MakeStaff, answer, changelist, choose, make_users, messages_of, said

KEYS = "apikeys_apikey"


def shown(client: Client, **query: str) -> set[str]:
    return {key.title for key in client.get(changelist(KEYS), query).context["cl"].result_list}


def test_chosen_keys_are_revoked_by_staff(admin_client: Client) -> None:
    user = make_users(1)[0]
    (first, secret), (second, _), (kept, kept_secret) = (
        create_key(user_id=user.pk, title=title) for title in ("one", "two", "three")
    )
    revoke_key(user_id=user.pk, key_id=second.pk)
    page = choose(admin_client, "revoke_chosen_keys", [first, second], where=changelist(KEYS))
    assert verify_key(key=secret).pk == first.pk
    done = answer(admin_client, page, where=changelist(KEYS))
    assert messages_of(done) == ["1 API key was revoked."]
    with pytest.raises(ApiKeyRevoked):
        verify_key(key=secret)
    assert verify_key(key=kept_secret).pk == kept.pk
    by = dict(ApiKey.objects.values_list("title", "revoked_by"))
    assert by == {"one": Revocation.STAFF, "two": Revocation.OWNER, "three": ""}
    assert said() == [(f"one ({first.prefix}…)", f"Revoked a key of {user.email}: it worked until now.")]


def test_all_keys_of_the_chosen_users_are_revoked(admin_client: Client) -> None:
    first, second, other = make_users(3)
    keys = [create_key(user_id=first.pk, title=str(number))[0] for number in range(2)]
    kept, _ = create_key(user_id=other.pk, title="kept")
    page = choose(admin_client, "revoke_keys_of_users", [first, second])
    assert not ApiKey.objects.filter(revoked_at__isnull=False).exists()
    done = answer(admin_client, page)
    assert messages_of(done) == ["2 API keys were revoked."]
    assert list(ApiKey.objects.filter(revoked_at__isnull=True)) == [kept]
    told = ", ".join(f"{key.prefix}…" for key in keys)
    assert said() == [(first.email, f"API keys that work: 2 → 0; revoked {told}.")]
    again = answer(admin_client, page)
    assert messages_of(again) == ["0 API keys were revoked."]
    assert len(said()) == 1


def test_keys_are_found_and_filtered(admin_client: Client) -> None:
    user, other = make_users(2)
    working, _ = create_key(user_id=user.pk, title="render farm")
    expired, _ = create_key(user_id=other.pk, title="old", expires_at=clock.now() + timedelta(days=1))
    ApiKey.objects.filter(pk=expired.pk).update(expires_at=clock.now())
    revoked, _ = create_key(user_id=other.pk, title="lost")
    revoke_key(user_id=other.pk, key_id=revoked.pk)
    assert shown(admin_client, q=working.prefix) == {"render farm"}
    assert shown(admin_client, q="farm") == {"render farm"}
    assert shown(admin_client, q=other.email) == {"old", "lost"}
    assert shown(admin_client, state="working") == {"render farm"}
    assert shown(admin_client, state="expired") == {"old"}
    assert shown(admin_client, state="revoked") == {"lost"}
    assert shown(admin_client, state="nonsense") == {"render farm", "old", "lost"}


def test_digest_of_a_key_is_shown_nowhere(admin_client: Client) -> None:
    key, secret = create_key(user_id=make_users(1)[0].pk, title="one")
    for page in (changelist(KEYS), reverse("admin:apikeys_apikey_change", args=[key.pk])):
        text = admin_client.get(page).content.decode()
        assert key.prefix in text
        assert key.digest not in text
        assert secret not in text


def test_who_may_only_look_revokes_nothing(make_staff: MakeStaff) -> None:
    key, _ = create_key(user_id=make_users(1)[0].pk, title="one")
    client = make_staff("apikeys.view_apikey")
    assert "revoke_chosen_keys" not in client.get(changelist(KEYS)).content.decode()
    client.post(
        changelist(KEYS),
        {"action": "revoke_chosen_keys", "_selected_action": key.pk, "select_across": "1", "chosen": key.pk},
    )
    assert shown(client, state="working") == {"one"}
    client = make_staff("apikeys.change_apikey")
    page = choose(client, "revoke_chosen_keys", [key], where=changelist(KEYS))
    answer(client, page, where=changelist(KEYS))
    assert shown(client, state="revoked") == {"one"}
