"""``manage.py apikeys_create``: make an API key for a user."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from apikeys.services import create_key
from core.clock import now
from core.commands import OperatorCommand


class Command(OperatorCommand):
    help = "Make an API key for a user; the key itself is shown this once."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("title")
        parser.add_argument("--days", type=int, help="days after which the key expires")

    def run(self, email: str, title: str, days: int | None, **options: Any) -> dict[str, Any]:
        user = User.objects.filter(email=email.lower()).first()
        if user is None:
            raise CommandError(f"no account: {email}")
        if days is not None and not 1 <= days <= 36_500:
            raise CommandError("a key lasts 1 to 36500 days")
        expires_at = None if days is None else now() + timedelta(days=days)
        row, key = create_key(user_id=user.pk, title=title, expires_at=expires_at)
        return {"id": row.pk, "email": user.email, "title": row.title, "expires_at": expires_at, "key": key}
