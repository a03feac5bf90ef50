"""What keeps a video from arriving: between the child and us a name, for a person a sentence."""

from __future__ import annotations

from enum import StrEnum

from core.errors import DomainError, Unavailable
from deepfake.download.limits import DownloadLimits
from deepfake.errors import TOO_LONG_SENTENCE, DownloadFailed, DownloadReason, in_minutes


class Trouble(StrEnum):
    """What kept a video from arriving; finer than :class:`~deepfake.errors.DownloadReason`."""

    PRIVATE = "private"
    GONE = "gone"
    NOT_AVAILABLE = "not_available"
    REGION = "region"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    LIVE = "live"
    SIGN_IN = "sign_in"
    AGE = "age"
    MEMBERS = "members"
    PROTECTED = "protected"
    SITE_CHANGED = "site_changed"
    SITE_REFUSES = "site_refuses"
    SITE_FAILS = "site_fails"
    TIMEOUT = "timeout"
    NO_HOST = "no_host"
    CONNECTION = "connection"
    REDIRECTS = "redirects"
    NO_VIDEO = "no_video"
    WEB_PAGE = "web_page"
    CRASHED = "crashed"
    NO_ROOM = "no_room"


_INSTEAD = "Please send the video file itself."

_TOLD: dict[Trouble, tuple[DownloadReason, str]] = {
    Trouble.PRIVATE: (
        DownloadReason.PRIVATE,
        "This video is private: only people whom its owner has let in can see it.",
    ),
    Trouble.GONE: (
        DownloadReason.GONE,
        "This video is not there any more: it was removed, or the link is wrong.",
    ),
    Trouble.NOT_AVAILABLE: (DownloadReason.GONE, "There is nothing behind this link any more."),
    Trouble.REGION: (DownloadReason.REGION, f"This video cannot be seen in our server's country. {_INSTEAD}"),
    Trouble.TOO_LONG: (DownloadReason.TOO_LONG, TOO_LONG_SENTENCE),
    Trouble.TOO_LARGE: (
        DownloadReason.TOO_LARGE,
        "This video is too large: at most {megabytes} MB are taken.",
    ),
    Trouble.LIVE: (
        DownloadReason.LIVE,
        "This is a live stream, or one that has yet to begin. Only recorded videos can be analysed.",
    ),
    Trouble.SIGN_IN: (
        DownloadReason.SIGN_IN,
        f"The site shows this video only to people who are signed in. {_INSTEAD}",
    ),
    Trouble.AGE: (
        DownloadReason.SIGN_IN,
        f"The site shows this video only to people who are signed in and old enough. {_INSTEAD}",
    ),
    Trouble.MEMBERS: (
        DownloadReason.SIGN_IN,
        f"The site shows this video only to its members, or to those who pay. {_INSTEAD}",
    ),
    Trouble.PROTECTED: (DownloadReason.UNSUPPORTED, "This video is protected against copying."),
    Trouble.SITE_CHANGED: (
        DownloadReason.UNSUPPORTED,
        f"Videos of this site cannot be downloaded at the moment. {_INSTEAD}",
    ),
    Trouble.SITE_REFUSES: (
        DownloadReason.BLOCKED,
        "The site does not hand this video to our server. Please try again later, or send the video file itself.",
    ),
    Trouble.SITE_FAILS: (
        DownloadReason.NETWORK,
        "The site has trouble answering. Please try again later.",
    ),
    Trouble.TIMEOUT: (DownloadReason.TIMEOUT, "The download took too long."),
    Trouble.NO_HOST: (DownloadReason.NETWORK, "No public web server was found at this link's address."),
    Trouble.CONNECTION: (DownloadReason.NETWORK, "The connection to this link's server failed."),
    Trouble.REDIRECTS: (DownloadReason.NETWORK, "This link redirects too many times."),
    Trouble.NO_VIDEO: (DownloadReason.NO_VIDEO, "There is no video behind this link."),
    Trouble.WEB_PAGE: (
        DownloadReason.NO_VIDEO,
        "This link leads to a web page of a site whose videos cannot be downloaded, not to a video file.",
    ),
    Trouble.CRASHED: (DownloadReason.UNSUPPORTED, f"This video could not be downloaded. {_INSTEAD}"),
}


class Refusal(BaseException):
    """The end of a download, raised in the child.

    It is no ``Exception``, for yt-dlp catches those and tries again, or something else.
    """

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        super().__init__(trouble.value)


def error_of(trouble: Trouble, limits: DownloadLimits) -> DomainError:
    """The error that a caller is told."""
    if trouble is Trouble.NO_ROOM:
        return Unavailable(
            "There is no room for the video at the moment. Please try again later.", retry_after_s=60
        )
    reason, sentence = _TOLD[trouble]
    minutes, megabytes = in_minutes(limits.max_duration_s), f"{limits.max_bytes / 1_000_000:.3g}"
    return DownloadFailed(sentence.format(minutes=minutes, megabytes=megabytes), reason=reason)
