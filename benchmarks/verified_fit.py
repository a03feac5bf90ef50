"""A calibration fitted on gathered evidence, and what it decides."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from anime_search.engine.similarity import Calibration, VerifiedWeights
from anime_search.engine.verify import Verification
from benchmarks.evidence import FEATURES, Asked, Evidence, Truth, Without, features, truths
from benchmarks.logistic import Values, fit_logistic
from benchmarks.queries import by_hash

#: Share of the queries that may be called a match though nothing of their show is indexed, ...
NEGATIVES = 0.003
#: ... and though their group is not, but others of their show are.
HARD_NEGATIVES = 0.01
#: Share of the right answers that is not given up for room above what foreign queries reach.
KEPT = 0.97
FOLDS = 5
#: L2 penalty of each weight.
PENALTY = 1.0
#: What must never make a match, however alike the descriptors are: no local feature fits, and the pixels hardly agree.
NOT_ENOUGH = Verification(inliers=0, coverage=0.0, agreement=0.3, weakest=0.3, compared=1.0, transform=None)
NOT_ENOUGH_COSINE = 0.97
#: How much harder the cosine's weight is held at each attempt, until it obeys.
_HARDER, _ATTEMPTS = 4.0, 12
_LOWEST_CUT, _HIGHEST_CUT = 0.5, 0.9999


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A calibration, and of every query what was decided by a fit on other groups.

    Attributes:
        asked, decided: in one order.
        held: what the cosine's penalty was multiplied by until :data:`NOT_ENOUGH` is not enough.
    """

    calibration: Calibration
    asked: list[Asked]
    decided: list[Decision]
    held: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What a search answers a query.

    Attributes:
        right: its first answer is.
        probability: of the first answer.
        best: the highest probability that the first answer of any stage has: it is called a match, in one stage or
            the other, if that reaches the cut-off.
    """

    right: bool
    probability: float
    best: float


def propose(asked: Iterable[Asked]) -> Proposal:
    """Fit a calibration, and choose its cut-offs by what fits on other groups give.

    Raises:
        ValueError: there are no right candidates, or no wrong ones.
    """
    usable = [each for each in asked if each.sampled or each.without is not Without.NOTHING]
    held = 1.0
    for _attempt in range(_ATTEMPTS):
        proposal = _proposed(usable, held)
        if not is_sure_of_nothing(proposal.calibration):
            break
        held *= _HARDER
    return proposal


def _proposed(asked: list[Asked], held: float) -> Proposal:
    fits = [fitted([each for each in asked if fold(each.kin) != number], held) for number in range(FOLDS)]
    cut = cut_off(asked, [decide(each, fits[fold(each.kin)]) for each in asked])
    plain_cut = cut_off(asked, [decide(each, fits[fold(each.kin)], by_cosine=True) for each in asked])
    # What is best of each does not depend on the cut-off; which stage answers does.
    fits = [replace(fit, confident=plain_cut, confident_verified=cut) for fit in fits]
    decided = [decide(each, fits[fold(each.kin)]) for each in asked]
    calibration = replace(fitted(asked, held), confident=plain_cut, confident_verified=cut)
    return Proposal(calibration, asked, decided, held)


def is_sure_of_nothing(calibration: Calibration) -> bool:
    """Whether a calibration calls a match what is not enough for one."""
    probability = calibration.probability(NOT_ENOUGH_COSINE, NOT_ENOUGH)
    return calibration.is_match(probability, NOT_ENOUGH)


def fold(kin: str) -> int:
    """Which of the :data:`FOLDS` a group of near-duplicates is in."""
    return by_hash(kin)[0] % FOLDS


def fitted(asked: Sequence[Asked], held: float = 1.0) -> Calibration:
    """A fit on all candidates, each query counting the same; its cut-offs are not chosen yet.

    Each query counts once with its group in the index and once without, so a probability is right where every
    second query is of an indexed video.
    """
    evidence: list[Evidence] = []
    shares: list[float] = []
    for each, share in zip(asked, _shares(asked), strict=True):
        known = [one for one in each.candidates() if one.truth is not Truth.UNKNOWN and one.seen is not None]
        evidence += known
        shares += [share / len(known)] * len(known)
    penalties = np.full(len(FEATURES), PENALTY)
    penalties[FEATURES.index("cosine")] *= held
    found = fit_logistic(features(evidence), truths(evidence), np.array(shares), penalties=penalties)
    slope, midpoint = _by_cosine(asked)
    weights = dict(zip(FEATURES, map(float, found.weights), strict=True))
    return Calibration(slope, midpoint, verified=VerifiedWeights(bias=found.bias, **weights))


def _by_cosine(asked: Sequence[Asked]) -> tuple[float, float]:
    """Slope and midpoint of a fit on the first answers by cosine alone."""
    rows = [
        (best, share)
        for each, share in zip(asked, _shares(asked), strict=True)
        if each.stages and (best := max(each.candidates(), key=lambda one: one.cosine, default=None))
        if best.truth is not Truth.UNKNOWN
    ]
    cosines = np.array([[best.cosine] for best, _share in rows])
    found = fit_logistic(
        cosines,
        truths([best for best, _share in rows]),
        np.array([share for _best, share in rows]),
        penalties=np.array([PENALTY]),
    )
    slope = float(found.weights[0])
    return slope, -found.bias / slope


def _shares(asked: Sequence[Asked]) -> list[float]:
    """What each counts: those of one clip that were put without something count together as those with all."""
    kinds: dict[str, set[Without]] = defaultdict(set)
    for each in asked:
        kinds[each.clip].add(each.without)
    return [
        1.0 if each.without is Without.NOTHING else 1 / len(kinds[each.clip] - {Without.NOTHING})
        for each in asked
    ]


def decide(asked: Asked, calibration: Calibration, *, by_cosine: bool = False) -> Decision:
    """What the search answers: the likeliest of the first stage if that is called a match, else of the second.

    Args:
        by_cosine: as if there were no stored pictures.
    """
    tops = [
        max(
            (
                (calibration.log_odds(one.cosine, None if by_cosine else one.seen), one.accepted)
                for one in stage
            ),
            default=(-math.inf, False),
        )
        for stage in asked.stages
    ] or [(-math.inf, False)]
    cut = calibration.confident if by_cosine else calibration.confident_verified
    chances = [0.0 if asked.flat else 1 / (1 + math.exp(-max(odds, -700.0))) for odds, _right in tops]
    chosen = next((number for number, chance in enumerate(chances) if chance >= cut), len(tops) - 1)
    right = tops[chosen][1] and asked.without is Without.NOTHING
    return Decision(right, chances[chosen], max(chances))


def cut_off(asked: Sequence[Asked], decided: Sequence[Decision]) -> float:
    """The probability from which an answer is called a match, to four decimals.

    No more than the tolerated shares of foreign queries reach it. Where that leaves room below what :data:`KEPT` of
    the right answers reach, it lies half-way between the two in log-odds: neither foreign queries in a larger index
    nor distortions that nobody thought of keep to what was seen here.
    """
    pairs = list(zip(asked, decided, strict=True))
    lowest = 0.0
    for without, tolerated in ((Without.SHOW, NEGATIVES), (Without.GROUP, HARD_NEGATIVES)):
        best = [one.best for each, one in pairs if each.without is without]
        if best:
            lowest = max(lowest, float(np.quantile(best, 1 - tolerated, method="higher")))
    right = [one.best for each, one in pairs if each.without is Without.NOTHING and one.right]
    highest = float(np.quantile(right, 1 - KEPT, method="lower")) if right else lowest
    middle = 1 / (1 + math.exp(-(_log_odds(lowest) + _log_odds(highest)) / 2))
    chosen = max(_LOWEST_CUT, lowest, middle if highest > lowest else 0.0)
    return min(_HIGHEST_CUT, float(np.ceil(10_000 * chosen + 1e-6) / 10_000))


def _log_odds(probability: float) -> float:
    inside = min(1 - 1e-9, max(1e-9, probability))
    return math.log(inside / (1 - inside))


def probabilities(decided: Sequence[Decision]) -> Values:
    """Of the first answers."""
    return np.array([one.probability for one in decided])
