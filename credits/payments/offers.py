"""What is on offer: packs of credits, and subscriptions to tiers, as the settings name them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from accounts.models import Tier
from credits.payments.errors import OfferUnknown


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be bought.

    Attributes:
        name: by which a form asks for it; nothing else of what a browser sends counts.
        price_id: the provider's name of its price.
        amount: in the smallest unit of ``currency``, without taxes.
        currency: three capital letters.
        credits: of a pack; 0 for a subscription.
        tier: of a subscription; empty for a pack.
        interval: of a subscription: ``month`` or ``year``.
    """

    name: str
    price_id: str
    amount: int
    currency: str
    credits: int = 0
    tier: str = ""
    interval: str = ""

    @property
    def price(self) -> str:
        """``4.99 EUR``: written with all decimals of its currency."""
        decimals = settings.CURRENCY_DECIMALS.get(self.currency, 2)
        return f"{Decimal(self.amount).scaleb(-decimals):.{decimals}f} {self.currency}"

    @property
    def tier_label(self) -> str:
        return str(Tier(self.tier).label)


def packs() -> list[Offer]:
    """The packs of credits, in the settings' order."""
    return [
        Offer(f"pack-{size}", price_id, amount, currency, credits=size)
        for size, price_id, amount, currency in settings.CREDIT_PACKS
    ]


def subscriptions() -> list[Offer]:
    """The subscriptions, in the settings' order."""
    return [
        Offer(f"{tier}-{interval}", price_id, amount, currency, tier=tier, interval=interval)
        for tier, price_id, amount, currency, interval in settings.TIER_SUBSCRIPTIONS
    ]


def offer_named(name: str) -> Offer:
    """An offer by its name.

    Raises:
        OfferUnknown: there is none of that name.
    """
    for offer in (*packs(), *subscriptions()):
        if offer.name == name:
            return offer
    raise OfferUnknown


def tier_of_price(price_id: str) -> str:
    """The tier that a subscription of this price gives; empty where none on offer has it."""
    return next((offer.tier for offer in subscriptions() if offer.price_id == price_id), "")
