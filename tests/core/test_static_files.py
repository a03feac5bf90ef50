"""Static files are collected when they have changed, and only then."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from core.static_files import collect_static


@pytest.fixture
def source(settings: Settings, tmp_path: Path) -> Path:
    """A site whose only static file is this one."""
    source = tmp_path / "source" / "site.css"
    source.parent.mkdir()
    source.write_text("body { margin: 0 }")
    settings.STATICFILES_DIRS = [source.parent]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "collected"
    return source


@pytest.fixture(autouse=True)
def _fresh_finders() -> None:
    from django.contrib.staticfiles.finders import get_finder

    get_finder.cache_clear()


def collected(source: Path) -> str:
    return (source.parent.parent / "collected" / source.name).read_text()


def test_files_are_collected_once(source: Path) -> None:
    assert collect_static()
    assert collected(source) == "body { margin: 0 }"
    assert not collect_static()


@pytest.mark.parametrize("change", ["content", "new file", "lost mark"])
def test_change_is_collected(source: Path, change: str) -> None:
    collect_static()
    match change:
        case "content":
            source.write_text("body { margin: 1px }")
            later = time.time_ns() + 10**10
            os.utime(source, ns=(later, later))
        case "new file":
            (source.parent / "more.css").write_text("")
        case _:
            (source.parent.parent / "collected" / ".collected").unlink()
    assert collect_static()
    assert not collect_static()
    assert collected(source) == source.read_text()


def test_other_storage_is_collected_anew(source: Path, settings: Settings) -> None:
    collect_static()
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    assert collect_static()
    assert (source.parent.parent / "collected" / "staticfiles.json").is_file()


def test_collecting_that_fails_is_done_again(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="disk full"):
        broken.setattr("core.static_files.call_command", fail)
        (source.parent.parent / "collected").mkdir()
        collect_static()
    assert collect_static()
