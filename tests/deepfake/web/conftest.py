"""A model on the shelf, and analyses that are carried out at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from deepfake.work import run_analysis
from tests.deepfake.models_shelf import shelve, use
from tests.deepfake.seams import FakeDetector, FakeDownloader
from tests.policies import set_policy


@pytest.fixture(autouse=True)
def _site(own_data_dir: Path, fresh_windows: None) -> None:
    shelve("bright")
    use("bright")


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


@pytest.fixture
def visitor(client: Client, owner: User) -> Client:
    """A browser that the owner of 5 credits is signed in at."""
    client.force_login(owner)
    return client


@pytest.fixture
def guest(db: None) -> Client:
    """A browser of somebody without an account, where guests have three analyses a day."""
    set_policy("analysis", "guest", daily=3, cost=0)
    return Client()
