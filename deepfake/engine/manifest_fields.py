"""Reading a manifest's fields one by one, so that a wrong one is named."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from deepfake.engine.inputs import Fit, Layout
from deepfake.engine.verdict import Quality


class BundleError(Exception):
    """A bundle is missing, altered, or of a kind that this version does not read; the text says what, and no path."""


class Fields:
    """One object of a manifest.

    Args:
        place: where in the manifest it stands, for messages.

    Raises:
        BundleError: it is no object. Every method raises it too, for a field that is not as it has to be.
    """

    def __init__(self, place: str, raw: object) -> None:
        if not isinstance(raw, dict):
            raise BundleError(f"{place} is not an object")
        self.place = place
        self._raw: dict[str, Any] = raw

    def _wrong(self, name: str, what: str) -> BundleError:
        return BundleError(
            f"{self.place}.{name} {what}" if name in self._raw else f"{self.place} has no {name}"
        )

    def text(self, name: str, form: re.Pattern[str] | None = None, *, default: str | None = None) -> str:
        """A text that is not empty, and of a form; or the default."""
        value = self._raw.get(name, default)
        if not isinstance(value, str) or (not value and default is None):
            raise self._wrong(name, "is not a text")
        if form is not None and value != default and not form.fullmatch(value):
            raise self._wrong(name, "is not of the form that it has to be")
        return value

    def number(self, name: str, least: float, most: float, *, default: float | None = None) -> float:
        """A number of a range."""
        value = self._raw.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            raise self._wrong(name, f"is not a number from {least:g} to {most:g}")
        return float(value)

    def integer(self, name: str, least: int = 0, most: int = 1000, *, default: int | None = None) -> int:
        """A whole number of a range; the default may lie outside it."""
        if name not in self._raw and default is not None:
            return default
        value = self._raw.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._wrong(name, f"is not a whole number from {least} to {most}")
        return value

    def boolean(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self._raw.get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "is neither true nor false")
        return value

    def fit(self, name: str, default: Fit) -> Fit:
        """How a frame is fitted."""
        try:
            return Fit(self._raw.get(name, default))
        except ValueError:
            raise self._wrong(name, f"is none of {', '.join(Fit)}") from None

    def layout(self, name: str, default: Layout) -> Layout:
        """An order of axes."""
        try:
            return Layout(self._raw.get(name, default))
        except ValueError:
            raise self._wrong(name, f"is none of {', '.join(Layout)}") from None

    def quality(self, name: str, value: str) -> Quality:
        """A quality warning that an object of this name has as a key."""
        try:
            return Quality(value)
        except ValueError:
            raise BundleError(f"{self.place}.{name}: {value!r} is no quality warning") from None

    def colour(self, name: str, default: tuple[float, float, float]) -> tuple[float, float, float]:
        """Three numbers, for red, green and blue."""
        value = self._raw.get(name, list(default))
        if not isinstance(value, list) or len(value) != 3 or not all(map(_is_number, value)):
            raise self._wrong(name, "is not three numbers")
        red, green, blue = map(float, value)
        return red, green, blue

    def list(self, name: str) -> list[Fields]:
        """Objects, at least one."""
        value = self._raw.get(name)
        if not isinstance(value, list) or not value:
            raise self._wrong(name, "is not a list with something in it")
        return [Fields(f"{self.place}.{name}[{number}]", each) for number, each in enumerate(value)]

    def part(self, name: str) -> Fields:
        """An object."""
        if name not in self._raw:
            raise self._wrong(name, "")
        return Fields(f"{self.place}.{name}", self._raw[name])

    def optional(self, name: str) -> Fields | None:
        """An object, or nothing."""
        value = self._raw.get(name)
        return None if value is None else Fields(f"{self.place}.{name}", value)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An object as it stands; empty where there is none."""
        value = self._raw.get(name, {})
        if not isinstance(value, dict):
            raise self._wrong(name, "is not an object")
        return value

    def numbers(self, name: str) -> Mapping[str, float]:
        """An object of numbers; empty where there is none."""
        values = self.mapping(name)
        if not all(map(_is_number, values.values())):
            raise self._wrong(name, "holds something that is no number")
        return {key: float(value) for key, value in values.items()}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
