"""A logistic fit of one variable, and how far its probabilities can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Logistic:
    """``1 / (1 + exp(-slope * (x - midpoint)))``."""

    slope: float
    midpoint: float

    def probability(self, values: Values) -> Values:
        """Of each value."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.slope * (values - self.midpoint), -60, 60))))


def fit_logistic(values: Values, right: NDArray[np.bool_], *, steps: int = 100) -> Logistic:
    """The most likely logistic curve, by Newton's method.

    The targets are Platt's ("Probabilistic outputs for support vector machines", 1999): a little inside of 0
    and 1, so that the curve stays finite where the two kinds do not overlap.

    Raises:
        ValueError: there is only one kind, or higher values are not right more often.
    """
    many, few = int(right.sum()), int((~right).sum())
    if not many or not few:
        raise ValueError("only one kind of answer to fit on")
    target = np.where(right, (many + 1) / (many + 2), 1 / (few + 2))
    centre, scale = float(values.mean()), max(float(values.std()), 1e-9)
    inputs = np.stack([np.ones_like(values), (values - centre) / scale], axis=1)
    fitted = np.array([np.log((many + 1) / (few + 1)), 0.0])
    for _step in range(steps):
        expected = 1 / (1 + np.exp(-np.clip(inputs @ fitted, -60, 60)))
        gradient = inputs.T @ (expected - target)
        curvature = inputs.T @ (inputs * (expected * (1 - expected))[:, None])
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        # A whole Newton step may overshoot far from the optimum.
        fitted -= step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    if fitted[1] <= 0:
        raise ValueError("higher values are not right more often")
    return Logistic(float(fitted[1]) / scale, centre - scale * float(fitted[0] / fitted[1]))


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
