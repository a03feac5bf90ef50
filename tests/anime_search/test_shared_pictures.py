"""Pictures of shared results: written when one is shared, gone with it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from anime_search.shared_pictures import (
    GRACE_S,
    forget_picture,
    keep_picture,
    picture_of_share,
    sweep_pictures,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def left(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


def test_picture_is_kept_as_it_is_for_the_servers_own_user(tmp_path: Path) -> None:
    keep_picture(public_id="ab12", picture=b"a picture")
    assert picture_of_share("ab12") == b"a picture"
    (path,) = left(tmp_path)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    forget_picture("ab12")
    forget_picture("ab12")
    assert picture_of_share("ab12") is None
    assert left(tmp_path) == []


def test_nothing_is_left_where_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        keep_picture(public_id="ab12", picture=b"a picture")
    assert left(tmp_path) == []


def test_only_old_pictures_without_a_result_are_swept(tmp_path: Path) -> None:
    keep_picture(public_id="ab12", picture=b"old")
    keep_picture(public_id="cd34", picture=b"about to be stored")
    old = time.time() - GRACE_S - 1
    os.utime(next(path for path in left(tmp_path) if path.stem == "ab12"), (old, old))
    assert sweep_pictures() == 1
    assert [path.stem for path in left(tmp_path)] == ["cd34"]
