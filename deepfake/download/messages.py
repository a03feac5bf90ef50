"""What yt-dlp's errors mean.

yt-dlp has classes for few of them; the rest are sentences, its own or the site's, and stable for years. They are
matched in order: "Private video. Sign in if you've been granted access" is private before it asks to sign in.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from typing import Final

from core.fetch_errors import FetchError, FetchFailed, FetchTooLarge
from deepfake.download.trouble import Trouble

#: What an ``OSError`` says where a file can be written no further.
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

#: What yt-dlp adds for its own users: how to sign in, to use a proxy, and where to report what it did not expect.
_ADVICE: Final = re.compile(
    r"(?:;|,)? *please report this issue on .*"
    r"|\.? *Use --cookies.*"
    r"|You might want to use a VPN.*"
    r"|See +https?://\S+ +for .*",
    re.DOTALL | re.IGNORECASE,
)
#: Which extractor says so, and of which video; addresses: a site's own words could stand in either.
_PREFIX: Final = re.compile(r"^(?:ERROR: )?(?:\[[^\]]*\] )?(?:[\w-]+: )?")
_ADDRESS: Final = re.compile(r"https?://\S+")
_UNEXPECTED: Final = re.compile(r"please report this issue on", re.IGNORECASE)

_MEANINGS: Final = tuple(
    (trouble, re.compile("|".join(phrases), re.IGNORECASE))
    for trouble, *phrases in (
        (
            Trouble.NO_ROOM,
            r"unable to write data",
            r"unable to open for writing",
            r"No space left",
            r"File too large",
        ),
        (Trouble.PROTECTED, r"\bDRM\b"),
        (
            Trouble.REGION,
            r"geo.?restrict",
            r"not available (?:in|from) your (?:country|location|region)",
            r"available in your (?:country|region)",
            r"blocked it in your country",
            r"HTTP Error 451",
        ),
        (
            Trouble.SITE_REFUSES,
            r"not a bot",
            r"captcha",
            r"IP (?:address )?is (?:likely being )?blocked",
            r"rate.?limit",
            r"too many requests",
            r"empty media response",
            r"impersonat",
            r"Fresh cookies",
            r"try again later",
            r"HTTP Error 4(?:03|07|29)",
        ),
        (Trouble.SITE_FAILS, r"HTTP Error 5\d\d"),
        (
            Trouble.PRIVATE,
            r"private video",
            r"(?:video|account|post|user) is (?:likely either )?private",
            r"protected tweet",
            r"follow this account",
            r"permission to view this post",
            r"not authorized to view",
        ),
        (
            Trouble.AGE,
            r"confirm your age",
            r"age.?(?:restricted|verif)",
            r"inappropriate for some",
            r"NSFW",
            r"comfortable for some audiences",
            r"Restricted Video",
        ),
        (
            Trouble.MEMBERS,
            r"members.?only",
            r"channel's members",
            r"join this channel",
            r"requires payment",
            r"Premium members",
            r"to purchase",
            r"subscribers",
        ),
        (Trouble.GONE, r"live stream recording is not available"),
        (
            Trouble.LIVE,
            r"live event",
            r"premieres? (?:in|will begin)",
            r"livestream",
            r"live (?:stream|broadcast)",
            r"not currently live",
            r"will begin",
            r"not started yet",
            r"is offline",
        ),
        (
            Trouble.NO_VIDEO,
            r"no video (?:could be found|formats? found|in this)",
            r"there is no video",
            r"is not a video",
            r"not have any videos",
            r"only images",
            r"Requested format is not available",
            r"did not get any data",
            r"downloaded file is empty",
            r"Entry not found",
        ),
        (Trouble.WEB_PAGE, r"No suitable extractor", r"Unsupported URL"),
        (
            Trouble.GONE,
            r"(?:has been|was) removed",
            r"removed (?:by|for)",
            r"no longer (?:available|exists)",
            r"terminated",
            r"does(?:n't| not) exist",
            r"deleted",
            r"(?:un|not |isn.t )available",
            r"not found",
            r"HTTP Error 4(?:04|10)",
            r"No status found",
            r"suspended",
            r"violat",
        ),
        (Trouble.SIGN_IN, r"log ?in", r"sign in", r"logged.in", r"registered users", r"HTTP Error 401"),
        (Trouble.REDIRECTS, r"redirect loop"),
        (
            Trouble.CONNECTION,
            r"timed out",
            r"connection",
            r"more expected",
            r"bytes read",
            r"fragment \d+ not found",
        ),
    )
)


def meaning_of(error: BaseException) -> Trouble:
    """What an error of yt-dlp, or one below it, comes down to."""
    chain = list(_chain(error))
    for cause in chain:
        if isinstance(cause, FetchError):
            return meaning_of_fetch(cause)
        if isinstance(cause, MemoryError):
            return Trouble.CRASHED
        if isinstance(cause, OSError) and cause.errno in _NO_ROOM:
            return Trouble.NO_ROOM
        if (trouble := _BY_CLASS.get(type(cause).__name__)) is not None:
            return trouble
    for cause in chain:
        if (trouble := meaning_of_text(str(cause))) is not None:
            return trouble
    return Trouble.SITE_CHANGED if _UNEXPECTED.search(str(error)) else Trouble.CRASHED


def meaning_of_text(text: str) -> Trouble | None:
    """What a sentence of yt-dlp means, its advice left aside; None where nobody has told."""
    said = _ADDRESS.sub("", _ADVICE.sub("", _PREFIX.sub("", text)))
    return next((trouble for trouble, pattern in _MEANINGS if pattern.search(said)), None)


def meaning_of_fetch(error: FetchError) -> Trouble:
    """What an error of the safe fetcher comes down to."""
    if isinstance(error, FetchTooLarge):
        return Trouble.TOO_LARGE
    if isinstance(error, FetchFailed) and error.data["reason"] == "status":
        return meaning_of_status(error.data["status"])
    return _BY_FETCH_REASON.get(error.data["reason"], Trouble.CONNECTION)


def meaning_of_status(status: int) -> Trouble:
    """What an HTTP status says of a file's link."""
    if status >= 500:
        return Trouble.SITE_FAILS
    return _BY_STATUS.get(status, Trouble.NOT_AVAILABLE)


_BY_CLASS: Final = {
    "GeoRestrictedError": Trouble.REGION,
    "UserNotLive": Trouble.LIVE,
    "UnsupportedError": Trouble.WEB_PAGE,
}
_BY_FETCH_REASON: Final = {
    "host": Trouble.NO_HOST,
    "port": Trouble.NO_HOST,
    "syntax": Trouble.NO_HOST,
    "scheme": Trouble.NO_HOST,
    "credentials": Trouble.NO_HOST,
    "deadline": Trouble.TIMEOUT,
    "redirects": Trouble.REDIRECTS,
    "empty": Trouble.NO_VIDEO,
}
_BY_STATUS: Final = {
    401: Trouble.SIGN_IN,
    402: Trouble.MEMBERS,
    403: Trouble.SITE_REFUSES,
    407: Trouble.SITE_REFUSES,
    429: Trouble.SITE_REFUSES,
    451: Trouble.REGION,
}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those it was made from, the innermost last; yt-dlp keeps them in places of its own."""
    seen: list[BaseException] = []
    while isinstance(error, BaseException) and error not in seen:
        seen.append(error)
        yield error
        inner = getattr(error, "exc_info", None) or (None, None)
        causes = (inner[1], getattr(error, "cause", None), error.__cause__, error.__context__)
        error = next(
            (cause for cause in causes if isinstance(cause, BaseException) and cause not in seen), None
        )
