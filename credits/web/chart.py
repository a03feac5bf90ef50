"""The chart of use: bars of the last days, drawn on the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise

from credits.policies import Product
from credits.selectors import DayUse
from credits.web.words import PRODUCT_NAMES

#: The drawing's own units; the page stretches it to its width.
HEIGHT = 100
_STEP = 10
_BAR = 7


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of a bar that stands for one product; ``style`` names its colour."""

    style: str
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Series:
    """A product that was used in this time."""

    style: str
    name: str | Promise
    total: int


@dataclass(frozen=True, slots=True)
class Row:
    """A day of the table that says the same."""

    day: date
    uses: list[int]
    total: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars, what their colours mean, and the same as a table.

    Attributes:
        most: what the highest bar stands for.
        width: of the drawing.
        bar: width of a bar.
        rows: days on which something was used, the newest first.
    """

    pieces: list[Piece]
    series: list[Series]
    rows: list[Row]
    most: int
    total: int
    first: date
    last: date
    width: int
    bar: int = _BAR
    height: int = HEIGHT


def chart_of(days: list[DayUse]) -> Chart:
    """Draw days, the first of them at the left."""
    used = [product for product in Product if any(day.uses.get(product) for day in days)]
    most = max((day.total for day in days), default=0)
    pieces: list[Piece] = []
    for place, day in enumerate(days):
        top = float(HEIGHT)
        for product in used:
            height = HEIGHT * day.uses.get(product, 0) / most
            if height:
                top -= height
                x = place * _STEP + (_STEP - _BAR) / 2
                pieces.append(Piece(_style(product), x, round(top, 2), round(height, 2)))
    return Chart(
        pieces=pieces,
        series=[
            Series(_style(each), PRODUCT_NAMES[each], sum(day.uses.get(each, 0) for day in days))
            for each in used
        ],
        rows=[
            Row(day.day, [day.uses.get(each, 0) for each in used], day.total)
            for day in reversed(days)
            if day.total
        ],
        most=most,
        total=sum(day.total for day in days),
        first=days[0].day,
        last=days[-1].day,
        width=len(days) * _STEP,
    )


def _style(product: Product) -> str:
    return f"use-{list(Product).index(product) + 1}"
