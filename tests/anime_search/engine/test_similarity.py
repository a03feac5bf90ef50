"""What a cosine is called in answers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anime_search.engine.descriptor import DctDescriptor
from anime_search.engine.similarity import CALIBRATIONS, PROBABLY_NOT, Calibration

calibrations = st.builds(
    Calibration, slope=st.floats(0.5, 500), midpoint=st.floats(-0.9, 0.99), confident=st.floats(0.5, 0.999)
)
cosines = st.floats(-1.5, 1.5)


@given(calibrations, cosines, cosines)
def test_both_scales_grow_with_the_cosine(calibration: Calibration, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= calibration.similarity(low) <= calibration.similarity(high) <= 1
    assert 0 <= calibration.probability(low) <= calibration.probability(high) <= 1


@given(calibrations)
def test_the_midpoint_is_where_trace_moe_draws_its_line(calibration: Calibration) -> None:
    assert calibration.similarity(calibration.midpoint) == pytest.approx(0.87, abs=1e-9)
    assert calibration.probability(calibration.midpoint) == pytest.approx(0.5)
    assert calibration.similarity(1.0) == pytest.approx(1.0)
    assert calibration.similarity(-1.0) == 0.0


@given(calibrations, cosines)
def test_below_the_line_means_probably_not(calibration: Calibration, cosine: float) -> None:
    if calibration.similarity(cosine) > PROBABLY_NOT + 1e-9:
        assert calibration.probability(cosine) > 0.5 - 1e-9
    if calibration.similarity(cosine) < PROBABLY_NOT - 1e-9:
        assert calibration.probability(cosine) < 0.5 + 1e-9


def test_steep_curves_do_not_overflow() -> None:
    calibration = Calibration(slope=1e6, midpoint=0.5)
    assert calibration.probability(-1.0) == pytest.approx(0.0)
    assert calibration.probability(1.0) == pytest.approx(1.0)


def test_the_logistic_curve() -> None:
    calibration = Calibration(slope=10, midpoint=0.8)
    assert calibration.probability(0.9) == pytest.approx(1 / (1 + math.exp(-1)))


def test_every_descriptor_has_a_calibration_that_can_be_confident() -> None:
    calibration = CALIBRATIONS[DctDescriptor.name]
    assert -1 < calibration.midpoint < 1
    assert calibration.probability(0.999) >= calibration.confident > 0.5
