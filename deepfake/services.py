"""Analyses on behalf of callers: asked for, waited for, ended, forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from accounts.principal import Principal, PrincipalKind
from core import clock
from core.errors import DomainError, Unavailable
from credits.errors import RequestRunning
from credits.idempotency import NamedRequest
from credits.policies import Product
from credits.selectors import count_held
from credits.services import admit, refund, subject_of
from deepfake.addresses import check_address
from deepfake.errors import (
    AnalysisCancelled,
    AnalysisFailed,
    AnalysisNotFound,
    AnalysisQueueFull,
    AnalysisRunning,
    AnalysisTimedOut,
    DetectorUnavailable,
    DownloadFailed,
    SourceGone,
    TooManyAnalyses,
    VideoTooLong,
    VideoUnreadable,
)
from deepfake.files import keep_upload, remove_files
from deepfake.jobs import withdraw_analysis
from deepfake.keepsakes import forget_all, forget_video, video_of
from deepfake.models import OPEN, TEXT_LENGTH, Analysis, AnalysisStatus, SourceType, new_public_id
from deepfake.selectors import analyses_of, analysis_of

#: Requests that one process lets wait for their verdict: half of the server's threads stay free for all others.
WAITING_AT_A_TIME: Final = 8
_WAITING = threading.BoundedSemaphore(WAITING_AT_A_TIME)
#: Seconds between two looks at an analysis that is waited for: the first, and the most.
_FIRST_LOOK_S, _LOOK_EVERY_S = 0.05, 0.5
#: What callers are told to wait, in seconds, where too many analyses are open.
_RETRY_AFTER_S: Final = 15


@dataclass(frozen=True, slots=True)
class VideoAt:
    """A video at an address."""

    url: str


@dataclass(frozen=True, slots=True)
class UploadedVideo:
    """A video that was sent.

    Attributes:
        chunks: its bytes, read once.
        name: what the caller calls it; no file is ever named so.
    """

    chunks: Iterable[bytes]
    name: str = ""


@dataclass(frozen=True, slots=True)
class KeptVideo:
    """The file of one of the caller's own analyses, kept with its verdict."""

    public_id: str


Source = VideoAt | UploadedVideo | KeptVideo


class Dismissal(StrEnum):
    """What became of an analysis that its owner does not want."""

    CANCELLED = "cancelled"
    DELETED = "deleted"


def request_analysis(
    *,
    principal: Principal,
    source: Source,
    request: NamedRequest | None = None,
    keep_file: bool = False,
) -> Analysis:
    """Have a video analysed, and return at once.

    Args:
        keep_file: whether its owner wants an uploaded file to stay with the verdict; without that it is removed as
            soon as the analysis ends.
        request: the caller's own name for the request. The same request gets the same analysis again, also while
            that is being worked on.

    Raises:
        DownloadFailed: the address is none that is taken.
        VideoEmpty, VideoTooLarge: the file is.
        TooManyAnalyses, AnalysisQueueFull: too many are open, of the caller or of all.
        InsufficientCredits, LimitExceeded, IdempotencyKeyReused: as the names say.
        AnalysisNotFound: the analysis of this request was deleted, or that whose file was kept is not the caller's.
        SourceGone: no file was kept.
        Unavailable: it cannot be counted or handed to a worker now. In all these cases nothing is charged.
    """
    try:
        return _request(principal, source, request, keep_file=keep_file)
    except RequestRunning:
        rows = analyses_of(user_id=principal.user_id, visitor=principal.visitor)
        running = rows.filter(request_key=request.key if request else "", status__in=OPEN).first()
        if running is None:
            raise
        return running


def request_verdict(*, principal: Principal, source: Source, request: NamedRequest | None = None) -> Analysis:
    """Have a video analysed, and wait for the end: ``DEEPFAKE_DEADLINE_S`` at most, then it is withdrawn.

    Returns:
        The analysis, done.

    Raises:
        AnalysisTimedOut: there was no verdict in time.
        AnalysisQueueFull: as many requests wait here as may; nothing was charged.
        RequestRunning: the same request is being worked on.
        DownloadFailed, VideoUnreadable, DetectorUnavailable, AnalysisCancelled, AnalysisFailed: it came to nothing.
        DomainError: as :func:`request_analysis`.
    """
    deadline = time.monotonic() + settings.DEEPFAKE_DEADLINE_S
    if not _WAITING.acquire(blocking=False):
        raise AnalysisQueueFull(retry_after_s=_RETRY_AFTER_S)
    try:
        analysis = _ended(_request(principal, source, request), deadline)
    finally:
        _WAITING.release()
    if analysis.is_open:
        error = AnalysisTimedOut()
        if withdraw_analysis(analysis=analysis, error=error):
            raise error
        # It ended in this very moment.
        analysis = _ended(analysis, deadline)
    if (failure := failure_of(analysis)) is not None:
        raise failure
    return analysis


