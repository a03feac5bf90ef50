"""Frame descriptors: pictures in, unit vectors out."""

from __future__ import annotations

from functools import cache
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from video.reader import FRAME_HEIGHT, FRAME_WIDTH

Vectors = NDArray[np.float32]


class Descriptor(Protocol):
    """Turns pictures into vectors whose inner product says how alike the pictures are.

    Attributes:
        name: identifies the computation exactly; vectors of two names are never compared.
        dim: length of a vector.
    """

    name: str
    dim: int

    def describe(self, pictures: NDArray[np.uint8]) -> Vectors:
        """Describe (N, 144, 256, 3) uint8 RGB as (N, dim) float32 of unit length."""
        ...


class DctDescriptor:
    """Low frequencies of luma and chroma: 64 + 2 x 16 numbers.

    A picture is reduced to 32x18, its luma and two chroma planes (ITU-R BT.601) are transformed by a
    two-dimensional DCT-II, and the coefficients of lowest frequency are kept: the idea of the colour
    layout descriptor (ISO/IEC 15938-3, MPEG-7 Visual) with three times its numbers. Luma goes without its
    mean and is scaled to unit length, so brightness and contrast fall away. The signed square root keeps
    a few large coefficients from deciding alone (the power norm of Perronnin et al., ECCV 2010).
    """

    name = "dct96-1"
    dim = 96

    #: An eighth of a frame: reducing by a whole number is the fast way through OpenCV.
    _COLUMNS, _ROWS = FRAME_WIDTH // 8, FRAME_HEIGHT // 8
    _LUMA, _CHROMA = 64, 16
    #: Weight of colour against luma: grey and tinted copies must still be found.
    _CHROMA_WEIGHT = 0.6
    #: Added to the norms, so that noise in a flat plane is not blown up to full weight.
    _LUMA_FLOOR, _CHROMA_FLOOR = 2.0, 6.0

    def describe(self, pictures: NDArray[np.uint8]) -> Vectors:
        """See :meth:`Descriptor.describe`."""
        planes = np.empty((len(pictures), 3, self._ROWS, self._COLUMNS), np.float32)
        for index, picture in enumerate(pictures):
            small = cv2.resize(picture, (self._COLUMNS, self._ROWS), interpolation=cv2.INTER_AREA)
            planes[index] = cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb).transpose(2, 0, 1)
        planes[:, 1:] -= 128.0
        spectrum = _dct_basis(self._ROWS) @ planes @ _dct_basis(self._COLUMNS).T
        luma = _signed_root(spectrum[:, 0, *_lowest(self._LUMA, skip_mean=True)])
        chroma_at = _lowest(self._CHROMA, skip_mean=False)
        chroma = _signed_root(
            np.concatenate([spectrum[:, 1, *chroma_at], spectrum[:, 2, *chroma_at]], axis=1),
        )
        luma /= np.linalg.norm(luma, axis=1, keepdims=True) + self._LUMA_FLOOR
        chroma /= np.linalg.norm(chroma, axis=1, keepdims=True) + self._CHROMA_FLOOR
        return unit_length(np.concatenate([luma, self._CHROMA_WEIGHT * chroma], axis=1))


def unit_length(vectors: NDArray[np.floating]) -> Vectors:
    """Scale the rows of (N, D) to length 1; a row of zeros stays what it is."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(norms, 1e-9), dtype=np.float32)


def at_frame_size(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce any (H, W, 3) picture to (144, 256, 3), as decoding does with a video's frames."""
    return np.asarray(cv2.resize(rgb, (FRAME_WIDTH, FRAME_HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def is_flat(rgb: NDArray[np.uint8], threshold: float = 4.0) -> bool:
    """Whether a picture holds next to nothing: a fade's black, a plain colour.

    Such a frame matches every other one like it; it is left out of the index.
    ``threshold`` is a standard deviation, in the 256 steps of luma.
    """
    luma = cv2.cvtColor(np.ascontiguousarray(rgb[::8, ::8]), cv2.COLOR_RGB2GRAY)
    return float(cv2.meanStdDev(luma)[1][0, 0]) < threshold


def _signed_root(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


@cache
def _dct_basis(side: int) -> NDArray[np.float32]:
    """The orthonormal DCT-II matrix of (side, side)."""
    frequency, position = np.mgrid[:side, :side]
    basis = np.cos(np.pi * (2 * position + 1) * frequency / (2 * side)) * np.sqrt(2 / side)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, np.float32)


@cache
def _lowest(count: int, *, skip_mean: bool) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of the ``count`` lowest frequencies, nearest to the mean first."""
    rows, columns = np.mgrid[:16, :16]
    order = np.argsort((rows**2 + columns**2).ravel(), kind="stable")[int(skip_mean) :][:count]
    return np.unravel_index(order, (16, 16))  # type: ignore[return-value]
