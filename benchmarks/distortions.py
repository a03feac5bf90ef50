"""What happens to a frame between the video and the search: cropped, mirrored, compressed, captioned, …"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from benchmarks.clips import Picture

Distortion = Callable[[Picture, np.random.Generator], Picture]


def clean(rgb: Picture, random: np.random.Generator) -> Picture:
    return rgb


def jpeg(rgb: Picture, random: np.random.Generator) -> Picture:
    """Quality 20 to 45."""
    return _encoded(rgb, int(random.integers(20, 46)))


def small(rgb: Picture, random: np.random.Generator) -> Picture:
    """160 pixels wide."""
    height = max(2, round(160 * rgb.shape[0] / rgb.shape[1]))
    return np.asarray(cv2.resize(rgb, (160, height), interpolation=cv2.INTER_AREA), np.uint8)


def letterbox(rgb: Picture, random: np.random.Generator) -> Picture:
    """Black bars above and below, 8 to 17 % of the picture each."""
    return _barred(rgb, round(rgb.shape[0] * random.uniform(0.08, 0.17)), 0)


def pillarbox(rgb: Picture, random: np.random.Generator) -> Picture:
    """Black bars to the left and right, 8 to 17 % of the picture each."""
    return _barred(rgb, 0, round(rgb.shape[1] * random.uniform(0.08, 0.17)))


def crop_10(rgb: Picture, random: np.random.Generator) -> Picture:
    """10 % of width and height gone, at random from either side."""
    return _cropped(rgb, 0.1, random)


def crop_20(rgb: Picture, random: np.random.Generator) -> Picture:
    """20 % of width and height gone, at random from either side."""
    return _cropped(rgb, 0.2, random)


def mirror(rgb: Picture, random: np.random.Generator) -> Picture:
    return np.ascontiguousarray(rgb[:, ::-1])


def brightness(rgb: Picture, random: np.random.Generator) -> Picture:
    """Gamma 0.6 to 1.6, contrast 0.75 to 1.25, 20 levels lighter or darker at most."""
    gamma, contrast, shift = random.uniform(0.6, 1.6), random.uniform(0.75, 1.25), random.uniform(-20, 20)
    steps = 255 * (np.arange(256) / 255) ** gamma
    table = np.clip((steps - 128) * contrast + 128 + shift, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(rgb, table), np.uint8)


def tint(rgb: Picture, random: np.random.Generator) -> Picture:
    """Each of red, green and blue times 0.75 to 1.2."""
    return np.clip(rgb * random.uniform(0.75, 1.2, 3), 0, 255).astype(np.uint8)


def grey(rgb: Picture, random: np.random.Generator) -> Picture:
    luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(luma, cv2.COLOR_GRAY2RGB), np.uint8)


def subtitle(rgb: Picture, random: np.random.Generator) -> Picture:
    """One or two lines of white text with a black edge, at the bottom."""
    height, width = rgb.shape[:2]
    drawn = rgb.copy()
    for line in range(int(random.integers(1, 3))):
        text = "".join(random.choice(list("abcdefghijklmnopqrstuvwxyz    "), int(random.integers(18, 30))))
        scale = height / 420
        (text_width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
        at = (max(0, (width - text_width) // 2), round(height * (0.94 - 0.09 * line)))
        for colour, thickness in (((0, 0, 0), 5), ((255, 255, 255), 2)):
            cv2.putText(
                drawn,
                text,
                at,
                cv2.FONT_HERSHEY_SIMPLEX,
                scale,
                colour,
                max(1, round(thickness * height / 360)),
                cv2.LINE_AA,
            )
    return drawn


def two_at_once(rgb: Picture, random: np.random.Generator) -> Picture:
    """Two of the others, one after the other."""
    first, second = (int(each) for each in random.choice(len(_SINGLE), 2, replace=False))
    return _SINGLE[second](_SINGLE[first](rgb, random), random)


def _encoded(rgb: Picture, quality: int) -> Picture:
    _, coded = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def _barred(rgb: Picture, rows: int, columns: int) -> Picture:
    return np.asarray(np.pad(rgb, ((rows, rows), (columns, columns), (0, 0))), np.uint8)


def _cropped(rgb: Picture, share: float, random: np.random.Generator) -> Picture:
    height, width = rgb.shape[:2]
    gone_y, gone_x = round(height * share), round(width * share)
    top, left = int(random.integers(gone_y + 1)), int(random.integers(gone_x + 1))
    return np.ascontiguousarray(rgb[top : top + height - gone_y, left : left + width - gone_x])


_SINGLE: tuple[Distortion, ...] = (
    jpeg,
    small,
    letterbox,
    pillarbox,
    crop_10,
    crop_20,
    mirror,
    brightness,
    tint,
    grey,
    subtitle,
)

#: All of them, by name.
DISTORTIONS: dict[str, Distortion] = {each.__name__: each for each in (clean, *_SINGLE, two_at_once)}
