"""Files that appear whole or not at all."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_SUFFIX = ".part"


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write under a temporary name, renamed to ``path`` once it is on the disk; gone on any error.

    It is locked for as long as it is written: by that :func:`sweep_unfinished` tells what a killed process left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=_SUFFIX)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with suppress(OSError):
                # A network disk may know no locks.
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
            file.flush()
            os.fsync(file.fileno())
            Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync(path.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, and rename it into place once it is on the disk."""
    with whole_file(path) as file:
        file.write(content)


def sweep_unfinished(folder: Path) -> None:
    """Delete what killed processes left half written in a folder; files that are being written stay."""
    for path in folder.glob(f".*{_SUFFIX}"):
        with suppress(OSError), path.open("rb") as file:
            # An empty one may have been made in this moment, and not be locked yet.
            if os.fstat(file.fileno()).st_size:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def sync(path: Path) -> None:
    """Put a file, or the names in a folder, on the disk: what was only renamed may be lost with the power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
