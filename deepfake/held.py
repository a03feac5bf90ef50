"""Videos that were handed over before their owner has said that they are to be analysed: held for a few minutes.

A held file lies where the files of analyses do, in a folder that belongs to none, so that
:func:`deepfake.files.sweep_files` removes it when its time is over.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core import signing

from accounts.principal import Principal
from credits.services import subject_of
from deepfake.errors import AnalysisQueueFull, SourceGone
from deepfake.files import GRACE_S, held_folders, keep_upload, remove_files, upload_of
from deepfake.services import UploadedVideo

#: Files that are held at a time, of everybody: they cost their owners nothing, and the disk is not endless.
MOST_HELD: Final = 16
#: Minutes for which a file is held.
HELD_MINUTES: Final = int(GRACE_S // 60)
_SALT: Final = "deepfake.held:"


def hold_video(*, principal: Principal, chunks: Iterable[bytes], name: str) -> str:
    """Hold a file; returns the token that its owner alone can take it by.

    Raises:
        AnalysisQueueFull: as many are held as may be.
        VideoEmpty, VideoTooLarge: as the names say.
    """
    if len(held_folders()) >= MOST_HELD:
        raise AnalysisQueueFull(retry_after_s=int(GRACE_S))
    folder = f"held-{secrets.token_hex(16)}"
    keep_upload(public_id=folder, chunks=chunks, most_bytes=settings.MAX_BODY_BYTES)
    return signing.dumps((folder, name), salt=_salt(principal))


def held_video(*, principal: Principal, token: str) -> UploadedVideo:
    """The file of a token, as if it were sent now.

    Raises:
        SourceGone: its time is over, or the token is somebody else's, or none.
    """
    folder, name = _open(principal, token)
    path = upload_of(folder)
    if not path.is_file():
        raise SourceGone
    return UploadedVideo(_chunks_of(path), name)


def let_go(*, principal: Principal, token: str) -> None:
    """Remove the file of a token: its analysis has a copy, and nothing else of it is to stay.

    Raises:
        SourceGone: as :func:`held_video`.
    """
    remove_files(_open(principal, token)[0])


def _open(principal: Principal, token: str) -> tuple[str, str]:
    try:
        folder, name = signing.loads(token, salt=_salt(principal), max_age=int(GRACE_S))
    except signing.BadSignature:
        raise SourceGone from None
    return folder, name


def _salt(principal: Principal) -> str:
    return _SALT + subject_of(principal)


def _chunks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk
