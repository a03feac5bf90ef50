"""What stays beside a verdict: written with it, found by it, gone with it."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from accounts.personal_data import erase_personal_data, export_personal_data
from accounts.principal import Principal
from core import clock
from deepfake import keepsakes
from deepfake.engine.verdict import FramePicture
from deepfake.errors import AnalysisCancelled
from deepfake.jobs import claim_analysis, finish_analysis, withdraw_analysis
from deepfake.keepsakes import (
    keep_pictures,
    keep_video,
    picture_of,
    pictures_kept,
    sweep_keepsakes,
    video_of,
)
from deepfake.models import Analysis
from deepfake.retention import purge_analyses, purge_files
from deepfake.services import dismiss_analysis
from tests.deepfake.conftest import MakeAnalysis
from tests.deepfake.seams import VERDICT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_data_dir", "fresh_windows")]

PICTURES = (FramePicture(b"plain", b"heat"), FramePicture(b"another"))


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(b"a video")
    return path


def keep_all(row: Analysis, video: Path) -> None:
    keep_pictures(public_id=row.public_id, pictures=PICTURES)
    keep_video(public_id=row.public_id, path=video)


def left(data_dir: Path) -> list[Path]:
    return [each for each in data_dir.rglob("*") if each.is_file()]


def test_pictures_are_kept_as_they_are() -> None:
    keep_pictures(public_id="ab12", pictures=PICTURES)
    kept = pictures_kept("ab12")
    assert (kept.plain, kept.heat) == ({0, 1}, {0})
    assert picture_of("ab12", 0) == b"plain"
    assert picture_of("ab12", 0, heat=True) == b"heat"
    assert picture_of("ab12", 1, heat=True) is None
    assert picture_of("ab12", 7) is None
    assert pictures_kept("cd34") == keepsakes.KeptPictures(frozenset(), frozenset())


def test_folder_is_open_to_its_system_user_alone(own_data_dir: Path, video: Path) -> None:
    keep_video(public_id="ab12", path=video)
    path = video_of("ab12")
    assert path is not None
    assert path.parent.stat().st_mode & 0o077 == 0


def test_full_disk_costs_the_pictures_and_not_the_verdict(
    make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch, own_data_dir: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    row = make_analysis()
    claimed = claim_analysis(analysis_id=row.pk)
    assert claimed is not None
    monkeypatch.setattr(Path, "write_bytes", full)
    assert finish_analysis(analysis=claimed, verdict=replace(VERDICT, pictures=PICTURES), took_ms=5)
    assert left(own_data_dir) == []


def test_analysis_that_was_cancelled_meanwhile_leaves_nothing(
    make_analysis: MakeAnalysis, own_data_dir: Path
) -> None:
    row = make_analysis()
    claimed = claim_analysis(analysis_id=row.pk)
    assert claimed is not None
    withdraw_analysis(analysis=row, error=AnalysisCancelled())
    assert not finish_analysis(analysis=claimed, verdict=replace(VERDICT, pictures=PICTURES), took_ms=5)
    assert left(own_data_dir) == []


def test_they_go_when_the_analysis_is_deleted(
    principal: Principal, make_analysis: MakeAnalysis, video: Path, own_data_dir: Path
) -> None:
    row = make_analysis(status="done")
    keep_all(row, video)
    dismiss_analysis(principal=principal, public_id=row.public_id)
    assert left(own_data_dir) == []


def test_they_go_with_their_owner_and_are_in_the_export(
    make_analysis: MakeAnalysis, owner: User, video: Path, own_data_dir: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    row = make_analysis(status="done", source_type="file", source_url="", keeps_file=True)
    keep_all(row, video)
    told = export_personal_data(owner)["analyses"][0]
    assert told["fileKept"] is True
    assert told["pictures"] == [f"/detect/{row.public_id}/frames/{frame}.jpg" for frame in (0, 1)]
    with django_capture_on_commit_callbacks(execute=True):
        erase_personal_data(owner)
        owner.delete()
    assert left(own_data_dir) == []


def test_they_go_with_old_analyses(
    make_analysis: MakeAnalysis, video: Path, own_data_dir: Path, settings: Settings
) -> None:
    settings.DEEPFAKE_KEPT_DAYS = 30
    old, young = (
        make_analysis(status="done", ended_at=clock.now() - timedelta(days=days)) for days in (31, 29)
    )
    keep_all(old, video)
    keep_all(young, video)
    assert purge_analyses() == 1
    assert pictures_kept(old.public_id).plain == frozenset()
    assert pictures_kept(young.public_id).plain == {0, 1}


def test_guests_analyses_last_no_longer_than_their_session(
    make_analysis: MakeAnalysis, settings: Settings
) -> None:
    settings.DEEPFAKE_KEPT_DAYS, settings.SESSION_COOKIE_AGE = 0, 3600
    hours = [clock.now() - timedelta(minutes=minutes) for minutes in (61, 59)]
    gone, kept = (make_analysis(status="done", ended_at=at, owner=None, visitor="v" * 64) for at in hours)
    users = make_analysis(status="done", ended_at=hours[0])
    assert purge_analyses() == 1
    assert set(Analysis.objects.all()) == {kept, users}
    assert gone not in Analysis.objects.all()


def test_kept_files_go_before_their_verdicts(
    make_analysis: MakeAnalysis, video: Path, settings: Settings
) -> None:
    settings.DEEPFAKE_FILE_KEPT_DAYS = 7
    fields = {"status": "done", "source_type": "file", "source_url": "", "keeps_file": True}
    old, young = (make_analysis(**fields, ended_at=clock.now() - timedelta(days=days)) for days in (8, 6))
    keep_all(old, video)
    keep_all(young, video)
    assert purge_files() == 1
    assert purge_files() == 0
    old.refresh_from_db()
    assert (old.keeps_file, video_of(old.public_id)) == (False, None)
    assert pictures_kept(old.public_id).plain == {0, 1}
    assert video_of(young.public_id) is not None


def test_what_a_crash_left_is_swept(make_analysis: MakeAnalysis, video: Path, own_data_dir: Path) -> None:
    done, failed, running = (make_analysis(status=status) for status in ("done", "failed", "running"))
    names = [done.public_id, failed.public_id, running.public_id, "0123456789ab"]
    for name in names:
        keep_pictures(public_id=name, pictures=PICTURES)
    assert sweep_keepsakes() == 0, "somebody may be writing there"
    past = time.time() - 3600
    for name in names:
        os.utime(own_data_dir / "kept_analyses" / name[:2] / name, (past, past))
    assert sweep_keepsakes() == 3
    assert [name for name in names if pictures_kept(name).plain] == [done.public_id]
    assert sweep_keepsakes() == 0
