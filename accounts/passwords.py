"""What a password may be."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

#: As better-auth has it.
MOST_CHARS = 128


class MaximumLengthValidator:
    """Refuses passwords that nobody types."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises:
        ValidationError: the password has more than ``MOST_CHARS`` characters.
        """
        if len(password) > MOST_CHARS:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        """The rule, for a form."""
        return _("Your password can have at most %(most)d characters.") % {"most": MOST_CHARS}
