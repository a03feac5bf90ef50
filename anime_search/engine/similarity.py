"""What a cosine means: a similarity on trace.moe's scale, and a probability."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: The old trace.moe document: results below this "are probably incorrect".
PROBABLY_NOT = 0.87


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic fit of "this is the scene" on the cosine of the best match (Platt, 1999).

    Attributes:
        slope, midpoint: the probability is ``1 / (1 + exp(-slope * (cosine - midpoint)))``.
        confident: probability from which an answer is called a match.
    """

    slope: float
    midpoint: float
    confident: float = 0.9

    def probability(self, cosine: float) -> float:
        """How likely a match of this cosine is the right scene, 0 to 1."""
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, self.slope * (cosine - self.midpoint)))))

    def similarity(self, cosine: float) -> float:
        """A number from 0 to 1 that grows with the cosine, and is 0.87 where right and wrong are as likely."""
        cosine = max(-1.0, min(1.0, cosine))
        if cosine >= self.midpoint:
            return PROBABLY_NOT + (1.0 - PROBABLY_NOT) * (cosine - self.midpoint) / (1.0 - self.midpoint)
        return PROBABLY_NOT * (cosine + 1.0) / (self.midpoint + 1.0)


#: By descriptor. Fitted by ``benchmarks/calibration.py``; see ``docs/benchmarks.md``.
CALIBRATIONS = {"dct96-1": Calibration(slope=22.58, midpoint=0.7356, confident=0.758)}
