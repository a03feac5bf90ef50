"""``manage.py user_tier``: put users into a tier."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import Tier, User
from accounts.tiers import set_tier
from core.commands import OperatorCommand


class Command(OperatorCommand):
    help = "Put users into a tier; its limits hold from their next request on."
    writes = True

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("tier", choices=Tier.values)
        parser.add_argument("emails", nargs="+", metavar="email")

    def run(self, tier: str, emails: list[str], dry_run: bool, **options: Any) -> dict[str, Any]:
        wanted = {email.lower() for email in emails}
        users = {user.email: user for user in User.objects.filter(email__in=wanted)}
        if missing := sorted(wanted - users.keys()):
            raise CommandError(f"no account: {', '.join(missing)}")
        changed = [email for email, user in sorted(users.items()) if user.tier != tier]
        if not dry_run:
            set_tier(user_ids=[user.pk for user in users.values()], tier=Tier(tier))
        return {"tier": tier, "changed": changed, "unchanged": sorted(users.keys() - set(changed))}
