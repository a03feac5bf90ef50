"""Analyses on behalf of callers: charged once, waited for, ended, repeated, forgotten."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from accounts.personal_data import erase_personal_data, export_personal_data
from accounts.principal import Principal
from core import clock
from credits.errors import QuotaExhausted, RequestRunning
from credits.idempotency import NamedRequest
from credits.models import Admission
from deepfake import services
from deepfake.engine.verdict import Result
from deepfake.errors import (
    AnalysisNotFound,
    AnalysisQueueFull,
    AnalysisRunning,
    DownloadFailed,
    SourceGone,
    VideoEmpty,
    VideoTooLarge,
)
from deepfake.files import upload_of
from deepfake.models import Analysis, AnalysisStatus
from deepfake.retention import purge_analyses
from deepfake.selectors import analysis_of
from deepfake.services import (
    Dismissal,
    UploadedVideo,
    VideoAt,
    cancel_analysis,
    dismiss_analysis,
    repeat_analysis,
    request_analysis,
    request_verdict,
)
from deepfake.work import run_analysis
from tests.deepfake.conftest import MakeAnalysis
from tests.deepfake.seams import FakeDetector, FakeDownloader

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_data_dir", "fresh_windows")]

Balance = Callable[[], int]
SOURCE = VideoAt("https://videos.example/a.mp4")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of analyses that workers were told of."""
    ids: list[int] = []
    monkeypatch.setattr("deepfake.tasks.analyze.delay", ids.append)
    return ids


@pytest.fixture
def carried_out(monkeypatch: pytest.MonkeyPatch, detector: FakeDetector, downloader: FakeDownloader) -> None:
    """Whatever is sent is carried out at once."""
    monkeypatch.setattr("deepfake.tasks.analyze.delay", lambda pk: run_analysis(analysis_id=pk))


def test_request_writes_down_who_asked_for_what(
    principal: Principal, sent: list[int], balance: Balance
) -> None:
    analysis = request_analysis(principal=principal, source=SOURCE)
    row = Analysis.objects.get()
    assert row == analysis
    assert re.fullmatch(r"[0-9a-f]{12}", row.public_id)
    assert (row.owner_id, row.source_type, row.source_url) == (principal.user_id, "url", SOURCE.url)
    assert (row.status, row.attempts, row.stage) == ("queued", 0, "")
    assert row.admission_id == Admission.objects.get().pk
    assert sent == [row.pk]
    assert balance() == 4


def test_request_for_a_file_keeps_it_while_it_waits(principal: Principal, sent: list[int]) -> None:
    source = UploadedVideo([b"vid", b"eo"], "C:\\films\\my\u202efilm\x00.mp4")
    row = request_analysis(principal=principal, source=source)
    assert upload_of(row.public_id).read_bytes() == b"video"
    assert (row.source_type, row.source_url, row.title) == ("file", "", "myfilm.mp4")


@pytest.mark.parametrize(
    ("chunks", "error"), [([], VideoEmpty), ([b""], VideoEmpty), ([b"x" * 600] * 2, VideoTooLarge)]
)
def test_file_that_is_refused_costs_nothing_and_is_not_kept(
    principal: Principal, sent: list[int], balance: Balance, own_data_dir: Path, settings: Settings,
    chunks: list[bytes], error: type[Exception],
) -> None:  # fmt: skip
    settings.MAX_BODY_BYTES = 1000
    with pytest.raises(error):
        request_analysis(principal=principal, source=UploadedVideo(chunks))
    assert list((own_data_dir / "analyses").iterdir()) == []
    assert (Admission.objects.count(), sent, balance()) == (0, [], 5)


def test_upload_that_breaks_off_is_not_kept(principal: Principal, own_data_dir: Path) -> None:
    def broken() -> Any:
        yield b"video"
        raise OSError("the client is gone")

    with pytest.raises(OSError, match="gone"):
        request_analysis(principal=principal, source=UploadedVideo(broken()))
    assert list((own_data_dir / "analyses").iterdir()) == []


def test_guests_have_no_analyses(sent: list[int]) -> None:
    with pytest.raises(QuotaExhausted):
        request_analysis(principal=Principal.guest("203.0.113.1"), source=SOURCE)
    assert sent == []


def test_named_request_for_another_video_is_not_mistaken(
    principal: Principal, sent: list[int], balance: Balance
) -> None:
    name = NamedRequest("one", "a" * 64)
    first = request_analysis(principal=principal, source=SOURCE, request=name)
    assert request_analysis(principal=principal, source=SOURCE, request=name) == first
    with pytest.raises(RequestRunning):
        request_verdict(principal=principal, source=SOURCE, request=name)
    assert balance() == 4
    assert len(sent) == 1


