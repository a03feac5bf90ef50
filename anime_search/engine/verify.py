"""Whether two pictures show the same drawing: local features that fit one transform, then the pixels themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.engine.agreement import (
    IDENTITY,
    Luma,
    Matrix,
    agreement,
    half_luma,
    in_half_size,
    mean_correlation,
    refined_transform,
)
from video.reader import FRAME_HEIGHT, FRAME_WIDTH

#: Corners that are described of a picture, at most.
_FEATURES = 200
#: FAST's threshold in steps of luma: anime is drawn in flat areas with soft edges, the usual 20 finds too few. A
#: picture with fewer corners than that, a dark one mostly, is looked at again with the second one.
_FAST_THRESHOLD, _FAINT_THRESHOLD, _FEW = 10, 3, 60
#: A pyramid that reaches scale 2 in few steps: views of a query are at nearly the frame's own scale.
_LEVELS, _LEVEL_SCALE, _EDGE, _PATCH = 4, 1.25, 12, 31

#: Views are upright and at most a crop away from the frame. Two features belong together only if they are no
#: farther apart than this share of the picture's width and height, ...
_REACH = 0.4
#: ... are turned by no more degrees, ...
_TURN = 40.0
#: ... differ in no more of the 256 bits, ...
_MOST_BITS = 72
#: ... and in fewer than this share of those by which the next best feature elsewhere differs (Lowe's ratio test,
#: "Distinctive image features from scale-invariant keypoints", 2004). Elsewhere: more pixels away than that,
#: since one corner is often found at several scales.
_RATIO, _ELSEWHERE = 0.9, 5.0

#: A match fits a transform if it is off by fewer pixels.
_FITS_WITHIN = 3.0
#: Once the transform is known, features are matched again within so many pixels of where it says.
_GUIDED_WITHIN, _GUIDED_BITS = 5.0, 80
_TRIALS, _CONFIDENCE = 200, 0.99
#: Matches without which nothing is estimated.
_FEWEST = 4

#: What a transform between a view and its frame may do: scales, their ratio, and degrees of turning.
_LEAST_SCALE, _MOST_SCALE, _MOST_STRETCH, _MOST_TURN = 0.45, 1.6, 1.8, 20.0

#: Below this many inliers the pixels are compared without any transform as well, ...
_CERTAIN = 12
#: ... and below this many the transform is improved on the pixels.
_SURE = 30

_GRID_COLUMNS, _GRID_ROWS = 8, 4
#: Pictures that agree about as well as they lie need no transform.
_NO_BETTER = 0.03
_NEVER = 257


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What is compared of a picture.

    Attributes:
        points: (N, 3) float32: x and y in pixels, and the direction in degrees.
        bits: (N, 4) uint64, the 256 bits of each.
        luma: (72, 128) float32.
    """

    points: NDArray[np.float32]
    bits: NDArray[np.uint64]
    luma: Luma


@dataclass(frozen=True, slots=True)
class Verification:
    """What speaks for a candidate being the query's very drawing.

    Attributes:
        inliers: local features that are where one plausible transform puts them.
        coverage: 0 to 1, share of the query's 8 x 4 fields in which there are any.
        agreement: -1 to 1, the median over squares of how well their pixels correlate once aligned, whatever
            brightness and contrast: 0.6 or more in 95 of 100 pairs of the same drawing, 0.25 or less in 95 of 100
            pairs out of one show.
        weakest: -1 to 1, what four of five squares exceed: low where a part of the picture is another.
        compared: 0 to 1, share of the query's squares that hold something to compare.
        transform: six numbers of the affine map from the query's pixels to the candidate's, row by row; None
            where none was found and the pictures were compared as they lie.
    """

    inliers: int
    coverage: float
    agreement: float
    weakest: float
    compared: float
    transform: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class Refinement:
    """Which of some neighbouring pictures is the query's.

    Attributes:
        position: among the pictures that were compared.
        agreements: -1 to 1, how well each lies on the query; -1 for one that is missing.
    """

    position: int
    agreements: tuple[float, ...]


