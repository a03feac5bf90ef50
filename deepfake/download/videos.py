"""The video behind an address, as a file."""

from __future__ import annotations

import logging
import math
import re
import shutil
import stat
import tempfile
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import Unavailable
from core.fetch_errors import UnsafeUrl
from core.web_url import parse_web_url
from deepfake.download import child_process
from deepfake.download.container import SUFFIXES
from deepfake.download.limits import DownloadLimits, Order
from deepfake.download.trouble import Trouble, error_of
from deepfake.errors import AnalysisCancelled, DownloadFailed, DownloadReason

log = logging.getLogger(__name__)

#: Seconds between two looks at whether the video is still wanted.
ASK_EVERY_S: Final = 0.4
#: Characters of a title that are kept.
MAX_TITLE_CHARS: Final = 200

_FILES: Final = frozenset(f"video.{suffix}" for suffix in SUFFIXES)
_NAME: Final = re.compile(r"[\w:.+ -]{1,60}")


@dataclass(frozen=True, slots=True)
class GotVideo:
    """A video that was downloaded.

    Attributes:
        path: its file, below the folder that was given.
        title: as the site or the link has it, on one line, without control characters; may be empty.
        extractor: yt-dlp's name of the site, or ``direct``.
        duration_s: as the site says; None where it does not.
        whole: False if only its beginning was taken, up to the limit of bytes.
    """

    path: Path
    title: str
    extractor: str
    duration_s: float | None
    whole: bool = True


def get_video(
    url: str,
    folder: Path,
    *,
    on_progress: Callable[[float], None],
    cancelled: Callable[[], bool],
    on_step: Callable[[str], None] = lambda step: None,
) -> GotVideo:
    """Download the video behind ``url`` into ``folder``, where after an error nothing of it is left.

    Args:
        folder: exists; the file's name there is made by the server.
        on_progress: told the share that has come, 0 to 1.
        cancelled: asked about twice a second; once it says True, the download ends within a second.
        on_step: told what is done, in lines for an operator.

    Raises:
        DownloadFailed: it cannot be had; the message says why in a sentence for a person, ``reason`` in a word.
        AnalysisCancelled: ``cancelled`` said so.
        Unavailable: there is no room on the disk, or no process to be had.
    """
    limits = _limits()
    try:
        address = str(parse_web_url(url))
    except UnsafeUrl as error:
        raise DownloadFailed(error.message, reason=DownloadReason.UNSUPPORTED) from error
    try:
        scratch = Path(tempfile.mkdtemp(prefix="download-", dir=folder))
    except OSError as error:
        raise error_of(Trouble.NO_ROOM, limits) from error
    try:
        order = Order(url=address, folder=scratch, limits=limits)
        done = _obey(order, on_progress=on_progress, cancelled=cancelled, on_step=on_step)
        return _received(done, scratch, folder, limits)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _limits() -> DownloadLimits:
    from django.conf import settings

    return DownloadLimits(
        extractors=tuple(settings.DEEPFAKE_EXTRACTORS),
        max_bytes=settings.DEEPFAKE_MAX_BYTES,
        max_duration_s=settings.DEEPFAKE_MAX_DURATION_S,
        timeout_s=settings.DEEPFAKE_DOWNLOAD_TIMEOUT_S,
        allowed_networks=tuple(settings.FETCH_ALLOWED_NETWORKS),
    )


def _obey(
    order: Order,
    *,
    on_progress: Callable[[float], None],
    cancelled: Callable[[], bool],
    on_step: Callable[[str], None],
) -> dict[str, Any]:
    """What the child says it has done."""
    deadline = time.monotonic() + order.limits.timeout_s
    if cancelled():
        raise AnalysisCancelled
    try:
        child = child_process.ChildProcess(order, command=child_process.COMMAND)
    except OSError as error:
        log.exception("A child for a download could not be started")
        raise Unavailable from error
    with child:
        for answer in child.answers(ASK_EVERY_S):
            if answer is None:
                if cancelled():
                    raise AnalysisCancelled
            elif isinstance(share := answer.get("share"), int | float):
                on_progress(min(1.0, max(0.0, float(share))))
            elif isinstance(step := answer.get("step"), str):
                on_step(_one_line(step))
            elif isinstance(done := answer.get("done"), dict):
                return done
            elif "trouble" in answer:
                raise _error(answer, order.limits)
            if time.monotonic() >= deadline:
                raise error_of(Trouble.TIMEOUT, order.limits)
        raise error_of(child.how_it_ended(), order.limits)


def _error(answer: dict[str, Any], limits: DownloadLimits) -> Exception:
    if isinstance(told := answer.get("log"), str):
        log.error("A download failed: %s", told)
    try:
        trouble = Trouble(answer["trouble"])
    except ValueError:
        trouble = Trouble.CRASHED
    return error_of(trouble, limits)


def _received(done: dict[str, Any], scratch: Path, folder: Path, limits: DownloadLimits) -> GotVideo:
    """The video that the child left, moved to where it belongs; nothing it says is taken on trust."""
    name, extractor, duration_s = done.get("file"), done.get("extractor"), done.get("duration_s")
    if name not in _FILES:
        raise error_of(Trouble.CRASHED, limits)
    left = scratch / name
    try:
        if not stat.S_ISREG(left.lstat().st_mode):
            raise error_of(Trouble.CRASHED, limits)
        path = left.replace(folder / name)
    except OSError as error:
        raise error_of(Trouble.CRASHED, limits) from error
    known = isinstance(duration_s, int | float) and math.isfinite(duration_s) and duration_s > 0
    return GotVideo(
        path=path,
        title=clean_title(str(done.get("title") or "")),
        extractor=extractor if isinstance(extractor, str) and _NAME.fullmatch(extractor) else "unknown",
        duration_s=float(duration_s) if known and duration_s is not None else None,
        whole=done.get("whole") is not False,
    )


def clean_title(text: str) -> str:
    """A title on one line, without control, formatting and unassigned characters, cut to ``MAX_TITLE_CHARS``."""
    # "C" are control, format (such as the marks that turn the direction of writing), private, surrogate, unassigned.
    spaced = re.sub(r"\s", " ", text)
    kept = "".join(letter for letter in spaced if unicodedata.category(letter)[0] != "C")
    title = " ".join(kept.split())
    return title if len(title) <= MAX_TITLE_CHARS else f"{title[: MAX_TITLE_CHARS - 1]}…"


def _one_line(step: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in step)
