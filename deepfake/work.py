"""One attempt at an analysis, from claim to end."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import DatabaseError, connections

from core import clock
from core.errors import DomainError
from deepfake.engine.verdict import Verdict
from deepfake.errors import (
    AnalysisCancelled,
    AnalysisFailed,
    AnalysisTimedOut,
    DownloadFailed,
    DownloadReason,
    VideoTooLong,
)
from deepfake.files import download_folder, upload_of
from deepfake.jobs import (
    LIFE,
    claim_analysis,
    fail_analysis,
    finish_analysis,
    name_video,
    postpone_analysis,
    renew_lease,
)
from deepfake.models import Analysis, SourceType, Stage

if TYPE_CHECKING:
    from deepfake.download import GotVideo

log = logging.getLogger(__name__)

#: How often an attempt renews its lease; also how fresh its progress is, and how soon it learns that it is not wanted.
RENEW_EVERY_S = 1.0
#: Set while this process stops: attempts end, and their analyses go back to the queue.
_STOPPING = threading.Event()
#: What is called off has so many seconds to end; after that its lease runs out, and another attempt begins.
GRACE_S = 30.0


def run_analysis(*, analysis_id: int) -> None:
    """Carry out an analysis: get the video, have it judged, write what came of it.

    Returns without doing anything if it has ended or belongs to another worker.
    """
    analysis = claim_analysis(analysis_id=analysis_id)
    if analysis is None:
        return
    started = time.monotonic()
    with Attempt(analysis) as attempt:
        try:
            verdict = _judge(analysis, attempt)
            took_ms = round(1000 * (time.monotonic() - started))
            if not finish_analysis(analysis=analysis, verdict=verdict, took_ms=took_ms):
                log.warning("analysis %s was ended by another", analysis.public_id)
        except AnalysisCancelled:
            _called_off(analysis, attempt)
        except DomainError as error:
            fail_analysis(analysis=analysis, error=error)
        except Exception:
            log.exception("analysis %s failed", analysis.public_id)
            fail_analysis(analysis=analysis, error=AnalysisFailed())


def allow_attempts() -> None:
    """Let attempts go on: a worker has begun."""
    _STOPPING.clear()


def call_attempts_off() -> None:
    """Have the attempts of this process give their analyses back to the queue: its worker stops."""
    _STOPPING.set()


def _judge(analysis: Analysis, attempt: Attempt) -> Verdict:
    """Have the video judged, wherever it comes from.

    Raises:
        DownloadFailed, VideoUnreadable, DetectorUnavailable, AnalysisCancelled: as the names say.
    """
    # The web process, which asks for analyses, needs neither the downloader nor the models.
    from deepfake import runtime

    if analysis.source_type == SourceType.FILE:
        return runtime.detect(
            upload_of(analysis.public_id), on_progress=attempt.report, cancelled=attempt.is_called_off
        )
    with download_folder(analysis.public_id) as folder:
        got = _download(analysis, attempt, folder)
        try:
            return runtime.detect(
                got.path, whole=got.whole, on_progress=attempt.report, cancelled=attempt.is_called_off
            )
        except VideoTooLong as error:
            # As a site's own word would have had it before the download.
            raise DownloadFailed(error.message, reason=DownloadReason.TOO_LONG) from error


def _download(analysis: Analysis, attempt: Attempt, folder: Path) -> GotVideo:
    from deepfake import download

    attempt.report(Stage.DOWNLOAD, 0.0)
    got = download.get_video(
        analysis.source_url,
        folder,
        on_progress=lambda share: attempt.report(Stage.DOWNLOAD, share),
        cancelled=attempt.is_called_off,
    )
    name_video(analysis=analysis, title=got.title)
    return got


def _called_off(analysis: Analysis, attempt: Attempt) -> None:
    if attempt.is_lost():
        # Whoever ended it has written why.
        return
    if attempt.is_late():
        fail_analysis(analysis=analysis, error=AnalysisTimedOut())
        return
    postpone_analysis(analysis=analysis)


class Attempt:
    """Keeps an attempt's lease, and knows whether it is still wanted; a context manager.

    A thread renews the lease, so that it holds while the work waits for a download or a child process. Once the work
    has outlived its time and does not end when it is called off, the lease is left to run out.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        left = analysis.created_at + LIFE - clock.now()
        self._deadline = time.monotonic() + min(settings.DEEPFAKE_TIMEOUT_S, left.total_seconds())
        self._progress: tuple[str, float] = ("", 0.0)
        self._lost, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{analysis.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def report(self, stage: str, share: float) -> None:
        """Say how far the work is: the share of a :class:`~deepfake.models.Stage`, 0 to 1."""
        self._progress = (stage, share)

    def is_called_off(self) -> bool:
        """Whether the work has to end: it is not wanted any more, has taken too long, or its worker stops."""
        return self.is_lost() or self.is_late() or _STOPPING.is_set()

    def is_lost(self) -> bool:
        """Whether the analysis was ended, or given to another worker."""
        return self._lost.is_set()

    def is_late(self) -> bool:
        """Whether the attempt has taken longer than it may."""
        return time.monotonic() > self._deadline

    def _keep(self) -> None:
        try:
            while not self._ended.wait(RENEW_EVERY_S):
                if time.monotonic() > self._deadline + GRACE_S:
                    return
                stage, share = self._progress
                try:
                    if not renew_lease(analysis=self._analysis, stage=stage, share=share):
                        self._lost.set()
                        return
                except DatabaseError as error:
                    log.warning("the lease of analysis %s: %s", self._analysis.public_id, error)
        finally:
            connections.close_all()
