"""Screenshots of phones: chats, timelines, viewers and players around a frame; each knows where its frame is."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from benchmarks.clips import Picture
from benchmarks.screen_canvas import Canvas, Layout, Staged, backdrop, height_share, lay_controls


def _phone(random: np.random.Generator) -> tuple[Canvas, int, int, float]:
    width = int(random.integers(420, 900))
    height = round(width * random.uniform(1.75, 2.22))
    return Canvas.blank(width, height, random), width, height, width / random.uniform(17, 22)


def chat(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A chat on a phone: bubbles, a wallpaper now and then, the frame as a card in a bubble or on the paper."""
    canvas, width, height, unit = _phone(random)
    if random.random() < 0.35:
        _wallpaper(canvas)
    bar = canvas.near_paper(30)
    canvas.box(0, 0, width, 3.6 * unit, bar)
    y = canvas.status_bar(unit)
    canvas.disc(2.2 * unit, y + unit, 0.8 * unit, canvas.tint)
    canvas.words(3.6 * unit, y + 1.3 * unit, unit, 0.4 * width)
    canvas.icons(0.75 * width, y + unit, 0.22 * width, 0.8 * unit, 2)
    y, placed = 4.2 * unit, False
    shown_at = random.uniform(0.1, 0.45) * height
    while y < height - 3 * unit:
        mine = random.random() < 0.5
        bubble = canvas.tint if mine else canvas.near_paper(40)
        if not placed and y > shown_at:
            across = width * random.uniform(0.55, 0.82)
            down = across * height_share(rgb)
            x = width - across - 0.7 * unit if mine else random.uniform(0.7, 2.6) * unit
            x = min(x, width - across - 0.3 * unit)
            if x > 2.2 * unit and not mine:
                canvas.disc(1.2 * unit, y + 0.7 * unit, 0.7 * unit, canvas.tint)
            margin = random.choice([0, 0.15, 0.35]) * unit
            lines = int(random.integers(0, 3)) if margin else 0
            if margin:
                canvas.box(
                    x - margin,
                    y - margin,
                    across + 2 * margin,
                    down + 2 * margin + 1.5 * unit * lines,
                    bubble,
                    0.6 * unit,
                )
                canvas.paragraph(x + 0.3 * unit, y + down + 0.1 * unit, 0.85 * unit, across * 0.9, lines)
            canvas.place(rgb, x, y, across, down, radius=random.choice([0, 0.3, 0.6, 1.0]) * unit)
            if not margin and random.random() < 0.4:
                canvas.words(
                    x + across - 3 * unit, y + down - 0.4 * unit, 0.6 * unit, 2.6 * unit, (240, 240, 240)
                )
            y += down + (1.2 + 1.5 * lines) * unit
            placed = True
            continue
        lines = int(random.integers(1, 4))
        across = width * random.uniform(0.25, 0.72)
        x = width - across - unit if mine else 1.0 * unit
        canvas.box(x, y, across, (1.4 * lines + 0.6) * unit, bubble, random.choice([0.2, 0.7]) * unit)
        canvas.paragraph(x + 0.5 * unit, y + 0.2 * unit, 0.9 * unit, across - unit, lines)
        y += (1.4 * lines + random.uniform(0.9, 1.8)) * unit
    canvas.box(0, height - 2.4 * unit, width, 2.4 * unit, bar)
    canvas.box(2 * unit, height - 2 * unit, width - 5 * unit, 1.5 * unit, canvas.near_paper(), 0.7 * unit)
    return Staged(canvas.rgb, canvas.frame)


