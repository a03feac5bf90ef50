"""Addresses of videos: which are taken, and what is kept of one."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_plus, urlsplit

from core.fetch_errors import UnsafeUrl
from core.web_url import parse_web_url
from deepfake.errors import DownloadFailed, DownloadReason

#: Signed links of object stores have two thousand letters; a longer address names no video.
MOST_LETTERS: Final = 4096
#: Values of a query that are longer are no ids of a video.
_LONGEST_VALUE: Final = 64
#: Names of parameters that carry what opens a door, as of signed links and of sign-in.
_OPENS_DOORS: Final = re.compile(
    r"token|sig|secret|key|auth|pass|pwd|sess|jwt|cred|policy|hmac|ticket|x-(?:amz|goog|oss|ms)-",
    re.IGNORECASE,
)


def check_address(text: str) -> str:
    """An address as it is taken: white space around it is passed over. Nothing is looked up.

    Raises:
        DownloadFailed: it is not http or https, holds a user name or password, is malformed or too long.
    """
    address = text.strip()
    if len(address) > MOST_LETTERS:
        raise DownloadFailed("The address of the video is too long.", reason=DownloadReason.UNSUPPORTED)
    try:
        parse_web_url(address)
    except UnsafeUrl as error:
        raise DownloadFailed(error.message, reason=DownloadReason.UNSUPPORTED) from error
    return address


def without_secrets(address: str) -> str:
    """What is kept of an address once the video is fetched: enough to know which it was.

    The fragment goes, and of the query whatever is named like a key or a signature, or too long for an id.
    """
    base, _, query = address.partition("#")[0].partition("?")
    kept = [part for part in query.split("&") if part and not _is_secret(part)]
    return f"{base}?{'&'.join(kept)}" if kept else base


def host_of(address: str) -> str:
    """The host of an address; empty where there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_secret(part: str) -> bool:
    name, _, value = part.partition("=")
    return bool(_OPENS_DOORS.search(unquote_plus(name))) or len(value) > _LONGEST_VALUE
