"""The pages have words for every error that their services raise."""

from __future__ import annotations

import pytest

from accounts.errors import OriginForeign
from core.clock import now
from core.errors import DomainError, Unavailable
from core.surfaces import BodyMalformed, BodyTooLarge, InternalFault
from credits import errors as metering_errors
from credits.policies import Limits
from credits.problems import problem_of
from credits.services import Snapshot
from deepfake import errors
from deepfake.web.errors import PROBLEMS

STATE = Snapshot(Limits(daily=3, cost=1), None, None)
KINDS = [
    kind
    for module in (errors, metering_errors)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, DomainError) and kind is not DomainError
]


def example_of(kind: type[DomainError]) -> DomainError:
    if issubclass(kind, metering_errors.InsufficientCredits):
        return kind(snapshot=STATE, resets_at=now())
    return kind(snapshot=STATE, retry_after_s=61)


@pytest.mark.parametrize(
    "kind", [*KINDS, OriginForeign, Unavailable, BodyMalformed, BodyTooLarge, InternalFault]
)
def test_every_error_has_words(kind: type[DomainError]) -> None:
    problem = problem_of(PROBLEMS, example_of(kind))
    assert 400 <= problem.status < 600
    assert problem.title
    assert problem.advice
    assert "%(" not in problem.title + problem.advice


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.VideoEmpty(), 400),
        (errors.VideoTooLarge(), 413),
        (errors.SourceGone(), 410),
        (errors.DetectorUnavailable(), 503),
        (metering_errors.QuotaExhausted(snapshot=STATE, retry_after_s=61), 429),
        (metering_errors.RequestRunning(retry_after_s=2), 409),
        (InternalFault(), 500),
    ],
)
def test_status_is_that_of_the_nearest_class(error: DomainError, status: int) -> None:
    assert problem_of(PROBLEMS, error).status == status


def test_wait_is_told() -> None:
    problem = problem_of(PROBLEMS, metering_errors.QuotaExhausted(snapshot=STATE, retry_after_s=3661))
    assert problem.advice == "You can try again in 1 hour 1 minute."
    assert problem.retry_after_s == 3661
