"""Sources count alike, GIFs give no label away, and folds share no page."""

from __future__ import annotations

import numpy as np
import pytest

from deepfake.training.clips import TrainingClip
from deepfake.training.weighting import balanced_weights, folds_of
from tests.deepfake.training.collection import a_clip


def of_source(source: str, count: int, *, fake: bool, **changes: object) -> list[TrainingClip]:
    return [
        a_clip(number, source=source, fake=fake, repo=f"page/{source}", **changes) for number in range(count)
    ]


def weight_of(clips: list[TrainingClip], source: str) -> float:
    weights = balanced_weights(clips)
    return float(sum(weight for weight, clip in zip(weights, clips, strict=True) if clip.source == source))


def test_labels_and_sources_get_the_same_weight() -> None:
    clips = [
        *of_source("many", 30, fake=True),
        *of_source("few", 10, fake=True),
        *of_source("street", 5, fake=False),
    ]
    assert weight_of(clips, "many") == pytest.approx(0.25)
    assert weight_of(clips, "few") == pytest.approx(0.25)
    assert weight_of(clips, "street") == pytest.approx(0.5)


def test_robots_count_less() -> None:
    clips = [
        *of_source("gen", 4, fake=True),
        *of_source("street", 4, fake=False),
        *of_source("droid_1", 4, fake=False),
    ]
    assert weight_of(clips, "droid_1") == pytest.approx(weight_of(clips, "street") / 4)


def test_a_single_clip_does_not_count_like_a_whole_source() -> None:
    clips = [
        *of_source("many", 99, fake=True),
        *of_source("one", 1, fake=True),
        *of_source("street", 4, fake=False),
    ]
    assert weight_of(clips, "one") < 0.2 * weight_of(clips, "many")


def test_gifs_have_the_same_share_of_both_labels() -> None:
    clips = [
        *of_source("dithered", 5, fake=True, gif=True),
        *of_source("plain", 5, fake=True),
        *of_source("street", 8, fake=False),
        *of_source("old", 2, fake=False, gif=True),
        *of_source("other", 8, fake=False),
    ]
    weights = balanced_weights(clips)
    shares = [
        sum(weight for weight, clip in zip(weights, clips, strict=True) if clip.fake == fake and clip.gif)
        for fake in (True, False)
    ]
    assert shares[0] == pytest.approx(shares[1])
    assert shares[0] > 0
    assert weights.sum() == pytest.approx(1)


def test_folds_share_no_page_and_no_source_and_hold_both_labels() -> None:
    clips = [clip for name in "abcdef" for clip in of_source(name, 4, fake=True)]
    clips += [clip for name in "ghijkl" for clip in of_source(name, 3, fake=False)]
    # One page with both, and one source on two pages.
    clips += [a_clip(source="m", repo="page/g"), a_clip(source="m", repo="page/n")]
    folds = folds_of(clips, 3)
    for key in (lambda clip: clip.repo, lambda clip: (clip.fake, clip.source)):
        held = {}
        for clip, fold in zip(clips, folds, strict=True):
            assert held.setdefault(key(clip), fold) == fold
    for fold in range(3):
        assert {clip.fake for clip, own in zip(clips, folds, strict=True) if own == fold} == {True, False}
    assert np.array_equal(folds, folds_of(clips, 3))
