"""What may happen to a frame between the film and the question, wider than what the benchmarks do to it.

Pictures are (H, W, 3) uint8 RGB and may change their size on the way; what comes out of :func:`key_of` and
:func:`query_of` has the size of the index's frames. The same seed alters the same picture in the same way.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.engine.descriptor import at_frame_size
from anime_search.training.overlays import any_colour, logo, player, text
from anime_search.training.pictures import HEIGHT, WIDTH

Picture = NDArray[np.uint8]
Random = np.random.Generator

_BT601 = np.array([0.299, 0.587, 0.114], np.float32)


def scene_of(rgb: Picture, random: Random) -> Picture:
    """A scene of its own out of a picture: new framing, mirrored, channels exchanged, colours changed.

    The index's frame and the question are both made of what this returns, (216, 384, 3): it multiplies the
    scenes that there are to tell apart, and is nothing that the network learns to look past.
    """
    if random.random() < 0.5:
        rgb = cropped(rgb, random, 0.55, 1.0, aspect=1.2)
    if random.random() < 0.5:
        rgb = rgb[:, ::-1]
    if random.random() < 0.25:
        rgb = rgb[..., random.permutation(3)]
    if random.random() < 0.3:
        rgb = recoloured(rgb, random, strength=0.6)
    way = cv2.INTER_AREA if rgb.shape[1] >= WIDTH else cv2.INTER_LINEAR
    return _uint8(cv2.resize(np.ascontiguousarray(rgb), (WIDTH, HEIGHT), interpolation=way))


def key_of(scene: Picture, random: Random) -> Picture:
    """A scene as an index holds it, (144, 256, 3): all but whole, at times compressed."""
    if random.random() < 0.3:
        scene = cropped(scene, random, 0.97, 1.0)
    if random.random() < 0.3:
        scene = compressed(scene, int(random.integers(40, 95)))
    return at_frame_size(scene)


def query_of(scene: Picture, random: Random) -> Picture:
    """A scene as it is asked for, (144, 256, 3): after any of the things below, in the order in which they happen."""
    if random.random() < 0.25:
        scene = text(scene, random, int(random.integers(1, 3)))
    framing = random.random()
    if framing < 0.58:
        scene = cropped(scene, random, 0.58, 1.0, aspect=1.35)
    elif framing < 0.7:
        scene = narrowed(scene, random)
    if random.random() < 0.35:
        scene = np.ascontiguousarray(scene[:, ::-1])
    if random.random() < 0.55:
        scene = recoloured(scene, random)
    if random.random() < 0.2:
        scene = player(scene, random)
    if random.random() < 0.2:
        scene = logo(scene, random)
    if random.random() < 0.15:
        scene = text(scene, random, int(random.integers(1, 4)))
    scene = _reframed(scene, random)
    if random.random() < 0.25:
        scene = photographed(scene, random)
    if random.random() < 0.25:
        share = random.uniform(0.2, 0.7)
        scene = _uint8(cv2.resize(scene, None, fx=share, fy=share, interpolation=cv2.INTER_AREA))
    if random.random() < 0.1:
        scene = _uint8(cv2.GaussianBlur(scene, (0, 0), random.uniform(0.5, 2.0)))
    if random.random() < 0.5:
        scene = compressed(scene, int(random.integers(12, 90)))
    return at_frame_size(scene)


def cropped(rgb: Picture, random: Random, least: float, most: float, *, aspect: float = 1.0) -> Picture:
    """A part of a picture, of ``least`` to ``most`` of its sides; up to ``aspect`` times wider or narrower."""
    height, width = rgb.shape[:2]
    share = random.uniform(least, most)
    stretch = float(np.exp(random.uniform(-np.log(aspect), np.log(aspect)) / 2))
    wide = min(width, max(16, int(width * share * stretch)))
    high = min(height, max(16, int(height * share / stretch)))
    left, top = int(random.integers(width - wide + 1)), int(random.integers(height - high + 1))
    return np.ascontiguousarray(rgb[top : top + high, left : left + wide])


def narrowed(rgb: Picture, random: Random) -> Picture:
    """60 to 90 % of the width, of the middle or elsewhere: cut to 4:3, or to an upright phone's picture."""
    width = rgb.shape[1]
    wide = int(width * random.uniform(0.6, 0.9))
    centred = random.random() < 0.5
    left = int((width - wide) * (0.5 if centred else random.random()))
    return np.ascontiguousarray(rgb[:, left : left + wide])


def compressed(rgb: Picture, quality: int) -> Picture:
    """JPEG of a quality, and back."""
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    _done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    lossy = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return _uint8(cv2.cvtColor(lossy, cv2.COLOR_BGR2RGB))


