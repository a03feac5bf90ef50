"""The life of an analysis: claim, renew, end, recover. Whatever ends it settles or refunds it in the same transaction."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from core import clock
from core.errors import DomainError
from credits.services import refund, settle_admission
from deepfake.addresses import without_secrets
from deepfake.engine.verdict import Verdict
from deepfake.errors import AnalysisFailed, AnalysisTimedOut, DownloadFailed
from deepfake.files import remove_files, upload_of
from deepfake.keepsakes import forget_all, keep_pictures, keep_video
from deepfake.models import OPEN, TEXT_LENGTH, Analysis, AnalysisStatus, Stage

#: A worker that has not renewed its lease for this long is taken for dead.
LEASE: Final = timedelta(seconds=60)
#: From its request on, an analysis ends within this time or is given up: its admission, which is refunded when its own
#: lease is over, must still be held then (``credits.policies.LEASES``).
LIFE: Final = timedelta(minutes=25)


def claim_analysis(*, analysis_id: int) -> Analysis | None:
    """Take a queued analysis, or one whose worker died; None if it has ended or is somebody else's."""
    now = clock.now()
    claimed = (
        Analysis.objects.filter(pk=analysis_id, attempts__lt=Analysis.MAX_ATTEMPTS, created_at__gt=now - LIFE)
        .filter(Q(status=AnalysisStatus.QUEUED) | Q(status=AnalysisStatus.RUNNING, leased_until__lt=now))
        .update(
            status=AnalysisStatus.RUNNING,
            worker=f"{socket.gethostname()}:{os.getpid()}"[-120:],
            leased_until=now + LEASE,
            started_at=now,
            attempts=F("attempts") + 1,
            stage="",
            share=0,
        )
    )
    return Analysis.objects.get(pk=analysis_id) if claimed else None


def renew_lease(*, analysis: Analysis, stage: Stage | str, share: float) -> bool:
    """Say that an attempt is alive, and how far it is; False if the analysis was taken away or has ended."""
    share = min(1.0, max(0.0, share))
    return bool(_own(analysis).update(leased_until=clock.now() + LEASE, stage=stage, share=share))


def name_video(*, analysis: Analysis, title: str) -> None:
    """Note what the video is called where it was found."""
    _own(analysis).update(title=title[:TEXT_LENGTH])


def postpone_analysis(*, analysis: Analysis) -> bool:
    """Give an analysis back to the queue, because its worker stops: no attempt is counted."""
    return bool(
        _own(analysis).update(
            status=AnalysisStatus.QUEUED, attempts=F("attempts") - 1, leased_until=None, stage="", share=0
        )
    )


def finish_analysis(*, analysis: Analysis, verdict: Verdict, took_ms: int) -> bool:
    """Write the verdict, and keep what was taken for it; False if the analysis was taken away meanwhile."""
    keep_pictures(public_id=analysis.public_id, pictures=verdict.pictures)
    if analysis.keeps_file:
        keep_video(public_id=analysis.public_id, path=upload_of(analysis.public_id))
    with transaction.atomic():
        done = _end(
            _own(analysis),
            analysis,
            AnalysisStatus.DONE,
            stage="",
            share=1,
            result=verdict.result.value,
            prob_fake=verdict.prob_fake,
            manipulation=verdict.manipulation.value if verdict.manipulation is not None else "",
            evidence=verdict.as_json(),
            model_name=verdict.model.name,
            model_version=verdict.model.version,
            model_sha256=verdict.model.sha256,
            processing_time_ms=took_ms,
        )
        if done and analysis.admission_id is not None:
            # The answer that is kept for a repeated request: the analysis itself has the rest.
            settle_admission(admission_id=analysis.admission_id, answer={"analysis_id": analysis.public_id})
    if not done and not Analysis.objects.filter(pk=analysis.pk, status=AnalysisStatus.DONE).exists():
        forget_all(analysis.public_id)
    return done


def fail_analysis(*, analysis: Analysis, error: DomainError) -> bool:
    """Write why an attempt came to nothing, and refund it; False if the analysis was taken away meanwhile."""
    return _end_unpaid(_own(analysis), analysis, AnalysisStatus.FAILED, error)


def withdraw_analysis(*, analysis: Analysis, error: DomainError) -> bool:
    """End an analysis that nobody waits for any more, and refund it; its worker, if it has one, stops within a second.

    Returns:
        False if it had ended before.
    """
    return _end_unpaid(
        Analysis.objects.filter(pk=analysis.pk, status__in=OPEN), analysis, AnalysisStatus.CANCELLED, error
    )


def recover_analyses() -> list[int]:
    """Queue those of dead workers again; give up those that were tried often enough, or are past their time.

    Returns:
        Ids of the analyses that are queued again.
    """
    now = clock.now()
    rows = Analysis.objects.filter(status__in=OPEN).order_by("pk")
    for row in rows.filter(created_at__lte=now - LIFE):
        same = Analysis.objects.filter(pk=row.pk, status__in=OPEN)
        _end_unpaid(same, row, AnalysisStatus.FAILED, AnalysisTimedOut())
    recovered: list[int] = []
    for row in rows.filter(status=AnalysisStatus.RUNNING, leased_until__lt=now):
        # Unless somebody claimed it, or its worker woke up, in this very moment.
        stale = _own(row).filter(leased_until=row.leased_until)
        if row.attempts >= Analysis.MAX_ATTEMPTS:
            _end_unpaid(stale, row, AnalysisStatus.FAILED, AnalysisFailed())
        elif stale.update(status=AnalysisStatus.QUEUED, leased_until=None, stage="", share=0):
            recovered.append(row.pk)
    return recovered


def waiting_analyses() -> list[int]:
    """Ids of the queued analyses, in the order of their requests."""
    queued = Analysis.objects.filter(status__in=OPEN).filter(status=AnalysisStatus.QUEUED)
    return list(queued.order_by("pk").values_list("pk", flat=True))


def _own(analysis: Analysis) -> QuerySet[Analysis]:
    """The row as long as it is this attempt's."""
    return Analysis.objects.filter(
        pk=analysis.pk, status=AnalysisStatus.RUNNING, attempts=analysis.attempts, worker=analysis.worker
    )


def _end_unpaid(
    rows: QuerySet[Analysis], analysis: Analysis, status: AnalysisStatus, error: DomainError
) -> bool:
    with transaction.atomic():
        ended = _end(
            rows,
            analysis,
            status,
            error_code=error.code,
            error_message=error.message[:TEXT_LENGTH],
            error_reason=error.reason.value if isinstance(error, DownloadFailed) else "",
        )
        if ended and analysis.admission_id is not None:
            refund(admission_id=analysis.admission_id)
    return ended


def _end(rows: QuerySet[Analysis], analysis: Analysis, status: AnalysisStatus, **changes: Any) -> bool:
    """End what ``rows`` has of the analysis; its files go with the commit."""
    ended = rows.update(
        status=status,
        ended_at=clock.now(),
        leased_until=None,
        source_url=without_secrets(analysis.source_url),
        **changes,
    )
    if ended:
        transaction.on_commit(partial(remove_files, analysis.public_id), robust=True)
    return bool(ended)
