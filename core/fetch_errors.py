"""Why the bytes behind a URL were not fetched, in sentences that may be shown to a user."""

from __future__ import annotations

from typing import ClassVar

from core.errors import DomainError


class FetchError(DomainError):
    """The bytes behind a URL were not fetched.

    ``data["reason"]`` names the rule or the step that failed in one lower-case word, for logs and counters.
    A host that is private and one that does not exist share reason and message: telling them apart would let
    a user guess the names of the internal network.
    """

    code: ClassVar[str] = "FETCH_ERROR"
    default_message: ClassVar[str] = "The link could not be downloaded."


class UnsafeUrl(FetchError):
    """The URL, or the one it redirects to, is not one to connect to, and no connection to it was made.

    Reasons: ``syntax``, ``scheme``, ``credentials``, ``port``, ``host``.
    """

    code = "UNSAFE_URL"
    default_message = "This link is not a valid web address."


class FetchFailed(FetchError):
    """The other side did not deliver.

    Reasons: ``host`` (not found), ``network``, ``deadline``, ``status``, ``redirects``, ``content_type``,
    ``encoding``, ``empty``. For ``status``, ``data["status"]`` is the answer's HTTP status.
    """

    code = "FETCH_FAILED"


class FetchTooLarge(FetchError):
    """The body is announced as, or turned out to be, larger than ``data["max_bytes"]``."""

    code = "FETCH_TOO_LARGE"
    default_message = "The file behind this link is too large."
