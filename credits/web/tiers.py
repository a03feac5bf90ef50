"""The tiers side by side: what each may use, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise

from accounts.principal import Principal
from core.clock import now
from credits.days import Day, DayState, day_state
from credits.models import Counted, Policy
from credits.payments.offers import Offer, subscriptions
from credits.policies import DOCUMENTED, DayEdge, Limits, PolicyTier, Product
from credits.services import subject_of
from credits.web.words import PRODUCT_NAMES, limits_in_words


@dataclass(frozen=True, slots=True)
class ProductWords:
    """A product, and what a tier may use of it."""

    name: str | Promise
    limits: list[str]


@dataclass(frozen=True, slots=True)
class TierColumn:
    """A tier on the page.

    Attributes:
        offers: subscriptions that give it.
        is_own: whether the reader is in it.
    """

    name: str
    label: str | Promise
    products: list[ProductWords]
    offers: list[Offer]
    is_own: bool


def tier_columns(*, own_tier: str) -> list[TierColumn]:
    """Every tier with the figures that hold now."""
    rows = {(row.product, row.tier): row.limits for row in Policy.objects.all()}
    plans = subscriptions()
    return [
        TierColumn(
            name=tier,
            label=tier.label,
            products=[
                ProductWords(
                    PRODUCT_NAMES[product],
                    limits_in_words(rows.get((product, tier), DOCUMENTED[product, tier])),
                )
                for product in Product
            ],
            offers=[plan for plan in plans if plan.tier == tier],
            is_own=tier == own_tier,
        )
        for tier in PolicyTier
    ]


def product_limits(*, tier: str) -> dict[Product, Limits]:
    """What one tier may use of every product."""
    rows = {row.product: row.limits for row in Policy.objects.filter(tier=tier)}
    return {product: rows.get(product, DOCUMENTED[product, PolicyTier(tier)]) for product in Product}


@dataclass(frozen=True, slots=True)
class FreeCredits:
    """Free credits of today, of one product."""

    name: str | Promise
    day: DayState


def free_credits(*, principal: Principal, limits: dict[Product, Limits]) -> list[FreeCredits]:
    """How the free credits of today stand, for every product that has some."""
    subject, moment = subject_of(principal), now()
    return [
        FreeCredits(
            PRODUCT_NAMES[product],
            day_state(
                day=Day(product, subject, Counted.FREE_CREDITS, DayEdge.UTC),
                limit=each.free_credits,
                moment=moment,
            ),
        )
        for product, each in limits.items()
        if each.cost and each.free_credits
    ]
