"""Static files brought to where the server serves them from, when they have changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

#: Beside the collected files: what they were collected from.
_MARK = ".collected"


def collect_static() -> bool:
    """Collect, hash and compress the static files, unless that was done for these very files before.

    Collecting anew takes longer than the rest of a server's start.

    Returns:
        Whether anything was collected.
    """
    mark = Path(settings.STATIC_ROOT) / _MARK
    sources = _fingerprint()
    if mark.is_file() and mark.read_text() == sources:
        return False
    mark.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    mark.write_text(sources)
    return True


def _fingerprint() -> str:
    """A digest of every source file's name, size and time, and of how they are stored."""
    digest = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
