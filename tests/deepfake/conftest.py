"""Users who ask for analyses, and the two seams behind which the detector and the downloader are."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Tier, User
from accounts.principal import Principal, PrincipalKind
from core import clock
from core.workers import EmbeddedWorkers
from credits.ledger import balance_of, grant_credits
from credits.reconcile import differences
from deepfake.models import Analysis, SourceType
from deepfake.work import allow_attempts
from tests.deepfake.seams import FakeDetector, FakeDownloader

MakeAnalysis = Callable[..., Analysis]


@pytest.fixture
def fresh_windows(settings: Settings) -> None:
    """A cache of this test's own."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid.uuid4().hex,
        }
    }


@pytest.fixture
def own_data_dir(settings: Settings, tmp_path: Path) -> Path:
    """A data directory of this test's own; nothing is left in its folder of analyses that have ended."""
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    return settings.DATA_DIR


@pytest.fixture
def owner(db: None) -> User:
    """Somebody with 5 credits."""
    user = User.objects.create_user("john@example.com", "x", name="john_doe", tier=Tier.PRO)
    grant_credits(user_id=user.pk, amount=5, reason="a test", actor="command")
    return user


@pytest.fixture
def principal(owner: User) -> Principal:
    return Principal(kind=PrincipalKind.USER, user_id=owner.pk, address="203.0.113.9", tier="pro")


@pytest.fixture
def balance(owner: User) -> Iterator[Callable[[], int]]:
    """Says how many credits the owner has; in the end the ledger has to agree with every balance."""
    yield lambda: balance_of(user_id=owner.pk)
    assert differences() == []


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDetector]:
    """A detector that does as it is told, in a process that may work: workers of other tests have stopped in it."""
    allow_attempts()
    fake = FakeDetector()
    monkeypatch.setattr("deepfake.runtime.detect", fake.detect)
    yield fake
    fake.release.set()


@pytest.fixture
def downloader(monkeypatch: pytest.MonkeyPatch) -> FakeDownloader:
    fake = FakeDownloader()
    monkeypatch.setattr("deepfake.download.get_video", fake.get_video)
    return fake


@pytest.fixture(scope="package")
def analysis_workers() -> Iterator[None]:
    """A worker of the queue, as a server of the embedded profile has it; for tests whose rows are committed."""
    with EmbeddedWorkers({"deepfake": 2}, periodic=False):
        yield


@pytest.fixture
def make_analysis(owner: User) -> MakeAnalysis:
    """Makes a row: ``make_analysis(status="running", attempts=1, …)``; what its state needs is there."""

    def make(**fields: Any) -> Analysis:
        now = clock.now()
        given: dict[str, Any] = {
            "owner": owner,
            "source_type": SourceType.URL,
            "source_url": "https://videos.example/a.mp4",
            "created_at": now,
        }
        status = fields.get("status", "queued")
        if status == "running":
            given |= {"leased_until": now + timedelta(seconds=60), "attempts": 1, "worker": "w:1"}
        elif status == "done":
            given |= {
                "ended_at": now, "result": "real", "prob_fake": 0.1, "processing_time_ms": 5,
                "evidence": {"manipulation": None, "frames": [], "quality": [], "provenance": [], "video": {}, "model": {}},
            }  # fmt: skip
        elif status in ("failed", "cancelled"):
            given |= {"ended_at": now, "error_code": "CANCELLED", "error_message": "Cancelled."}
        return Analysis.objects.create(**given | fields)

    return make


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the project's clock to a moment."""

    def change(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    return change