def recoloured(rgb: Picture, random: Random, *, strength: float = 1.0) -> Picture:
    """Gamma, contrast and brightness; a tint; weaker or stronger colours, or none, in grey or sepia."""
    levels: NDArray[np.floating] = rgb.astype(np.float32)
    if random.random() < 0.7:
        gamma = float(np.exp(random.uniform(-0.6, 0.6) * strength))
        contrast = float(np.exp(random.uniform(-0.4, 0.4) * strength))
        levels = 255 * (levels / 255) ** gamma
        levels = (levels - 128) * contrast + 128 + random.uniform(-30, 30) * strength
    if random.random() < 0.5:
        gains = np.exp(random.uniform(-0.3, 0.3, 3) * strength)
        levels = levels * gains.astype(np.float32) + random.uniform(-12, 12, 3).astype(np.float32) * strength
    if random.random() < 0.4:
        luma = (levels @ _BT601)[..., None]
        saturation = random.uniform(0, 0.7) if random.random() < 0.5 else random.uniform(1.3, 2.2)
        levels = luma + saturation * (levels - luma)
    elif random.random() < 0.25:
        levels = np.repeat((np.clip(levels, 0, 255) @ _BT601)[..., None], 3, axis=2)
        if random.random() < 0.3:
            levels = levels * random.uniform(0.7, 1.1, 3).astype(np.float32)
    return _clipped(levels)


def warped(rgb: Picture, random: Random, *, shift: float, turn_deg: float = 0.0) -> Picture:
    """A region that was found imperfectly: corners off by up to ``shift`` of the sides, turned by ``turn_deg``."""
    height, width = rgb.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + random.uniform(-shift, shift, (4, 2)) * [width, height]
    if turn_deg:
        angle = np.deg2rad(random.uniform(-turn_deg, turn_deg))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        moved = (moved - moved.mean(0)) @ turn.T + moved.mean(0)
    grey = int(random.choice([0, 16, 255]))
    beside = any_colour(random) if random.random() < 0.4 else (grey, grey, grey)
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return _uint8(
        cv2.warpPerspective(
            np.ascontiguousarray(rgb),
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=beside,
        )
    )


def photographed(rgb: Picture, random: Random) -> Picture:
    """A photograph of a screen: moiré, a reflection, uneven light, veiling glare, blur, a colour cast, noise."""
    height, width = rgb.shape[:2]
    levels: NDArray[np.floating] = rgb.astype(np.float32)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    if random.random() < 0.8:
        angle, period = random.uniform(0, np.pi), random.uniform(2.5, 16) * width / 384
        phase = (columns * np.cos(angle) + rows * np.sin(angle)) * 2 * np.pi / period
        bend = random.uniform(0, 6) * np.sin(rows / random.uniform(30, 120))
        levels *= (1 + random.uniform(0.02, 0.15) * np.sin(phase + bend))[..., None]
    if random.random() < 0.6:
        x, y = random.uniform(0, 1, 2) * [width, height]
        radius = random.uniform(0.06, 0.35) * width
        square = (columns - x) ** 2 + random.uniform(0.5, 3) * (rows - y) ** 2
        shine = random.uniform(0.15, 0.7) * np.exp(-square / (2 * radius**2))
        levels += shine[..., None] * (255 - levels)
    if random.random() < 0.5:
        across, down = random.uniform(-0.4, 0.4, 2)
        levels *= (1 + across * (columns / width - 0.5) + down * (rows / height - 0.5))[..., None]
    if random.random() < 0.4:
        levels = levels * random.uniform(0.6, 0.95) + random.uniform(10, 60)
    levels = np.asarray(cv2.GaussianBlur(levels, (0, 0), random.uniform(0.3, 1.6) * width / 384), np.float32)
    levels = levels * random.uniform(0.75, 1.15, 3).astype(np.float32)
    return _clipped(levels + random.normal(0, random.uniform(1, 9), levels.shape))


def barred(rgb: Picture, random: Random) -> Picture:
    """Bars of up to 14 % at some of the edges, black or of any colour."""
    height, width = rgb.shape[:2]
    sides = random.uniform(0, 0.14, 4) * [height, height, width, width] * (random.random(4) < 0.5)
    top, bottom, left, right = (int(side) for side in sides)
    colour = (0, 0, 0) if random.random() < 0.6 else any_colour(random)
    return _uint8(cv2.copyMakeBorder(rgb, top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour))


def _reframed(rgb: Picture, random: Random) -> Picture:
    """What is left of a frame's surroundings after they were cut away, or what was cut away with them."""
    way = random.random()
    if way < 0.25:
        return warped(rgb, random, shift=random.uniform(0.005, 0.045))
    if way < 0.4:
        return warped(rgb, random, shift=0.005, turn_deg=8)
    if way < 0.5:
        return barred(rgb, random)
    if way < 0.6:
        # The search asks once more with the edges drawn out, which brings a cropped picture to its former scale.
        share = random.uniform(0.02, 0.15)
        high, wide = int(share * rgb.shape[0]), int(share * rgb.shape[1])
        return _uint8(cv2.copyMakeBorder(rgb, high, high, wide, wide, cv2.BORDER_REPLICATE))
    return rgb


def _clipped(levels: NDArray[np.floating]) -> Picture:
    return np.asarray(np.clip(levels, 0, 255), np.uint8)


def _uint8(picture: NDArray[np.generic]) -> Picture:
    return np.asarray(picture, np.uint8)
