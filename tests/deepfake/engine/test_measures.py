"""How well a detector does, in figures."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from deepfake.engine.measures import Judged, auc, auc_interval, found_at, summary_of
from deepfake.engine.verdict import Result


def clip(prob: float, *, fake: bool, source: str = "one") -> Judged:
    result = Result.AI_GENERATED if prob >= 0.8 else Result.REAL if prob < 0.3 else Result.INCONCLUSIVE
    return Judged(fake, source, prob, result)


def drawn(seed: int, *, apart: float, sources: int = 6, clips: int = 20) -> list[Judged]:
    random = np.random.default_rng(seed)
    made = []
    for fake in (True, False):
        for source in range(sources):
            own = random.normal(apart * fake, 1) + random.normal(0, 0.3, clips)
            made += [clip(1 / (1 + math.exp(-value)), fake=fake, source=f"{fake}{source}") for value in own]
    return made


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    random = np.random.default_rng(3)
    fake, real = random.integers(0, 8, 40) / 8, random.integers(0, 6, 30) / 8
    by_hand = np.mean([(one > other) + (one == other) / 2 for one in fake for other in real])
    assert auc(fake, real) == pytest.approx(by_hand)
    assert auc(np.array([1.0]), np.array([0.0])) == 1
    assert auc(np.array([0.5]), np.array([0.5])) == 0.5
    assert math.isnan(auc(np.array([]), real))


def test_the_interval_holds_the_auc_and_is_the_same_each_time() -> None:
    made = drawn(1, apart=1.5)
    low, high = auc_interval(made)
    scores = [np.array([each.prob_fake for each in made if each.fake == fake]) for fake in (True, False)]
    assert low < auc(scores[0], scores[1]) < high
    assert auc_interval(made) == (low, high)


def test_few_sources_make_the_interval_wide_however_many_clips_they_have() -> None:
    few = auc_interval(drawn(2, apart=1.0, sources=4, clips=60))
    many = auc_interval(drawn(2, apart=1.0, sources=60, clips=4))
    assert few[1] - few[0] > 1.5 * (many[1] - many[0])


def test_what_is_found_at_a_rate_of_false_positives() -> None:
    real = np.arange(100) / 100
    fake = np.array([0.5, 0.93, 0.94, 0.96, 0.99])
    found, threshold = found_at(fake, real)
    assert (real >= threshold).sum() == 5
    assert found == 0.4
    assert found_at(fake, real, false_positives=0.0)[0] == 0.0
    assert found_at(fake, real, false_positives=1.0) == (1.0, 0.0)


def test_ties_at_the_threshold_do_not_let_more_through() -> None:
    found, threshold = found_at(np.array([0.9, 0.95]), np.full(40, 0.9))
    assert (np.full(40, 0.9) >= threshold).mean() <= 0.05
    assert found == 0.5


def test_the_summary_counts_inconclusive_for_neither() -> None:
    told = summary_of(
        [
            clip(0.9, fake=True, source="sora"),
            clip(0.5, fake=True, source="sora"),
            clip(0.1, fake=True, source="veo"),
            clip(0.95, fake=False, source="phone"),
            clip(0.4, fake=False, source="film"),
            clip(0.2, fake=False, source="film"),
        ]
    )
    assert (told["generated"], told["real"]) == (3, 3)
    assert told["found"] == pytest.approx(1 / 3, abs=1e-4)
    assert told["missed"] == pytest.approx(1 / 3, abs=1e-4)
    assert told["false_positives"] == pytest.approx(1 / 3, abs=1e-4)
    assert told["inconclusive"] == pytest.approx(1 / 3, abs=1e-4)
    assert told["generators"]["sora"] == {
        "clips": 2,
        "auc": pytest.approx(4 / 6, abs=1e-4),
        "called_generated": 0.5,
        "called_real": 0.0,
    }
    assert told["real_sources"]["film"]["clips"] == 2


def test_a_summary_of_one_kind_alone_is_still_json() -> None:
    told = json.loads(json.dumps(summary_of([clip(0.9, fake=True)]), allow_nan=False))
    assert told["auc"] is None
    assert told["false_positives"] is None
    assert told["found"] == 1
