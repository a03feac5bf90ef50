"""What can be wrong with an API key, or with what is asked of one."""

from __future__ import annotations

from core.errors import DomainError


class ApiKeyInvalid(DomainError):
    """The API key that a request shows is not one of ours, or no longer anybody's."""

    code = "INVALID_KEY"
    default_message = "The API key is not valid."


class ApiKeyExpired(ApiKeyInvalid):
    """The key's last day has passed."""

    default_message = "The API key has expired."


class ApiKeyRevoked(DomainError):
    """The key was ours, and was revoked."""

    code = "KEY_REVOKED"
    default_message = "The API key has been revoked."


class KeyGuessingLimited(DomainError):
    """One address showed too many wrong keys; ``data`` has ``retry_after_s``."""

    code = "RATE_LIMIT_EXCEEDED"
    default_message = "Too many wrong API keys. Please wait a moment."


class SignInRequired(DomainError):
    """The address is for signed-in people: an API key does not open it."""

    code = "UNAUTHORIZED"
    default_message = "Please sign in first."


class ApiKeyNotFound(DomainError):
    """The caller has no such key."""

    code = "NOT_FOUND"
    default_message = "You have no such API key."


class KeyTitleInvalid(DomainError):
    """A key needs a title of 1 to 100 printable characters."""

    code = "INVALID_TITLE"
    default_message = "A title of 1 to 100 characters is required."


class KeyExpiryInvalid(DomainError):
    """A key's last moment lies in the past, or is no moment."""

    code = "INVALID_EXPIRY"
    default_message = "The expiry must be a time in the future (ISO 8601)."


class TooManyKeys(DomainError):
    """A user has as many keys as there may be."""

    code = "TOO_MANY_KEYS"
    default_message = "You have 100 API keys. Revoke one first."
