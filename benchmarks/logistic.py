"""Logistic fits of "this answer is right", and how far their probabilities can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """``1 / (1 + exp(-(bias + values @ weights)))`` of (N, F) values; ``weights`` has F numbers."""

    bias: float
    weights: Values

    def log_odds(self, values: Values) -> Values:
        """Of each row."""
        return np.asarray(self.bias + values @ self.weights)

    def probability(self, values: Values) -> Values:
        """Of each row."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.log_odds(values), -60, 60))))


def fit_logistic(
    values: Values, right: NDArray[np.bool_], shares: Values, *, penalties: Values, steps: int = 100
) -> Logistic:
    """The most likely weights with an L2 penalty, none of them negative, by Newton's method.

    A value that would count against being right although it is meant to speak for it only tells that another one
    says the same better: the most negative is left out, its weight 0, and the rest fitted again.

    Args:
        values: (N, F), each larger the more it speaks for being right.
        right: (N,).
        shares: (N,) what each row counts.
        penalties: (F,) half of each times its weight squared, of values scaled to a deviation of 1, is added to the
            log loss, so that weights stay finite where the two kinds do not overlap.

    Raises:
        ValueError: there is only one kind, or no value speaks for being right.
    """
    if not right.any() or right.all():
        raise ValueError("only one kind of answer to fit on")
    centre = np.average(values, axis=0, weights=shares)
    scale = np.sqrt(np.average((values - centre) ** 2, axis=0, weights=shares))
    kept = [column for column in range(values.shape[1]) if scale[column] > 1e-9]
    while kept:
        scaled = (values[:, kept] - centre[kept]) / scale[kept]
        bias, fitted = _newton(scaled, right, shares, penalties[kept], steps)
        if fitted.min() >= 0:
            weights = np.zeros(values.shape[1])
            weights[kept] = fitted / scale[kept]
            return Logistic(float(bias - weights @ centre), weights)
        del kept[int(fitted.argmin())]
    raise ValueError("no value speaks for being right")


def _newton(
    values: Values, right: NDArray[np.bool_], shares: Values, penalties: Values, steps: int
) -> tuple[float, Values]:
    inputs = np.column_stack([np.ones(len(values)), values])
    # The bias is free; what holds it at all is that the matrix must be one that can be solved.
    held = np.diag([1e-6, *penalties])
    fitted = np.zeros(inputs.shape[1])
    for _step in range(steps):
        expected = 1 / (1 + np.exp(-np.clip(inputs @ fitted, -60, 60)))
        gradient = inputs.T @ (shares * (expected - right)) + held @ fitted
        curvature = inputs.T @ (inputs * (shares * expected * (1 - expected))[:, None]) + held
        step = np.linalg.solve(curvature, gradient)
        # A whole Newton step may overshoot far from the optimum.
        fitted -= step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    return float(fitted[0]), fitted[1:]


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of about the same probability: how many, the mean that was claimed, the share that was right."""

    low: float
    high: float
    count: int
    claimed: float
    right: float


def reliability(probability: Values, right: NDArray[np.bool_], *, bins: int = 10) -> tuple[float, list[Bin]]:
    """Expected calibration error over bins of equal width (Naeini et al., AAAI 2015), and the bins."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    found = [
        Bin(
            number / bins,
            (number + 1) / bins,
            int(inside.sum()),
            float(probability[inside].mean()),
            float(right[inside].mean()),
        )
        for number in range(bins)
        if (inside := place == number).any()
    ]
    error = sum(each.count * abs(each.claimed - each.right) for each in found) / max(1, len(probability))
    return error, found
