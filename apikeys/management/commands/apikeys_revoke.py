"""``manage.py apikeys_revoke``: end keys by their beginning, by their user, or as a whole."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Q

from accounts.models import User
from apikeys.models import ApiKey, Revocation
from apikeys.services import revoke_keys
from apikeys.tokens import PREFIX_LENGTH, digest_of
from core.commands import OperatorCommand


class Command(OperatorCommand):
    help = "Revoke API keys: by the beginning that lists show, all of a user's, or leaked ones by themselves."
    writes = True

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("prefixes", nargs="*", metavar="prefix", help="what the keys begin with")
        parser.add_argument("--user", metavar="EMAIL", help="every key of this user")
        parser.add_argument(
            "--stdin", action="store_true", help="read whole keys from standard input, one a line"
        )

    def run(
        self, prefixes: list[str], user: str | None, stdin: bool, dry_run: bool, **options: Any
    ) -> dict[str, Any]:
        if not (prefixes or user or stdin):
            raise CommandError("name keys by their beginning, by --user or by --stdin")
        if short := [prefix for prefix in prefixes if len(prefix) != PREFIX_LENGTH]:
            raise CommandError(f"{PREFIX_LENGTH} characters name a key: {', '.join(short)}")
        chosen = Q(prefix__in=prefixes)
        if user is not None:
            owner = User.objects.filter(email=user.lower()).first()
            if owner is None:
                raise CommandError(f"no account: {user}")
            chosen |= Q(user=owner)
        if stdin:
            chosen |= Q(digest__in=[digest_of(line.strip()) for line in sys.stdin if line.strip()])
        keys = list(ApiKey.objects.filter(chosen, revoked_at__isnull=True).order_by("pk"))
        if not dry_run:
            revoke_keys(keys=[row.pk for row in keys], by=Revocation.STAFF)
        return {"revoked": len(keys), "keys": [f"{row.prefix} {row.title}" for row in keys]}