class Verifier:
    """Compares views of a query with stored pictures. One serves any number of threads."""

    def features(self, rgb: NDArray[np.uint8]) -> Features:
        """What :meth:`check` needs of a picture.

        The features are ORB's (Rublee et al., "ORB: an efficient alternative to SIFT or SURF", ICCV 2011).

        Args:
            rgb: (144, 256, 3) uint8.

        Raises:
            ValueError: the picture has another shape.
        """
        if rgb.shape != (FRAME_HEIGHT, FRAME_WIDTH, 3):
            raise ValueError(f"a picture of {FRAME_HEIGHT} x {FRAME_WIDTH} x 3 is wanted, not {rgb.shape}")
        luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        corners, described = _orb(_FAST_THRESHOLD).detectAndCompute(luma, None)
        if len(corners) < _FEW:
            corners, described = _orb(_FAINT_THRESHOLD).detectAndCompute(luma, None)
        points = np.empty((len(corners), 3), np.float32)
        bits = np.empty((0, 4), np.uint64)
        if corners:
            points[:, :2] = cv2.KeyPoint.convert(corners)
            points[:, 2] = [corner.angle for corner in corners]
            bits = np.ascontiguousarray(described).view(np.uint64)
        return Features(points, bits, half_luma(np.asarray(luma, np.uint8)))

    def pixels(self, rgb: NDArray[np.uint8]) -> Features:
        """What :meth:`refine` needs of a picture: no local features, at a third of the cost.

        Args:
            rgb: (144, 256, 3) uint8.
        """
        luma = half_luma(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8))
        return Features(np.empty((0, 3), np.float32), np.empty((0, 4), np.uint64), luma)

    def check(self, query: Features, candidate: Features) -> Verification:
        """Look for a transform that lays the candidate on the query, and compare what then lies on each other."""
        found = _transform(query, candidate)
        as_it_lies = Verification(0, 0.0, *agreement(query.luma, candidate.luma, IDENTITY), None)
        if found is None:
            return as_it_lies
        matrix, inliers, coverage = found
        if inliers < _SURE:
            refined = refined_transform(query.luma, candidate.luma, matrix)
            matrix = refined if _is_plausible(refined) else matrix
        halved = in_half_size(matrix)
        aligned = Verification(
            inliers,
            coverage,
            *agreement(query.luma, candidate.luma, halved),
            tuple(float(number) for number in matrix.ravel()),
        )
        if inliers < _CERTAIN and as_it_lies.agreement > aligned.agreement:
            return replace(as_it_lies, inliers=inliers, coverage=coverage)
        return aligned

    def refine(
        self, query: Features, known: Verification, neighbours: Sequence[Features | None]
    ) -> Refinement | None:
        """The neighbour that lies best on the query.

        Runs of one shot differ by a mouth, a hand or a step of the camera. No transform is estimated for each of
        them, for that would undo the camera's step: they are compared as they lie or, where one then agrees clearly
        better, under the one that is known, by the mean over squares, which a change in a small part lowers.

        Args:
            known: the verification of one of them.
            neighbours: pictures of runs next to each other; None where one is missing.

        Returns:
            None if there is no picture at all.
        """
        if not any(neighbour is not None for neighbour in neighbours):
            return None
        scores = _lying(query, neighbours, IDENTITY)
        if known.transform is not None:
            moved = _lying(query, neighbours, in_half_size(np.array(known.transform).reshape(2, 3)))
            # A transform that was found on one of them may be the step of the camera from there to another.
            if max(moved) > max(scores) + _NO_BETTER:
                scores = moved
        return Refinement(int(np.argmax(scores)), tuple(scores))


def _lying(query: Features, neighbours: Sequence[Features | None], matrix: Matrix) -> list[float]:
    return [
        -1.0 if neighbour is None else mean_correlation(query.luma, neighbour.luma, matrix)
        for neighbour in neighbours
    ]


def _orb(fast_threshold: int) -> cv2.ORB:
    """A detector of one picture's own: OpenCV's are no safe company for several threads, and made in microseconds."""
    return cv2.ORB.create(
        nfeatures=_FEATURES,
        fastThreshold=fast_threshold,
        nlevels=_LEVELS,
        scaleFactor=_LEVEL_SCALE,
        edgeThreshold=_EDGE,
        patchSize=_PATCH,
    )


def _transform(query: Features, candidate: Features) -> tuple[Matrix, int, float] | None:
    """Affine map from query to candidate, the features that it fits, and the share of fields that hold them."""
    if min(len(query.points), len(candidate.points)) < _FEWEST:
        return None
    bits = _different_bits(query.bits, candidate.bits)
    turned = np.abs(query.points[:, 2:] - candidate.points[:, 2])
    turned = np.minimum(turned, 360.0 - turned) > _TURN
    mine, theirs = _matches(query, candidate, bits, turned)
    if len(mine) < _FEWEST:
        return None
    start, theirs_at = query.points[mine, :2], candidate.points[theirs, :2]
    matrix, fitting = cv2.estimateAffine2D(
        start,
        theirs_at,
        method=cv2.USAC_MAGSAC,
        ransacReprojThreshold=_FITS_WITHIN,
        maxIters=_TRIALS,
        confidence=_CONFIDENCE,
        refineIters=0,
    )
    found = np.asarray(matrix, np.float64)
    # Where nothing was found, OpenCV gives None or an empty matrix, whatever its stubs say.
    if found.shape != (2, 3) or not _is_plausible(found):
        return None
    inside = start[np.asarray(fitting).ravel() > 0]
    fitted, inside = _guided(query, candidate, bits, turned, found, inside)
    if len(inside) < _FEWEST:
        return None
    fields = (inside[:, 0] * _GRID_COLUMNS / FRAME_WIDTH).astype(int) * _GRID_ROWS
    fields += (inside[:, 1] * _GRID_ROWS / FRAME_HEIGHT).astype(int)
    return fitted, len(inside), len(set(fields.tolist())) / (_GRID_COLUMNS * _GRID_ROWS)