def dismiss_analysis(*, principal: Principal, public_id: str) -> Dismissal:
    """Cancel an analysis that is open, and refund it; delete one that has ended.

    Raises:
        AnalysisNotFound: the caller has no such analysis.
    """
    analysis = _own(principal, public_id)
    if cancel_analysis(principal=principal, public_id=public_id):
        return Dismissal.CANCELLED
    Analysis.objects.filter(pk=analysis.pk).delete()
    forget_all(public_id)
    return Dismissal.DELETED


def forget_file(*, principal: Principal, public_id: str) -> None:
    """Remove the file that was kept with a verdict; the verdict stays.

    Raises:
        AnalysisNotFound: the caller has no such analysis.
    """
    analysis = _own(principal, public_id)
    Analysis.objects.filter(pk=analysis.pk).update(keeps_file=False)
    forget_video(public_id)


def require_detector() -> None:
    """Refuse at once what no worker could carry out.

    Raises:
        DetectorUnavailable: there is no model, or it is not whole.
    """
    # It brings the video libraries along, which whoever only cancels does without.
    from deepfake import runtime
    from deepfake.engine.manifest_fields import BundleError

    try:
        runtime.require_whole_bundle()
    except BundleError as error:
        raise DetectorUnavailable from error


def cancel_analysis(*, principal: Principal, public_id: str) -> bool:
    """Cancel an analysis and refund it; False if it had ended before.

    Raises:
        AnalysisNotFound: the caller has no such analysis.
    """
    analysis = _own(principal, public_id)
    return withdraw_analysis(analysis=analysis, error=AnalysisCancelled())


def cancel_analyses(*, ids: Sequence[int]) -> list[Analysis]:
    """Cancel and refund, as staff, whatever is open of some analyses; returns those that were."""
    rows = Analysis.objects.filter(pk__in=ids, status__in=OPEN).order_by("pk")
    error = AnalysisCancelled("The analysis was cancelled by the staff of this site.")
    return [row for row in rows if withdraw_analysis(analysis=row, error=error)]


def repeat_analysis(*, analysis_id: int) -> Analysis:
    """Have an ended analysis done again, as staff: as a new one of the same owner, which costs nothing.

    Raises:
        AnalysisNotFound, AnalysisRunning: there is none, or it has not ended.
        SourceGone: its video was a file, which is not kept.
        AnalysisQueueFull, Unavailable: it cannot be handed to a worker now.
    """
    row = Analysis.objects.filter(pk=analysis_id).first()
    if row is None:
        raise AnalysisNotFound
    if row.is_open:
        raise AnalysisRunning
    if row.source_type == SourceType.FILE:
        raise SourceGone
    again = Analysis(owner_id=row.owner_id, source_type=row.source_type, source_url=row.source_url)
    with transaction.atomic():
        _require_room(Principal.operator())
        again.created_at = clock.now()
        again.save(force_insert=True)
    _send(again)
    return again


def failure_of(analysis: Analysis) -> DomainError | None:
    """Why an analysis has no result, as the error that it was; None where it has one, or is open."""
    if not analysis.error_code:
        return None
    if analysis.error_code == DownloadFailed.code:
        return DownloadFailed(analysis.error_message, reason=analysis.error_reason)
    kind = _FAILURES.get(analysis.error_code, AnalysisFailed)
    return kind(analysis.error_message)


#: Ways in which an attempt can end, by the code that is kept of them.
_FAILURES: Final[dict[str, type[DomainError]]] = {
    kind.code: kind
    for kind in (
        VideoUnreadable,
        VideoTooLong,
        DetectorUnavailable,
        AnalysisCancelled,
        AnalysisTimedOut,
        Unavailable,
    )
}


def _own(principal: Principal, public_id: str) -> Analysis:
    return analysis_of(user_id=principal.user_id, visitor=principal.visitor, public_id=public_id)


