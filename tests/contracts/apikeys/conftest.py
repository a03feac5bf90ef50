"""Two users, of whom one is signed in."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User


@pytest.fixture
def user() -> User:
    return User.objects.create_user("someone@example.com", "x")


@pytest.fixture
def other() -> User:
    return User.objects.create_user("other@example.com", "x")


@pytest.fixture
def signed_in(client: Client, user: User) -> Client:
    client.force_login(user)
    return client
