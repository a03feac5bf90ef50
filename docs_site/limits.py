"""What every tier may use, from the rows that hold now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

from credits.policies import PolicyTier, Product
from credits.web.tiers import product_limits
from credits.web.words import PRODUCT_NAMES, limits_in_words


@dataclass(frozen=True, slots=True)
class TierRow:
    """A tier, and what it may use of each product."""

    label: str | Promise
    limits: list[list[str]]


@dataclass(frozen=True, slots=True)
class LimitsTable:
    """Tiers by products."""

    products: list[str | Promise]
    tiers: list[TierRow]


def limits_table(products: Sequence[Product]) -> LimitsTable:
    """The limits of some products, for every tier."""
    rows = []
    for tier in PolicyTier:
        limits = product_limits(tier=tier)
        rows.append(TierRow(tier.label, [limits_in_words(limits[product]) for product in products]))
    return LimitsTable([PRODUCT_NAMES[product] for product in products], rows)
