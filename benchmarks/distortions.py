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


def jpeg_at(quality: int) -> Distortion:
    """Saved as JPEG of one quality."""
    return lambda rgb, random: _encoded(rgb, quality)


def small(rgb: Picture, random: np.random.Generator) -> Picture:
    """160 pixels wide."""
    return _narrowed(rgb, 160)


def small_320(rgb: Picture, random: np.random.Generator) -> Picture:
    """320 pixels wide."""
    return _narrowed(rgb, 320)


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


def crop_30(rgb: Picture, random: np.random.Generator) -> Picture:
    """30 % of width and height gone, at random from either side."""
    return _cropped(rgb, 0.3, random)


def squeezed_4_3(rgb: Picture, random: np.random.Generator) -> Picture:
    """The whole picture pressed into 4:3."""
    height = rgb.shape[0]
    return np.asarray(
        cv2.resize(rgb, (round(height * 4 / 3), height), interpolation=cv2.INTER_AREA), np.uint8
    )


def cut_to_4_3(rgb: Picture, random: np.random.Generator) -> Picture:
    """The middle of the picture, cut to 4:3, or to 3:4 where it is higher than wide.

    Of what is narrower than that already the longer sides go, so that never more than a quarter is lost of what
    is square or wider.
    """
    height, width = rgb.shape[:2]
    aspect = 4 / 3 if width >= height else 3 / 4
    rows, columns = min(height, round(width / aspect)), min(width, round(height * aspect))
    top, left = (height - rows) // 2, (width - columns) // 2
    return np.ascontiguousarray(rgb[top : top + rows, left : left + columns])


def rotation(rgb: Picture, random: np.random.Generator) -> Picture:
    """Turned by 2 to 5 degrees either way, black where the picture does not reach."""
    height, width = rgb.shape[:2]
    degrees = random.uniform(2, 5) * (1 if random.random() < 0.5 else -1)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)


def saturation(rgb: Picture, random: np.random.Generator) -> Picture:
    """Colours 0.4 to 0.7 or 1.4 to 1.9 times as strong."""
    factor = random.uniform(0.4, 0.7) if random.random() < 0.5 else random.uniform(1.4, 1.9)
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.clip(luma[..., None] + factor * (rgb - luma[..., None]), 0, 255).astype(np.uint8)


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


def _narrowed(rgb: Picture, width: int) -> Picture:
    height = max(2, round(width * rgb.shape[0] / rgb.shape[1]))
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


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

#: What calibration and the search's queries are made with, by name; ``benchmarks/queries.py`` has more.
DISTORTIONS: dict[str, Distortion] = {each.__name__: each for each in (clean, *_SINGLE, two_at_once)}
