"""What can go wrong, by the code that the server gives it."""

from __future__ import annotations

from typing import Final


class FrameproofError(Exception):
    """Anything that this package raises."""


class ConnectionFailed(FrameproofError):
    """The server could not be reached, or did not answer in time."""


class UnexpectedAnswer(FrameproofError):
    """The answer is not one of a Frameproof server."""


class StillRunning(FrameproofError):
    """There was no verdict in the time that was given; the analysis goes on, and can be asked for later.

    Attributes:
        analysis_id: of the analysis.
    """

    def __init__(self, analysis_id: str) -> None:
        super().__init__(f"analysis {analysis_id} has no verdict yet")
        self.analysis_id = analysis_id


class ApiError(FrameproofError):
    """The server refused a request, or failed.

    Attributes:
        status: the HTTP status; 0 where an analysis failed after it had been taken up.
        code: the server's stable name of the condition; empty where it gave none.
        message: its sentence for a person.
        retry_after_s: when trying again makes sense; None where the server does not say.
    """

    def __init__(self, status: int, code: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{message} ({code or status})")
        self.status, self.code, self.message, self.retry_after_s = status, code, message, retry_after_s


class AccessDenied(ApiError):
    """The API key is missing, wrong, expired or revoked."""


class OutOfCredits(ApiError):
    """No credits are left; nothing was charged."""


class LimitExceeded(ApiError):
    """A limit of a minute, an hour or a day is used up; nothing was charged."""


class MediaRefused(ApiError):
    """The picture or video is missing, empty, too large, or cannot be read."""


class DownloadFailed(ApiError):
    """There is no picture or video to be had behind the address."""


class RequestRefused(ApiError):
    """The request is not one that the server takes: a fault of the program's."""


class NotFound(ApiError):
    """The caller has no such thing."""


class AnalysisFailed(ApiError):
    """The analysis was cancelled; it was refunded."""


class ServiceUnavailable(ApiError):
    """The server is busy, or something is wrong on its side; nothing was charged."""


#: The error of each code that the server's APIs have.
BY_CODE: Final[dict[str, type[ApiError]]] = {
    "MISSING_AUTH": AccessDenied,
    "INVALID_KEY": AccessDenied,
    "KEY_REVOKED": AccessDenied,
    "UNAUTHORIZED": AccessDenied,
    "INVALID_ORIGIN": AccessDenied,
    "INSUFFICIENT_CREDITS": OutOfCredits,
    "RATE_LIMIT_EXCEEDED": LimitExceeded,
    "IMAGE_MISSING": MediaRefused,
    "IMAGE_EMPTY": MediaRefused,
    "IMAGE_TOO_LARGE": MediaRefused,
    "IMAGE_TOO_MANY_PIXELS": MediaRefused,
    "IMAGE_UNDECODABLE": MediaRefused,
    "BODY_TOO_LARGE": MediaRefused,
    "DOWNLOAD_FAILED": DownloadFailed,
    "INVALID_REQUEST": RequestRefused,
    "INVALID_PARAMETER": RequestRefused,
    "MISSING_URL": RequestRefused,
    "INVALID_IDEMPOTENCY_KEY": RequestRefused,
    "IDEMPOTENCY_KEY_REUSED": RequestRefused,
    "REQUEST_IN_PROGRESS": RequestRefused,
    "METHOD_NOT_ALLOWED": RequestRefused,
    "NOT_FOUND": NotFound,
    "CANCELLED": AnalysisFailed,
    "INTERNAL_ERROR": ServiceUnavailable,
    "UNAVAILABLE": ServiceUnavailable,
    "INDEX_UNAVAILABLE": ServiceUnavailable,
    "ANALYSIS_QUEUE_FULL": ServiceUnavailable,
    "DETECTOR_UNAVAILABLE": ServiceUnavailable,
    "SEARCH_TIMED_OUT": ServiceUnavailable,
    "SEARCH_QUEUE_FULL": ServiceUnavailable,
}
_BY_STATUS: Final[dict[int, type[ApiError]]] = {
    401: AccessDenied,
    402: OutOfCredits,
    403: AccessDenied,
    404: NotFound,
    413: MediaRefused,
    429: LimitExceeded,
}
_SERVER_ERROR = 500


def api_error(status: int, code: str, message: str, retry_after_s: float | None = None) -> ApiError:
    """The error of an answer, by its code, else by its status."""
    # A file that is too large is told as an invalid request where the document has no nearer code.
    kind = MediaRefused if status == 413 else BY_CODE.get(code)
    if kind is None:
        kind = _BY_STATUS.get(status, ServiceUnavailable if status >= _SERVER_ERROR else RequestRefused)
    return kind(status, code, message, retry_after_s)
