"""Scene boundaries: found where one picture follows another, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from anime_search.engine.cuts import CutFinder, scene_around
from anime_search.engine.descriptor import DctDescriptor, is_flat
from anime_search.engine.stamp import FileStamp
from anime_search.engine.track import load_cuts, load_track, save_track, track_path
from anime_search.engine.work import TrackOrder, carry_out
from tests.anime_search.engine.clips import Clip, Rgb, write_clip
from video.reader import VideoLimits

DCT = DctDescriptor()
SAMPLE_S = 1 / 12


def drawing(seed: int, size: tuple[int, int] = (256, 144)) -> Rgb:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 8, 3), np.uint8)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)


def cuts_of(pictures: list[Rgb], *, rate_hz: float = 12.0, batch: int = 64) -> list[tuple[int, int]]:
    """Transitions as (last sample of the old scene, first of the new one)."""
    finder = CutFinder()
    for at in range(0, len(pictures), batch):
        part = pictures[at : at + batch]
        timed = [(round(number * 1000 / rate_hz), picture) for number, picture in enumerate(part, start=at)]
        finder.extend(timed, DCT.describe(np.stack(part)), [is_flat(picture) for picture in part])
    found = finder.finish(0.0)
    return [(round(begin * rate_hz / 1000), round(end * rate_hz / 1000)) for begin, end in found]


def moving(seed: int, count: int) -> list[Rgb]:
    """A camera that goes over a large drawing."""
    wide = drawing(seed, (640, 144))
    return [np.ascontiguousarray(wide[:, n * 380 // count :][:, :256]) for n in range(count)]


def faded(one: list[Rgb], other: list[Rgb], over: int) -> list[Rgb]:
    """One into the other, over that many samples between the pure ones."""
    shares = [(n + 1) / (over + 1) for n in range(over)]
    mixed = [
        cv2.addWeighted(a, 1 - share, b, share, 0)
        for a, b, share in zip(one[-over:], other[:over], shares, strict=True)
    ]
    return one[:-over] + mixed + other[over:]


def test_a_cut_lies_between_the_samples_on_both_sides() -> None:
    assert cuts_of([drawing(1)] * 20 + [drawing(2)] * 20 + [drawing(3)] * 20) == [(19, 20), (39, 40)]


def test_cuts_between_moving_shots_are_found_and_the_movement_is_not() -> None:
    shots = [moving(seed, 30) for seed in range(6)]
    assert cuts_of([picture for shot in shots for picture in shot]) == [
        (30 * n - 1, 30 * n) for n in range(1, 6)
    ]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_flash_is_no_cut(length: int) -> None:
    shot = moving(1, 120)[:40]
    white = [cv2.addWeighted(picture, 0.15, np.full_like(picture, 255), 0.85, 0) for picture in shot]
    odd = [drawing(9)] * 40
    for other in (white, odd):
        assert cuts_of(shot[:18] + other[18 : 18 + length] + shot[18 + length :]) == []


def test_flickering_light_is_no_cut() -> None:
    random = np.random.default_rng(4)
    shot = [np.clip(picture * random.uniform(0.5, 1.2), 0, 255).astype(np.uint8) for picture in moving(1, 48)]
    assert cuts_of(shot) == []


@pytest.mark.parametrize("over", [5, 8, 12])
def test_a_cross_fade_is_one_transition(over: int) -> None:
    found = cuts_of(faded([drawing(1)] * 30, [drawing(2)] * 30, over))
    assert len(found) == 1
    begin, end = found[0]
    assert begin <= 30 - over / 2 <= end
    assert 30 - over - 4 <= begin
    assert end <= 30 + 5


def test_a_fade_through_black_is_a_cut_if_the_picture_is_another_behind_it() -> None:
    black = [np.zeros((144, 256, 3), np.uint8)]
    down = [(drawing(1) * share).astype(np.uint8) for share in (0.75, 0.5, 0.25)]
    up = [(drawing(2) * share).astype(np.uint8) for share in (0.25, 0.5, 0.75)]
    found = cuts_of([drawing(1)] * 20 + down + black * 4 + up + [drawing(2)] * 20)
    assert found == [(22, 27)]
    assert cuts_of([drawing(1)] * 20 + down + black * 4 + down[::-1] + [drawing(1)] * 20) == []
    long_black = [drawing(1)] * 20 + black * 24 + [drawing(1)] * 20
    assert cuts_of(long_black) == [(19, 44)]


def test_black_at_either_end_is_no_cut() -> None:
    black = [np.zeros((144, 256, 3), np.uint8)] * 10
    assert cuts_of(black + [drawing(1)] * 20 + black) == []


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_short_videos_have_no_cuts(count: int) -> None:
    assert cuts_of([drawing(1)] * count) == []
    assert cuts_of([np.zeros((144, 256, 3), np.uint8)] * count) == []


def test_long_videos_are_found_to_the_end_in_bounded_memory() -> None:
    shots = [drawing(seed) for seed in range(8)]
    pictures = [shots[number // 13 % 8] for number in range(3000)]
    expected = [(at - 1, at) for at in range(13, 3000, 13)]
    assert cuts_of(pictures) == expected
    assert cuts_of(pictures, batch=7) == expected
    finder = CutFinder()
    vectors = DCT.describe(np.stack([shots[0]]))
    for number in range(3000):
        finder.extend([(number * 83, shots[0])], vectors, [False])
    assert len(finder._times) < 1100


def test_the_sampling_rate_does_not_matter() -> None:
    pictures = [picture for seed in range(4) for picture in [drawing(seed)] * 60]
    found = cuts_of(pictures, rate_hz=60.0)
    assert len(found) == 3
    assert all(begin < 60 * n <= end and end - begin <= 6 for n, (begin, end) in enumerate(found, start=1))
    assert len(cuts_of([drawing(n // 4) for n in range(16)], rate_hz=1.0)) == 3


# --- looking up


def cuts(*spans: tuple[int, int]) -> NDArray[np.int32]:
    return np.array(spans, np.int32).reshape(-1, 2)


THREE = cuts((2000, 2040), (6000, 6500), (20_000, 20_040))


@pytest.mark.parametrize(
    ("at_s", "scene"),
    [
        (0.0, (0.0, 2.0)),
        (1.0, (0.0, 2.0)),
        (2.05, (2.04, 6.0)),
        (4.0, (2.04, 6.0)),
        (6.1, (2.04, 6.1)),
        (6.4, (6.4, 11.4)),
        (12.0, (7.0, 17.0)),
        (19.0, (14.0, 20.0)),
        (21.0, (20.04, 26.0)),
        (29.5, (24.5, 30.0)),
    ],
)
def test_the_scene_around_a_time(at_s: float, scene: tuple[float, float]) -> None:
    assert scene_around(THREE, at_s, 30.0) == pytest.approx(scene)


def test_a_short_scene_takes_in_its_neighbour() -> None:
    quick = cuts((2000, 2000), (2300, 2300), (2600, 2600), (5000, 5000))
    assert scene_around(quick, 2.1, 10.0) == (2.0, 5.0)
    assert scene_around(quick, 2.1, 10.0, least_s=0.2) == (2.0, 2.3)
    assert scene_around(cuts((9500, 9500)), 9.8, 10.0) == pytest.approx((4.8, 10.0))


def test_limits_are_kept_on_both_sides() -> None:
    assert scene_around(THREE, 12.0, 30.0, most_before_s=1.0, most_after_s=2.0) == (11.0, 14.0)


def test_without_cuts_the_limits_alone_count() -> None:
    for nothing in (None, cuts()):
        assert scene_around(nothing, 12.0, 30.0) == (7.0, 17.0)
        assert scene_around(nothing, 1.0, 30.0) == (0.0, 6.0)
        assert scene_around(nothing, 29.0, 30.0) == (24.0, 30.0)


def test_a_scene_always_holds_its_time() -> None:
    random = np.random.default_rng(8)
    for _ in range(300):
        edges = np.sort(random.integers(0, 20_000, 2 * int(random.integers(0, 12))))
        at_s = float(random.uniform(0, 20))
        start_s, end_s = scene_around(cuts(*map(tuple, edges.reshape(-1, 2))), at_s, 20.0)
        assert 0 <= start_s <= at_s <= end_s <= 20
        assert end_s - start_s <= 10 + 1e-9


def test_a_track_from_before_cuts_were_looked_for_is_made_anew(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(frames=24))
    order = TrackOrder(path, FileStamp.of(path), "ab" * 32, tmp_path, DCT.name, 12.0, VideoLimits())
    carry_out(order)
    lying = track_path(tmp_path, DCT.name, "ab" * 32)
    save_track(replace(load_track(lying), cuts_ms=None), lying)
    assert load_cuts(lying) is None
    carry_out(order)
    assert load_cuts(lying) is not None


def test_cuts_of_a_damaged_or_missing_track_are_none(tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"no track at all")
    assert load_cuts(tmp_path / "broken.safetensors") is None
    assert load_cuts(tmp_path / "none.safetensors") is None
