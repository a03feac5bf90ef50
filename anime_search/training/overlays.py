"""What players, broadcasters and translators lay over a picture: text, logos, controls.

All functions take (H, W, 3) uint8 RGB and a seeded generator, and return a new picture of the same shape. Fonts are
OpenCV's own, so that the same seed draws the same on any machine with the same OpenCV.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
)
#: Spaces are repeated, so that lines fall into words.
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?:'     "


def any_colour(random: np.random.Generator, lowest: int = 0) -> Colour:
    """A colour with every channel in ``lowest``..255."""
    red, green, blue = (int(value) for value in random.integers(lowest, 256, 3))
    return red, green, blue


def text(rgb: Picture, random: np.random.Generator, lines: int) -> Picture:
    """Lines of 4 to 33 letters, mostly bright, centred and near the lower edge; outlined, boxed, or bare."""
    rgb = np.array(rgb, order="C")
    height, width = rgb.shape[:2]
    for _line in range(lines):
        letters = "".join(random.choice(list(_LETTERS), int(random.integers(4, 34))))
        font, scale = int(random.choice(_FONTS)), height / random.uniform(180, 520)
        (long, high), _baseline = cv2.getTextSize(letters, font, scale, 1)
        highest = 0.82 if random.random() < 0.6 else 0.05
        bottom = int(height * random.uniform(highest, 0.97))
        left = (width - long) // 2 if random.random() < 0.6 else int(width * random.uniform(-0.1, 0.6))
        colour = any_colour(random, 180 if random.random() < 0.7 else 0)
        style = random.random()
        if style < 0.3:
            corners = (left - 4, bottom - high - 4), (left + long + 4, bottom + 5)
            cv2.rectangle(rgb, *corners, any_colour(random), cv2.FILLED)
        elif style < 0.86:
            outline = max(2, int(3 * height / 216))
            cv2.putText(rgb, letters, (left, bottom), font, scale, (0, 0, 0), outline, cv2.LINE_AA)
        stroke = max(1, int(1.3 * height / 216))
        cv2.putText(rgb, letters, (left, bottom), font, scale, colour, stroke, cv2.LINE_AA)
    return rgb


def logo(rgb: Picture, random: np.random.Generator) -> Picture:
    """A blot of 6 to 20 % of the height near a corner, white or of any colour, more or less opaque."""
    height, width = rgb.shape[:2]
    high = int(height * random.uniform(0.06, 0.2))
    wide = int(high * random.uniform(0.7, 2.0))
    top = int(height * (random.uniform(0.0, 0.15) if random.random() < 0.6 else random.uniform(0.6, 0.85)))
    left = int(width * random.uniform(0.0, 0.12))
    if random.random() < 0.5:
        left = int(width * random.uniform(0.75, 0.95)) - wide
    left = max(0, left)
    rgb = rgb.copy()
    place = rgb[top : top + high, left : left + wide]
    if not place.size:
        return rgb
    size = place.shape[1], place.shape[0]
    shape = cv2.resize(random.random((5, 7)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC) > 0.5
    share = shape[..., None] * np.float32(random.uniform(0.4, 1.0))
    colour = any_colour(random) if random.random() < 0.5 else (255, 255, 255)
    place[:] = (place * (1 - share) + share * np.array(colour, np.float32)).astype(np.uint8)
    return rgb


def player(rgb: Picture, random: np.random.Generator) -> Picture:
    """A video player's controls: the lower edge darkened, a bar of progress, buttons; at times a large play sign."""
    height, width = rgb.shape[:2]
    band = max(3, int(height * random.uniform(0.08, 0.25)))
    shaded = rgb.astype(np.float32)
    shaded[-band:] *= (1 - np.linspace(0, random.uniform(0.4, 0.95), band, dtype=np.float32))[:, None, None]
    if random.random() < 0.5:
        upper = band // 2 + 1
        shaded[:upper] *= np.linspace(1 - random.uniform(0.2, 0.8), 1, upper, dtype=np.float32)[:, None, None]
    rgb = np.ascontiguousarray(shaded.astype(np.uint8))

    row = height - int(band * random.uniform(0.3, 0.7))
    thickness = max(1, int(height * random.uniform(0.006, 0.016)))
    start, played = int(0.02 * width), int(width * random.uniform(0.05, 0.95))
    cv2.line(rgb, (start, row), (int(0.98 * width), row), (150, 150, 150), thickness)
    cv2.line(rgb, (start, row), (played, row), any_colour(random), thickness)
    for _button in range(int(random.integers(1, 7))):
        centre = int(width * random.uniform(0.02, 0.98)), height - band // 4
        filled = cv2.FILLED if random.random() < 0.5 else 1
        cv2.circle(rgb, centre, int(height * random.uniform(0.015, 0.035)), (240, 240, 240), filled)
    return _play_sign(rgb, random) if random.random() < 0.25 else rgb


def _play_sign(rgb: Picture, random: np.random.Generator) -> Picture:
    height, width = rgb.shape[:2]
    x, y, radius = width // 2, height // 2, int(height * random.uniform(0.06, 0.13))
    over = rgb.copy()
    cv2.circle(over, (x, y), radius, (20, 20, 20), cv2.FILLED)
    corners = [[x - radius // 3, y - radius // 2], [x - radius // 3, y + radius // 2], [x + radius // 2, y]]
    cv2.fillPoly(over, [np.array(corners, np.int32)], (255, 255, 255))
    share = random.uniform(0.5, 1.0)
    return np.asarray(cv2.addWeighted(rgb, 1 - share, over, share, 0), np.uint8)
