"""What can go wrong with rankings, in words of the domain."""

from __future__ import annotations

from core.errors import DomainError


class ParameterInvalid(DomainError):
    """A parameter of the address is not what it may be; the message names it."""

    code = "INVALID_PARAMETER"
    default_message = "A parameter of the request is not valid."


class MatchUnknown(DomainError):
    """There is no such match that this caller could confirm: never, not any more, or done already."""

    code = "MATCH_UNKNOWN"
    default_message = "There is no such match to be confirmed."
