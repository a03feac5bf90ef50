"""The list of one's sessions, their end, and the end of the account."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client

from accounts import personal_data
from accounts.models import User
from tests.contracts.auth.asking import EMAIL, PASSWORD, member, post, refusal, session, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def clients() -> list[Client]:
    """Three clients of one member, and one of another."""
    member()
    member("other@example.com")
    made = [Client() for _ in range(4)]
    for client in made[:3]:
        sign_in(client)
    sign_in(made[3], email="other@example.com")
    return made


def alive(clients: list[Client]) -> list[bool]:
    return [session(client) is not None for client in clients]


def test_list_has_the_own_sessions_alone(clients: list[Client]) -> None:
    listed = clients[0].get("/api/auth/list-sessions").json()
    assert {each["token"] for each in listed} == {session(each)["session"]["token"] for each in clients[:3]}
    assert len({each["id"] for each in listed}) == 3


def test_one_session_can_be_ended_by_its_token(clients: list[Client]) -> None:
    token = session(clients[1])["session"]["token"]
    assert post(clients[0], "revoke-session", {"token": token}).json() == {"status": True}
    assert alive(clients) == [True, False, True, True]
    assert (
        post(clients[0], "revoke-session", {"token": session(clients[0])["session"]["token"]}).status_code
        == 200
    )
    assert alive(clients) == [False, False, True, True]


def test_session_of_another_user_cannot_be_ended(clients: list[Client]) -> None:
    token = session(clients[3])["session"]["token"]
    assert post(clients[0], "revoke-session", {"token": token}).json() == {"status": True}
    assert alive(clients) == [True] * 4


def test_all_other_sessions_can_be_ended(clients: list[Client]) -> None:
    assert post(clients[0], "revoke-other-sessions").json() == {"status": True}
    assert alive(clients) == [True, False, False, True]


def test_all_sessions_can_be_ended(clients: list[Client]) -> None:
    assert post(clients[0], "revoke-sessions").json() == {"status": True}
    assert alive(clients) == [False, False, False, True]
    assert UserSession.objects.count() == Session.objects.count() == 1


def test_account_is_deleted_with_all_that_is_its_owners(
    clients: list[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    erased: list[str] = []
    monkeypatch.setattr(personal_data, "_erasers", {"ledger": lambda user: erased.append(user.email)})
    response = post(clients[0], "delete-user", {"password": PASSWORD})
    assert response.json() == {"success": True, "message": "User deleted"}
    assert erased == [EMAIL]
    assert alive(clients) == [False, False, False, True]
    assert [user.email for user in User.objects.all()] == ["other@example.com"]
    assert Session.objects.count() == 1
    assert refusal(sign_in(clients[0]), 401) == "INVALID_EMAIL_OR_PASSWORD"


def test_eraser_that_fails_leaves_the_account_as_it_was(
    clients: list[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(user: User) -> None:
        raise RuntimeError

    monkeypatch.setattr(personal_data, "_erasers", {"ledger": fail})
    assert refusal(post(clients[0], "delete-user", {"password": PASSWORD}), 500) == "INTERNAL_ERROR"
    assert alive(clients) == [True] * 4


def test_account_is_not_deleted_without_the_password(clients: list[Client]) -> None:
    assert refusal(post(clients[0], "delete-user", {"password": "wrong"}), 400) == "INVALID_PASSWORD"
    assert alive(clients) == [True] * 4


def test_password_cannot_be_tried_out_by_deleting(clients: list[Client]) -> None:
    statuses = [post(clients[0], "delete-user", {"password": f"guess {n}"}).status_code for n in range(6)]
    assert statuses == [400] * 5 + [429]
    assert post(clients[0], "delete-user", {"password": PASSWORD}).status_code == 429


def test_account_of_staff_is_kept(clients: list[Client]) -> None:
    User.objects.update(is_staff=True)
    assert refusal(post(clients[0], "delete-user", {"password": PASSWORD}), 403) == "ACCOUNT_IS_STAFF"
    assert User.objects.count() == 2
