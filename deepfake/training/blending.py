"""Self-blended faces: a face blended into itself shows the seams of a swap and nothing else.

After Shiohara, Yamasaki: Detecting Deepfakes with Self-Blended Images, CVPR 2022. Their hull is of 81 landmarks; here
are five, so that an outline of a mean face is laid through them and its shape is varied.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Random = np.random.Generator

#: Where the landmarks of a mean face are, in distances of its eyes, its origin between them.
_MEAN_FACE = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.58], [-0.4, 1.02], [0.4, 1.02]], np.float32)
#: Middle and half axes of its outline, from the brows to the chin.
_OUTLINE = (0.0, 0.62, 0.92, 1.05)
_CORNERS = 24
#: Shares of the blend that counts fully; 1 is the likeliest.
_STRENGTHS = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """How a face is blended into itself: the same for all frames of a clip.

    Attributes:
        outline: (24, 2) of the mask, in the mean face's coordinates.
        inner_first: whether the inner face is altered, or what it is put into.
        shift: added to the levels of red, green and blue.
        hue: added, of 180; ``saturation`` and ``value`` are factors.
        contrast: factor around the mean level.
        sharpness: above 0, how much is added by unsharp masking; below 0, the share of the size that is lost.
        turn: 2 x 3 matrix that moves the inner face, for a picture of sides 1.
        waves: (2, 4, 4) field that the mask is bent by, in shares of the face's size.
        softness: width of the seam, in shares of the face's size.
        strength: share of the inner face in the mask.
    """

    outline: NDArray[np.float32]
    inner_first: bool
    shift: tuple[float, float, float]
    hue: float
    saturation: float
    value: float
    contrast: float
    sharpness: float
    turn: NDArray[np.float32]
    waves: NDArray[np.float32]
    softness: float
    strength: float


def random_blend(random: Random) -> Blend:
    """Any blend."""
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    middle_x, middle_y, wide, high = _OUTLINE
    # The mask of a swap may end at the brows or the forehead, at the lips or the chin.
    upper, lower = random.uniform(0.75, 1.35), random.uniform(0.6, 1.1)
    reach = np.where(np.sin(angles) < 0, upper, lower) * high
    outline = np.stack(
        [
            middle_x + wide * random.uniform(0.75, 1.15) * np.cos(angles),
            middle_y + reach * np.sin(angles),
        ],
        axis=1,
    )
    outline += random.normal(0, 0.03, outline.shape)
    scale = random.uniform(0.95, 1 / 0.95)
    turn = np.array(
        [
            [scale, 0, (1 - scale) / 2 + random.uniform(-0.03, 0.03)],
            [0, scale, (1 - scale) / 2 + random.uniform(-0.015, 0.015)],
        ]
    )
    red, green, blue = (float(each) for each in random.uniform(-20, 20, 3))
    return Blend(
        outline=outline.astype(np.float32),
        inner_first=bool(random.random() < 0.5),
        shift=(red, green, blue),
        hue=float(random.uniform(-6, 6)),
        saturation=float(random.uniform(0.7, 1.3)),
        value=float(random.uniform(0.75, 1.25)),
        contrast=float(random.uniform(0.85, 1.15)),
        sharpness=float(random.choice([random.uniform(0.3, 1.0), -random.uniform(0.2, 0.6), 0.0])),
        turn=turn.astype(np.float32),
        waves=random.normal(0, 0.03, (2, 4, 4)).astype(np.float32),
        softness=float(random.uniform(0.03, 0.2)),
        strength=float(random.choice(_STRENGTHS)),
    )


def self_blended(frame: Picture, points: NDArray[np.float32], blend: Blend) -> Picture:
    """A frame (H, W, 3) whose face was blended into itself; ``points`` are its (5, 2) landmarks."""
    mask = face_mask(frame.shape[:2], points, blend)
    changed = _changed(frame, blend)
    inner, outer = (changed, frame) if blend.inner_first else (frame, changed)
    size = _size_of(points)
    left, top = points.mean(0) - size
    # The turn is told for a square of twice the face's size, around it.
    place = np.array([[2 * size, 0, left], [0, 2 * size, top], [0, 0, 1]], np.float64)
    turn = place @ np.vstack([blend.turn, [0, 0, 1]]) @ np.linalg.inv(place)
    moved = cv2.warpAffine(
        inner, turn[:2], frame.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    share = (mask * blend.strength)[..., None]
    mixed = share * moved.astype(np.float32) + (1 - share) * outer.astype(np.float32)
    return np.clip(mixed.round(), 0, 255).astype(np.uint8)


def face_mask(shape: tuple[int, ...], points: NDArray[np.float32], blend: Blend) -> NDArray[np.float32]:
    """Mask (H, W) of 0 to 1: the outline laid through the landmarks, bent, and softened at its edge."""
    height, width = shape[:2]
    matrix, _ = cv2.estimateAffinePartial2D(_MEAN_FACE, points, method=cv2.LMEDS)
    if not _is_placed(matrix):
        # All points in one: there is no face to lay an outline through.
        return np.zeros((height, width), np.float32)
    corners = blend.outline @ matrix[:, :2].T + matrix[:, 2]
    hull = cv2.convexHull(corners.astype(np.float32))
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, hull.round().astype(np.int32), 255)
    size = _size_of(points)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    bent = [
        np.asarray(cv2.resize(wave, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
        * np.float32(size)
        for wave in blend.waves
    ]
    mask = np.asarray(cv2.remap(mask, columns + bent[0], rows + bent[1], cv2.INTER_LINEAR), np.uint8)
    sigma = max(0.5, blend.softness * size / 2)
    soft = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), sigma)
    return np.asarray(soft, np.float32)


def _is_placed(matrix: object) -> bool:
    """Whether an outline was laid: OpenCV gives nothing where it could not, whatever its stubs say."""
    return matrix is not None and bool(np.isfinite(np.asarray(matrix, np.float64)).all())


def _changed(frame: Picture, blend: Blend) -> Picture:
    """A frame with other colours, and sharper or less sharp."""
    levels = frame.astype(np.float32) + np.array(blend.shift, np.float32)
    levels = (levels - levels.mean()) * blend.contrast + levels.mean()
    hsv = cv2.cvtColor(np.clip(levels, 0, 255).astype(np.uint8), cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + blend.hue) % 180
    hsv[..., 1:] = np.clip(hsv[..., 1:] * [blend.saturation, blend.value], 0, 255)
    changed = np.asarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB), np.uint8)
    if blend.sharpness > 0:
        blurred = cv2.GaussianBlur(changed, (0, 0), 1.5)
        return np.asarray(
            cv2.addWeighted(changed, 1 + blend.sharpness, blurred, -blend.sharpness, 0), np.uint8
        )
    if blend.sharpness < 0:
        height, width = changed.shape[:2]
        share = 1 + blend.sharpness
        small = cv2.resize(
            changed, (max(8, int(width * share)), max(8, int(height * share))), interpolation=cv2.INTER_AREA
        )
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return changed


def _size_of(points: NDArray[np.float32]) -> float:
    """Pixels from the middle of the eyes to that of the mouth, or between the eyes, whichever is more."""
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    return max(float(np.linalg.norm(points[1] - points[0])), float(np.linalg.norm(mouth - eyes)), 4.0)
