"""A host of pictures, keys of all tiers, and the child that decodes videos."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from accounts.models import Tier, User
from anime_search import runtime
from apikeys.services import create_key
from tests.core.loopback_web import WebServer

MakeKey = Callable[[Tier], str]


@pytest.fixture(scope="module", autouse=True)
def _child() -> Iterator[None]:
    """The child is started when a video comes, and serves all tests of a module."""
    runtime.open_decoder_pools()
    yield
    runtime.close_decoder_pools()
    runtime.open_decoder_pools()


@pytest.fixture
def host(settings: Settings) -> Iterator[WebServer]:
    """A web server of this machine, which pictures may be fetched from."""
    settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.1/32",)
    server = WebServer()
    yield server
    server.close()


@pytest.fixture
def key_of(db: None) -> MakeKey:
    """Makes a user of a tier, and returns an API key of this user."""

    def make(tier: Tier) -> str:
        user = User.objects.create_user(f"{tier}@example.com", "x", tier=tier)
        return create_key(user_id=user.pk, title="tests")[1]

    return make
