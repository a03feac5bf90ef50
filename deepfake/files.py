"""The folder of an analysis: what was uploaded or downloaded for it, and nothing for longer than it runs."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from django.conf import settings

from deepfake.errors import VideoEmpty, VideoTooLarge
from deepfake.models import OPEN, Analysis

log = logging.getLogger(__name__)

#: The uploaded file's name: none that a caller chose.
_UPLOAD: Final = "upload"
#: A folder that belongs to no open analysis is left alone for so long: its row may be about to be written.
GRACE_S: Final = 600.0


def upload_of(public_id: str) -> Path:
    """Where the uploaded file of an analysis lies."""
    return _folder(public_id) / _UPLOAD


def keep_upload(*, public_id: str, chunks: Iterable[bytes], most_bytes: int) -> None:
    """Write an uploaded file, into a folder that is open to this system's user alone.

    Raises:
        VideoEmpty, VideoTooLarge: as the names say; nothing is left behind.
    """
    folder = _folder(public_id)
    folder.mkdir(parents=True, mode=0o700)
    try:
        with (folder / _UPLOAD).open("xb") as file:
            _write(file, chunks, most_bytes)
    except BaseException:
        remove_files(public_id)
        raise


@contextmanager
def download_folder(public_id: str) -> Iterator[Path]:
    """A folder for one attempt's download: an attempt that is late must not write into another's."""
    folder = _folder(public_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = Path(tempfile.mkdtemp(prefix="download-", dir=folder))
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)
        with suppress(OSError):
            folder.rmdir()


def remove_files(public_id: str) -> None:
    """Remove all files of an analysis; what cannot be removed now is left to :func:`sweep_files`."""
    try:
        shutil.rmtree(_folder(public_id))
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("files of analysis %s are left: %s", public_id, error.strerror)


def held_folders() -> list[Path]:
    """Folders of files that nobody has asked to be analysed so far (:mod:`deepfake.held`)."""
    return list(_root().glob("held-*"))


def sweep_files() -> int:
    """Remove folders that a crash left behind, and files that were held for long enough; returns how many there were."""
    try:
        found = [each for each in _root().iterdir() if each.is_dir()]
        aged = [each.name for each in found if time.time() - each.stat().st_mtime > GRACE_S]
    except FileNotFoundError:
        return 0
    in_use = set(
        Analysis.objects.filter(public_id__in=aged, status__in=OPEN).values_list("public_id", flat=True)
    )
    stale = [name for name in aged if name not in in_use]
    for name in stale:
        remove_files(name)
    return len(stale)


def _root() -> Path:
    return Path(settings.DATA_DIR) / "analyses"


def _folder(public_id: str) -> Path:
    return _root() / public_id


def _write(file: BinaryIO, chunks: Iterable[bytes], most_bytes: int) -> None:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > most_bytes:
            raise VideoTooLarge
        file.write(chunk)
    if size == 0:
        raise VideoEmpty
