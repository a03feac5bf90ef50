"""Limits of a test: the rows that staff edit."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from credits.models import Policy
from credits.policies import DOCUMENTED, PolicyTier, Product


def set_policy(product: str, tier: str = "guest", **fields: Any) -> None:
    """Change fields of a tier's policy of a product; the others stay, or are the documents'."""
    documented = asdict(DOCUMENTED[Product(product), PolicyTier(tier)])
    Policy.objects.update_or_create(
        product=product, tier=tier, defaults=fields, create_defaults={**documented, **fields}
    )
