"""Frames in browser pages, players and windows on wide screens, and frames with borders around them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from benchmarks.clips import Picture
from benchmarks.screen_canvas import Canvas, Layout, Staged, backdrop, corners_of, height_share, lay_controls


def _screen(random: np.random.Generator) -> tuple[Canvas, int, int, float]:
    width = int(random.integers(900, 1500))
    height = round(width / random.choice([16 / 9, 16 / 10, 4 / 3, 2.16]))
    return Canvas.blank(width, height, random), width, height, width / random.uniform(55, 80)


def _browser(canvas: Canvas, unit: float) -> float:
    """Tabs, address and buttons; how far down they reach."""
    width = canvas.rgb.shape[1]
    canvas.box(0, 0, width, 2 * unit, canvas.near_paper(50))
    x = unit
    for _ in range(int(canvas.random.integers(1, 6))):
        canvas.box(x, 0.4 * unit, 10 * unit, 1.8 * unit, canvas.near_paper(20), 0.4 * unit)
        canvas.words(x + unit, 1.5 * unit, 0.8 * unit, 7 * unit)
        x += 10.3 * unit
    canvas.icons(0, 3.1 * unit, 6 * unit, 0.9 * unit, 3)
    canvas.box(7 * unit, 2.3 * unit, width - 16 * unit, 1.6 * unit, canvas.near_paper(25), 0.7 * unit)
    canvas.words(8 * unit, 3.4 * unit, 0.9 * unit, 0.3 * width)
    cv2.line(canvas.rgb, (0, round(4.2 * unit)), (width, round(4.2 * unit)), canvas.near_paper(30), 1)
    return 4.5 * unit


def video_page(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A video site: the frame at the left with controls, thumbnails at the right, title and comments below."""
    canvas, width, height, unit = _screen(random)
    y = _browser(canvas, unit) if random.random() < 0.75 else unit
    canvas.words(2 * unit, y + 1.4 * unit, 1.3 * unit, 6 * unit)
    canvas.box(0.3 * width, y + 0.3 * unit, 0.35 * width, 1.6 * unit, canvas.near_paper(25), 0.8 * unit)
    y += random.uniform(2.4, 3.4) * unit
    across = min(
        width * random.uniform(0.55, 0.7), (height - y) * random.uniform(0.75, 1.0) / height_share(rgb)
    )
    x = random.uniform(1, 4) * unit
    canvas.place(rgb, x, y, across, across * height_share(rgb), radius=random.choice([0, 0, 0.8]) * unit)
    lay_controls(canvas, x, y, across, across * height_share(rgb), unit)
    below = canvas.paragraph(x, y + across * height_share(rgb) + 0.6 * unit, 1.4 * unit, across * 0.9, 1)
    while below < height:
        below = canvas.paragraph(x, below, unit, across, int(random.integers(1, 4))) + unit
    at, side = y, x + across + 1.5 * unit
    while at < height and side < width - 9 * unit:
        canvas.place(
            others[int(random.integers(len(others)))],
            side,
            at,
            9 * unit,
            5 * unit,
            radius=random.choice([0, 0.5]) * unit,
            found=False,
        )
        canvas.paragraph(
            side + 9.6 * unit, at, 0.9 * unit, width - side - 10 * unit, int(random.integers(1, 4))
        )
        at += 5.7 * unit
    return Staged(canvas.rgb, canvas.frame)


