"""``manage.py credits_policy``: show what each tier may use of a product, or change it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.commands import OperatorCommand
from credits.models import Policy
from credits.policies import DOCUMENTED, PolicyTier, Product
from credits.services import limits_of

#: Options by the name of the field they set.
_FIELDS = ("rate", "rate_s", "daily", "cost", "free_credits", "concurrency", "priority")
_UNLIMITED = "none"


class Command(OperatorCommand):
    help = "Show what each tier may use of a product, or change it; a change holds from the next request on."
    writes = True

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("product", nargs="?", choices=Product.values)
        parser.add_argument("tier", nargs="?", choices=PolicyTier.values)
        parser.add_argument("--rate", type=_limit, help="requests a window, or 'none'")
        parser.add_argument("--rate-s", type=_number, help="length of the window in seconds")
        parser.add_argument("--daily", type=_limit, help="requests a day, or 'none'")
        parser.add_argument("--cost", type=_number, help="credits that one use takes")
        parser.add_argument("--free-credits", type=_number, help="credits a day before bought ones")
        parser.add_argument("--concurrency", type=_number, help="requests at a time (today's trace.moe API)")
        parser.add_argument(
            "--priority",
            type=_number,
            help="0 to 4: how much of the queue may be filled (today's trace.moe API)",
        )

    def run(self, product: str | None, tier: str | None, dry_run: bool, **options: Any) -> dict[str, Any]:
        changes = {
            name: None if options[name] == _UNLIMITED else options[name]
            for name in _FIELDS
            if options[name] is not None
        }
        if changes and not (product and tier):
            raise CommandError("name the product and the tier whose policy is to be changed")
        if changes.get("rate_s") == 0:
            raise CommandError("a window lasts a second at least")
        if changes and not dry_run:
            documented = asdict(DOCUMENTED[Product(product), PolicyTier(tier)])
            Policy.objects.update_or_create(
                product=product, tier=tier, defaults=changes, create_defaults={**documented, **changes}
            )
        return {
            f"{each} {of}": _shown(each, of, changes if (each, of) == (product, tier) else {})
            for each in ([product] if product else Product.values)
            for of in ([tier] if tier else PolicyTier.values)
        }


def _shown(product: str, tier: str, changes: dict[str, Any]) -> dict[str, Any]:
    limits = limits_of(product=Product(product), tier=tier)
    return {**asdict(limits), "day_edge": limits.day_edge.value, **changes}


def _number(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 2_000_000_000:
        raise ValueError(text)
    return value


def _limit(text: str) -> int | str:
    return _UNLIMITED if text == _UNLIMITED else _number(text)
