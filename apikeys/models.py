"""API keys: one table for every API."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apikeys.tokens import PREFIX_LENGTH

TITLE_LENGTH = 100


class Revocation(models.TextChoices):
    """Who ended a key."""

    OWNER = "owner", _("its owner")
    STAFF = "staff", _("staff")
    LEAK = "leak", _("somebody who found it")


class ApiKey(models.Model):
    """A key of a user. The key itself is shown once and never stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    title = models.CharField(max_length=TITLE_LENGTH)
    prefix = models.CharField(
        max_length=PREFIX_LENGTH, db_index=True, help_text=_("what the key begins with")
    )
    digest = models.CharField(max_length=64, unique=True, help_text=_("SHA-256 of the key"))
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=5, choices=Revocation.choices, blank=True)

    class Meta:
        verbose_name = _("API key")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["user", "-created_at"], name="api_key_newest_of_user")
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by="")
                | (Q(revoked_at__isnull=False) & ~Q(revoked_by="")),
                name="api_key_revoked_by_somebody",
            )
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.prefix}…)"

    @property
    def is_revoked(self) -> bool:
        return self.revoked_at is not None