def test_repeated_upload_leaves_no_second_file(
    principal: Principal, carried_out: None, own_data_dir: Path
) -> None:
    name = NamedRequest("one", "a" * 64)
    first = request_analysis(principal=principal, source=UploadedVideo([b"video"]), request=name)
    again = request_analysis(principal=principal, source=UploadedVideo([b"video"]), request=name)
    assert again.pk == first.pk
    assert Analysis.objects.count() == 1
    assert [each.name for each in (own_data_dir / "analyses").iterdir()] in ([], [first.public_id])


def test_request_whose_analysis_was_deleted_is_not_answered_with_nothing(
    principal: Principal, carried_out: None
) -> None:
    name = NamedRequest("one", "a" * 64)
    done = request_verdict(principal=principal, source=SOURCE, request=name)
    assert dismiss_analysis(principal=principal, public_id=done.public_id) is Dismissal.DELETED
    with pytest.raises(AnalysisNotFound):
        request_verdict(principal=principal, source=SOURCE, request=name)


def test_wait_looks_seldom(
    principal: Principal, sent: list[int], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(services.time, "sleep", sleep)
    monkeypatch.setattr(services.time, "monotonic", lambda: now[0])
    with pytest.raises(services.AnalysisTimedOut):
        request_verdict(principal=principal, source=SOURCE)
    assert sum(pauses) == pytest.approx(settings.DEEPFAKE_DEADLINE_S)
    assert pauses[0] == 0.05
    assert max(pauses) == 0.5
    assert len(pauses) < 130


def test_wait_for_an_analysis_that_is_deleted_ends(
    principal: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepfake.tasks.analyze.delay", lambda pk: Analysis.objects.filter(pk=pk).delete())
    with pytest.raises(AnalysisNotFound):
        request_verdict(principal=principal, source=SOURCE)


def test_cancelling_is_done_once(
    principal: Principal, sent: list[int], balance: Balance,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    row = request_analysis(principal=principal, source=UploadedVideo([b"video"]))
    with django_capture_on_commit_callbacks(execute=True):
        assert cancel_analysis(principal=principal, public_id=row.public_id)
    assert not upload_of(row.public_id).exists()
    assert not cancel_analysis(principal=principal, public_id=row.public_id)
    assert balance() == 5
    row = analysis_of(user_id=principal.account_id, public_id=row.public_id)
    assert (row.status, row.error_code) == ("cancelled", "CANCELLED")


def test_ended_analysis_can_be_done_again_at_no_cost(
    make_analysis: MakeAnalysis, sent: list[int], balance: Balance, owner: User
) -> None:
    row = make_analysis(status="failed", error_code="DOWNLOAD_FAILED", error_reason="network")
    again = repeat_analysis(analysis_id=row.pk)
    assert (again.owner_id, again.source_url, again.status) == (owner.pk, row.source_url, "queued")
    assert (again.admission_id, sent, balance()) == (None, [again.pk], 5)
    row.refresh_from_db()
    assert row.status == "failed"


def test_what_cannot_be_done_again_is_told(
    make_analysis: MakeAnalysis, sent: list[int], settings: Settings
) -> None:
    with pytest.raises(AnalysisRunning):
        repeat_analysis(analysis_id=make_analysis(status="running").pk)
    with pytest.raises(SourceGone):
        repeat_analysis(analysis_id=make_analysis(status="done", source_type="file", source_url="").pk)
    with pytest.raises(AnalysisNotFound):
        repeat_analysis(analysis_id=10**9)
    settings.DEEPFAKE_QUEUE_LENGTH = 1
    with pytest.raises(AnalysisQueueFull):
        repeat_analysis(analysis_id=make_analysis(status="done").pk)
    assert sent == []


def test_verdict_of_a_free_analysis_needs_no_admission(
    make_analysis: MakeAnalysis, carried_out: None
) -> None:
    again = repeat_analysis(analysis_id=make_analysis(status="done").pk)
    again.refresh_from_db()
    assert (again.status, again.result) == ("done", Result.AI_GENERATED)


# --- what is kept, for how long, and what its owner is told of it


def test_old_analyses_are_forgotten_and_open_ones_are_not(
    make_analysis: MakeAnalysis, settings: Settings
) -> None:
    settings.DEEPFAKE_KEPT_DAYS = 30
    old, young = (clock.now() - timedelta(days=days) for days in (31, 29))
    kept = [
        make_analysis(created_at=old),
        make_analysis(status="done", ended_at=young),
        make_analysis(status="running", created_at=old),
    ]
    make_analysis(status="done", ended_at=old)
    make_analysis(status="failed", ended_at=old)
    settings.DEEPFAKE_KEPT_DAYS = 0
    assert purge_analyses() == 0
    settings.DEEPFAKE_KEPT_DAYS = 30
    assert purge_analyses() == 2
    assert list(Analysis.objects.order_by("pk")) == sorted(kept, key=lambda row: row.pk)


def test_export_has_the_users_own_analyses(make_analysis: MakeAnalysis, owner: User) -> None:
    other = User.objects.create_user("eve@example.com", "x")
    row = make_analysis(status="done")
    make_analysis(owner=other, source_url="https://secret.example/")
    exported = export_personal_data(owner)["analyses"]
    assert [each["id"] for each in exported] == [row.public_id]
    assert exported[0]["url"] == "https://videos.example/a.mp4"
    assert exported[0]["evidence"] == row.evidence
    json.dumps(exported)


def test_analyses_end_and_go_with_their_owner(
    principal: Principal, owner: User, sent: list[int], make_analysis: MakeAnalysis,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    make_analysis(status="done")
    row = request_analysis(principal=principal, source=UploadedVideo([b"video"]))
    with django_capture_on_commit_callbacks(execute=True):
        erase_personal_data(owner)
        owner.delete()
    assert Analysis.objects.count() == 0
    assert Admission.objects.get().status == "refunded"
    assert not upload_of(row.public_id).exists()


# --- the operator's command


def run_command(*arguments: str) -> tuple[list[str], str, str]:
    out, err = StringIO(), StringIO()
    failure = ""
    try:
        call_command("deepfake_analyze", *arguments, stdout=out, stderr=err, skip_checks=True)
    except CommandError as error:
        failure = str(error)
    return out.getvalue().splitlines(), err.getvalue(), failure


def test_command_judges_files_and_addresses_and_goes_on_after_failures(
    tmp_path: Path, detector: FakeDetector, downloader: FakeDownloader
) -> None:
    good, bad = tmp_path / "good.mp4", tmp_path / "bad.mp4"
    good.write_bytes(b"video")
    bad.write_bytes(b"text")
    names = [str(good), str(bad), str(tmp_path / "none"), "https://videos.example/a", "ftp://a.example/b"]
    lines, progress, failure = run_command("--json", *names)
    told = [json.loads(line) for line in lines]
    assert [each["file"] for each in told] == names
    assert (told[0]["result"], told[0]["prob_fake"]) == ("ai_generated", 0.945)
    assert told[0]["manipulation"] == "face_manipulation"
    assert told[0]["evidence"]["model"]["sha256"] == "c" * 64
    assert told[0]["timings_ms"]["total"] >= told[0]["timings_ms"]["detect"]
    assert [each.get("code") for each in told] == [
        None,
        "VIDEO_UNREADABLE",
        "FILE_UNREADABLE",
        None,
        "DOWNLOAD_FAILED",
    ]
    assert "download" in told[3]["timings_ms"]
    assert failure == "3 of 5 videos could not be judged"
    assert f"{good}: decode" in progress
    assert not detector.seen[2][0].exists()
    assert Analysis.objects.count() == 0


def test_command_speaks_to_people_too(
    tmp_path: Path, detector: FakeDetector, downloader: FakeDownloader
) -> None:
    good = tmp_path / "good\nnews.mp4"
    good.write_bytes(b"video")
    downloader.error = DownloadFailed("The video is private.", reason="private")
    lines, _, failure = run_command(str(good), "https://videos.example/a")
    assert lines[0].endswith("good\\nnews.mp4: ai_generated (0.945, face_manipulation); heavily_compressed")
    assert lines[1] == "https://videos.example/a: The video is private."
    assert failure == "1 of 2 videos could not be judged"


def test_ids_are_not_guessed_from_each_other(
    principal: Principal, sent: list[int], settings: Settings
) -> None:
    settings.DEEPFAKE_OPEN_PER_CALLER = 100
    started = time.monotonic()
    ids = {request_analysis(principal=principal, source=SOURCE).public_id for _ in range(5)}
    assert len(ids) == 5
    assert len({each[:4] for each in ids}) > 1
    assert time.monotonic() - started < 5


def test_status_names_are_the_apis(make_analysis: MakeAnalysis) -> None:
    assert [each.value for each in AnalysisStatus] == ["queued", "running", "done", "failed", "cancelled"]
