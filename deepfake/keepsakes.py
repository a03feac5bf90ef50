"""What stays of an analysed video beside its verdict: small pictures of the judged frames, and the file if its owner wants.

A folder each below ``DATA_DIR/kept_analyses``, for the owner alone, gone with the analysis.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from django.conf import settings

from deepfake.engine.verdict import FramePicture
from deepfake.files import GRACE_S
from deepfake.models import Analysis, AnalysisStatus

log = logging.getLogger(__name__)

_VIDEO: Final = "video"
_NAME: Final = re.compile(r"(?P<frame>[0-9]{1,3})(?P<heat>-heat)?\.jpg")
#: Ids in one question of the sweep.
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class KeptPictures:
    """Which frames of an analysis have a picture, by their number, and which of them one of the heat."""

    plain: frozenset[int]
    heat: frozenset[int]


def keep_pictures(*, public_id: str, pictures: Sequence[FramePicture]) -> None:
    """Write the pictures of the judged frames. A disk that is full costs the pictures, not the verdict."""
    if not pictures:
        return
    folder = _folder(public_id)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number, picture in enumerate(pictures):
            (folder / f"{number}.jpg").write_bytes(picture.plain)
            if picture.heat:
                (folder / f"{number}-heat.jpg").write_bytes(picture.heat)
    except OSError as error:
        log.warning("no pictures are kept of analysis %s: %s", public_id, error.strerror)
        forget_all(public_id)


def keep_video(*, public_id: str, path: Path) -> None:
    """Keep a file that was analysed; where that is not possible it is as if nobody had asked for it."""
    folder = _folder(public_id)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / _VIDEO).unlink(missing_ok=True)
        try:
            os.link(path, folder / _VIDEO)
        except OSError:
            # On a file system without links.
            shutil.copyfile(path, folder / _VIDEO)
    except OSError as error:
        log.warning("the file of analysis %s is not kept: %s", public_id, error.strerror)
        forget_video(public_id)


def pictures_kept(public_id: str) -> KeptPictures:
    """Which pictures there are."""
    plain: set[int] = set()
    heat: set[int] = set()
    try:
        names = [each.name for each in _folder(public_id).iterdir()]
    except OSError:
        names = []
    for name in names:
        if (found := _NAME.fullmatch(name)) is not None:
            (heat if found["heat"] else plain).add(int(found["frame"]))
    return KeptPictures(frozenset(plain), frozenset(heat))


def picture_of(public_id: str, frame: int, *, heat: bool = False) -> bytes | None:
    """A frame's picture, JPEG; None where there is none."""
    try:
        return (_folder(public_id) / f"{frame}{'-heat' if heat else ''}.jpg").read_bytes()
    except OSError:
        return None


def video_of(public_id: str) -> Path | None:
    """The kept file; None where there is none."""
    path = _folder(public_id) / _VIDEO
    return path if path.is_file() else None


def forget_video(public_id: str) -> None:
    """Remove the kept file; the pictures stay."""
    try:
        (_folder(public_id) / _VIDEO).unlink(missing_ok=True)
    except OSError as error:
        log.warning("the kept file of analysis %s is left: %s", public_id, error.strerror)


def forget_all(public_id: str) -> None:
    """Remove everything that is kept beside a verdict; what cannot be removed now is left to :func:`sweep_keepsakes`."""
    try:
        shutil.rmtree(_folder(public_id))
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("what is kept of analysis %s is left: %s", public_id, error.strerror)


def sweep_keepsakes() -> int:
    """Remove folders whose analysis is gone or came to nothing; returns how many there were."""
    gone, aged = 0, _aged()
    while names := list(islice(aged, _BATCH)):
        alive = set(
            Analysis.objects.filter(public_id__in=names, status=AnalysisStatus.DONE).values_list(
                "public_id", flat=True
            )
        )
        for name in names:
            if name not in alive:
                forget_all(name)
                gone += 1
    return gone


def _aged() -> Iterator[str]:
    """Folders that no attempt is writing into any more."""
    try:
        shelves = [each for each in _root().iterdir() if each.is_dir()]
    except FileNotFoundError:
        return
    for shelf in shelves:
        for each in shelf.iterdir():
            try:
                is_aged = time.time() - each.stat().st_mtime > GRACE_S
            except FileNotFoundError:
                continue
            if is_aged:
                yield each.name


def _root() -> Path:
    return Path(settings.DATA_DIR) / "kept_analyses"


def _folder(public_id: str) -> Path:
    """Of a year's analyses, in 256 folders."""
    return _root() / public_id[:2] / public_id
