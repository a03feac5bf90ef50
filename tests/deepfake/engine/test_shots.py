"""Which frames of a video are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import pytest

from deepfake.engine.scan import THUMB, Glimpse
from deepfake.engine.shots import choose, distinct, motion_of, shots_of
from tests.deepfake.engine.clips import Picture, scene


def glimpses(*passages: Iterable[Picture]) -> list[Glimpse]:
    """What a scan of these pictures sees, eight a second."""
    found: list[Glimpse] = []
    for passage, pictures in enumerate(passages):
        for picture in pictures:
            luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            colours = np.zeros(128, np.float32)
            classes, counts = np.unique((picture[::4, ::4] // 64) @ np.array([16, 4, 1]), return_counts=True)
            colours[classes] = counts / counts.sum()
            thumb = cv2.resize(luma, THUMB, interpolation=cv2.INTER_AREA).astype(np.float32)
            found.append(
                Glimpse(
                    len(found) / 8,
                    passage,
                    cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420),
                    0,
                    thumb,
                    colours,
                    float(luma.mean()),
                    float(luma.std()),
                )
            )
    return found


def joined(*scenes: Iterable[Picture]) -> list[Picture]:
    return [picture for each in scenes for picture in each]


def black(count: int) -> list[Picture]:
    return [np.full((240, 320, 3), 16, np.uint8)] * count


def shots_seen(video: Sequence[Glimpse], chosen: Sequence[int]) -> set[int]:
    return {int(shots_of(video)[number]) for number in chosen}


def test_a_cut_begins_a_new_shot_and_motion_does_not() -> None:
    fast = scene(12, level=60, seed=1, speed=30)
    shots = shots_of(glimpses(joined(fast, scene(12, level=180, seed=2))))
    assert shots.tolist() == [0] * 12 + [1] * 12


def test_a_slow_fade_is_no_cut() -> None:
    fade = [picture for level in range(40, 200, 8) for picture in scene(1, level=level)]
    assert set(shots_of(glimpses(fade))) == {0}


def test_what_was_not_decoded_separates_shots() -> None:
    assert shots_of(glimpses(scene(3), scene(3))).tolist() == [0, 0, 0, 1, 1, 1]


def test_every_shot_gets_frames_and_a_long_one_gets_more() -> None:
    video = glimpses(
        joined(
            scene(24, level=60, seed=1),
            scene(8, level=190, seed=2),
            scene(8, level=110, seed=3, contrast=160),
        )
    )
    chosen = choose(video, 10)
    assert len(chosen) == 10
    counts = np.bincount([shots_of(video)[number] for number in chosen])
    assert counts.tolist() == [6, 2, 2]


def test_the_longest_shots_come_first_where_there_are_more_shots_than_frames() -> None:
    lengths = (3, 12, 3, 12, 3)
    video = glimpses(
        joined(*(scene(length, level=50 + 130 * (at % 2), seed=at) for at, length in enumerate(lengths)))
    )
    assert shots_seen(video, choose(video, 2)) == {1, 3}


def test_frames_lie_inside_a_shot_not_at_its_cuts() -> None:
    video = glimpses(joined(scene(16, level=60), scene(16, level=190, seed=2)))
    assert not {0, 15, 16, 31} & set(choose(video, 4))


def test_black_frames_are_left_out() -> None:
    video = glimpses(joined(black(20), scene(10)))
    assert min(choose(video, 8)) >= 20


def test_a_video_that_is_black_all_through_is_still_looked_at() -> None:
    assert len(choose(glimpses(black(10)), 4)) == 4


def test_repeated_frames_are_left_out_where_there_are_enough_others() -> None:
    repeated = [picture for picture in scene(12) for _ in range(3)]
    video = glimpses(repeated)
    assert distinct(video) == list(range(0, 36, 3))
    assert {number % 3 for number in choose(video, 8)} == {0}


def test_repeated_frames_fill_up_where_there_are_too_few_others() -> None:
    still = list(scene(1)) * 10
    assert len(choose(glimpses(still), 8)) == 8


@pytest.mark.parametrize("count", [1, 2, 7])
def test_of_a_video_with_few_frames_all_are_taken(count: int) -> None:
    assert choose(glimpses(scene(count)), 16) == list(range(count))


def test_motion_is_measured_inside_shots_alone() -> None:
    still = [*list(scene(1, level=60)) * 6, *list(scene(1, level=190, seed=2)) * 6]
    assert motion_of(glimpses(still)) == pytest.approx(0)
    assert motion_of(glimpses(scene(8, speed=8))) > 2
    assert motion_of(glimpses(scene(1))) == 0


def test_a_jump_inside_the_same_place_is_no_cut() -> None:
    """A camera that is pulled round changes every pixel, and few of the colours."""
    still = list(scene(1, contrast=160)) * 8
    pulled = [np.roll(picture, 150, axis=1) for picture in still]
    video = glimpses([*still, *pulled])
    assert np.abs(video[7].thumb - video[8].thumb).mean() > 20
    assert set(shots_of(video)) == {0}
