"""The pictures of shared results: a file each below ``DATA_DIR/shared_pictures``, gone with its result."""

from __future__ import annotations

import logging
import time
from itertools import islice
from pathlib import Path
from typing import Final

from django.conf import settings

from anime_search.models import SharedResult

log = logging.getLogger(__name__)

#: Seconds after which a picture without a result is nobody's: before that its result may be about to be stored.
GRACE_S: Final = 3600
#: Ids in one question of the sweep.
_BATCH: Final = 500


def keep_picture(*, public_id: str, picture: bytes) -> None:
    """Write the picture of a result, readable for the server's own system user alone.

    Raises:
        OSError: the disk is full, say; nothing is left then.
    """
    path = _path(public_id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(".part")
    try:
        part.touch(mode=0o600)
        part.write_bytes(picture)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def picture_of_share(public_id: str) -> bytes | None:
    """The picture of a result, JPEG; None where there is none."""
    try:
        return _path(public_id).read_bytes()
    except OSError:
        return None


def forget_picture(public_id: str) -> None:
    """Remove the picture of a result; what cannot be removed now is left to :func:`sweep_pictures`."""
    try:
        _path(public_id).unlink(missing_ok=True)
    except OSError as error:
        log.warning("the picture of shared result %s is left: %s", public_id, error.strerror)


def sweep_pictures() -> int:
    """Remove pictures whose result is gone, which a crash may leave; returns how many there were."""
    gone, paths = 0, _root().glob("*/*.*")
    while found := list(islice(paths, _BATCH)):
        names = {path.stem for path in found}
        alive = set(SharedResult.objects.filter(public_id__in=names).values_list("public_id", flat=True))
        for path in found:
            try:
                is_nobodys = path.stem not in alive and time.time() - path.stat().st_mtime > GRACE_S
            except FileNotFoundError:
                continue
            if is_nobodys:
                path.unlink(missing_ok=True)
                gone += 1
    return gone


def _root() -> Path:
    return Path(settings.DATA_DIR) / "shared_pictures"


def _path(public_id: str) -> Path:
    """Spread over 256 folders."""
    return _root() / public_id[:2] / f"{public_id}.jpg"