def timeline(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """Posts on a phone: avatar, name, text, the frame across the screen or as a card, other posts' pictures cut off."""
    canvas, width, height, unit = _phone(random)
    y = canvas.status_bar(unit) + 0.3 * unit
    canvas.icons(0, y + 0.8 * unit, width, unit, int(random.integers(2, 5)))
    y += 2 * unit
    if random.random() < 0.6:
        before = others[int(random.integers(len(others)))]
        across = width * random.uniform(0.6, 1.0)
        shown = round(random.uniform(0.1, 0.4) * across * height_share(before))
        canvas.place(before[-max(2, before.shape[0] // 3) :], width - across, y, across, shown, found=False)
        y += shown + 0.4 * unit
        canvas.icons(0.1 * width, y + 0.6 * unit, 0.8 * width, 0.8 * unit, 4)
        y += 1.8 * unit
    indent = random.choice([0.3 * unit, 2.6 * unit])
    canvas.disc(1.3 * unit, y + unit, 0.9 * unit, canvas.tint)
    canvas.words(2.7 * unit, y + 0.9 * unit, unit, 0.35 * width)
    y += random.choice([1.2, 2.2]) * unit
    y = (
        canvas.paragraph(max(indent, 0.5 * unit), y, unit, (width - indent) * 0.9, int(random.integers(0, 5)))
        + 0.5 * unit
    )
    full = random.random() < 0.4
    across = width if full else width - indent - random.uniform(0.3, 1.0) * unit
    down = across * height_share(rgb)
    canvas.place(
        rgb, 0 if full else indent, y, across, down, radius=0 if full else random.choice([0, 0.5, 0.9]) * unit
    )
    if not full and random.random() < 0.3:
        cv2.rectangle(
            canvas.rgb,
            (round(indent), round(y)),
            (round(indent + across), round(y + down)),
            canvas.near_paper(60),
            1,
        )
    y += down + 0.7 * unit
    while y < height - 3 * unit:
        canvas.icons(0.1 * width, y + 0.6 * unit, 0.8 * width, 0.8 * unit, int(random.integers(3, 6)))
        cv2.line(
            canvas.rgb, (0, round(y + 1.5 * unit)), (width, round(y + 1.5 * unit)), canvas.near_paper(40), 1
        )
        y += 2 * unit
        canvas.disc(1.3 * unit, y + unit, 0.9 * unit, canvas.tint)
        y = canvas.paragraph(2.7 * unit, y, unit, width - 3.5 * unit, int(random.integers(1, 5))) + 0.5 * unit
        if random.random() < 0.3:
            canvas.place(
                others[int(random.integers(len(others)))],
                indent,
                y,
                width - 2 * indent,
                0.5 * width,
                found=False,
            )
            y += 0.5 * width + 0.6 * unit
    canvas.box(0, height - 2.5 * unit, width, 2.5 * unit, canvas.near_paper(8))
    canvas.icons(0, height - 1.3 * unit, width, unit, 5)
    return Staged(canvas.rgb, canvas.frame)


def viewer(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A phone's picture viewer or an upright player: the frame across a black or white screen, symbols around it."""
    canvas, width, height, unit = _phone(random)
    paper = int(random.choice([0, 0, 0, 18, 255]))
    canvas.rgb[:] = paper
    canvas.dark = paper < 128
    down = width * height_share(rgb)
    y = random.uniform(0.25, 0.6) * (height - down)
    canvas.status_bar(unit)
    canvas.icons(0, 2.4 * unit, width, unit, int(random.integers(2, 5)))
    canvas.place(rgb, 0, y, width, down)
    canvas.icons(0, height - 1.8 * unit, width, 1.1 * unit, int(random.integers(3, 6)))
    for number in range(int(random.integers(0, 8))):
        canvas.place(
            others[number % len(others)],
            (0.5 + 2.2 * number) * unit,
            height - 5.2 * unit,
            2 * unit,
            2 * unit,
            found=False,
        )
    if random.random() < 0.5:
        canvas.paragraph(0.8 * unit, y + down + 0.6 * unit, unit, width * 0.9, int(random.integers(1, 4)))
    return Staged(canvas.rgb, canvas.frame)


def video_app(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A video app on a phone: the playing frame with or without controls over it, title, and a list below."""
    canvas, width, height, unit = _phone(random)
    down = width * height_share(rgb)
    y = canvas.status_bar(unit) if random.random() < 0.7 else 0.0
    if y and random.random() < 0.5:
        canvas.box(0, 0, width, y, (0, 0, 0))
    canvas.place(rgb, 0, y, width, down)
    lay_controls(canvas, 0, y, width, down, unit)
    y = canvas.paragraph(
        0.6 * unit, y + down + 0.4 * unit, 1.1 * unit, 0.9 * width, int(random.integers(1, 3))
    )
    canvas.icons(0, y + unit, width, unit, 5)
    y += 2.4 * unit
    while y < height - 3 * unit:
        other = others[int(random.integers(len(others)))]
        if random.random() < 0.5:
            canvas.place(
                other, 0.5 * unit, y, 7 * unit, 4 * unit, radius=random.choice([0, 0.4]) * unit, found=False
            )
            canvas.paragraph(8 * unit, y, 0.9 * unit, width - 9 * unit, 2)
            y += 4.6 * unit
        else:
            canvas.disc(1.3 * unit, y + unit, 0.8 * unit, canvas.tint)
            y = (
                canvas.paragraph(2.7 * unit, y, 0.9 * unit, width - 3.6 * unit, int(random.integers(1, 4)))
                + 0.6 * unit
            )
    return Staged(canvas.rgb, canvas.frame)


def story(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A short upright video: the frame across the middle, its own blown-up blur or a gradient above and below."""
    canvas, width, height, unit = _phone(random)
    canvas.rgb[:] = backdrop(rgb, width, height, random)
    down = width * height_share(rgb)
    y = random.uniform(0.3, 0.6) * (height - down)
    canvas.place(rgb, 0, y, width, down)
    if random.random() < 0.7:
        white = (250, 250, 250)
        canvas.status_bar(unit, white)
        canvas.paragraph(unit, height - 6 * unit, unit, 0.6 * width, int(random.integers(1, 4)))
        for number in range(int(random.integers(2, 6))):
            canvas.icons(
                width - 2.4 * unit,
                height * 0.5 + 2.6 * unit * number + down / 2,
                2 * unit,
                1.3 * unit,
                1,
                white,
            )
    if random.random() < 0.5:
        canvas.words(0.15 * width, y - 1.2 * unit, 1.6 * unit, 0.7 * width)
    return Staged(canvas.rgb, canvas.frame)


def meme(rgb: Picture, others: Sequence[Picture], random: np.random.Generator) -> Staged:
    """A caption on white or black above or below the frame, in the picture's own width."""
    width = int(random.integers(420, 900))
    down, unit = round(width * height_share(rgb)), width / random.uniform(12, 20)
    above, below = (int(random.integers(0, 5)) for _ in range(2))
    above = max(above, 1 - below)
    top, foot = round(above and (1.5 * above + 1) * unit), round(below and (1.5 * below + 1) * unit)
    margin = round(random.choice([0, 0, 0.5]) * unit)
    canvas = Canvas.blank(width + 2 * margin, top + down + foot + margin, random)
    canvas.paragraph(0.4 * unit + margin, 0.2 * unit, unit, 0.92 * width, above)
    canvas.place(rgb, margin, top, width, down)
    canvas.paragraph(0.4 * unit + margin, top + down + 0.2 * unit, unit, 0.92 * width, below)
    return Staged(canvas.rgb, canvas.frame)


def _wallpaper(canvas: Canvas) -> None:
    height, width = canvas.rgb.shape[:2]
    if canvas.random.random() < 0.4:
        canvas.rgb[:] = backdrop(canvas.rgb, width, height, canvas.random)
    marks = canvas.near_paper(14)
    for _ in range(160):
        x, y = canvas.random.uniform(0, 1, 2) * (width, height)
        canvas.icons(x, y, width / 12, width / 30, 1, marks)


PHONE_LAYOUTS: dict[str, Layout] = {
    each.__name__: each for each in (chat, timeline, viewer, video_app, story, meme)
}
