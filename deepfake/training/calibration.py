"""From logits to probabilities that hold, and to what is told: real, generated, or inconclusive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, log

import numpy as np
from numpy.typing import NDArray

from deepfake.engine.manifest import Calibration, OperatingPoint
from deepfake.engine.verdict import Quality
from deepfake.training.faults import TrainingError

Values = NDArray[np.float64]

#: Share of real clips taken for generated that the operating point allows, and of generated ones taken for real.
FALSE_POSITIVES, FALSE_NEGATIVES = 0.05, 0.10
#: Clips with a quality warning that it takes to say how much it shifts logits.
LEAST_WARNED = 20
#: What a warning widens the band by, in logits, where too few clips say; and at most.
WIDENED_UNMEASURED, WIDENED_MOST = 0.5, 3.0
#: Added to both sides of the likelihood: a few clips that are told apart wholly do not make it certain.
_RIDGE = 1e-3
#: What the middle of the probabilities is kept away from 0 and 1 by.
_EDGE = 0.005


class CalibrationError(TrainingError):
    """There is nothing to calibrate by."""


def platt(logits: Values, labels: Values, weights: Values) -> Calibration:
    """Fit ``sigmoid(slope * logit + offset)`` to labels (Platt 1999), with his targets for small samples.

    Args:
        labels: 1 for generated.
        weights: of the clips; their sum does not matter.

    Raises:
        CalibrationError: a label is missing, or larger logits speak for real.
    """
    fakes, reals = int((labels > 0.5).sum()), int((labels <= 0.5).sum())
    if not fakes or not reals:
        raise CalibrationError("there are not clips of both labels to calibrate by")
    targets = np.where(labels > 0.5, (fakes + 1) / (fakes + 2), 1 / (reals + 2))
    weights = weights / weights.sum()
    middle, spread = float(logits.mean()), max(float(logits.std()), 1e-6)
    scaled = (logits - middle) / spread
    slope = offset = 0.0
    for _ in range(100):
        found = 1 / (1 + np.exp(-np.clip(slope * scaled + offset, -40, 40)))
        error = weights * (found - targets)
        curve = weights * np.maximum(found * (1 - found), 1e-9)
        gradient = np.array([error @ scaled + _RIDGE * slope, error.sum()])
        hessian = np.array(
            [[curve @ scaled**2 + _RIDGE, curve @ scaled], [curve @ scaled, curve.sum() + 1e-9]]
        )
        change = np.linalg.solve(hessian, gradient)
        # A full step may overshoot where everything is told apart.
        change *= min(1.0, 5.0 / max(1e-9, float(np.abs(change).max())))
        slope, offset = slope - float(change[0]), offset - float(change[1])
        if np.abs(change).max() < 1e-9:
            break
    if slope <= 0:
        raise CalibrationError("this model judges the held-out clips the wrong way round")
    return Calibration(slope / spread, offset - slope * middle / spread)


def probabilities(logits: Values, calibration: Calibration) -> Values:
    """Of logits (n,)."""
    found: Values = 1 / (1 + np.exp(-np.clip(calibration.slope * logits + calibration.offset, -60, 60)))
    return found


def threshold_for(real: Values, *, false_positives: float = FALSE_POSITIVES) -> float:
    """The lowest probability that at most such a share of the real clips reaches.

    Raises:
        CalibrationError: there are none.
    """
    if not len(real):
        raise CalibrationError("there are no real clips to set a threshold by")
    allowed = int(false_positives * len(real))
    ordered = np.sort(real)[::-1]
    return float(np.nextafter(ordered[allowed], np.inf)) if allowed < len(real) else 0.0


def weighted_threshold(real: Values, weights: Values, *, false_positives: float = FALSE_POSITIVES) -> float:
    """As :func:`threshold_for`, for real clips of different weights: sources count the same, not clips.

    Raises:
        CalibrationError: there are none.
    """
    if not len(real):
        raise CalibrationError("there are no real clips to set a threshold by")
    order = np.argsort(-real)
    reached = np.cumsum(weights[order]) / weights.sum()
    above = real[order][reached > false_positives + 1e-12]
    return float(np.nextafter(above[0], np.inf)) if len(above) else 0.0


def operating_point(fake: Values, real: Values, real_weights: Values) -> OperatingPoint:
    """From where on a video is generated, and below what it is real; what lies between is inconclusive.

    At most 5 % of the real clips are taken for generated, counted by clip and by source, whichever is stricter; at
    most 10 % of the generated ones for real, unless the two would cross.

    Raises:
        CalibrationError: a kind of clips is missing.
    """
    if not len(fake):
        raise CalibrationError("there are no generated clips to set a threshold by")
    above = max(threshold_for(real), weighted_threshold(real, real_weights), 0.5)
    below = float(np.sort(fake)[max(0, ceil(FALSE_NEGATIVES * len(fake)) - 1)])
    above = _rounded_up(min(above, 1 - _EDGE))
    return OperatingPoint(real_below=round(min(below, above - 0.01), 4), fake_above=above)


def widened(
    point: OperatingPoint,
    real: Values,
    warned: Mapping[Quality, NDArray[np.bool_]],
) -> dict[Quality, float]:
    """How much further apart the thresholds are, in logits, for each quality warning.

    Args:
        real: probabilities of real clips, altered ones among them.
        warned: which of them have the warning, (n,).

    Returns:
        What keeps the real clips that have it at 5 % false positives, from 0 to 3; half a logit where there are too
        few to say. A face that is not there is no fault of a video, nor is one whose end was not fetched: they widen
        nothing.
    """
    margins: dict[Quality, float] = {}
    for quality in Quality:
        if quality in (Quality.NO_FACE, Quality.ONLY_BEGINNING):
            continue
        mask = warned.get(quality)
        if mask is None or mask.sum() < LEAST_WARNED:
            margins[quality] = WIDENED_UNMEASURED
            continue
        needed = threshold_for(real[mask])
        margin = logit(min(max(needed, _EDGE), 1 - 1e-6)) - logit(point.fake_above)
        margins[quality] = round(float(np.clip(margin, 0.0, WIDENED_MOST)), 3)
    return margins


def calibration_curve(values: Values, labels: Values, bins: int = 10) -> list[dict[str, float]]:
    """By tenths of probability: clips, their mean probability, and the share that is generated."""
    rows = []
    places = np.minimum((values * bins).astype(int), bins - 1)
    for place in range(bins):
        inside = places == place
        if inside.any():
            rows.append(
                {
                    "from": round(place / bins, 4),
                    "clips": int(inside.sum()),
                    "mean_probability": round(float(values[inside].mean()), 4),
                    "generated": round(float(labels[inside].mean()), 4),
                }
            )
    return rows


def calibration_error(values: Values, labels: Values, bins: int = 10) -> float:
    """Mean distance of probability and share of generated clips, weighted by clips."""
    rows = calibration_curve(values, labels, bins)
    total = sum(row["clips"] for row in rows)
    return sum(row["clips"] * abs(row["mean_probability"] - row["generated"]) for row in rows) / max(1, total)


def logit(probability: float) -> float:
    """The logit of a probability between 0 and 1."""
    return log(probability / (1 - probability))


def label_weights(labels: Sequence[bool], source_weights: Values) -> Values:
    """Weights of clips whose labels count by half each, whatever there is more of."""
    fake = np.array(labels, bool)
    weights = source_weights.copy()
    for half in (fake, ~fake):
        if weights[half].sum() > 0:
            weights[half] *= 0.5 / weights[half].sum()
    return weights


def _rounded_up(value: float) -> float:
    """To four decimals, never down: rounding must let no real clip through."""
    return ceil(value * 1e4) / 1e4
