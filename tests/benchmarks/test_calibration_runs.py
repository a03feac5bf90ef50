"""Calibrations are fitted on what a search compared, and what they decide is what the search would."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from anime_search.engine.similarity import Calibration, VerifiedWeights
from anime_search.engine.verify import Verification
from benchmarks.collection import Item, Part
from benchmarks.evidence import FEATURES, Asked, Evidence, Truth, Without, features
from benchmarks.logistic import fit_logistic, reliability
from benchmarks.queries import by_hash
from benchmarks.scene_index import calibration_line
from benchmarks.verified_fit import (
    FOLDS,
    NOT_ENOUGH,
    NOT_ENOUGH_COSINE,
    Decision,
    cut_off,
    decide,
    fold,
    is_sure_of_nothing,
    propose,
)
from tests.benchmarks.test_benchmarks_run import drifting_blocks, run_benchmark

ALIKE = Verification(60, 0.8, 0.9, 0.7, 0.9, None)
UNLIKE = Verification(0, 0.0, 0.1, -0.1, 0.9, None)
CALIBRATION = Calibration(
    slope=20.0,
    midpoint=0.8,
    confident=0.9,
    verified=VerifiedWeights(-5.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0),
    confident_verified=0.9,
)


def some_evidence(random: np.random.Generator, *, right: bool, by_cosine_alone: bool = False) -> Evidence:
    """A candidate of which every figure speaks for what it is; or only the cosine does."""
    sure = right and not by_cosine_alone
    agreement = float(random.normal(0.8 if sure else 0.1, 0.1))
    return Evidence(
        cosine=float(random.normal(0.93 if right else 0.6, 0.03)),
        seen=Verification(
            inliers=int(random.integers(20, 90)) if sure else int(random.integers(0, 8)),
            coverage=float(random.uniform(0.3, 0.9)) if sure else 0.05,
            agreement=agreement,
            weakest=agreement - 0.3,
            compared=0.9,
            transform=None,
        ),
        truth=Truth.RIGHT if right else Truth.WRONG,
        accepted=right,
    )


def some_asked(*, by_cosine_alone: bool = False) -> Iterator[Asked]:
    random = np.random.default_rng(11)
    for number in range(40):
        for label in ("clean", "grey", "tint"):
            wrong = [some_evidence(random, right=False) for _candidate in range(5)]
            right = some_evidence(random, right=True, by_cosine_alone=by_cosine_alone)
            name = f"clip{number}"
            yield Asked(label, name, name, Without.NOTHING, True, False, ((right, *wrong),))
            yield Asked(label, name, name, Without.SHOW, True, False, (tuple(wrong), tuple(wrong)))


@pytest.mark.slow
def test_calibration_proposes_weights_that_are_not_negative_and_a_line_of_code(tmp_path: Path) -> None:
    names = (f"g{number}" for number in range(1000))
    check = [name for name in names if Item(Path("clip.mp4"), name).part is Part.CHECK]
    first = check[0]
    others = [name for name in check if fold(f"{name}/clip.mp4") != fold(f"{first}/clip.mp4")]
    folder = drifting_blocks(tmp_path, frames=12, step=1, groups=[first, *others[:2]])

    command = ("--source", folder, "--each", "1", "--classes", "clean", "grey")
    figures = run_benchmark("calibration", *command)["figures"]

    found = figures["calibration"]
    assert found["slope"] > 0
    assert all(found["verified"][name] >= 0 for name in FEATURES)
    assert found["verified"]["bias"] < 0
    assert 0.5 <= found["confident_verified"] <= 1
    assert figures["searches"] == 3 * 2 * 2
    assert figures["classes"]["overall"]["recall@1"] == 1
    assert figures["called a match and wrong"]["negatives"]["of"] == 6


def test_features_are_what_the_weights_are_multiplied_by() -> None:
    weights = VerifiedWeights(0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
    one = Evidence(0.9, ALIKE, Truth.RIGHT, accepted=True)

    row = features([one])[0]

    expected = weights.bias + sum(
        value * getattr(weights, name) for name, value in zip(FEATURES, row, strict=True)
    )
    assert weights.log_odds(0.9, ALIKE) == pytest.approx(expected)


def test_fit_comes_back_to_the_curve_that_made_the_answers() -> None:
    random = np.random.default_rng(1)
    values = random.normal(0, 1, (20_000, 2))
    chance = 1 / (1 + np.exp(-(-0.5 + values @ np.array([2.0, 0.7]))))
    found = fit_logistic(
        values, random.random(len(values)) < chance, np.ones(len(values)), penalties=np.ones(2)
    )

    assert found.bias == pytest.approx(-0.5, abs=0.08)
    assert found.weights == pytest.approx([2.0, 0.7], abs=0.1)


def test_value_that_would_count_against_is_left_out() -> None:
    random = np.random.default_rng(2)
    right = random.random(4000) < 0.5
    good = right + random.normal(0, 0.5, 4000)
    misleading = -0.5 * right + random.normal(0, 0.5, 4000)
    found = fit_logistic(np.column_stack([good, misleading]), right, np.ones(4000), penalties=np.ones(2))

    assert found.weights[0] > 0
    assert found.weights[1] == 0
    with pytest.raises(ValueError, match="no value speaks"):
        fit_logistic(misleading[:, None], right, np.ones(4000), penalties=np.ones(1))
    with pytest.raises(ValueError, match="one kind"):
        fit_logistic(good[:, None], np.ones(4000, bool), np.ones(4000), penalties=np.ones(1))


def test_rows_count_their_share() -> None:
    values = np.array([[0.0], [1.0], [0.0], [1.0]])
    right = np.array([False, True, True, False])
    found = fit_logistic(values, right, np.array([1.0, 1.0, 0.01, 0.01]), penalties=np.array([1e-3]))

    assert found.probability(np.array([[1.0]]))[0] > 0.9


def test_reliability_of_what_is_claimed() -> None:
    error, bins = reliability(np.array([0.95, 0.95, 0.05, 0.05]), np.array([True, False, False, False]))

    assert error == pytest.approx(0.5 * 0.45 + 0.5 * 0.05)
    assert [(each.count, each.right) for each in bins] == [(2, 0.0), (2, 0.5)]


def test_first_stage_answers_if_it_is_called_a_match() -> None:
    sure, unsure = (
        Evidence(0.9, ALIKE, Truth.RIGHT, accepted=True),
        Evidence(0.9, UNLIKE, Truth.WRONG, accepted=False),
    )

    found = decide(Asked("", "", "", Without.NOTHING, True, False, ((sure, unsure), (unsure,))), CALIBRATION)
    later = decide(Asked("", "", "", Without.NOTHING, True, False, ((unsure,), (unsure, sure))), CALIBRATION)
    foreign = decide(Asked("", "", "", Without.SHOW, True, False, ((unsure,), (sure,))), CALIBRATION)
    flat = decide(Asked("", "", "", Without.NOTHING, True, True, ((sure,),)), CALIBRATION)

    assert found.right and found.best >= 0.9
    assert later.right and later.best >= 0.9
    assert not foreign.right and foreign.best >= 0.9
    assert flat.best == 0
    assert found.best == pytest.approx(1 / (1 + math.exp(5.0 - 9.0)))


def some_decided(without: Without, best: Sequence[float]) -> list[tuple[Asked, Decision]]:
    asked = Asked("", "", "", without, True, False, ())
    return [
        (asked, Decision(right=without is Without.NOTHING, probability=value, best=value)) for value in best
    ]


def test_cut_off_lets_no_more_than_its_shares_pass() -> None:
    foreign = [0.5 + number / 2100 for number in range(1000)]
    asked, decided = zip(
        *some_decided(Without.SHOW, foreign), *some_decided(Without.GROUP, foreign), strict=True
    )

    cut = cut_off(asked, decided)

    passed = [one.best >= cut for one in decided]
    assert sum(passed[:1000]) == 2
    assert sum(passed[1000:]) <= 10


def test_cut_off_lies_between_foreign_and_right_answers_where_there_is_room() -> None:
    right = some_decided(Without.NOTHING, [0.999] * 99 + [0.3])
    asked, decided = zip(*right, *some_decided(Without.SHOW, [0.6] * 100), strict=True)

    middle = (math.log(0.6 / 0.4) + math.log(0.999 / 0.001)) / 2
    assert cut_off(asked, decided) == pytest.approx(1 / (1 + math.exp(-middle)), abs=1e-3)
    # An answer is not called a match that is more likely wrong than right, however much room there is.
    low = some_decided(Without.NOTHING, [0.4] * 100)
    assert cut_off(*zip(*low, strict=True)) == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("by_cosine_alone", [False, True])
def test_proposal_is_sure_of_no_candidate_without_evidence_in_its_pixels(by_cosine_alone: bool) -> None:
    proposal = propose(some_asked(by_cosine_alone=by_cosine_alone))

    assert not is_sure_of_nothing(proposal.calibration)
    assert (proposal.held > 1) is by_cosine_alone
    probability = proposal.calibration.probability(NOT_ENOUGH_COSINE, NOT_ENOUGH)
    assert probability < proposal.calibration.confident_verified


def test_proposal_accepts_right_answers_and_leaves_unsampled_drawings_out() -> None:
    asked = list(some_asked())
    missing = Asked("clean", "other", "other", Without.NOTHING, False, False, asked[0].stages)

    proposal = propose([*asked, missing])

    assert missing not in proposal.asked
    own = [
        one
        for each, one in zip(proposal.asked, proposal.decided, strict=True)
        if each.without is Without.NOTHING
    ]
    assert np.mean([one.right for one in own]) == 1
    assert np.mean([one.best >= proposal.calibration.confident_verified for one in own]) > 0.95


def test_folds_part_groups_evenly_enough() -> None:
    counts = np.bincount([fold(f"g{number:03}") for number in range(500)], minlength=FOLDS)
    assert counts.min() > 60
    assert fold("g001") == by_hash("g001")[0] % FOLDS


def test_line_of_code_is_the_calibration() -> None:
    line = calibration_line("lite0-2", CALIBRATION)
    found = eval("{" + line + "}", {"Calibration": Calibration, "VerifiedWeights": VerifiedWeights})

    assert found == {"lite0-2": CALIBRATION}
