"""Errors of the domain: what went wrong, in words of the domain; HTTP is a surface's business."""

from __future__ import annotations

from typing import Any, ClassVar


class DomainError(Exception):
    """Something a caller can be told.

    Every surface (API dialect, page, command) keeps one table that turns a subclass into its own
    status and body, so nothing here knows HTTP.

    Attributes:
        code: stable upper-case name of the condition, for logs and for dialects that show codes.
        message: one sentence that is safe to show a user: no path, no address, no library text.
        data: typed facts a surface may render (a reset time, a limit).
    """

    code: ClassVar[str] = "DOMAIN_ERROR"
    default_message: ClassVar[str] = "The request could not be carried out."

    def __init__(self, message: str = "", **data: Any) -> None:
        self.message = message or self.default_message
        self.data = data
        super().__init__(self.message)


class Unavailable(DomainError):
    """A part of the service that the request needs is out of order for now; trying later may work."""

    code = "UNAVAILABLE"
    default_message = "The service is busy. Please try again in a moment."

    def __init__(self, message: str = "", *, retry_after_s: int = 5, **data: Any) -> None:
        super().__init__(message, retry_after_s=retry_after_s, **data)
        self.retry_after_s = retry_after_s
