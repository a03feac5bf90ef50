"""The user: an e-mail address that signs in, and a tier."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

NAME_LENGTH = 150


class UserManager(BaseUserManager["User"]):
    """Makes users out of an e-mail address and a password."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make a user who signs in with ``email``, which is kept in lower case.

        Raises:
            ValueError: ``email`` is empty.
        """
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """The user who signs in with this address, in whatever letter case it is typed.

        Raises:
            User.DoesNotExist: nobody does.
        """
        return self.get(Exact(Lower("email"), Lower(Value(username))))

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make a member of staff with every permission (``manage.py createsuperuser``)."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class Tier(models.TextChoices):
    """What a user pays for; policies of metering name these."""

    FREE = "free", _("Free")
    PRO = "pro", _("Pro")
    BUSINESS = "business", _("Business")
    ENTERPRISE = "enterprise", _("Enterprise")


class User(AbstractUser):
    """An account. It signs in with its e-mail address, which is unique whatever its letter case.

    Attributes:
        public_id: what the API calls the user's id: it tells nothing of how many users there are.
        name: what to call the user; may be empty.
    """

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("email address"), unique=True)
    name = models.CharField(_("name"), max_length=NAME_LENGTH, blank=True)
    tier = models.CharField(max_length=20, choices=Tier.choices, default=Tier.FREE)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta(AbstractUser.Meta):
        swappable = "AUTH_USER_MODEL"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_case_insensitive"),
        ]

    def clean(self) -> None:
        """Addresses are kept in lower case: whoever looks one up need not know how it was typed."""
        super().clean()
        self.email = self.email.lower()

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name


def display_name(user: User) -> str:
    """What pages and mails call a user: the name, else the address."""
    return user.name or user.email
