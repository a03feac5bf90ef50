"""What tests of accounts share."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.services import create_user

PASSWORD = "a long enough secret 17"


@pytest.fixture(autouse=True)
def _fresh_limits(settings: Settings) -> None:
    """Every test counts in a cache of its own; none is ever cleared, since a Redis may hold other things."""
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": uuid.uuid4().hex}}


@pytest.fixture
def member(db: None) -> User:
    """An account with a verified address."""
    return create_user(email="someone@example.com", password=PASSWORD, name="Someone")


@pytest.fixture
def visitor(client: Client, member: User) -> Client:
    """A browser in which :func:`member` has signed in on the page."""
    response = client.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    assert response.status_code == 302
    return client
