"""A cache of each test's own, that wrong keys are counted in."""

from __future__ import annotations

import uuid

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _fresh_counters(settings: Settings) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid.uuid4().hex,
        }
    }
