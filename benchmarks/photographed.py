"""Photographs of monitors, televisions and phones that show a frame; each knows where the frame is."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Picture
from benchmarks.screen_canvas import Corners, Layout, Staged, rounded

Field = NDArray[np.float32]


def _surroundings(width: int, height: int, others: Sequence[Picture], random: np.random.Generator) -> Field:
    """A wall, a desk, a shelf: gradients, coarse noise, furniture's edges or another picture out of focus."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    ends = random.uniform(10, 200, (2, 3)).astype(np.float32)
    turn = random.uniform(0, np.pi)
    room = ends[0] + (0.5 + 0.5 * (x * np.cos(turn) + y * np.sin(turn)))[..., None] * (ends[1] - ends[0])
    if random.random() < 0.5:
        for cells in (6, 24, 90):
            rough = random.normal(0, random.uniform(3, 16), (cells, cells, 1)).astype(np.float32)
            room += cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)[..., None]
    if random.random() < 0.3:
        other = others[int(random.integers(len(others)))]
        room = cv2.GaussianBlur(
            cv2.resize(other, (width, height)).astype(np.float32), (0, 0), random.uniform(2, 10)
        )
    if random.random() < 0.6:
        line = height * random.uniform(0.6, 0.95)
        lean = random.uniform(-0.1, 0.1) * height
        desk = (
            np.array([(0, line - lean), (width, line + lean), (width, height), (0, height)])
            .round()
            .astype(np.int32)
        )
        cv2.fillPoly(room, [desk], [float(v) for v in random.uniform(20, 180, 3)])
    for _ in range(int(random.integers(0, 6))):
        middle, size = (
            random.uniform(0, 1, 2) * (width, height),
            random.uniform(0.03, 0.25, 2) * (width, height),
        )
        box = cv2.boxPoints(
            (
                (float(middle[0]), float(middle[1])),
                (float(size[0]), float(size[1])),
                float(random.uniform(-20, 20)),
            )
        )
        cv2.fillPoly(room, [box.round().astype(np.int32)], [float(v) for v in random.uniform(5, 220, 3)])
    room *= random.uniform(0.25, 1.0)
    return np.asarray(cv2.GaussianBlur(room, (0, 0), random.uniform(0.5, 5)), np.float32)


def _seen_corners(
    aspect: float, size: tuple[int, int], share: float, random: np.random.Generator
) -> tuple[Corners, NDArray[np.float64]]:
    """Where a pinhole camera sees a screen's corners, and the homography from the screen's (-1..1, -1..1).

    Turned by up to 35 degrees about the upright axis, 20 about the level one, 10 about the line of sight.
    """
    yaw, pitch, roll = (np.deg2rad(np.clip(random.normal(0, most / 2), -most, most)) for most in (35, 20, 10))
    turn_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    turn_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    turned = turn_z @ turn_x @ turn_y @ np.diag([1, 1 / aspect, 1])
    focal = random.uniform(0.75, 1.6) * max(size)
    camera = np.diag([focal, focal, 1.0])
    flat = np.array([(-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)], np.float64)
    away = 3.0
    for _ in range(30):
        plane = np.column_stack([turned[:, 0], turned[:, 1], (0, 0, away)])
        seen = flat @ (camera @ plane).T
        seen = seen[:, :2] / seen[:, 2:]
        filled = max(np.ptp(seen[:, 0]) / size[0], np.ptp(seen[:, 1]) / size[1])
        away *= float(np.clip(filled / share, 0.6, 1.6))
    middle = (seen.min(axis=0) + seen.max(axis=0)) / 2
    spare = np.maximum(0, np.array(size) - np.ptp(seen, axis=0)) / 2
    shift = np.array(size) / 2 - middle + random.uniform(-0.9, 0.9, 2) * spare
    moved = np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]]) @ camera @ plane
    return (seen + shift).astype(np.float32), moved


