"""``manage.py credits_grant``: give a user credits, or take some."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from core.commands import OperatorCommand
from credits.ledger import balance_of, grant_credits, revoke_credits


class Command(OperatorCommand):
    help = "Give a user credits, or take some with --take; the ledger keeps the reason."
    writes = True

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("amount", type=int)
        parser.add_argument("--reason", required=True, help="shown to the user and to staff")
        parser.add_argument("--take", action="store_true", help="take them in place of giving them")
        parser.add_argument(
            "--key", default="", help="name of the cause: with the same name nothing is moved a second time"
        )

    def run(
        self,
        email: str,
        amount: int,
        reason: str,
        take: bool,
        key: str,
        dry_run: bool,
        **options: Any,
    ) -> dict[str, Any]:
        user = User.objects.filter(email=email.lower()).first()
        if user is None:
            raise CommandError(f"no account: {email}")
        entry = None
        if not dry_run:
            move = revoke_credits if take else grant_credits
            named = f"command:{key}" if key else ""
            entry = move(user_id=user.pk, amount=amount, reason=reason, actor="command", key=named)
        moved = entry.amount if entry is not None else 0
        return {"email": user.email, "moved": moved, "balance": balance_of(user_id=user.pk)}
