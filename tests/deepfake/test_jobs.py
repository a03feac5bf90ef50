"""The life of an analysis: every transition, and that each ends in one settlement or one refund."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from accounts.principal import Principal
from core import clock
from credits.models import Admission, AdmissionStatus
from credits.policies import LEASES, Product
from credits.services import refund_expired
from deepfake import files, jobs, work
from deepfake.engine.verdict import Result
from deepfake.errors import (
    AnalysisCancelled,
    AnalysisFailed,
    DetectorUnavailable,
    DownloadFailed,
)
from deepfake.jobs import (
    LEASE,
    LIFE,
    claim_analysis,
    fail_analysis,
    finish_analysis,
    postpone_analysis,
    recover_analyses,
    renew_lease,
    waiting_analyses,
    withdraw_analysis,
)
from deepfake.models import Analysis, AnalysisStatus
from deepfake.services import UploadedVideo, VideoAt, request_analysis
from deepfake.work import run_analysis
from tests.deepfake.conftest import MakeAnalysis
from tests.deepfake.seams import VERDICT, FakeDetector, FakeDownloader, verdict
from tests.rankings.crowd import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("own_data_dir", "fresh_windows"),
]

Balance = Callable[[], int]


@pytest.fixture
def requested(principal: Principal, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Analysis]:
    """Asks for an analysis that no worker is told of: the tests are the worker."""
    monkeypatch.setattr("deepfake.tasks.analyze.delay", lambda *_: None)

    def ask(source: VideoAt | UploadedVideo | None = None) -> Analysis:
        return request_analysis(principal=principal, source=source or VideoAt("https://videos.example/a.mp4"))

    return ask


def reread(analysis: Analysis) -> Analysis:
    return Analysis.objects.get(pk=analysis.pk)


def claimed(analysis: Analysis) -> Analysis:
    row = claim_analysis(analysis_id=analysis.pk)
    assert row is not None
    return row


def lose_worker(analysis: Analysis) -> None:
    """As if the worker had died a while ago."""
    Analysis.objects.filter(pk=analysis.pk).update(leased_until=clock.now() - timedelta(seconds=1))


def admissions() -> list[str]:
    return list(Admission.objects.order_by("created_at").values_list("status", flat=True))


def test_claim_is_one_workers(requested: Callable[..., Analysis]) -> None:
    analysis = requested()
    got = at_once([lambda: claim_analysis(analysis_id=analysis.pk)] * 8)
    assert sum(row is not None for row in got) == 1
    row = reread(analysis)
    assert (row.status, row.attempts) == (AnalysisStatus.RUNNING, 1)
    assert row.leased_until is not None
    assert timedelta(0) < row.leased_until - clock.now() <= LEASE


def test_claim_of_what_has_ended_or_is_gone_is_none(make_analysis: MakeAnalysis) -> None:
    for status in ("done", "failed", "cancelled"):
        assert claim_analysis(analysis_id=make_analysis(status=status).pk) is None
    assert claim_analysis(analysis_id=10**9) is None
    assert claim_analysis(analysis_id=make_analysis(status="running", attempts=3).pk) is None


def test_verdict_settles_the_charge(requested: Callable[..., Analysis], balance: Balance) -> None:
    row = claimed(requested())
    assert balance() == 4
    assert finish_analysis(analysis=row, verdict=VERDICT, took_ms=12)
    done = reread(row)
    assert (done.status, done.result, done.prob_fake) == ("done", "ai_generated", 0.945)
    assert (done.model_name, done.model_version, done.model_sha256) == (
        "VideoEfficientAttn", "epoch25_auc0.95", "c" * 64,
    )  # fmt: skip
    assert (done.manipulation, done.processing_time_ms) == ("face_manipulation", 12)
    assert done.evidence == {**VERDICT.as_json(), "frames": done.evidence["frames"], "quality": ["heavily_compressed"],
                             "provenance": done.evidence["provenance"], "looked_at": done.evidence["looked_at"]}  # fmt: skip
    assert admissions() == ["settled"]
    assert balance() == 4


def test_what_ends_first_counts_and_nothing_changes_it_after(
    requested: Callable[..., Analysis], balance: Balance
) -> None:
    row = claimed(requested())

    def ends() -> list[Callable[[], bool]]:
        return [
            lambda: finish_analysis(analysis=row, verdict=VERDICT, took_ms=1),
            lambda: fail_analysis(analysis=row, error=AnalysisFailed()),
            lambda: withdraw_analysis(analysis=row, error=AnalysisCancelled()),
        ]

    assert sum(at_once(ends() * 3)) == 1
    first = reread(row)
    assert not any(end() for end in ends())
    assert not renew_lease(analysis=row, stage="model", share=1)
    assert not postpone_analysis(analysis=row)
    assert reread(row).ended_at == first.ended_at
    settled = first.status == AnalysisStatus.DONE
    assert admissions() == ["settled" if settled else "refunded"]
    assert balance() == (4 if settled else 5)


def test_renewed_lease_tells_the_progress(requested: Callable[..., Analysis]) -> None:
    row = claimed(requested())
    assert renew_lease(analysis=row, stage="faces", share=1.5)
    assert (reread(row).stage, reread(row).share) == ("faces", 1.0)


def test_postponed_analysis_costs_no_attempt(requested: Callable[..., Analysis]) -> None:
    row = claimed(requested())
    assert postpone_analysis(analysis=row)
    assert (reread(row).status, reread(row).attempts) == ("queued", 0)
    assert waiting_analyses() == [row.pk]


def test_dead_workers_are_recovered_three_times_and_then_refunded_once(
    requested: Callable[..., Analysis], balance: Balance, own_data_dir: Path
) -> None:
    analysis = requested(UploadedVideo([b"video"]))
    stored = files.upload_of(analysis.public_id)
    for attempt in (1, 2, 3):
        assert claimed(analysis).attempts == attempt
        assert recover_analyses() == []
        assert stored.read_bytes() == b"video"
        lose_worker(analysis)
        recovered = [pk for found in at_once([recover_analyses] * 4) for pk in found]
        assert recovered == ([analysis.pk] if attempt < 3 else [])
    row = reread(analysis)
    assert (row.status, row.error_code) == ("failed", "INTERNAL_ERROR")
    assert not stored.exists()
    assert balance() == 5
    assert recover_analyses() == []
    assert refund_expired() == 0
    assert balance() == 5


def test_worker_that_wakes_up_too_late_changes_nothing(
    requested: Callable[..., Analysis], balance: Balance
) -> None:
    analysis = requested()
    late = claimed(analysis)
    lose_worker(analysis)
    recover_analyses()
    second = claimed(analysis)
    assert not finish_analysis(analysis=late, verdict=verdict(Result.REAL, 0.1), took_ms=1)
    assert not fail_analysis(analysis=late, error=AnalysisFailed())
    assert finish_analysis(analysis=second, verdict=VERDICT, took_ms=1)
    assert reread(analysis).result == "ai_generated"
    assert balance() == 4


def test_analysis_past_its_time_is_given_up_wherever_it_is(
    requested: Callable[..., Analysis], balance: Balance
) -> None:
    waiting, running = requested(), claimed(requested())
    old = clock.now() - LIFE - timedelta(seconds=1)
    Analysis.objects.update(created_at=old)
    assert claim_analysis(analysis_id=waiting.pk) is None
    recover_analyses()
    for row in (waiting, running):
        assert (reread(row).status, reread(row).error_code) == ("failed", "TIMED_OUT")
    assert admissions() == ["refunded", "refunded"]
    assert balance() == 5


def test_admission_is_held_for_longer_than_an_analysis_can_last() -> None:
    sweeps = timedelta(minutes=2)
    assert LEASES[Product.ANALYSIS] > LIFE + sweeps


def test_verdict_after_the_admission_was_refunded_is_free(
    requested: Callable[..., Analysis], balance: Balance
) -> None:
    row = claimed(requested())
    Admission.objects.update(expires_at=clock.now())
    assert refund_expired() == 1
    assert finish_analysis(analysis=row, verdict=VERDICT, took_ms=1)
    assert admissions() == [AdmissionStatus.REFUNDED]
    assert balance() == 5


def test_address_loses_its_secrets_when_the_analysis_ends(requested: Callable[..., Analysis]) -> None:
    url = "https://videos.example/watch?v=abc&X-Amz-Signature=0f&t=5#token=1"
    row = claimed(requested(VideoAt(url)))
    assert reread(row).source_url == url
    fail_analysis(analysis=row, error=DownloadFailed("No.", reason="gone"))
    assert reread(row).source_url == "https://videos.example/watch?v=abc&t=5"


def test_failed_download_keeps_its_reason(requested: Callable[..., Analysis]) -> None:
    row = claimed(requested())
    fail_analysis(analysis=row, error=DownloadFailed("x" * 500, reason="region"))
    row = reread(row)
    assert (row.error_code, row.error_reason, len(row.error_message)) == ("DOWNLOAD_FAILED", "region", 255)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "done", "result": ""},
        {"status": "done", "prob_fake": None},
        {"status": "done", "evidence": None},
        {"status": "queued", "result": "real"},
        {"status": "queued", "prob_fake": 0.5},
        {"status": "failed", "error_code": ""},
        {"status": "queued", "error_code": "X"},
        {"status": "running", "leased_until": None},
        {"status": "queued", "leased_until": "2026-01-01T00:00:00Z"},
        {"status": "done", "ended_at": None},
        {"status": "queued", "ended_at": "2026-01-01T00:00:00Z"},
        {"status": "done", "prob_fake": 1.5},
        {"status": "running", "share": -0.1},
        {"source_url": ""},
        {"source_type": "file"},
        {"attempts": 4},
        {"status": "odd"},
        {"status": "done", "result": "fake"},
    ],
)
def test_database_refuses_a_row_that_makes_no_sense(
    make_analysis: MakeAnalysis, fields: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_analysis(**fields)


# --- one attempt, with the detector and the downloader at their seams


def test_attempt_downloads_judges_and_leaves_no_file(
    requested: Callable[..., Analysis], detector: FakeDetector, downloader: FakeDownloader, own_data_dir: Path
) -> None:
    analysis = requested()
    run_analysis(analysis_id=analysis.pk)
    row = reread(analysis)
    assert (row.status, row.title, row.stage) == ("done", "A title", "")
    assert [path for path in own_data_dir.rglob("*") if path.name != "analyses"] == []
    run_analysis(analysis_id=analysis.pk)
    assert len(detector.seen) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DownloadFailed("Private.", reason="private"), "DOWNLOAD_FAILED"),
        (DetectorUnavailable(), "DETECTOR_UNAVAILABLE"),
        (ValueError("/etc/x"), "INTERNAL_ERROR"),
        (OSError(28, "No space left on device"), "INTERNAL_ERROR"),
    ],
)
def test_attempt_that_fails_is_refunded_and_leaves_no_file(
    requested: Callable[..., Analysis], detector: FakeDetector, downloader: FakeDownloader, balance: Balance,
    own_data_dir: Path, error: Exception, code: str,
) -> None:  # fmt: skip
    downloader.error = error
    analysis = requested()
    run_analysis(analysis_id=analysis.pk)
    row = reread(analysis)
    assert (row.status, row.error_code) == ("failed", code)
    assert "/etc" not in row.error_message
    assert balance() == 5
    assert [path for path in own_data_dir.rglob("*") if path.is_file()] == []


def test_nonsense_of_the_detector_is_a_fault_of_ours(
    requested: Callable[..., Analysis], detector: FakeDetector, downloader: FakeDownloader, balance: Balance
) -> None:
    detector.verdict = verdict(Result.REAL, float("nan"))
    analysis = requested()
    run_analysis(analysis_id=analysis.pk)
    assert reread(analysis).error_code == "INTERNAL_ERROR"
    assert balance() == 5


def test_worker_that_stops_gives_its_analysis_back(
    requested: Callable[..., Analysis], detector: FakeDetector, downloader: FakeDownloader, balance: Balance
) -> None:
    detector.error = AnalysisCancelled()
    analysis = requested()
    run_analysis(analysis_id=analysis.pk)
    assert (reread(analysis).status, reread(analysis).attempts) == ("queued", 0)
    detector.error = None
    run_analysis(analysis_id=analysis.pk)
    assert reread(analysis).status == "done"
    assert balance() == 4


def test_attempt_that_takes_too_long_is_called_off_and_refunded(
    requested: Callable[..., Analysis], detector: FakeDetector, downloader: FakeDownloader, balance: Balance,
    settings: Settings,
) -> None:  # fmt: skip
    settings.DEEPFAKE_TIMEOUT_S, detector.hold = 0.05, True
    analysis = requested()
    run_analysis(analysis_id=analysis.pk)
    assert reread(analysis).error_code == "TIMED_OUT"
    assert balance() == 5


def test_lease_is_renewed_while_the_work_says_nothing(
    requested: Callable[..., Analysis], detector: FakeDetector, downloader: FakeDownloader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(work, "RENEW_EVERY_S", 0.02)
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=0.5))
    detector.hold = True
    analysis = requested()
    worker = threading.Thread(target=_run, args=[analysis.pk])
    worker.start()
    try:
        assert detector.began.wait(10)
        time.sleep(0.8)
        assert recover_analyses() == []
        assert reread(analysis).stage == "model"
    finally:
        detector.release.set()
        worker.join()
    assert reread(analysis).status == "done"


def test_hung_work_loses_its_lease(
    requested: Callable[..., Analysis], detector: FakeDetector, downloader: FakeDownloader,
    monkeypatch: pytest.MonkeyPatch, settings: Settings,
) -> None:  # fmt: skip
    """The child that never answers and does not even look whether it is called off."""
    monkeypatch.setattr(work, "RENEW_EVERY_S", 0.01)
    monkeypatch.setattr(work, "GRACE_S", 0.05)
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=0.1))
    settings.DEEPFAKE_TIMEOUT_S = 0.05
    monkeypatch.setattr(
        "deepfake.runtime.detect",
        lambda *_, **__: (detector.began.set(), detector.release.wait(10), VERDICT)[2],
    )
    analysis = requested()
    worker = threading.Thread(target=_run, args=[analysis.pk])
    worker.start()
    try:
        assert detector.began.wait(10)
        time.sleep(0.5)
        assert recover_analyses() == [analysis.pk]
    finally:
        detector.release.set()
        worker.join()
    # The late verdict is not written: the analysis is not this attempt's any more.
    assert reread(analysis).status == "queued"


def test_detector_that_is_out_of_order_tells_the_log_nothing_personal(
    requested: Callable[..., Analysis], detector: FakeDetector, downloader: FakeDownloader,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    detector.error = RuntimeError("odd")
    with caplog.at_level(logging.INFO):
        run_analysis(analysis_id=requested(VideoAt("https://videos.example/?token=hush")).pk)
    assert "hush" not in caplog.text
    assert "odd" in caplog.text


# --- files


def test_sweep_removes_what_a_crash_left_and_nothing_else(
    requested: Callable[..., Analysis], own_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = requested(UploadedVideo([b"video"]))
    for name in ("0123456789ab", "odd name"):
        left = own_data_dir / "analyses" / name / "download-x"
        left.mkdir(parents=True)
        (left / "video").write_bytes(b"x")
    assert files.sweep_files() == 0
    monkeypatch.setattr(files, "GRACE_S", -1.0)
    assert files.sweep_files() == 2
    assert files.upload_of(kept.public_id).read_bytes() == b"video"
    assert [each.name for each in (own_data_dir / "analyses").iterdir()] == [kept.public_id]


def test_sweep_of_a_site_without_analyses_finds_nothing(own_data_dir: Path) -> None:
    assert files.sweep_files() == 0


def test_uploads_are_nobody_elses_to_read(requested: Callable[..., Analysis]) -> None:
    stored = files.upload_of(requested(UploadedVideo([b"video"], "../../evil.mp4")).public_id)
    assert stored.parent.stat().st_mode & 0o777 == 0o700
    assert "evil" not in str(stored)


def _run(analysis_id: int) -> None:
    try:
        run_analysis(analysis_id=analysis_id)
    finally:
        connection.close()