def _request(
    principal: Principal, source: Source, request: NamedRequest | None, *, keep_file: bool = False
) -> Analysis:
    analysis = Analysis(
        public_id=new_public_id(),
        owner_id=principal.user_id,
        visitor=principal.visitor if principal.user_id is None else "",
        api_key_id=principal.key_id,
        request_key=request.key if request is not None else "",
    )
    if isinstance(source, VideoAt):
        analysis.source_type, analysis.source_url = SourceType.URL, check_address(source.url)
    else:
        analysis.source_type, analysis.keeps_file = SourceType.FILE, keep_file
        upload = source if isinstance(source, UploadedVideo) else _kept_by(principal, source)
        analysis.title = _shown(upload.name)
        keep_upload(public_id=analysis.public_id, chunks=upload.chunks, most_bytes=settings.MAX_BODY_BYTES)
    try:
        known = _enter(analysis, principal, request)
    except BaseException:
        remove_files(analysis.public_id)
        raise
    if known is not None:
        remove_files(analysis.public_id)
        return known
    _send(analysis)
    return analysis


def _kept_by(principal: Principal, source: KeptVideo) -> UploadedVideo:
    """The file that the caller had kept, as if it were sent again."""
    analysis = _own(principal, source.public_id)
    path = video_of(analysis.public_id)
    if path is None:
        raise SourceGone
    return UploadedVideo(_chunks_of(path), analysis.title)


def _chunks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk


def _enter(analysis: Analysis, principal: Principal, request: NamedRequest | None) -> Analysis | None:
    """Charge and write the row, both or neither; the analysis of the same request, where it was answered before."""
    with transaction.atomic():
        ticket = admit(principal=principal, product=Product.ANALYSIS, request=request)
        if ticket.replay is not None:
            return _own(principal, ticket.replay["analysis_id"])
        _require_room(principal)
        analysis.admission_id = ticket.admission_id
        analysis.created_at = clock.now()
        analysis.save(force_insert=True)
    return None


def _require_room(principal: Principal) -> None:
    """Refuse an analysis while too many are open; to be called after the charge.

    The charge has locked the caller's balance or day, so that one caller's requests are counted one after another.

    Raises:
        TooManyAnalyses, AnalysisQueueFull: as the names say.
    """
    rows, most = Analysis.objects.filter(status__in=OPEN), settings.DEEPFAKE_OPEN_PER_CALLER
    if principal.user_id is not None:
        is_full = rows.filter(owner_id=principal.user_id).count() >= most
    elif principal.kind is PrincipalKind.GUEST:
        # By the address, which the charge is counted for: a session is begun anew at will. This one is among them.
        is_full = count_held(subject=subject_of(principal), product=Product.ANALYSIS) > most
    else:
        is_full = False
    if is_full:
        raise TooManyAnalyses(retry_after_s=_RETRY_AFTER_S)
    if rows.count() >= settings.DEEPFAKE_QUEUE_LENGTH:
        raise AnalysisQueueFull(retry_after_s=_RETRY_AFTER_S)


def _send(analysis: Analysis) -> None:
    """Tell a worker of an analysis; where that fails it is undone, as if it had not been asked for.

    Raises:
        Unavailable: the broker is away.
    """
    from redis.exceptions import RedisError

    from deepfake.tasks import analyze

    try:
        analyze.delay(analysis.pk)
    except (OperationalError, RedisError, ConnectionError) as error:
        with transaction.atomic():
            # A message that arrived all the same may have found a worker.
            rows = Analysis.objects.filter(pk=analysis.pk, status=AnalysisStatus.QUEUED)
            if rows.delete()[0] and analysis.admission_id is not None:
                refund(admission_id=analysis.admission_id)
        remove_files(analysis.public_id)
        raise Unavailable from error


def _ended(analysis: Analysis, deadline: float) -> Analysis:
    """The analysis as it is when it has ended, or at the deadline (of ``time.monotonic``).

    Raises:
        AnalysisNotFound: it was deleted meanwhile.
    """
    pause_s = _FIRST_LOOK_S
    while True:
        row = Analysis.objects.filter(pk=analysis.pk).defer("evidence").first()
        if row is None:
            raise AnalysisNotFound
        left_s = deadline - time.monotonic()
        if not row.is_open or left_s <= 0:
            return row
        time.sleep(min(pause_s, left_s))
        pause_s = min(_LOOK_EVERY_S, 1.5 * pause_s)


def _shown(name: str) -> str:
    """A file's name as it may be shown: without folders and control characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:TEXT_LENGTH]
