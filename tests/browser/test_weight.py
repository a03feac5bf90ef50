"""What pages load, as their benchmark counts it in a browser."""

from __future__ import annotations

import pytest

from benchmarks.pages import MOST_BYTES, PAGES
from tests.benchmarks.test_benchmarks_run import run_benchmark

# It starts a server of its own.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_every_page_is_drawn_and_light() -> None:
    figures = run_benchmark("pages", "--visits", "1")["figures"]
    assert len(figures) == len(PAGES)
    assert all(each["median_ms"] > 0 for each in figures.values())
    assert all(0 < each["bytes"] <= MOST_BYTES for each in figures.values())
