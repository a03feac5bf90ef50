"""Repeated measurements: taken in turns, summed up by their median."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.report import say


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, smallest and largest of some measurements."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(float(np.median(values)), min(values), max(values))

    def show(self, digits: int = 0) -> str:
        """As a table shows it: the median, and the range behind it."""
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f}–{self.high:,.{digits}f})"


@dataclass(frozen=True, slots=True)
class Run:
    """One measured call: units of work done, seconds on the clock, seconds of processor time."""

    units: int
    wall_s: float
    cpu_s: float


def take_turns(
    variants: Mapping[str, Callable[[], int]], *, rounds: int, label: str = ""
) -> dict[str, list[Run]]:
    """Call every variant once a round, in the same order (A B C A B C …).

    A load that comes and goes on the machine then falls on all variants alike. Each variant returns how many
    units of work it did.
    """
    runs: dict[str, list[Run]] = {name: [] for name in variants}
    for turn in range(rounds):
        for name, variant in variants.items():
            wall_s, cpu_s = time.perf_counter(), time.process_time()
            units = variant()
            run = Run(units, time.perf_counter() - wall_s, time.process_time() - cpu_s)
            runs[name].append(run)
            say(f"{label}{name}, round {turn + 1} of {rounds}: {units} in {run.wall_s:.2f} s")
    return runs


def ratios(numerator: Sequence[float], denominator: Sequence[float]) -> Spread:
    """The ratio of two variants, round by round."""
    return Spread.of([a / b for a, b in zip(numerator, denominator, strict=True)])
