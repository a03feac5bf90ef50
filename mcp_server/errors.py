"""Errors of this surface: a tool's answer that is marked as an error, one sentence for the model and a code."""

from __future__ import annotations

import logging
from typing import Any

from mcp_types import CallToolResult, TextContent

from anime_search.errors import ImageFetchTooLarge
from core.errors import DomainError
from core.surfaces import as_domain_error
from credits.errors import InsufficientCredits, LimitExceeded

log = logging.getLogger(__name__)


class ArgumentInvalid(DomainError):
    """A tool was called with arguments that it does not take."""

    code = "INVALID_ARGUMENT"
    default_message = "The arguments are not valid."


class FileUnreadable(DomainError):
    """There is no such file on this machine, or it is not ours to read."""

    code = "FILE_UNREADABLE"
    default_message = "The file cannot be read. Give the full path of a file on this machine."


class CallerUnknown(DomainError):
    """The account on whose behalf the server was started is closed, or gone."""

    code = "UNAUTHORIZED"
    default_message = "There is no open account of this name any more."


class HostRefused(DomainError):
    """The request names a host that this site is not."""

    code = "INVALID_HOST"
    default_message = "This is not a host of this site."


def refused(error: Exception, *, tool: str) -> CallToolResult:
    """The answer to a call that failed; what nobody foresaw is logged, and told as a fault of ours."""
    told = as_domain_error(error)
    if told is not error:
        log.error("unhandled error in tool %s", tool, exc_info=error)
    return CallToolResult(
        content=[TextContent(type="text", text=words_of(told))],
        structured_content={"error": error_body(told)},
        is_error=True,
    )


def error_body(error: DomainError) -> dict[str, Any]:
    """Code, sentence, and the seconds after which trying again makes sense; None where it makes none."""
    return {
        "code": error.code,
        "message": _sentence(error),
        "retry_after_s": error.data.get("retry_after_s"),
    }


def words_of(error: DomainError) -> str:
    """The error in one line."""
    body = error_body(error)
    wait = f" Try again in {body['retry_after_s']} s." if body["retry_after_s"] else ""
    return f"{body['message']}{wait} ({body['code']})"


def _sentence(error: DomainError) -> str:
    """What the domain says, and what was left, where that is known."""
    match error:
        case InsufficientCredits():
            return f"{error.message} Nothing was charged."
        case LimitExceeded(data={"snapshot": state}) if state.quota is not None and not state.quota.remaining:
            return f"{error.message} It allows {state.quota.limit} a day."
        case ImageFetchTooLarge():
            return f"{error.message} Send a smaller picture."
        case _:
            return error.message
