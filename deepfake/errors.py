"""What can be wrong with a request of the detector."""

from __future__ import annotations

from core.errors import DomainError


class AuthenticationMissing(DomainError):
    """The request shows no API key; a session does not count here."""

    code = "MISSING_AUTH"
    default_message = "An Authorization header with an API key is required."


class AnalysisNotFound(DomainError):
    """The caller has no such analysis."""

    code = "NOT_FOUND"
    default_message = "There is no such analysis."
