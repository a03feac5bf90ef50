"""Verification tells the same drawing, whatever was done to it, from any other one."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from anime_search.engine.verify import Verification, Verifier
from tests.anime_search.engine.drawings import Rgb, drawing, frame

VERIFIER = Verifier()


def check(query: Rgb, stored: Rgb) -> Verification:
    return VERIFIER.check(VERIFIER.features(query), VERIFIER.features(stored))


def cropped(rgb: Rgb) -> Rgb:
    return rgb[50:260, 20:400]


def turned(rgb: Rgb) -> Rgb:
    matrix = cv2.getRotationMatrix2D((256, 144), 4, 1.0)
    return cv2.warpAffine(rgb, matrix, (512, 288))


def darkened(rgb: Rgb) -> Rgb:
    return (255 * (rgb / 255.0) ** 1.6 * 0.7).astype(np.uint8)


def grey(rgb: Rgb) -> Rgb:
    return cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def compressed(rgb: Rgb) -> Rgb:
    return cv2.imdecode(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 25])[1], cv2.IMREAD_COLOR)


def captioned(rgb: Rgb) -> Rgb:
    return cv2.putText(
        rgb.copy(), "what they said", (60, 270), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (255, 255, 255), 4
    )


def cut_to_4_3(rgb: Rgb) -> Rgb:
    return rgb[:, 64:448]


def seen_from_the_side(rgb: Rgb) -> Rgb:
    corners = np.array([(0, 0), (512, 0), (512, 288), (0, 288)], np.float32)
    moved = corners + np.array([(12, 8), (-6, -4), (-14, 4), (4, -8)], np.float32)
    return cv2.warpPerspective(rgb, cv2.getPerspectiveTransform(corners, moved), (512, 288))


CHANGES = [
    cropped,
    turned,
    darkened,
    grey,
    compressed,
    captioned,
    cut_to_4_3,
    seen_from_the_side,
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_drawing_is_known_whatever_was_done_to_it(change: Callable[[Rgb], Rgb], seed: int) -> None:
    found = check(frame(change(drawing(seed))), frame(drawing(seed)))
    assert found.inliers >= 20
    assert found.agreement > 0.5
    assert found.coverage > 0.3
    assert found.transform is not None


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_another_drawing_is_not_taken_for_it(change: Callable[[Rgb], Rgb], seed: int) -> None:
    found = check(frame(change(drawing(seed))), frame(drawing(seed + 100)))
    assert found.inliers < 8
    assert found.agreement < 0.3


def test_the_transform_says_where_the_query_lies() -> None:
    whole = drawing(4)
    found = check(frame(whole[58:288, 0:410]), frame(whole))
    assert found.transform is not None
    a, b, x, c, d, y = found.transform
    assert [a, d] == pytest.approx([410 / 512, 230 / 288], abs=0.01)
    assert [b, c] == pytest.approx([0, 0], abs=0.01)
    assert [x, y] == pytest.approx([0, 58 / 2], abs=0.7)


def test_a_mirrored_picture_is_another_one() -> None:
    found = check(frame(drawing(5))[:, ::-1].copy(), frame(drawing(5)))
    assert found.inliers < 8
    assert found.agreement < 0.3


def test_an_upside_down_picture_is_another_one() -> None:
    assert check(frame(drawing(5))[::-1, ::-1].copy(), frame(drawing(5))).inliers < 8


def test_another_figure_before_the_same_background_shows_in_the_weakest_squares() -> None:
    background, one, other = drawing(6), drawing(7), drawing(8)
    with_one, with_other = background.copy(), background.copy()
    with_one[40:, 150:370], with_other[40:, 150:370] = one[40:, 150:370], other[40:, 150:370]
    same, different = check(frame(with_one), frame(with_one)), check(frame(with_one), frame(with_other))
    assert same.weakest > 0.9
    assert different.weakest < 0.3
    assert different.agreement < same.agreement


@pytest.mark.parametrize("level", [0, 17, 255])
def test_plain_pictures_have_nothing_in_common(level: int) -> None:
    plain = np.full((144, 256, 3), level, np.uint8)
    for query, stored in ((plain, plain), (plain, frame(drawing(1))), (frame(drawing(1)), plain)):
        found = check(query, stored)
        assert (found.inliers, found.coverage, found.transform) == (0, 0.0, None)
        assert found.agreement == pytest.approx(0.0, abs=0.05)
    assert check(plain, plain).compared == 0.0


def test_a_soft_picture_without_corners_is_compared_as_it_lies() -> None:
    def soft(seed: int) -> Rgb:
        coarse = np.random.default_rng(seed).integers(60, 190, (3, 5, 3), np.uint8)
        return cv2.GaussianBlur(cv2.resize(coarse, (256, 144), interpolation=cv2.INTER_CUBIC), (0, 0), 8)

    noise = np.random.default_rng(0).normal(0, 2, (144, 256, 3))
    found = check(np.clip(soft(1) * 0.8 + noise + 10, 0, 255).astype(np.uint8), soft(1))
    assert found.agreement > 0.6
    assert check(soft(2), soft(1)).agreement < 0.4


def test_noise_agrees_with_nothing() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (2, 144, 256, 3), np.uint8)
    found = check(noise[0], noise[1])
    assert found.inliers < 8
    assert abs(found.agreement) < 0.2


def test_the_answer_is_the_same_each_time() -> None:
    query, stored = VERIFIER.features(frame(cropped(drawing(9)))), VERIFIER.features(frame(drawing(9)))
    assert VERIFIER.check(query, stored) == VERIFIER.check(query, stored)


def test_a_picture_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="144 x 256"):
        VERIFIER.features(np.zeros((256, 144, 3), np.uint8))


# --- which of the neighbours


def mouths() -> list[Rgb]:
    """One drawing with a mouth in five positions."""
    drawn = []
    for step in range(5):
        picture = drawing(11)
        cv2.ellipse(picture, (250, 150), (46, 4 + 9 * step), 0, 0, 360, (230, 60, 70), -1, cv2.LINE_AA)
        drawn.append(picture)
    return drawn


@pytest.mark.parametrize("shown", range(5))
@pytest.mark.parametrize("change", [cropped, darkened, compressed])
def test_the_neighbour_with_the_very_mouth_is_chosen(shown: int, change: Callable[[Rgb], Rgb]) -> None:
    pictures = mouths()
    query = VERIFIER.features(frame(change(pictures[shown])))
    stored = [VERIFIER.features(frame(picture)) for picture in pictures]
    known = VERIFIER.check(query, stored[2])
    refined = VERIFIER.refine(query, known, stored)
    assert refined is not None
    assert refined.position == shown
    assert len(refined.agreements) == 5


def test_missing_neighbours_are_passed_over() -> None:
    pictures = [VERIFIER.features(frame(picture)) for picture in mouths()]
    known = VERIFIER.check(pictures[3], pictures[3])
    refined = VERIFIER.refine(pictures[3], known, [None, pictures[1], None, pictures[3]])
    assert refined is not None
    assert (refined.position, refined.agreements[0]) == (3, -1.0)
    assert VERIFIER.refine(pictures[3], known, [None, None]) is None
    assert VERIFIER.refine(pictures[3], known, []) is None