def _photograph(
    rgb: Picture,
    others: Sequence[Picture],
    random: np.random.Generator,
    *,
    share: tuple[float, float],
    outside: int = 0,
    panel: float = 16 / 9,
) -> Staged:
    """Take the photo.

    Args:
        share: of the photo that the screen fills, from and to.
        outside: so many edges of the screen lie beyond the photo's.
        panel: width to height of the screen; what of it the frame does not fill is black.
    """
    size = (800, 600) if random.random() < 0.6 else (600, 800) if random.random() < 0.4 else (860, 484)
    corners, matrix = _seen_corners(panel, size, random.uniform(*share), random)
    if outside:
        low, high = corners.min(axis=0), corners.max(axis=0)
        side = int(random.integers(4))
        past = random.uniform(0.02, 0.10) * (high - low)
        push = np.array(
            [
                (-low[0] - past[0], 0),
                (size[0] - high[0] + past[0], 0),
                (0, -low[1] - past[1]),
                (0, size[1] - high[1] + past[1]),
            ][side]
        )
        if outside == 2:
            push[1 - side // 2] = (
                (-low - past)[1 - side // 2] if random.random() < 0.5 else (size - high + past)[1 - side // 2]
            )
        matrix = np.array([[1, 0, push[0]], [0, 1, push[1]], [0, 0, 1]]) @ matrix
    photo = _surroundings(*size, others, random)
    bezel = random.choice([8, 14, 25, 60, 150, 205, 240]) + random.uniform(-6, 6, 3)
    rim = random.uniform(0.008, 0.06)
    radius = random.choice([0.0, 0.0, 0.06])
    photo = _lay_on(
        photo,
        np.full((90, 160, 3), bezel, np.float32),
        matrix,
        (1 + rim, 1 + rim * panel * random.uniform(0.8, 2.0)),
        radius,
    )
    frame = rgb.shape[1] / rgb.shape[0]
    reach = (min(1.0, frame / panel), min(1.0, panel / frame))
    black = random.uniform(2, 26)
    lit = np.full((round(960 / panel), 960, 3), black, np.float32)
    rows, columns = round(lit.shape[0] * reach[1]), round(960 * reach[0])
    top, left = (lit.shape[0] - rows) // 2, (960 - columns) // 2
    shown = cv2.resize(rgb, (columns, rows), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    lit[top : top + rows, left : left + columns] = black + shown * ((255 - black) / 255)
    photo = _lay_on(photo, lit, matrix, (1.0, 1.0), 0.0, moire=random)
    at = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64) * reach
    seen = np.column_stack([at, np.ones(4)]) @ matrix.T
    return Staged(_developed(photo, random), (seen[:, :2] / seen[:, 2:]).astype(np.float32))


def _lay_on(
    photo: Field,
    flat: Field,
    matrix: NDArray[np.float64],
    reach: tuple[float, float],
    radius: float,
    moire: np.random.Generator | None = None,
) -> Field:
    rows, columns = flat.shape[:2]
    to_screen = np.array(
        [[2 * reach[0] / columns, 0, -reach[0]], [0, 2 * reach[1] / rows, -reach[1]], [0, 0, 1]]
    )
    whole = matrix @ to_screen
    size = (photo.shape[1], photo.shape[0])
    lit = cv2.warpPerspective(flat, whole, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    where = cv2.warpPerspective(rounded(columns, rows, round(radius * columns)), whole, size)
    if moire is not None:
        y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
        for _ in range(int(moire.integers(0, 3))):
            turn, period = moire.uniform(0, np.pi), moire.uniform(3, 16)
            phase = (x * np.cos(turn) + y * np.sin(turn)) * (2 * np.pi / period) + 4 * np.sin(
                y / moire.uniform(40, 120)
            )
            lit *= (1 + moire.uniform(0.02, 0.10) * np.sin(phase))[..., None]
        lit *= moire.uniform(0.75, 1.15)
    return np.asarray(photo + where[..., None] * (lit - photo), np.float32)


def _developed(photo: Field, random: np.random.Generator) -> Picture:
    """Glare, vignetting, blur, a colour cast, noise."""
    height, width = photo.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for _ in range(int(random.integers(0, 3))):
        middle, spread = random.uniform(0.1, 0.9, 2) * (width, height), random.uniform(30, 140)
        glare = np.exp(
            -((x - middle[0]) ** 2 + random.uniform(0.5, 3) * (y - middle[1]) ** 2) / (2 * spread**2)
        )
        photo = photo + random.uniform(0.1, 0.5) * glare[..., None] * (255 - photo)
    away = np.hypot(x / width - 0.5, y / height - 0.5)
    photo = photo * (1 - random.uniform(0, 0.7) * away**2)[..., None]
    photo = cv2.GaussianBlur(photo, (0, 0), random.uniform(0.4, 1.8)) * random.uniform(0.85, 1.12, 3)
    photo = photo + random.normal(0, random.uniform(1, 7), photo.shape)
    return np.clip(photo, 0, 255).astype(np.uint8)


def monitor(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A monitor or television with all its edges in the photo."""
    return _photograph(
        rgb, others, random, share=(0.55, 0.93), panel=float(random.choice([16 / 9, 16 / 9, 1.6]))
    )


def held_phone(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A phone or tablet held sideways: longer than the frame, or squarer."""
    return _photograph(
        rgb, others, random, share=(0.5, 0.9), panel=float(random.choice([2.1, 4 / 3, 16 / 9]))
    )


def one_edge_outside(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    return _photograph(rgb, others, random, share=(0.75, 0.98), outside=1)


def two_edges_outside(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    return _photograph(rgb, others, random, share=(0.85, 1.0), outside=2)


def turned(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """The frame turned by up to 8 degrees, black or white where it does not reach; its corners are cut off."""
    height, width = rgb.shape[:2]
    degrees = random.uniform(1.5, 8) * random.choice([-1, 1])
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    value = [int(random.choice([0, 0, 255]))] * 3
    rgb_turned = cv2.warpAffine(rgb, matrix, (width, height), borderValue=value)
    flat = np.array([(0, 0, 1), (width, 0, 1), (width, height, 1), (0, height, 1)], np.float64)
    return Staged(np.asarray(rgb_turned, np.uint8), (flat @ matrix.T).astype(np.float32))


PHOTOS: dict[str, Layout] = {
    each.__name__: each for each in (monitor, held_phone, one_edge_outside, two_edges_outside, turned)
}
