"""The tools ``detect_video`` and ``video_verdict``: counted as requests of ``/api/v1`` are."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import anyio
from django.conf import settings

from accounts.principal import Principal
from credits.idempotency import NamedRequest
from credits.policies import Product
from credits.services import count_request
from deepfake.errors import VideoTooLarge
from deepfake.models import Analysis, AnalysisStatus, Stage
from deepfake.selectors import analysis_of
from deepfake.services import UploadedVideo, VideoAt, cancel_analysis, failure_of, request_analysis
from mcp_server.requests import DetectArguments, read_file, video_of_detect
from mcp_server.threads import in_thread

#: Seconds between two looks at an analysis that is waited for: the first, and the most.
_FIRST_LOOK_S, _LOOK_EVERY_S = 0.1, 1.0
_STAGES: Final = (Stage.DOWNLOAD, Stage.DECODE, Stage.FACES, Stage.MODEL)

#: Told how much is done, in percent, and a word for it.
Report = Callable[[float, str], Awaitable[None]]


def begin_analysis(principal: Principal, asked: DetectArguments) -> Analysis:
    """Have the video of a call analysed, and return at once.

    Raises:
        DomainError: whatever keeps it from being taken up; nothing is charged then.
    """
    count_request(principal=principal, product=Product.API_V1)
    video, name = video_of_detect(asked)
    source: VideoAt | UploadedVideo
    if video is None:
        url = (asked.url or "").strip()
        source = VideoAt(url)
        request = NamedRequest.of(asked.idempotency_key, b"mcp url", url.encode(errors="surrogatepass"))
    else:
        source = UploadedVideo(_chunks(video), name)
        digest = b"" if asked.idempotency_key is None else _digest(video)
        request = NamedRequest.of(asked.idempotency_key, b"mcp file", digest)
    return request_analysis(principal=principal, source=source, request=request)


def look_up(principal: Principal, analysis_id: str) -> Analysis:
    """An analysis of the caller's, for a call that asks about it.

    Raises:
        AnalysisNotFound, QuotaExhausted, Unavailable: as the names say.
    """
    count_request(principal=principal, product=Product.API_V1)
    return analysis_of(user_id=principal.account_id, public_id=analysis_id)


async def wait_for(principal: Principal, analysis: Analysis, *, wait_s: float, report: Report) -> Analysis:
    """The analysis when it has ended, or as it is after a time; how far it is, is reported meanwhile.

    Raises:
        DomainError: it ended without a verdict, and was refunded.
    """
    deadline = time.monotonic() + wait_s
    told, pause_s = -1.0, _FIRST_LOOK_S
    while analysis.is_open:
        # A second attempt begins anew, and what is reported must not go back.
        if (done := percent_of(analysis)) > told:
            told = done
            await report(done, analysis.stage or analysis.status)
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            return analysis
        await anyio.sleep(min(pause_s, left_s))
        pause_s = min(_LOOK_EVERY_S, 1.5 * pause_s)
        analysis = await in_thread(
            partial(analysis_of, user_id=principal.account_id, public_id=analysis.public_id)
        )
    if (failure := failure_of(analysis)) is not None:
        raise failure
    if told >= 0:
        await report(100.0, AnalysisStatus.DONE)
    return analysis


async def wait_or_cancel(
    principal: Principal, analysis: Analysis, *, wait_s: float, report: Report
) -> Analysis:
    """The same for whoever asked for the analysis in this very call: when the call is cancelled, so is that.

    Raises:
        DomainError: as :func:`wait_for`.
    """
    try:
        return await wait_for(principal, analysis, wait_s=wait_s, report=report)
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True):
            await in_thread(lambda: cancel_analysis(principal=principal, public_id=analysis.public_id))
        raise


def percent_of(analysis: Analysis) -> float:
    """How much of an analysis is done, each of its stages being a quarter."""
    if not analysis.is_open:
        return 100.0
    if analysis.stage not in _STAGES:
        return 0.0
    return round(100 * (_STAGES.index(Stage(analysis.stage)) + analysis.share) / len(_STAGES), 1)


def _chunks(video: bytes | Path) -> Iterator[bytes]:
    if isinstance(video, bytes):
        yield video
    else:
        yield from read_file(video, most_bytes=settings.MAX_BODY_BYTES, too_large=VideoTooLarge())


def _digest(video: bytes | Path) -> bytes:
    digest = hashlib.sha256()
    for chunk in _chunks(video):
        digest.update(chunk)
    return digest.digest()
