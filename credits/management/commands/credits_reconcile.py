"""``manage.py credits_reconcile``: prove that every balance is the sum of its ledger."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from core.commands import OperatorCommand
from credits.models import CreditAccount, LedgerEntry
from credits.reconcile import differences
from credits.services import refund_expired


class Command(OperatorCommand):
    help = (
        "Compare every balance with its ledger and every counter of the day with its admissions; "
        "what dead processes held is given back first. Fails if anything differs."
    )
    writes = True

    def run(self, dry_run: bool, **options: Any) -> dict[str, Any]:
        refunded = 0 if dry_run else refund_expired()
        found = differences()
        summary = {
            "accounts": CreditAccount.objects.count(),
            "entries": LedgerEntry.objects.count(),
            "refunded": refunded,
            "differences": [str(difference) for difference in found],
        }
        if found:
            self.print_summary(summary, as_json=options["json"])
            raise CommandError(f"{len(found)} differences")
        return summary
