"""What can be wrong with a request of the detector, and how an analysis can fail."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from core.errors import DomainError, Unavailable


class AuthenticationMissing(DomainError):
    """The request shows no API key; a session does not count here."""

    code = "MISSING_AUTH"
    default_message = "An Authorization header with an API key is required."


class AnalysisNotFound(DomainError):
    """The caller has no such analysis."""

    code = "NOT_FOUND"
    default_message = "There is no such analysis."


class UrlMissing(DomainError):
    """The request names no video: neither an address nor a file."""

    code = "MISSING_URL"
    default_message = "The parameter url is required."


class DownloadReason(StrEnum):
    """Why the video of an address cannot be had."""

    PRIVATE = "private"
    GONE = "gone"
    REGION = "region"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    LIVE = "live"
    SIGN_IN = "sign_in"
    UNSUPPORTED = "unsupported"
    BLOCKED = "blocked"
    TIMEOUT = "timeout"
    NETWORK = "network"
    NO_VIDEO = "no_video"


class DownloadFailed(DomainError):
    """The video of an address cannot be had; ``data["reason"]`` is a :class:`DownloadReason`.

    Args:
        message: one sentence for a person.
        reason: a value of :class:`DownloadReason`.

    Raises:
        ValueError: ``reason`` is none.
    """

    code = "DOWNLOAD_FAILED"
    default_message = "The video could not be downloaded from this address."

    def __init__(self, message: str = "", *, reason: str = DownloadReason.NETWORK, **data: Any) -> None:
        self.reason = DownloadReason(reason)
        super().__init__(message, reason=self.reason, **data)


class VideoUnreadable(DomainError):
    """The bytes are no video, or one that is damaged or beyond what is decoded."""

    code = "VIDEO_UNREADABLE"
    default_message = "The file is not a video that can be read."


#: What people are told of a video that is too long, wherever it comes from.
TOO_LONG_SENTENCE: Final = "This video is too long: at most {minutes} minutes are taken."


def in_minutes(seconds: float) -> str:
    """A limit as such sentences name it."""
    return f"{seconds / 60:.3g}"


class VideoTooLong(VideoUnreadable):
    """It lasts longer than is taken; the message is :data:`TOO_LONG_SENTENCE`."""

    code = "VIDEO_TOO_LONG"
    default_message = "This video is too long."


class VideoEmpty(VideoUnreadable):
    """A file was announced and holds no byte."""

    code = "VIDEO_EMPTY"
    default_message = "The file is empty."


class VideoTooLarge(DomainError):
    """The file has more bytes than are taken."""

    code = "VIDEO_TOO_LARGE"
    default_message = "The file is too large."


class DetectorUnavailable(Unavailable):
    """There is no model that is whole, or no process to run it in."""

    code = "DETECTOR_UNAVAILABLE"
    default_message = "The detector is out of order for now. Please try again later."


class AnalysisCancelled(DomainError):
    """The analysis is no longer wanted: it was cancelled, or its worker is stopping."""

    code = "CANCELLED"
    default_message = "The analysis was cancelled."


class AnalysisTimedOut(DomainError):
    """No verdict within the time that the caller waits, or that an analysis may take."""

    code = "TIMED_OUT"
    default_message = "The analysis took too long. Nothing was charged."


class AnalysisFailed(DomainError):
    """A fault of ours ended the analysis; it is in the log."""

    code = "INTERNAL_ERROR"
    default_message = "Something went wrong on our side. Nothing was charged."


class TooManyAnalyses(DomainError):
    """As many analyses of the caller are open as may be; ``data`` has ``retry_after_s``."""

    code = "TOO_MANY_ANALYSES"
    default_message = "Too many of your analyses are waiting. Please wait for one of them to end."


class AnalysisQueueFull(Unavailable):
    """As many analyses wait, of all callers, as may wait."""

    code = "ANALYSIS_QUEUE_FULL"
    default_message = "Too many analyses are waiting. Please try again in a few minutes."


class AnalysisRunning(DomainError):
    """An analysis that has not ended cannot be done again."""

    code = "ANALYSIS_RUNNING"
    default_message = "The analysis has not ended yet."


class SourceGone(DomainError):
    """The video of an analysis was a file, which is not kept."""

    code = "SOURCE_GONE"
    default_message = "The analysed file is not kept, so that it cannot be analysed again."
