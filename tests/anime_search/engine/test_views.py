"""What a query is read as: named views of one size, for any picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anime_search.engine.descriptor import at_frame_size
from anime_search.engine.views import first_views, mirrored, more_views, query_views
from tests.anime_search.engine.clips import Rgb
from tests.anime_search.engine.test_borders import detailed, framed, picture


def test_first_views_are_the_picture_and_what_its_borders_hold() -> None:
    rgb = picture()
    assert [view.name for view in first_views(rgb)] == ["full"]
    views = {view.name: view.rgb for view in first_views(framed(rgb, (40, 40, 0, 0), (0, 0, 0)))}
    assert list(views) == ["full", "borders_removed"]
    assert np.array_equal(views["borders_removed"], at_frame_size(rgb))


def test_mirrored_views_are_flipped_and_say_so() -> None:
    views = first_views(framed(picture(), (40, 40, 0, 0), (0, 0, 0)))
    flipped = mirrored(views)
    assert [view.name for view in flipped] == ["full+mirrored", "borders_removed+mirrored"]
    for view, other in zip(views, flipped, strict=True):
        assert np.array_equal(view.rgb[:, ::-1], other.rgb)
        assert other.rgb.flags.c_contiguous


def test_all_views_come_in_the_order_in_which_they_are_worth_asking() -> None:
    rgb = framed(detailed(), (40, 40, 0, 0), (0, 0, 0))
    names = [view.name for view in query_views(rgb)]
    first, more = [view.name for view in first_views(rgb)], [view.name for view in more_views(rgb)]
    assert names == [*first, *[f"{n}+mirrored" for n in first], *more, *[f"{n}+mirrored" for n in more]]


def test_padding_puts_a_cropped_picture_back_to_its_place() -> None:
    """Of a picture of which 9.7 % went on each side, the padded view shows the rest where it was."""
    whole = detailed(620, 350)
    rows, columns = round(350 * 0.12 / 1.24), round(620 * 0.12 / 1.24)
    cropped = whole[rows : 350 - rows, columns : 620 - columns]
    padded = next(view.rgb for view in more_views(cropped) if view.name == "padded")
    inner = (slice(20, 124), slice(35, 221))
    there, here = at_frame_size(whole)[inner].astype(int), padded[inner].astype(int)
    elsewhere = at_frame_size(cropped)[inner].astype(int)
    assert np.abs(there - here).mean() < 0.35 * np.abs(there - elsewhere).mean()


def test_a_narrow_picture_is_widened_to_what_it_may_have_been_cut_from() -> None:
    whole = detailed(640, 360)
    views = {view.name: view.rgb for view in more_views(np.ascontiguousarray(whole[:, 80:560]))}
    inner = (slice(None), slice(36, 220))
    difference = np.abs(views["widened"][inner].astype(int) - at_frame_size(whole)[inner].astype(int))
    assert difference.mean() < 8
    assert "widened" not in {view.name for view in more_views(whole)}


ODD: dict[str, tuple[int, int]] = {
    "one pixel": (1, 1),
    "a column": (3000, 2),
    "a row": (2, 3000),
    "small": (30, 40),
    "a strip": (24, 640),
    "large": (900, 1400),
}


@pytest.mark.parametrize("kind", ["flat", "noise", "stripes"])
@pytest.mark.parametrize("size", ODD)
def test_any_picture_has_views(size: str, kind: str) -> None:
    assert_views(odd_picture(*ODD[size], kind))


@settings(max_examples=20, deadline=None)
@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    kind=st.sampled_from(["flat", "noise", "stripes", "soft", "half"]),
    seed=st.integers(0, 1000),
)
def test_any_small_picture_has_views(height: int, width: int, kind: str, seed: int) -> None:
    assert_views(odd_picture(height, width, kind, seed))


def odd_picture(height: int, width: int, kind: str, seed: int = 1) -> Rgb:
    random = np.random.default_rng(seed)
    rgb = np.full((height, width, 3), random.integers(0, 256, 3), np.uint8)
    if kind == "noise":
        rgb = random.integers(0, 256, rgb.shape, np.uint8)
    elif kind == "stripes":
        rgb[:: int(random.integers(2, 40))] ^= 255
        rgb[:, :: int(random.integers(2, 40))] ^= 255
    elif kind == "soft":
        rgb = picture(width, height, seed)
    elif kind == "half":
        rgb[height // 2 :, width // 3 :] = random.integers(0, 256, 3)
    return rgb


def assert_views(rgb: Rgb) -> None:
    first, more = first_views(rgb), more_views(rgb)
    assert [view.name for view in first] in (["full"], ["full", "borders_removed"])
    assert 1 <= len(more) <= 6
    assert {view.rgb.shape for view in first + more} == {(144, 256, 3)}
    assert {view.rgb.dtype for view in first + more} == {np.dtype(np.uint8)}
    assert all(view.rgb.flags.c_contiguous for view in first + more)
