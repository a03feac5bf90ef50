"""A search that answers at once, and users who ask."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from anime_search.errors import SearchTimedOut
from anime_search.services import SearchAnswer
from apikeys.services import create_key
from credits.reconcile import differences


@pytest.fixture
def reconciled() -> Any:
    yield
    assert differences() == []


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Pictures that were searched; the search itself answers at once."""
    calls: list[object] = []

    def search(**arguments: Any) -> SearchAnswer:
        calls.append(arguments["media"])
        if arguments["media"] == b"slow":
            raise SearchTimedOut
        return SearchAnswer([], False, len(calls), {"total": 1.5})

    monkeypatch.setattr("anime_search.api.whatanime.views.search_media", search)
    return calls


@pytest.fixture
def user() -> User:
    return User.objects.create_user("someone@example.com", "x")


@pytest.fixture
def signed_in(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


@pytest.fixture
def key(user: User) -> str:
    return create_key(user_id=user.pk, title="tests")[1]
