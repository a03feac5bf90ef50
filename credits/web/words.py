"""Limits in plain words."""

from __future__ import annotations

from typing import Final

from django.utils.formats import number_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Tier
from credits.models import LedgerEntry
from credits.policies import DAY_S, HOUR_S, MINUTE_S, Limits, Product

#: What pages call the products.
PRODUCT_NAMES: Final = {
    Product.WHAT_ANIME: gettext_lazy("Scene search"),
    Product.TRACE_MOE: gettext_lazy("Scene search, trace.moe API"),
    Product.API_V1: gettext_lazy("Requests of the analysis API"),
    Product.ANALYSIS: gettext_lazy("Video analysis"),
}


def limits_in_words(limits: Limits) -> list[str]:
    """What a tier may use of a product: a short sentence each for the day, the window and the price."""
    if limits.daily == 0:
        return [_("Not included")]
    words = [_daily(limits), _rate(limits), _price(limits)]
    return [each for each in words if each] or [_("Without limit")]


def entry_in_words(entry: LedgerEntry) -> str:
    """Why credits came or went: what they were used for, or the reason that was given."""
    what = capfirst(entry.get_kind_display())
    why = PRODUCT_NAMES[Product(entry.product)] if entry.product else entry.reason
    return _("%(what)s: %(why)s") % {"what": what, "why": why} if why else what


def tier_in_words(name: str) -> str:
    """What pages call a tier; one that there is no more goes by its name."""
    return str(dict(Tier.choices).get(name, name))


def _daily(limits: Limits) -> str:
    if limits.daily is None:
        return ""
    return _("%(number)s a day") % {"number": number(limits.daily)}


def _rate(limits: Limits) -> str:
    if limits.rate is None:
        return ""
    facts = {"number": number(limits.rate), "seconds": number(limits.rate_s)}
    match limits.rate_s:
        case s if s == MINUTE_S:
            return _("%(number)s a minute") % facts
        case s if s == HOUR_S:
            return _("%(number)s an hour") % facts
        case s if s == DAY_S:
            return _("%(number)s in 24 hours") % facts
        case _other:
            return _("%(number)s in %(seconds)s seconds") % facts


def _price(limits: Limits) -> str:
    if not limits.cost:
        return ""
    price = ngettext("%(number)s credit each", "%(number)s credits each", limits.cost) % {
        "number": number(limits.cost)
    }
    if not limits.free_credits:
        return price
    free = ngettext(
        "%(number)s free credit a day, then %(price)s",
        "%(number)s free credits a day, then %(price)s",
        limits.free_credits,
    )
    return free % {"number": number(limits.free_credits), "price": price}


def number(value: int) -> str:
    """A number with its thousands set apart."""
    return number_format(value, force_grouping=True)