def web_post(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A forum or social page in a browser: columns of text, a post with the frame in the middle one."""
    canvas, width, height, unit = _screen(random)
    top = _browser(canvas, unit) if random.random() < 0.7 else 0.5 * unit
    y = top
    for row in range(int(random.integers(3, 9))):
        canvas.icons(unit, y + (2 + 2.4 * row) * unit, 2 * unit, unit, 1)
        canvas.words(4 * unit, y + (2.4 + 2.4 * row) * unit, 1.1 * unit, 8 * unit)
    x, across = width * random.uniform(0.2, 0.3), width * random.uniform(0.34, 0.48)
    if random.random() < 0.5:
        cv2.line(canvas.rgb, (round(x - unit), round(y)), (round(x - unit), height), canvas.near_paper(40), 1)
    canvas.disc(x + unit, y + 1.5 * unit, unit, canvas.tint)
    y = (
        canvas.paragraph(x + 2.6 * unit, y + 0.4 * unit, unit, across * 0.8, int(random.integers(1, 5)))
        + 0.6 * unit
    )
    inset = random.choice([0, 2.6]) * unit
    down = (across - inset) * height_share(rgb)
    if y + down > height - 2 * unit:
        down = max(0.35 * height, height - 2 * unit - y)
        across = inset + down / height_share(rgb)
    canvas.place(
        rgb,
        x + inset,
        y,
        across - inset,
        (across - inset) * height_share(rgb),
        radius=random.choice([0, 0.6, 1.0]) * unit,
        shadow=random.random() < 0.3,
    )
    y += (across - inset) * height_share(rgb) + 0.6 * unit
    while y < height:
        canvas.icons(x, y + unit, across, unit, 5)
        y = canvas.paragraph(x, y + 2 * unit, unit, across, int(random.integers(1, 4))) + unit
    side, at = x + across + 2 * unit, top + unit
    while at < height and side < width - 8 * unit:
        if random.random() < 0.3:
            canvas.place(
                others[int(random.integers(len(others)))],
                side,
                at,
                width - side - unit,
                6 * unit,
                found=False,
            )
            at += 7 * unit
        else:
            at = canvas.paragraph(side, at, unit, width - side - unit, int(random.integers(2, 6))) + unit
    return Staged(canvas.rgb, canvas.frame)


def window(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A player's window on a desktop: wallpaper behind, a title above, controls over or under the frame."""
    canvas, width, height, unit = _screen(random)
    paper = canvas.rgb[0, 0].copy()
    if random.random() < 0.5:
        canvas.rgb[:] = cv2.resize(
            others[int(random.integers(len(others)))], (width, height), interpolation=cv2.INTER_LINEAR
        )
    else:
        canvas.rgb[:] = backdrop(others[int(random.integers(len(others)))], width, height, random)
    across = min(width * random.uniform(0.5, 0.85), 0.72 * height / height_share(rgb))
    down = across * height_share(rgb)
    x, y = random.uniform(0.05, 0.95) * (width - across), random.uniform(0.3, 0.7) * (height - down)
    foot = random.choice([0, 2.6]) * unit
    bar = tuple(int(v) for v in paper)
    canvas.box(x, y - 2 * unit, across, down + 2 * unit + foot, (bar[0], bar[1], bar[2]), 0.5 * unit)
    canvas.words(x + unit, y - 0.6 * unit, unit, across * 0.4)
    canvas.icons(x + across - 6 * unit, y - unit, 5.5 * unit, 0.8 * unit, 3)
    canvas.place(rgb, x, y, across, down)
    if foot:
        canvas.icons(x, y + down + 1.6 * unit, across * 0.3, unit, 4)
        cv2.line(
            canvas.rgb,
            (round(x + unit), round(y + down + 0.5 * unit)),
            (round(x + across - unit), round(y + down + 0.5 * unit)),
            (128, 128, 128),
            2,
        )
    else:
        lay_controls(canvas, x, y, across, down, unit)
    canvas.box(0, height - 2.5 * unit, width, 2.5 * unit, (bar[0], bar[1], bar[2]))
    canvas.icons(0, height - 1.2 * unit, 0.4 * width, 1.2 * unit, 8)
    return Staged(canvas.rgb, canvas.frame)


def wide_player(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A phone held sideways: the frame in the middle of black, white or blurred ends, controls over it and beside."""
    height = int(random.integers(420, 720))
    width = round(height * random.uniform(1.95, 2.25))
    canvas = Canvas.blank(width, height, random)
    canvas.rgb[:] = (
        backdrop(rgb, width, height, random)
        if random.random() < 0.25
        else int(random.choice([0, 0, 16, 255]))
    )
    down = height * random.choice([1.0, 1.0, 0.85])
    across = min(down / height_share(rgb), 0.95 * width)
    down = across * height_share(rgb)
    x, y, unit = random.uniform(0.3, 0.7) * (width - across), (height - down) / 2, height / 20
    canvas.place(rgb, x, y, across, down)
    lay_controls(canvas, x, y, across, down, unit)
    if random.random() < 0.5:
        canvas.icons(0, unit, x, unit, 1, (200, 200, 200))
    return Staged(canvas.rgb, canvas.frame)


def results(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A page or app of several pictures, of which the largest is the frame."""
    canvas, width, height, unit = _screen(random)
    y = _browser(canvas, unit) if random.random() < 0.6 else unit
    across = width * random.uniform(0.4, 0.55)
    down = across * height_share(rgb)
    if y + down > 0.9 * height:
        down = 0.9 * height - y
        across = down / height_share(rgb)
    left = random.random() < 0.5
    gap = random.choice([0.3, 1.0]) * unit
    x = gap if left else width - across - gap
    canvas.place(rgb, x, y, across, down, radius=random.choice([0, 0.6]) * unit)
    rest, start = (width - across - 3 * gap), (across + 2 * gap if left else gap)
    columns = int(random.integers(2, 4))
    cell = rest / columns
    at = y
    while at < height:
        for column in range(columns):
            canvas.place(
                others[int(random.integers(len(others)))],
                start + column * cell,
                at,
                cell - gap,
                0.56 * cell,
                radius=0,
                found=False,
            )
            if gap > 0.5 * unit:
                canvas.words(start + column * cell, at + 0.56 * cell + 1.1 * unit, unit, cell * 0.8)
        at += 0.56 * cell + (2 * unit if gap > 0.5 * unit else gap)
    canvas.paragraph(x, y + down + 0.5 * unit, 1.2 * unit, across, int(random.integers(1, 3)))
    return Staged(canvas.rgb, canvas.frame)


def inset(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A small picture in a corner of the frame, which fills the screen."""
    height, width = rgb.shape[:2]
    canvas = Canvas(rgb.copy(), random, True)
    canvas.frame = corners_of(0, 0, width, height)
    across = width * random.uniform(0.2, 0.32)
    x = 0.03 * width if random.random() < 0.5 else 0.97 * width - across
    y = 0.04 * height if random.random() < 0.5 else 0.96 * height - 0.5625 * across
    canvas.place(
        others[0],
        x,
        y,
        across,
        0.5625 * across,
        radius=random.choice([0, 0.05]) * across,
        shadow=True,
        found=False,
    )
    return Staged(canvas.rgb, canvas.frame)


def _bordered(
    rgb: Picture, sides: tuple[int, int, int, int], around: Picture | tuple[int, int, int], radius: int = 0
) -> Staged:
    top, bottom, left, right = sides
    height, width = rgb.shape[0] + top + bottom, rgb.shape[1] + left + right
    whole = np.empty((height, width, 3), np.uint8)
    whole[:] = around if isinstance(around, tuple) else cv2.resize(around, (width, height))
    canvas = Canvas(whole, np.random.default_rng(0), True)
    canvas.place(rgb, left, top, rgb.shape[1], rgb.shape[0], radius=radius)
    return Staged(canvas.rgb, canvas.frame)


def _bars(rgb: Picture, random: np.random.Generator) -> tuple[int, int, int, int]:
    height, width = rgb.shape[:2]
    kind = random.integers(4)
    share = random.uniform(0.05, 0.4)
    if kind == 0:
        return round(share * height), round(share * height), 0, 0
    if kind == 1:
        return 0, 0, round(share * width), round(share * width)
    if kind == 2:
        both = [round(random.uniform(0.02, 0.3) * side) for side in (height, height, width, width)]
        return both[0], both[1], both[2], both[3]
    return round(2.2 * width - height) // 2, round(2.2 * width - height) // 2, 0, 0


def bars_of_one_colour(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    red, green, blue = (
        int(v)
        for v in (random.integers(0, 256, 3) if random.random() < 0.6 else [random.choice([0, 255])] * 3)
    )
    return _bordered(rgb, _bars(rgb, random), (red, green, blue))


def soft_bars(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """Bars that hold the frame's own blown-up blur, or a gradient."""
    sides = _bars(rgb, random)
    size = (rgb.shape[1] + sides[2] + sides[3], rgb.shape[0] + sides[0] + sides[1])
    return _bordered(rgb, sides, backdrop(rgb, *size, random))


def thin_frame(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A line of 2 to 12 pixels around the frame, rounded now and then, or two lines within each other."""
    red, green, blue = (int(v) for v in random.integers(0, 256, 3))
    line = int(random.integers(4, 14))
    if random.random() < 0.3:
        rgb = cv2.copyMakeBorder(
            rgb,
            line,
            line,
            line,
            line,
            cv2.BORDER_CONSTANT,
            value=[int(v) for v in random.integers(0, 256, 3)],
        )
        staged = _bordered(np.asarray(rgb, np.uint8), (line,) * 4, (red, green, blue))
        middle = staged.corners.mean(axis=0)
        return Staged(staged.rgb, staged.corners + line * np.sign(middle - staged.corners).astype(np.float32))
    return _bordered(rgb, (line,) * 4, (red, green, blue), radius=int(random.choice([0, 12, 30])))


def card(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A shared card: the frame with rounded corners and a shadow on a colour or gradient."""
    height, width = rgb.shape[:2]
    margin = round(random.uniform(0.05, 0.2) * width)
    whole = backdrop(rgb, width + 2 * margin, height + 2 * margin, random)
    if random.random() < 0.4:
        whole[:] = random.integers(0, 256, 3)
    canvas = Canvas(whole, random, True)
    canvas.place(rgb, margin, margin, width, height, radius=random.uniform(0, 0.05) * width, shadow=True)
    return Staged(canvas.rgb, canvas.frame)


PAGE_LAYOUTS: dict[str, Layout] = {
    each.__name__: each for each in (video_page, web_post, window, wide_player, results, inset)
}
BORDERS: dict[str, Layout] = {
    each.__name__: each for each in (bars_of_one_colour, soft_bars, thin_frame, card)
}
