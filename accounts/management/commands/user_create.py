"""``manage.py user_create``: make an account by hand."""

from __future__ import annotations

import secrets
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import Tier, User
from accounts.services import create_user
from core.commands import OperatorCommand


class Command(OperatorCommand):
    help = "Make an account whose address counts as verified; no mail is sent."
    writes = True

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="")
        parser.add_argument("--tier", choices=Tier.values, default=Tier.FREE.value)
        parser.add_argument("--staff", action="store_true", help="may use the admin")
        parser.add_argument("--superuser", action="store_true", help="may do everything there")
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from standard input; without it one is made and shown once",
        )

    def run(
        self,
        email: str,
        name: str,
        tier: str,
        staff: bool,
        superuser: bool,
        password_stdin: bool,
        dry_run: bool,
        **options: Any,
    ) -> dict[str, Any]:
        made_up = "" if password_stdin else secrets.token_urlsafe(15)
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else made_up
        try:
            validate_email(email)
            validate_password(password, User(email=email, name=name))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if User.objects.filter(email__iexact=email).exists():
            raise CommandError(f"{email} has an account")
        if dry_run:
            return {"email": email.lower(), "tier": tier, "made": False}
        with transaction.atomic():
            user = create_user(email=email, password=password, name=name)
            user.tier, user.is_staff, user.is_superuser = tier, staff or superuser, superuser
            user.save(update_fields=["tier", "is_staff", "is_superuser"])
        summary = {"id": user.pk, "email": user.email, "tier": user.tier, "made": True}
        return {**summary, "password": made_up} if made_up else summary
