"""A choice is made by how sources are told apart, each as much as any other."""

from __future__ import annotations

import numpy as np
import pytest

from deepfake.training.transfer import Criterion, by_variant, score_of
from tests.deepfake.training.collection import a_clip


def test_a_large_source_does_not_drown_a_small_one() -> None:
    clips = [a_clip(source="large")] * 30 + [a_clip(source="small")] * 3 + [a_clip(fake=False)] * 5
    logits = np.array([1.0] * 30 + [-1.0] * 3 + [0.0] * 5)
    assert score_of(logits, clips) == pytest.approx(0.5)
    assert score_of(logits, clips, Criterion.WORST) == pytest.approx(0.0)
    assert score_of(logits, clips, Criterion.POOLED) == pytest.approx(30 / 33)


def test_robots_are_no_reason_to_choose() -> None:
    clips = [a_clip()] * 3 + [a_clip(fake=False)] * 3 + [a_clip(fake=False, source="rt_x")] * 9
    logits = np.array([0.0] * 3 + [1.0] * 3 + [-5.0] * 9)
    assert score_of(logits, clips) == 0.0


def test_nothing_to_compare_is_no_number() -> None:
    assert np.isnan(score_of(np.array([1.0]), [a_clip()]))


def test_variants_count_alike() -> None:
    clips = [a_clip(), a_clip(fake=False)] * 2
    logits = np.array([1.0, 0.0, 0.0, 1.0])
    assert by_variant(logits, clips, ["plain", "plain", "crf38", "crf38"]) == pytest.approx(0.5)
