"""AniList and the clock that these tests run against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.anime_search.metadata.fake_anilist import FakeAniList, FakeClock


@pytest.fixture
def fake_clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def anilist(settings: Settings, tmp_path: Path) -> Iterator[FakeAniList]:
    """A running AniList that the settings point to, beside an empty data directory."""
    with FakeAniList().served() as fake:
        settings.ANILIST_URL = fake.url
        settings.DATA_DIR = tmp_path / "data"
        settings.SITE_URL = "https://frames.example"
        yield fake
