"""What a comparison means: a probability that this is the scene, and a similarity on trace.moe's scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anime_search.engine.verify import Verification

#: The old trace.moe document: results below this "are probably incorrect".
PROBABLY_NOT = 0.87
#: How fast the similarity leaves :data:`PROBABLY_NOT` with the logarithm of the odds, above and below it.
_ABOVE, _BELOW = 3.0, 12.0
#: Odds beyond this (as a logarithm) are not told apart.
_CERTAIN = 30.0
#: More features than this make nothing surer.
_PLENTY = 100.0
#: Agreement, that of the weakest fifth, and inliers, which pictures of different drawings hardly reach.
_ALIKE, _THROUGHOUT, _MANY = 0.75, 0.3, 30


@dataclass(frozen=True, slots=True)
class VerifiedWeights:
    """A logistic fit of "this is the scene" on the cosine of a candidate and on its verification (Platt, 1999).

    Attributes:
        bias: and the weights of the cosine, of the logarithm of one more than the inliers (up to 100), of their
            coverage, of the pixels' agreement, of its weakest fifth, and of the share that could be compared.
        alike, throughout, many: weights of what the agreement, its weakest fifth and that logarithm have above what
            another drawing reaches: a sky or a blurred picture has no local features to speak for it, and where
            there are many in a part of the picture, that they are not everywhere says little.
    """

    bias: float
    cosine: float
    inliers: float
    coverage: float
    agreement: float
    weakest: float
    compared: float
    alike: float = 0.0
    throughout: float = 0.0
    many: float = 0.0

    def log_odds(self, cosine: float, verified: Verification) -> float:
        inliers = math.log1p(min(verified.inliers, _PLENTY))
        return (
            self.bias
            + self.cosine * cosine
            + self.inliers * inliers
            + self.coverage * verified.coverage
            + self.agreement * verified.agreement
            + self.weakest * verified.weakest
            + self.compared * verified.compared
            + self.alike * max(0.0, verified.agreement - _ALIKE)
            + self.throughout * max(0.0, verified.weakest - _THROUGHOUT)
            + self.many * max(0.0, inliers - math.log1p(_MANY))
        )


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the cosines of one descriptor mean.

    Attributes:
        slope, midpoint: without a stored picture to verify by, the probability that a candidate is the scene is
            ``1 / (1 + exp(-slope * (cosine - midpoint)))``.
        verified: the fit that is used where there is one.
        confident: probability from which an answer is called a match, with and without verification.
        least, behind: a candidate of a lower cosine, or so much behind the best one's, is not worth comparing.
    """

    slope: float
    midpoint: float
    confident: float = 0.9
    verified: VerifiedWeights | None = None
    confident_verified: float = 0.9
    least: float = -1.0
    behind: float = 2.0

    def log_odds(self, cosine: float, verified: Verification | None = None) -> float:
        """The logarithm of the odds that a candidate of this cosine and verification is the right scene."""
        if verified is not None and self.verified is not None:
            odds = self.verified.log_odds(cosine, verified)
        else:
            odds = self.slope * (cosine - self.midpoint)
        return max(-_CERTAIN, min(_CERTAIN, odds))

    def probability(self, cosine: float, verified: Verification | None = None) -> float:
        """How likely a candidate is the right scene, 0 to 1."""
        return probability_of(self.log_odds(cosine, verified))

    def is_match(self, probability: float, verified: Verification | None = None) -> bool:
        """Whether a candidate of this probability is called a match."""
        by_picture = verified is not None and self.verified is not None
        return probability >= (self.confident_verified if by_picture else self.confident)


def probability_of(log_odds: float) -> float:
    """The probability, 0 to 1, of odds.

    Args:
        log_odds: their natural logarithm; some hundreds at most, either way.
    """
    return 1.0 / (1.0 + math.exp(-log_odds))


def similarity_of(log_odds: float) -> float:
    """A number from 0 to 1 that grows with the odds, and is 0.87 where right and wrong are as likely.

    Args:
        log_odds: their natural logarithm.
    """
    if log_odds >= 0:
        return PROBABLY_NOT + (1.0 - PROBABLY_NOT) * (1.0 - math.exp(-log_odds / _ABOVE))
    return PROBABLY_NOT * math.exp(log_odds / _BELOW)


#: By descriptor. Fitted by ``benchmarks/calibration.py``; see ``docs/benchmarks.md``.
CALIBRATIONS = {
    "dct96-1": Calibration(slope=22.58, midpoint=0.7356, confident=0.758),
    "lite0-2": Calibration(
        slope=55.86,
        midpoint=0.8871,
        confident=0.9475,
        verified=VerifiedWeights(
            bias=-18.8857,
            cosine=16.6065,
            inliers=0.2840,
            coverage=8.2876,
            agreement=0.4997,
            weakest=1.8207,
            compared=0.0,
            alike=12.6885,
            throughout=2.7399,
            many=4.0619,
        ),
        confident_verified=0.9306,
        least=0.7,
        behind=0.06,
    ),
}
