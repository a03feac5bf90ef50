"""Metering: the one way in for every product."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from accounts.principal import Principal, PrincipalKind
from core.client_ip import rate_limit_key
from core.errors import Unavailable
from credits.errors import QuotaExhausted, RateLimited
from credits.windows import WindowState, hit_window, read_window, undo_hit

log = logging.getLogger(__name__)

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Policy:
    """What a principal may use of a product: ``rate`` requests in ``rate_s`` seconds, ``daily`` in a day."""

    rate: int
    rate_s: int
    daily: int | None


#: The old trace.moe document: "10/minute" and "150/day" without a token.
TRACE_MOE = "tracemoe"
#: The whatanimeisthis document: "100/hour".
WHAT_ANIME = "whatanime"

POLICIES = {
    TRACE_MOE: Policy(rate=10, rate_s=60, daily=150),
    WHAT_ANIME: Policy(rate=100, rate_s=3600, daily=None),
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a principal stands with a product; ``quota`` is None where nothing is counted by the day."""

    limit: WindowState
    quota: WindowState | None


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that was let in: what is left after it, and what a refund needs."""

    principal: Principal
    product: str
    snapshot: Snapshot


def admit(*, principal: Principal, product: str) -> Admission:
    """Count a request against the rate window, then against the day.

    Raises:
        RateLimited, QuotaExhausted: nothing is left; the day is not charged then.
        Unavailable: it cannot be counted now.
    """
    policy, key = POLICIES[product], _key(principal, product)
    if principal.kind is PrincipalKind.OPERATOR:
        return Admission(principal, product, snapshot(principal=principal, product=product))
    limit = hit_window(key=f"{key}:rate", limit=policy.rate, length_s=policy.rate_s)
    if limit.used > policy.rate:
        state = Snapshot(limit, _quota(key, policy))
        raise RateLimited(snapshot=state, retry_after_s=limit.seconds_left)
    quota = None
    if policy.daily is not None:
        quota = hit_window(key=f"{key}:day", limit=policy.daily, length_s=DAY_S)
        if quota.used > policy.daily:
            # The day's counter holds what was let in: a refund then makes room for the next.
            undo_hit(quota)
            raise QuotaExhausted(snapshot=Snapshot(limit, quota), retry_after_s=quota.seconds_left)
    return Admission(principal, product, Snapshot(limit, quota))


@contextmanager
def admitted(*, principal: Principal, product: str) -> Iterator[Admission]:
    """Admit a request for the length of a ``with`` block, and refund it when the block fails.

    Raises:
        RateLimited, QuotaExhausted, Unavailable: as :func:`admit`.
    """
    admission = admit(principal=principal, product=product)
    try:
        yield admission
    except BaseException:
        try:
            refund(admission=admission)
        except Unavailable:
            log.warning("a failed %s request could not be refunded", product)
        raise


def refund(*, admission: Admission) -> None:
    """Give the day's share of a request back that failed; the rate window keeps it.

    Raises:
        Unavailable: it cannot be given back now.
    """
    quota = admission.snapshot.quota
    if quota is not None and admission.principal.kind is not PrincipalKind.OPERATOR:
        undo_hit(quota)


def snapshot(*, principal: Principal, product: str) -> Snapshot:
    """How a principal stands, without counting anything."""
    policy, key = POLICIES[product], _key(principal, product)
    return Snapshot(
        read_window(key=f"{key}:rate", limit=policy.rate, length_s=policy.rate_s), _quota(key, policy)
    )


def _quota(key: str, policy: Policy) -> WindowState | None:
    if policy.daily is None:
        return None
    return read_window(key=f"{key}:day", limit=policy.daily, length_s=DAY_S)


def _key(principal: Principal, product: str) -> str:
    who = f"user:{principal.user_id}" if principal.user_id is not None else rate_limit_key(principal.address)
    return f"{product}:{who}"
