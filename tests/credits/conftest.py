"""The caches that windows are counted in, and callers."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.principal import Principal, PrincipalKind
from core import clock
from credits.policies import Product
from tests.policies import set_policy

#: Where tests find a Redis of their own; they use keys that begin with a prefix of their own.
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


def redis_cache(prefix: str, url: str = REDIS_URL) -> dict[str, dict[str, Any]]:
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": url,
            "KEY_PREFIX": prefix,
            "OPTIONS": {"socket_timeout": 5, "socket_connect_timeout": 2},
        }
    }


@pytest.fixture(autouse=True)
def _fresh_windows(settings: Settings) -> None:
    """Every test counts in a cache of its own; none is ever cleared, since a Redis may hold other things."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid.uuid4().hex,
        }
    }


@pytest.fixture
def on_redis(settings: Settings) -> Iterator[str]:
    """The prefix of this test's keys in the Redis that the default cache is then."""
    import redis

    prefix = f"frameproof-test-{uuid.uuid4().hex}"
    settings.CACHES = redis_cache(prefix)
    yield prefix
    with redis.Redis.from_url(REDIS_URL) as connection:
        for key in connection.scan_iter(f"{prefix}:*"):
            connection.delete(key)


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("someone@example.com", "x")


@pytest.fixture
def member(user: User) -> Principal:
    """The user as metering sees it."""
    return Principal(kind=PrincipalKind.USER, user_id=user.pk, address="203.0.113.9", tier="free")


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the project's clock to a moment."""

    def change(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    return change


@pytest.fixture
def product(db: None) -> Product:
    """A product of which guests have 10 requests a minute and 15 a day."""
    set_policy(Product.TRACE_MOE, rate=10, rate_s=60, daily=15)
    return Product.TRACE_MOE
