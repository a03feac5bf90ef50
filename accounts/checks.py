"""What an operator should know before serving accounts to the public."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security, deploy=True)
def check_mail(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """A site of many users sends mail: without it no lost password comes back, and no address is proven."""
    if settings.DATABASE_URL and settings.EMAIL_BACKEND == "accounts.mail.KeptMailBackend":
        return [
            checks.Warning(
                "EMAIL_URL is not set: mails of accounts go to the log and to files, and not to their readers.",
                hint="Set EMAIL_URL, for example submission://user:password@mail.example:587.",
                id="accounts.W001",
            )
        ]
    return []
