"""Frames as they are seen on a screen: in a player, on a phone, or photographed."""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.clips import Picture

_WORDS = "abcdefghijklmnopqrstuvwxyz     "


def player(rgb: Picture, random: np.random.Generator) -> Picture:
    """A player's controls over the lowest 14 % and, in a corner above, a channel's half transparent logo."""
    height, width = rgb.shape[:2]
    drawn = rgb.astype(np.float32)
    shade = np.linspace(0, 0.75, max(2, round(height * 0.14)), dtype=np.float32)
    drawn[-len(shade) :] *= (1 - shade)[:, None, None]
    marks = np.zeros((height, width), np.float32)
    side = max(6, round(height * random.uniform(0.09, 0.14)))
    left = round(0.04 * width) if random.random() < 0.5 else width - side - round(0.04 * width)
    top = round(0.05 * height)
    cv2.rectangle(marks, (left, top), (left + side, top + side), 1.0, -1)
    cv2.circle(marks, (left + side // 2, top + side // 2), side // 3, 0.0, -1)
    drawn += random.uniform(0.5, 0.8) * marks[..., None] * (255 - drawn)
    picture = np.ascontiguousarray(drawn.astype(np.uint8))
    line, ends = height - round(0.085 * height), (round(0.02 * width), round(0.98 * width))
    thick, played = max(1, height // 120), round(width * random.uniform(0.1, 0.9))
    cv2.line(picture, (ends[0], line), (ends[1], line), (170, 170, 170), thick)
    cv2.line(picture, (ends[0], line), (played, line), (230, 20, 20), thick)
    cv2.circle(picture, (played, line), 2 * thick, (230, 20, 20), -1)
    low, tall = height - round(0.035 * height), height / 900
    button = np.array([(0, -1), (0, 1), (2, 0)]) * round(0.018 * height)
    cv2.fillPoly(picture, [button + np.array((ends[0], low - round(0.01 * height)))], (245, 245, 245))
    time = f"{random.integers(24)}:{random.integers(60):02} / 23:{random.integers(60):02}"
    _write(picture, time, (round(0.07 * width), low), tall, (245, 245, 245))
    return picture


def phone_screenshot(rgb: Picture, random: np.random.Generator) -> Picture:
    """An upright phone, 19.5:9: the picture across its width, an app's bars and text above and below."""
    width = max(120, rgb.shape[1])
    height = round(width * 19.5 / 9)
    dark = random.random() < 0.5
    paper, ink = ((18, 18, 20), (225, 225, 225)) if dark else ((250, 250, 250), (30, 30, 30))
    screen = np.full((height, width, 3), paper, np.uint8)
    shown = round(rgb.shape[0] * width / rgb.shape[1])
    top = round(height * random.uniform(0.05, 0.25))
    end = min(height, top + shown)
    screen[top:end] = cv2.resize(rgb, (width, shown), interpolation=cv2.INTER_LINEAR)[: end - top]
    small = width / 900
    clock = f"{random.integers(24)}:{random.integers(60):02}"
    _write(screen, clock, (round(0.05 * width), round(0.028 * height)), 1.3 * small, ink)
    at = end + round(0.03 * height)
    while at < height * 0.9:
        face = (round(0.08 * width), at + round(0.01 * height))
        cv2.circle(screen, face, round(0.035 * width), tuple(int(c) for c in random.integers(40, 220, 3)), -1)
        for line in range(int(random.integers(1, 4))):
            text = "".join(random.choice(list(_WORDS), int(random.integers(14, 34))))
            _write(screen, text, (round(0.15 * width), at + round(0.018 * height * line)), 1.3 * small, ink)
        at += round(height * random.uniform(0.06, 0.09))
    cv2.line(
        screen,
        (0, round(0.93 * height)),
        (width, round(0.93 * height)),
        (128, 128, 128),
        max(1, width // 400),
    )
    return screen


def screen_photo(rgb: Picture, random: np.random.Generator) -> Picture:
    """A photograph of a display, taken from the side, with moiré, a reflection, noise and a colour cast.

    The display fills 72 to 90 % of the photo's width and its corners are off by up to 6 %.
    """
    height, width = rgb.shape[:2]
    size = (640, 480)
    photo = np.full((size[1], size[0], 3), random.integers(20, 110, 3), np.float32)
    photo *= np.linspace(random.uniform(0.5, 1.0), 1.0, size[1], dtype=np.float32)[:, None, None]
    across = size[0] * random.uniform(0.72, 0.90)
    down = min(0.92 * size[1], across * height / width)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float32) * (across / 2, down / 2)
    corners += (size[0] / 2, size[1] / 2) + random.uniform(-0.06, 0.06, (4, 2)) * (across, down)
    corners = corners.astype(np.float32)
    outline = (corners - corners.mean(axis=0)) * 1.05 + corners.mean(axis=0)
    cv2.fillConvexPoly(photo, outline.round().astype(np.int32), (14, 14, 16))
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, corners)
    lit = cv2.warpPerspective(rgb, matrix, size, flags=cv2.INTER_AREA).astype(np.float32)
    where = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, size)[..., None]
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
    turn, period = random.uniform(0, np.pi), random.uniform(4, 14)
    phase = (x * np.cos(turn) + y * np.sin(turn)) * (2 * np.pi / period) + 4 * np.sin(y / 90)
    lit *= (1 + random.uniform(0.03, 0.10) * np.sin(phase))[..., None]
    photo += where * (lit - photo)
    middle, spread = random.uniform(0.2, 0.8, 2) * size, random.uniform(40, 110)
    glare = np.exp(-((x - middle[0]) ** 2 + 2 * (y - middle[1]) ** 2) / (2 * spread**2))
    photo += random.uniform(0.25, 0.55) * glare[..., None] * (255 - photo)
    photo = cv2.GaussianBlur(photo, (0, 0), random.uniform(0.4, 1.1)) * random.uniform(0.88, 1.08, 3)
    photo += random.normal(0, random.uniform(2, 6), photo.shape)
    return np.clip(photo, 0, 255).astype(np.uint8)


def _write(rgb: Picture, text: str, at: tuple[int, int], scale: float, colour: tuple[int, int, int]) -> None:
    cv2.putText(
        rgb, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, max(1, round(1.6 * scale)), cv2.LINE_AA
    )
