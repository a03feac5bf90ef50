"""What each tier may use of each product: the public documents' figures, and the rows by which staff change them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

DAY_S: Final = 86_400
MINUTE_S: Final = 60
HOUR_S: Final = 3600


class Product(models.TextChoices):
    """What is metered, each by limits of its own."""

    WHAT_ANIME = "whatanime", _("scene search (whatanimeisthis API and pages)")
    TRACE_MOE = "tracemoe", _("scene search (trace.moe APIs)")
    API_V1 = "api_v1", _("requests of /api/v1")
    ANALYSIS = "analysis", _("video analysis")


class PolicyTier(models.TextChoices):
    """Tiers as policies know them: those of accounts, and guests."""

    GUEST = "guest", _("Guest")
    FREE = "free", _("Free")
    PRO = "pro", _("Pro")
    BUSINESS = "business", _("Business")
    ENTERPRISE = "enterprise", _("Enterprise")


class DayEdge(models.TextChoices):
    """Where a day begins."""

    UTC = "utc", _("at midnight UTC")
    FIRST_USE = "first_use", _("with the first request, for 24 hours")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a tier may use of a product.

    Attributes:
        rate: requests in ``rate_s`` seconds; None is without limit.
        daily: requests in a day; None is without limit.
        day_edge: where the day of ``daily`` begins; free credits always begin at midnight UTC.
        cost: credits that one use takes.
        free_credits: credits a day that are taken before bought ones, and expire at midnight UTC.
        concurrency: requests that may be worked on at a time, at today's trace.moe API.
        priority: how much of the queue of searches a caller may fill there: half of it at 0, all of it from 4 on.
    """

    rate: int | None = None
    rate_s: int = MINUTE_S
    daily: int | None = None
    day_edge: DayEdge = DayEdge.UTC
    cost: int = 0
    free_credits: int = 0
    concurrency: int = 1
    priority: int = 0


def _trace_moe(rate: int, daily: int, *, concurrency: int, priority: int) -> Limits:
    return Limits(
        rate=rate,
        daily=daily,
        day_edge=DayEdge.FIRST_USE,
        concurrency=concurrency,
        priority=priority,
    )


_SIGNED_IN: Final = Limits(rate=100, rate_s=HOUR_S, cost=1, free_credits=10)

#: The documents' figures, which the rows are seeded with; where a document gives a span (patrons of trace.moe:
#: 10-30 a minute, 1000-3000 a day), the tiers take its steps.
DOCUMENTED: Final[dict[tuple[Product, PolicyTier], Limits]] = {
    (Product.WHAT_ANIME, PolicyTier.GUEST): Limits(rate=100, rate_s=HOUR_S, daily=5),
    **{(Product.WHAT_ANIME, tier): _SIGNED_IN for tier in PolicyTier if tier is not PolicyTier.GUEST},
    (Product.TRACE_MOE, PolicyTier.GUEST): _trace_moe(10, 150, concurrency=1, priority=0),
    (Product.TRACE_MOE, PolicyTier.FREE): _trace_moe(10, 1000, concurrency=1, priority=1),
    (Product.TRACE_MOE, PolicyTier.PRO): _trace_moe(20, 2000, concurrency=2, priority=2),
    (Product.TRACE_MOE, PolicyTier.BUSINESS): _trace_moe(30, 3000, concurrency=3, priority=3),
    (Product.TRACE_MOE, PolicyTier.ENTERPRISE): _trace_moe(30, 3000, concurrency=4, priority=4),
    (Product.API_V1, PolicyTier.GUEST): Limits(daily=0),
    (Product.API_V1, PolicyTier.FREE): Limits(daily=10),
    (Product.API_V1, PolicyTier.PRO): Limits(daily=100),
    (Product.API_V1, PolicyTier.BUSINESS): Limits(daily=1000),
    (Product.API_V1, PolicyTier.ENTERPRISE): Limits(),
    (Product.ANALYSIS, PolicyTier.GUEST): Limits(daily=0, cost=1),
    **{(Product.ANALYSIS, tier): Limits(cost=1) for tier in PolicyTier if tier is not PolicyTier.GUEST},
}

#: After this long an admission that nobody settled belongs to a process that died, and is refunded: longer than
#: the work of its product can take.
LEASES: Final = {
    Product.WHAT_ANIME: timedelta(minutes=3),
    Product.TRACE_MOE: timedelta(minutes=3),
    Product.API_V1: timedelta(minutes=3),
    Product.ANALYSIS: timedelta(minutes=30),
}
