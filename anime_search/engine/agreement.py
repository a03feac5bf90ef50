"""How well the pixels of two pictures agree, whatever brightness, contrast and tint."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from video.reader import FRAME_HEIGHT, FRAME_WIDTH

#: Pixels are compared in half the size, in squares of so many pixels.
_WIDTH, _HEIGHT, _SQUARE = FRAME_WIDTH // 2, FRAME_HEIGHT // 2, 8
#: Standard deviation, in steps of luma, that counts as the noise of a flat square.
_NOISE = 3.0
#: Squares that can be compared, without which there is no saying whether pictures agree.
_FEWEST_SQUARES = 8
#: Steps in which a transform is improved, and the gain at which that ends.
_REFINING_STEPS, _REFINED_WITHIN = 6, 1e-3

_OUTSIDE = -1000.0

Luma = NDArray[np.float32]
Matrix = NDArray[np.float64]

IDENTITY: Matrix = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def half_luma(luma: NDArray[np.uint8]) -> Luma:
    """(144, 256) in half the size: the form in which pictures are compared."""
    return np.asarray(cv2.resize(luma, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA), np.float32)


def in_half_size(matrix: Matrix) -> Matrix:
    """The same transform between pictures of half the size, whose first pixel's middle lies at 0.5 of the large one."""
    halved = matrix.copy()
    halved[:, 2] = (matrix[:, :2].sum(axis=1) * 0.5 + matrix[:, 2] - 0.5) / 2
    return halved


def in_full_size(matrix: Matrix) -> Matrix:
    doubled = matrix.copy()
    doubled[:, 2] = 2 * matrix[:, 2] + 0.5 - matrix[:, :2].sum(axis=1) * 0.5
    return doubled


def refined_transform(query: Luma, candidate: Luma, matrix: Matrix) -> Matrix:
    """The transform improved on the pixels, where that improves it.

    By Evangelidis and Psarakis, "Parametric image alignment using enhanced correlation coefficient maximization"
    (PAMI 2008).
    """
    halved = in_half_size(matrix)
    criteria = (
        cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS,
        _REFINING_STEPS,
        _REFINED_WITHIN,
    )
    try:
        _, found = cv2.findTransformECC(
            query, candidate, halved.astype(np.float32), cv2.MOTION_AFFINE, criteria
        )
    except cv2.error:
        # It did not converge.
        return matrix
    refined = np.asarray(found, np.float64)
    better = agreement(query, candidate, refined)[0] > agreement(query, candidate, halved)[0]
    return in_full_size(refined) if better else matrix


def agreement(query: Luma, candidate: Luma, matrix: Matrix) -> tuple[float, float, float]:
    """How well the candidate, laid on the query by a transform between pictures of half the size, agrees with it.

    Returns:
        Of the squares' correlations the median and what four of five exceed, and the share of squares compared;
        zeros where there are too few of those.
    """
    correlations = np.sort(_correlations(query, candidate, matrix))
    count, share = len(correlations), len(correlations) / (_ROWS * _COLUMNS)
    if count < _FEWEST_SQUARES:
        return 0.0, 0.0, share
    return float(correlations[count // 2]), float(correlations[count // 5]), share


def mean_correlation(query: Luma, candidate: Luma, matrix: Matrix) -> float:
    """-1 to 1: lowered by a change in any part of the picture; 0 where there is too little to compare."""
    correlations = _correlations(query, candidate, matrix)
    return float(correlations.mean()) if len(correlations) >= _FEWEST_SQUARES else 0.0


def _correlations(query: Luma, candidate: Luma, matrix: Matrix) -> NDArray[np.floating]:
    """The normalised correlation of each square that both pictures cover once the candidate is laid on the query.

    Squares in which both are flat say nothing and are left out; one that is flat in one picture only has 0.
    """
    laid = np.asarray(
        cv2.warpAffine(
            candidate,
            matrix,
            (_WIDTH, _HEIGHT),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=_OUTSIDE,
        ),
        np.float32,
    )
    mean, mean_laid = _by_square(query), _by_square(laid)
    spread = _by_square(query * query) - mean * mean
    spread_laid = _by_square(laid * laid) - mean_laid * mean_laid
    shared = _by_square(query * laid) - mean * mean_laid
    noise = _NOISE**2
    # A square that lies partly outside has pixels far below 0.
    covered = cv2.erode(laid, _KERNEL)[_SQUARE // 2 :: _SQUARE, _SQUARE // 2 :: _SQUARE] >= 0
    telling = covered & (np.maximum(spread, spread_laid) > 2 * noise)
    return np.asarray((shared / np.sqrt((spread + noise) * (spread_laid + noise)))[telling])


_KERNEL = np.ones((_SQUARE, _SQUARE), np.uint8)
_ROWS, _COLUMNS = _HEIGHT // _SQUARE, _WIDTH // _SQUARE


def _by_square(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """The mean of each square."""
    return np.asarray(
        cv2.resize(np.asarray(values, np.float32), (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA)
    )
