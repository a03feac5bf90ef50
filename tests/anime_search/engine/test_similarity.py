"""What a cosine and a verification are called in answers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anime_search.engine.bundle import known_descriptors
from anime_search.engine.similarity import (
    CALIBRATIONS,
    PROBABLY_NOT,
    Calibration,
    VerifiedWeights,
    similarity_of,
)
from anime_search.engine.verify import Verification

WEIGHTS = VerifiedWeights(
    bias=-9.0, cosine=4.0, inliers=1.2, coverage=2.0, agreement=8.0, weakest=2.0, compared=1.0
)
#: Another drawing, and the very same one.
FOREIGN = Verification(0, 0.0, 0.05, -0.3, 0.9, None)
SAME = Verification(80, 0.8, 0.9, 0.7, 0.9, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))

calibrations = st.builds(
    Calibration, slope=st.floats(0.5, 500), midpoint=st.floats(-0.9, 0.99), confident=st.floats(0.5, 0.999)
)
cosines = st.floats(-1.5, 1.5)
odds = st.floats(-60, 60)


@given(calibrations, cosines, cosines)
def test_probability_grows_with_the_cosine(calibration: Calibration, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= calibration.probability(low) <= calibration.probability(high) <= 1


@given(odds, odds)
def test_similarity_grows_with_the_odds(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= similarity_of(low) <= similarity_of(high) <= 1


@given(odds)
def test_below_the_line_of_trace_moe_means_probably_not(log_odds: float) -> None:
    if log_odds < -1e-9:
        assert similarity_of(log_odds) < PROBABLY_NOT
    if log_odds >= 0:
        assert similarity_of(log_odds) >= PROBABLY_NOT


def test_line_of_trace_moe_is_where_right_and_wrong_are_as_likely() -> None:
    assert similarity_of(0.0) == pytest.approx(0.87)
    assert similarity_of(math.log(99)) > 0.95
    assert similarity_of(-math.log(99)) < 0.65


def test_steep_curves_do_not_overflow() -> None:
    calibration = Calibration(slope=1e6, midpoint=0.5)
    assert calibration.probability(-1.0) == pytest.approx(0.0)
    assert calibration.probability(1.0) == pytest.approx(1.0)


def test_the_logistic_curve() -> None:
    calibration = Calibration(slope=10, midpoint=0.8)
    assert calibration.probability(0.9) == pytest.approx(1 / (1 + math.exp(-1)))


def test_verification_outweighs_the_cosine() -> None:
    calibration = Calibration(slope=22, midpoint=0.7, confident=0.9, verified=WEIGHTS)
    assert calibration.probability(0.9, FOREIGN) < 0.1
    assert calibration.probability(0.5, SAME) > 0.9
    assert calibration.probability(0.9) > 0.9


def test_without_weights_a_verification_says_nothing() -> None:
    calibration = Calibration(slope=22, midpoint=0.7)
    assert calibration.probability(0.8, FOREIGN) == calibration.probability(0.8)


def test_each_kind_of_evidence_has_its_own_line() -> None:
    calibration = Calibration(
        slope=22, midpoint=0.7, confident=0.6, verified=WEIGHTS, confident_verified=0.95
    )
    assert calibration.is_match(0.7)
    assert not calibration.is_match(0.7, SAME)
    assert calibration.is_match(0.96, SAME)


@given(st.integers(0, 10_000), st.floats(-1, 1), st.floats(-1, 1))
def test_odds_stay_finite(inliers: int, agreement: float, cosine: float) -> None:
    calibration = Calibration(slope=22, midpoint=0.7, verified=WEIGHTS)
    verified = replace(SAME, inliers=inliers, agreement=agreement)
    assert math.isfinite(calibration.log_odds(cosine, verified))
    assert 0 <= calibration.probability(cosine, verified) <= 1


@pytest.mark.parametrize("name", known_descriptors())
def test_every_descriptor_has_a_calibration_that_can_be_confident(name: str) -> None:
    calibration = CALIBRATIONS[name]
    assert -1 < calibration.midpoint < 1
    assert calibration.probability(0.999) >= calibration.confident > 0.5
    if calibration.verified is not None:
        assert calibration.probability(0.99, SAME) >= calibration.confident_verified > 0.5


@pytest.mark.parametrize("name", known_descriptors())
def test_a_look_alike_is_no_match_by_its_cosine_alone(name: str) -> None:
    calibration = CALIBRATIONS[name]
    if calibration.verified is not None:
        assert calibration.probability(0.95, FOREIGN) < calibration.confident_verified
