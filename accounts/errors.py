"""What can be wrong with how a caller says who it is."""

from __future__ import annotations

from core.errors import DomainError


class ApiKeyInvalid(DomainError):
    """The API key that a request shows is not one of ours."""

    code = "INVALID_KEY"
    default_message = "The API key is not valid."
