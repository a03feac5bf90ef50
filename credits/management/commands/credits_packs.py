"""``manage.py credits_packs``: what is on offer, and what payments left for staff to settle."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from core.commands import OperatorCommand
from credits.payments.offers import packs, subscriptions
from credits.payments.selectors import events_for_staff, is_selling


class Command(OperatorCommand):
    help = "Show what the settings offer for sale, and the payments that could not be matched."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--events", type=int, default=20, help="events for staff to show at most (20)")

    def run(self, events: int, **options: Any) -> dict[str, Any]:
        kept = events_for_staff()
        return {
            "selling": is_selling(),
            "contact": settings.CREDITS_CONTACT or "none",
            "packs": [f"{offer.credits} credits for {offer.price} ({offer.price_id})" for offer in packs()],
            "subscriptions": [
                f"{offer.tier} for {offer.price} a {offer.interval} ({offer.price_id})"
                for offer in subscriptions()
            ],
            "events_for_staff": kept.count(),
            "newest_events": [
                f"{row.received_at:%Y-%m-%d %H:%M} {row.kind} {row.about}: {row.note}"
                for row in kept[: max(0, events)]
            ],
        }