def _different_bits(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.int16]:
    different = np.bitwise_count(one[:, :1] ^ other[:, 0]).astype(np.int16)
    for word in range(1, one.shape[1]):
        different += np.bitwise_count(one[:, word : word + 1] ^ other[:, word])
    return np.asarray(different, np.int16)


def _matches(
    query: Features, candidate: Features, bits: NDArray[np.int16], turned: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of features that are each other's best, and clearly better than the second best."""
    across = np.abs(query.points[:, :1] - candidate.points[:, 0])
    down = np.abs(query.points[:, 1:2] - candidate.points[:, 1])
    far = (across > _REACH * FRAME_WIDTH) | (down > _REACH * FRAME_HEIGHT) | turned
    allowed = np.where(far, np.int16(_NEVER), bits)
    rows = np.arange(len(allowed))
    best, back = allowed.argmin(axis=1), allowed.argmin(axis=0)
    least = allowed[rows, best]
    place = candidate.points[best]
    beside = np.abs(place[:, :1] - candidate.points[:, 0]) < _ELSEWHERE
    beside &= np.abs(place[:, 1:2] - candidate.points[:, 1]) < _ELSEWHERE
    allowed[beside] = _NEVER
    chosen = (least <= _MOST_BITS) & (least < _RATIO * allowed.min(axis=1)) & (back[best] == rows)
    return rows[chosen], best[chosen]


def _guided(
    query: Features,
    candidate: Features,
    bits: NDArray[np.int16],
    turned: NDArray[np.bool_],
    matrix: Matrix,
    inside: NDArray[np.float32],
) -> tuple[Matrix, NDArray[np.float32]]:
    """Match again near where the transform says, and fit it to what that finds; the old one if it is no better."""
    expected = query.points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    off = np.abs(expected[:, :1] - candidate.points[:, 0]) > _GUIDED_WITHIN
    off |= np.abs(expected[:, 1:2] - candidate.points[:, 1]) > _GUIDED_WITHIN
    allowed = np.where(off | turned, np.int16(_NEVER), bits)
    rows = np.arange(len(allowed))
    best, back = allowed.argmin(axis=1), allowed.argmin(axis=0)
    chosen = (allowed[rows, best] <= _GUIDED_BITS) & (back[best] == rows)
    start, end = query.points[chosen, :2], candidate.points[best[chosen], :2]
    if len(start) < _FEWEST:
        return matrix, inside
    inputs = np.column_stack([start, np.ones(len(start))])
    trust = np.ones(len(start))
    for _ in range(2):
        # Cauchy's weights: what is far off pulls little.
        fitted = np.linalg.lstsq(inputs * trust[:, None], end * trust[:, None], rcond=None)[0]
        distance = np.linalg.norm(inputs @ fitted - end, axis=1)
        trust = 1.0 / (1.0 + (distance / 2.0) ** 2)
    fits = distance < _FITS_WITHIN
    if int(fits.sum()) < 0.8 * len(inside) or not _is_plausible(fitted.T):
        return matrix, inside
    return np.asarray(fitted.T, np.float64), start[fits]


def _is_plausible(matrix: NDArray[np.floating]) -> bool:
    """Whether somebody may have done this to a picture: no collapse, no mirror, no wild stretching or turning."""
    square = matrix[:, :2]
    if not np.isfinite(matrix).all() or np.linalg.det(square) <= 0:
        return False
    largest, smallest = np.linalg.svd(square, compute_uv=False)
    turn = np.degrees(np.arctan2(square[1, 0] - square[0, 1], square[0, 0] + square[1, 1]))
    return bool(
        smallest > _LEAST_SCALE
        and largest < _MOST_SCALE
        and largest < _MOST_STRETCH * smallest
        and abs(turn) < _MOST_TURN
    )
