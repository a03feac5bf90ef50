"""A clock that stands at noon: no test counts over a midnight that it does not mean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.rankings.made import set_clock


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, datetime(2026, 11, 22, 12, 0, tzinfo=UTC))
