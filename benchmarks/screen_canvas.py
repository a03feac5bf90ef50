"""A screen that benchmarks draw on: words, symbols, cards and pictures, in a light or dark theme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Picture

Corners = NDArray[np.float32]
Colour = tuple[int, int, int]
_LETTERS = list("aabcdeeeefghiiklmnnooprrsstttuvwy")


@dataclass(frozen=True, slots=True, eq=False)
class Staged:
    """A made query: (H, W, 3) uint8 RGB, and the (4, 2) corners of the frame in it, clockwise from its upper left."""

    rgb: Picture
    corners: Corners


Layout = Callable[[Picture, Sequence[Picture], np.random.Generator], Staged]


@dataclass(slots=True)
class Canvas:
    """A screen that is drawn on, with the colours of a light or dark theme."""

    rgb: Picture
    random: np.random.Generator
    dark: bool
    frame: Corners = field(default_factory=lambda: np.zeros((4, 2), np.float32))

    @classmethod
    def blank(cls, width: int, height: int, random: np.random.Generator) -> Canvas:
        dark = bool(random.random() < 0.5)
        base = int(random.integers(0, 48) if dark else random.integers(232, 256))
        tone = np.clip(base + random.integers(-8, 9, 3) * (random.random() < 0.6), 0, 255)
        return cls(np.full((height, width, 3), tone, np.uint8), random, dark)

    @property
    def ink(self) -> Colour:
        grey = int(self.random.integers(190, 250) if self.dark else self.random.integers(10, 110))
        return grey, grey, grey

    @property
    def tint(self) -> Colour:
        red, green, blue = (int(v) for v in self.random.integers(30, 230, 3))
        return red, green, blue

    def near_paper(self, off: int = 16) -> Colour:
        shift = int(self.random.integers(4, off + 4)) * (1 if self.dark else -1)
        red, green, blue = (int(v) for v in np.clip(self.rgb[0, 0].astype(int) + shift, 0, 255))
        return red, green, blue

    def box(self, x: float, y: float, width: float, height: float, colour: Colour, radius: float = 0) -> None:
        mask = rounded(round(width), round(height), round(radius))
        self._blend(round(x), round(y), np.broadcast_to(np.uint8(colour), (*mask.shape, 3)), mask)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        cv2.circle(self.rgb, (round(x), round(y)), max(1, round(radius)), colour, -1, cv2.LINE_AA)

    def words(self, x: float, y: float, size: float, width: float, colour: Colour | None = None) -> None:
        """A line of text of at most ``width`` pixels, its baseline at ``y``."""
        size_px = max(7, round(size))
        letters = int(max(2, min(80, width / (0.56 * size_px))))
        text = "".join(self.random.choice(_LETTERS, letters))
        for at in np.cumsum(self.random.integers(2, 9, 24)):
            if at < len(text) - 1:
                text = text[:at] + " " + text[at + 1 :]
        if self.random.random() < 0.15:
            text = "".join(
                self.random.choice(list("のにはをたがでてと日本語字幕画面場第"), max(2, letters // 2))
            )
        face = cv2.FontFace("sans")
        cv2.putText(
            self.rgb,
            text,
            (round(x), round(y)),
            colour or self.ink,
            face,
            size_px,
            int(self.random.choice([400, 700])),
        )

    def paragraph(self, x: float, y: float, size: float, width: float, lines: int) -> float:
        for line in range(lines):
            share = self.random.uniform(0.3, 1) if line == lines - 1 else self.random.uniform(0.8, 1)
            self.words(x, y + size * (1.45 * line + 1), size, width * share)
        return y + size * (1.45 * lines + 0.3)

    def place(
        self,
        picture: Picture,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        radius: float = 0,
        shadow: bool = False,
        found: bool = True,
    ) -> None:
        """Put a picture on; the frame that is to be found, unless ``found`` is false."""
        left, top, columns, rows = round(x), round(y), max(2, round(width)), max(2, round(height))
        if shadow:
            self._shade(left, top, columns, rows)
        shown = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)
        self._blend(left, top, np.asarray(shown, np.uint8), rounded(columns, rows, round(radius)))
        if found:
            self.frame = corners_of(left, top, left + columns, top + rows)

    def icons(
        self, x: float, y: float, width: float, size: float, count: int, colour: Colour | None = None
    ) -> None:
        ink = colour or self.ink
        for number in range(count):
            at = x + width * (number + 0.5) / count
            kind = self.random.integers(4)
            if kind == 0:
                cv2.circle(
                    self.rgb,
                    (round(at), round(y)),
                    max(2, round(size / 2)),
                    ink,
                    max(1, round(size / 9)),
                    cv2.LINE_AA,
                )
            elif kind == 1:
                points = np.array(
                    [(at - size / 2, y + size / 2), (at, y - size / 2), (at + size / 2, y + size / 2)]
                )
                cv2.polylines(
                    self.rgb,
                    [points.round().astype(np.int32)],
                    True,
                    ink,
                    max(1, round(size / 9)),
                    cv2.LINE_AA,
                )
            elif kind == 2:
                self.box(at - size / 2, y - size / 2, size, size, ink, size / 4)
            else:
                for line in (-0.35, 0, 0.35):
                    cv2.line(
                        self.rgb,
                        (round(at - size / 2), round(y + line * size)),
                        (round(at + size / 2), round(y + line * size)),
                        ink,
                        max(1, round(size / 9)),
                    )

    def status_bar(self, unit: float, colour: Colour | None = None) -> float:
        """The clock and symbols at the top of a phone; how far down they reach."""
        width = self.rgb.shape[1]
        self.words(0.05 * width, 0.95 * unit, 0.8 * unit, 3 * unit, colour)
        self.icons(0.78 * width, 0.7 * unit, 0.2 * width, 0.5 * unit, 3, colour)
        return 1.5 * unit

    def _shade(self, left: int, top: int, columns: int, rows: int) -> None:
        reach = max(3, columns // 25)
        shade = np.zeros(self.rgb.shape[:2], np.float32)
        shade[max(0, top + reach // 3) : top + rows + reach // 2, max(0, left) : left + columns] = (
            self.random.uniform(0.2, 0.6)
        )
        shade = cv2.GaussianBlur(shade, (0, 0), reach / 2)
        self.rgb[:] = (self.rgb * (1 - shade[..., None])).astype(np.uint8)

    def _blend(self, left: int, top: int, shown: NDArray[np.uint8], mask: NDArray[np.float32]) -> None:
        height, width = self.rgb.shape[:2]
        x0, y0, x1, y1 = (
            max(0, left),
            max(0, top),
            min(width, left + shown.shape[1]),
            min(height, top + shown.shape[0]),
        )
        if x0 >= x1 or y0 >= y1:
            return
        part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        under = self.rgb[y0:y1, x0:x1]
        self.rgb[y0:y1, x0:x1] = (
            (under + mask[part][..., None] * (shown[part].astype(np.float32) - under))
            .round()
            .astype(np.uint8)
        )


def rounded(width: int, height: int, radius: int) -> NDArray[np.float32]:
    """A mask of (height, width) float32, 1 inside of a rectangle with rounded corners."""
    width, height = max(1, width), max(1, height)
    radius = min(radius, width // 2, height // 2)
    if radius < 1:
        return np.ones((height, width), np.float32)
    x = np.maximum(radius - 0.5 - np.arange(width), np.arange(width) - (width - radius - 0.5)).clip(0)
    y = np.maximum(radius - 0.5 - np.arange(height), np.arange(height) - (height - radius - 0.5)).clip(0)
    return np.clip(radius + 0.5 - np.hypot(x[None], y[:, None]), 0, 1).astype(np.float32)


def corners_of(left: float, top: float, right: float, bottom: float) -> Corners:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)


def backdrop(rgb: Picture, width: int, height: int, random: np.random.Generator) -> Picture:
    """A picture's own blown-up blur, or a gradient of two colours, of (height, width, 3)."""
    if random.random() < 0.6:
        scale = max(width / rgb.shape[1], height / rgb.shape[0]) * random.uniform(1.0, 1.3)
        small = cv2.resize(rgb, None, fx=scale / 4, fy=scale / 4, interpolation=cv2.INTER_AREA)
        rows, columns = -(-height // 4), -(-width // 4)
        top, left = max(0, (small.shape[0] - rows) // 2), max(0, (small.shape[1] - columns) // 2)
        part = small[top : top + rows, left : left + columns]
        soft = cv2.GaussianBlur(part, (0, 0), width / 4 * random.uniform(0.02, 0.07))
        blurred = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
        return (blurred * random.uniform(0.45, 1.0)).astype(np.uint8)
    ends = random.integers(0, 256, (2, 3)).astype(np.float32)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    turn = random.uniform(0, np.pi / 2)
    share = (x * np.cos(turn) + y * np.sin(turn)) / (np.cos(turn) + np.sin(turn))
    return (ends[0] + share[..., None] * (ends[1] - ends[0])).astype(np.uint8)


def lay_controls(canvas: Canvas, x: float, y: float, width: float, height: float, unit: float) -> None:
    """What a player lays over its picture: shade, bar, buttons; or only a thin line; or nothing."""
    kind = canvas.random.random()
    if kind < 0.4:
        return
    white = (245, 245, 245)
    left, top, right, bottom = round(x), round(y), round(x + width), round(y + height)
    if kind > 0.6:
        rows = max(2, round(height * canvas.random.uniform(0.15, 0.3)))
        shade = np.linspace(1, canvas.random.uniform(0.2, 0.6), rows, dtype=np.float32)[:, None, None]
        canvas.rgb[bottom - rows : bottom, left:right] = (
            canvas.rgb[bottom - rows : bottom, left:right] * shade
        ).astype(np.uint8)
        canvas.icons(left, bottom - 0.8 * unit, width * 0.3, 0.8 * unit, 3, white)
        canvas.words(left + 0.32 * width, bottom - 0.5 * unit, 0.7 * unit, 4 * unit, white)
        if canvas.random.random() < 0.4:
            canvas.icons((left + right) / 2 - 3 * unit, (top + bottom) / 2, 6 * unit, 1.6 * unit, 3, white)
    line = bottom - round(1.6 * unit if kind > 0.6 else 1)
    played = left + round(width * canvas.random.uniform(0.1, 0.9))
    cv2.line(canvas.rgb, (left, line), (right - 1, line), (150, 150, 150), max(1, round(unit / 8)))
    cv2.line(canvas.rgb, (left, line), (played, line), (230, 20, 20), max(1, round(unit / 8)))


def height_share(rgb: Picture) -> float:
    return rgb.shape[0] / rgb.shape[1]
