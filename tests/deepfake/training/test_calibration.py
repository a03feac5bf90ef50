"""Probabilities hold, thresholds keep their promise, and warnings widen the band by what was measured."""

from __future__ import annotations

import numpy as np
import pytest

from deepfake.engine.manifest import Calibration, OperatingPoint
from deepfake.engine.verdict import Quality
from deepfake.training.calibrating import calibrate
from deepfake.training.calibration import (
    WIDENED_UNMEASURED,
    CalibrationError,
    calibration_error,
    label_weights,
    logit,
    operating_point,
    platt,
    probabilities,
    threshold_for,
    weighted_threshold,
    widened,
)
from deepfake.training.scores import Score
from tests.deepfake.training.collection import a_clip


def sample(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are three times too sure and shifted, and labels drawn by the right ones."""
    random = np.random.default_rng(seed)
    right = random.normal(0, 1.5, count)
    labels = (random.random(count) < 1 / (1 + np.exp(-right))).astype(float)
    return 3 * right + 2, labels


def test_a_calibration_undoes_what_was_too_sure() -> None:
    logits, labels = sample(4000)
    found = platt(logits, labels, np.ones(4000))
    assert found.slope == pytest.approx(1 / 3, abs=0.04)
    assert found.offset == pytest.approx(-2 / 3, abs=0.12)
    fresh, truth = sample(4000, seed=1)
    assert calibration_error(probabilities(fresh, found), truth) < 0.03
    assert calibration_error(probabilities(fresh, Calibration()), truth) > 0.08


def test_a_few_clips_that_are_told_apart_wholly_are_not_certain() -> None:
    found = platt(np.array([-3.0, -2, 2, 3]), np.array([0.0, 0, 1, 1]), np.ones(4))
    assert 0.6 < probabilities(np.array([3.0]), found)[0] < 0.99


def test_weights_decide_what_is_rare() -> None:
    logits, labels = sample(2000)
    halved = platt(logits, labels, np.where(labels > 0.5, 0.1, 1.0))
    assert halved.offset < platt(logits, labels, np.ones(2000)).offset - 1


@pytest.mark.parametrize(
    ("logits", "labels"), [([1.0, 2.0], [1.0, 1.0]), ([2.0, 1.0, -1.0, -2.0], [0.0, 0.0, 1.0, 1.0])]
)
def test_what_cannot_be_calibrated_is_refused(logits: list[float], labels: list[float]) -> None:
    with pytest.raises(CalibrationError):
        platt(np.array(logits), np.array(labels), np.ones(len(labels)))


def test_no_more_real_clips_than_allowed_reach_the_threshold() -> None:
    for count in (10, 39, 40, 100):
        real = np.random.default_rng(count).random(count)
        threshold = threshold_for(real)
        assert (real >= threshold).mean() <= 0.05
        assert (real >= np.nextafter(threshold, 0) - 1e-12).mean() > 0.05 - 1 / count


def test_sources_are_counted_and_not_only_clips() -> None:
    # Fifty clips of a careful camera, and two of one that looks generated.
    real = np.array([0.1] * 50 + [0.9, 0.9])
    alike = np.array([0.5 / 50] * 50 + [0.25, 0.25])
    assert weighted_threshold(real, np.ones(52)) < 0.2
    assert weighted_threshold(real, alike) > 0.9


def test_the_operating_point_keeps_both_promises() -> None:
    random = np.random.default_rng(3)
    fake, real = random.beta(5, 2, 300), random.beta(2, 5, 200)
    point = operating_point(fake, real, np.ones(200))
    assert (real >= point.fake_above).mean() <= 0.05
    assert (fake < point.real_below).mean() <= 0.1
    assert point.real_below < point.fake_above


def test_thresholds_do_not_cross_where_all_is_told_apart() -> None:
    point = operating_point(np.full(20, 0.99), np.full(20, 0.01), np.ones(20))
    assert 0.01 < point.real_below < point.fake_above <= 0.99


def test_a_warning_widens_by_what_its_real_clips_need() -> None:
    point = OperatingPoint(0.3, 0.7)
    real = np.concatenate([np.full(100, 0.2), np.full(30, 0.9)])
    warned = {Quality.HEAVILY_COMPRESSED: real > 0.5, Quality.TOO_DARK: real > 2}
    margins = widened(point, real, warned)
    assert margins[Quality.HEAVILY_COMPRESSED] == pytest.approx(logit(0.9) - logit(0.7), abs=1e-3)
    assert margins[Quality.TOO_DARK] == WIDENED_UNMEASURED
    assert Quality.NO_FACE not in margins
    calm = widened(point, real, {Quality.TOO_SMALL: real < 0.5})
    assert calm[Quality.TOO_SMALL] == 0.0


def test_both_labels_weigh_a_half() -> None:
    weights = label_weights([True, True, True, False], np.array([1.0, 1, 2, 9]))
    assert weights.tolist() == pytest.approx([0.125, 0.125, 0.25, 0.5])


def test_a_calibration_goes_by_held_out_clips_without_robots() -> None:
    fakes = [a_clip(number, source=f"gen{number % 3}") for number in range(30)]
    reals = [a_clip(number, fake=False, source=f"cam{number % 3}") for number in range(30)]
    robots = [a_clip(900 + number, fake=False, source="rt_x") for number in range(30)]
    random = np.random.default_rng(0)
    scores = [
        Score(
            clip.name,
            "plain",
            float(random.normal(4 if clip.fake else -4 if clip.robot else 0)),
            held_out=True,
        )
        for clip in (*fakes, *reals, *robots)
    ]
    seen = [Score(clip.name, "plain", 50.0, held_out=False) for clip in reals]
    found = calibrate([*scores, *seen], [*fakes, *reals, *robots])
    assert found.figures["calibrated_by_real"] == 30
    assert found.figures["calibration_false_positives"] <= 0.05
    assert found.figures["calibration_auc"] > 0.95
    assert set(found.point.widened) == set(Quality) - {Quality.NO_FACE, Quality.ONLY_BEGINNING}
    with pytest.raises(CalibrationError, match="held-out"):
        calibrate(seen, reals)
