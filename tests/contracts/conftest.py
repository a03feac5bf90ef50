"""Real answers for the contract tests: one index a session, workers a module, rows a test."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytest_django import Settings

from anime_search import runtime
from anime_search.file_cache import FileCache
from anime_search.models import Anime, Video
from core.workers import EmbeddedWorkers
from tests.contracts.live import Clip, Site, big_buck_bunny, put_clip, put_video
from tests.contracts.shelf import Variant, index_of, make_variants, variant_rows


@dataclass(frozen=True, slots=True)
class Library:
    """The one indexed video and its title."""

    clip: Clip
    video: Video
    anime: Anime


@dataclass(frozen=True, slots=True)
class Shelf:
    """A dozen videos of like scenes, and a screenshot that looks like all of them, more or less."""

    videos: list[Video]
    screenshot: bytes


@pytest.fixture(autouse=True)
def _fresh_windows(settings: Settings, db: None) -> None:
    """Every test counts in a cache of its own, which is never cleared, since a Redis may hold other things.

    Days and credits are counted in the database, so that every request needs one.
    """
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid.uuid4().hex,
        }
    }


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return put_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def site(clip: Clip, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(clip, tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="session")
def screenshot(clip: Clip) -> bytes:
    return clip.screenshot()


@pytest.fixture(scope="session")
def encoded(screenshot: bytes) -> str:
    return base64.b64encode(screenshot).decode()


@pytest.fixture(scope="session")
def index_handle(clip: Clip) -> runtime.IndexHandle:
    return clip.handle()


@pytest.fixture(scope="package")
def workers() -> Iterator[None]:
    with EmbeddedWorkers({"search": 2, "deepfake": 2}, periodic=False):
        yield


@pytest.fixture
def index(
    index_handle: runtime.IndexHandle, workers: None, monkeypatch: pytest.MonkeyPatch
) -> runtime.IndexHandle:
    """The clip's frames can be searched; which video they belong to, the database does not know."""
    monkeypatch.setattr(runtime, "index", lambda: index_handle)
    return index_handle


@pytest.fixture
def library(db: None, clip: Clip, index: runtime.IndexHandle) -> Library:
    anime = big_buck_bunny()
    return Library(clip, put_video(clip, anime=anime), anime)


@pytest.fixture
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limiter's minute does not end while a test runs."""
    begun = time.time()
    monkeypatch.setattr("django_ratelimit.core.time", SimpleNamespace(time=lambda: begun))


@pytest.fixture
def preview_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileCache:
    """Nothing was cut before."""
    made = FileCache(tmp_path / "previews", 1 << 30)
    monkeypatch.setattr(runtime, "preview_cache", lambda: made)
    return made


@pytest.fixture(scope="session")
def variants(tmp_path_factory: pytest.TempPathFactory, clip: Clip) -> list[Variant]:
    return make_variants(clip, tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="session")
def shelf_handle(variants: list[Variant], tmp_path_factory: pytest.TempPathFactory) -> runtime.IndexHandle:
    return index_of(variants, tmp_path_factory.mktemp("shelf-index"))


@pytest.fixture
def shelf(
    db: None,
    variants: list[Variant],
    shelf_handle: runtime.IndexHandle,
    workers: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Shelf:
    monkeypatch.setattr(runtime, "index", lambda: shelf_handle)
    return Shelf(variant_rows(variants), variants[0].screenshot)
