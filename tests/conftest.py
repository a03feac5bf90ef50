"""What tests of several apps share: data directories, short videos, workers, commands as processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.utils import translation
from pytest_django import Settings

from anime_search import runtime
from anime_search.demo import CLIP, DemoMissing, demo_videos
from core.workers import EmbeddedWorkers
from tests.command_line import CommandLine, migrated_data_dir
from tests.footage import write_video
from video.decoders import DecoderPool

MakeVideo = Callable[..., Path]
MakeCommandLine = Callable[..., CommandLine]


@pytest.fixture(scope="session", autouse=True)
def _loaded_views() -> None:
    """Load all views before any test: what they import must not be what a test has put in its place."""
    import_module(django_settings.ROOT_URLCONF)


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """The language of a request stays with its thread, which is also that of the next test."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _ordinary_turns() -> Iterator[None]:
    """No test leaves its process a real-time one, which all others would wait for."""
    yield
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.fixture(scope="session")
def demo_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real animation: five seconds of Big Buck Bunny, which the extra ``demo`` brings."""
    try:
        return demo_videos(tmp_path_factory.mktemp("demo")) / CLIP
    except DemoMissing:
        pytest.fail("the extra 'demo' is not installed")


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """An empty folder for videos."""
    folder = tmp_path / "videos"
    folder.mkdir()
    return folder


@pytest.fixture
def make_video(collection: Path) -> MakeVideo:
    """``make_video("1/a.mp4", seed=1)`` writes a short video into :func:`collection`."""

    def make(name: str = "1.mp4", **options: object) -> Path:
        return write_video(collection / name, **({"seed": 1} | options))

    return make


@pytest.fixture
def data_dir(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """An empty data directory of this test alone, which the engine objects of this process use."""
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    _forget_engine()
    yield settings.DATA_DIR
    runtime.close_decoder_pools()
    _forget_engine()


def _forget_engine() -> None:
    runtime.index_store.cache_clear()
    runtime.index.cache_clear()
    runtime.searcher.cache_clear()
    runtime.open_decoder_pools()


@pytest.fixture(scope="session")
def decoding_children() -> Iterator[DecoderPool]:
    pool = DecoderPool(2)
    yield pool
    pool.close()


@pytest.fixture
def decoders(decoding_children: DecoderPool, monkeypatch: pytest.MonkeyPatch) -> DecoderPool:
    """Decoding children that are started once for all tests: that takes longer than what they do here."""
    monkeypatch.setattr(runtime, "decoder_pool", lambda workers: decoding_children)
    return decoding_children


@pytest.fixture
def embedded_workers(data_dir: Path, transactional_db: None) -> Iterator[None]:
    """Workers of this process, as a server of the embedded profile has them."""
    with EmbeddedWorkers({"search": 2, "ingest": 2, "housekeeping": 1}, periodic=False):
        yield


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose database has all tables and no rows, to be copied."""
    return migrated_data_dir(tmp_path_factory)


@pytest.fixture
def make_command_line(migrated: Path, tmp_path: Path) -> Iterator[MakeCommandLine]:
    """Makes installations with a data directory of their own; what is left running is killed at the end."""
    made: list[CommandLine] = []

    def make(name: str = "site", **environment: str) -> CommandLine:
        made.append(CommandLine.copy_of(migrated, tmp_path / name, **environment))
        return made[-1]

    yield make
    for command_line in made:
        command_line.close()


@pytest.fixture
def command_line(make_command_line: MakeCommandLine) -> CommandLine:
    """One installation; see :func:`make_command_line`."""
    return make_command_line()
