"""The benchmark of verification runs at a tiny size, and its thresholds are what they are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.queries import CLASSES
from benchmarks.verification import threshold
from tests.benchmarks.test_benchmarks_run import drifting_blocks, run_benchmark


@pytest.mark.parametrize(("rate", "above"), [(0.0, 0), (0.001, 1), (0.005, 5), (0.02, 20), (0.5, 500)])
def test_threshold_lets_no_more_than_its_share_pass(rate: float, above: int) -> None:
    scores = np.random.default_rng(1).permutation(1000).astype(float)
    assert int((scores > threshold(scores, rate)).sum()) == above


@pytest.mark.slow
def test_verification_reports_certainty_by_class_and_cost(tmp_path: Path) -> None:
    figures = run_benchmark(
        "verification",
        "--source",
        drifting_blocks(tmp_path, frames=12, step=3),
        "--split",
        "all",
        "--limit",
        "3",
    )["figures"]
    pairs = figures["pairs"]
    assert 0 < pairs["same drawing"] <= 3 * len(CLASSES)
    assert pairs["another show"] == pairs["same drawing"]
    assert pairs["same show"] == 0
    for told_by in ("inliers", "agreement", "both, logistic", "and the cosine"):
        assert 0 <= figures[told_by]["another show at 0.005"] <= 1
    assert figures["check of a true pair"] > 0
    assert figures["bytes"]["mean"] > 100
