"""What can go wrong with a search, in words of the domain."""

from __future__ import annotations

from typing import ClassVar

from core.errors import DomainError, Unavailable


class ImageMissing(DomainError):
    """The request carries neither a picture nor an address of one."""

    code = "IMAGE_MISSING"
    default_message = "Send an image file or the address of one."


class ImageEmpty(DomainError):
    """A picture was announced and holds no byte."""

    code = "IMAGE_EMPTY"
    default_message = "The image is empty."


class ImageTooLarge(DomainError):
    """More bytes than are taken, or (:class:`ImageTooManyPixels`) more pixels."""

    code = "IMAGE_TOO_LARGE"
    default_message = "The image is too large."


class ImageTooManyPixels(ImageTooLarge):
    """Few bytes, perhaps, that would become more pixels than are decoded."""

    code = "IMAGE_TOO_MANY_PIXELS"
    default_message = "The image has too many pixels."


class ImageUndecodable(DomainError):
    """The bytes are no picture of a known format, or a broken one."""

    code = "IMAGE_UNDECODABLE"
    default_message = "The image could not be read. JPEG, PNG, GIF, BMP and WebP are understood."


class ImageFetchFailed(DomainError):
    """The address of a picture was refused, or nothing came from it."""

    code = "IMAGE_FETCH_FAILED"
    default_message = "The image could not be fetched from its address."


class ImageFetchTooLarge(ImageFetchFailed):
    """There is more behind the address than is taken."""


class MatchRefused(DomainError):
    """What names a match was not made for whoever shows it, or too long ago."""

    code = "MATCH_REFUSED"
    default_message = "This result is too old, or somebody else's."


class SharedResultGone(DomainError):
    """No shared result is behind a link, or none of the caller's has this id; why is not told."""

    code = "SHARED_RESULT_GONE"
    default_message = "There is no such shared result. It may have expired or been withdrawn."


class SharesLimited(DomainError):
    """The caller has shared as many results as may be in a day; ``data`` has ``retry_after_s``."""

    code = "SHARES_LIMITED"
    default_message = "Too many results were shared. Please wait."


class AnimeUnknown(DomainError):
    """There is no such title to search in."""

    code = "ANIME_UNKNOWN"
    default_message = "There is no such anime here."


class IndexUnavailable(Unavailable):
    """There is no index that may be searched."""

    code = "INDEX_UNAVAILABLE"
    default_message = "There is no search index yet, or it is being repaired. Please try again later."


class SearchTimedOut(Unavailable):
    """No worker answered in time."""

    code = "SEARCH_TIMED_OUT"
    default_message = "The search took too long. Please try again in a moment."


class SearchQueueFull(Unavailable):
    """As many searches wait as may wait for callers of this priority."""

    code = "SEARCH_QUEUE_FULL"
    default_message = "Too many searches are waiting. Please try again in a moment."


class PreviewTimeInvalid(DomainError):
    """The time of a preview is no number of seconds that a video could have."""

    code = "PREVIEW_TIME_INVALID"
    default_message = "The preview's time is not valid."


class PreviewSizeInvalid(DomainError):
    """A preview has one of three sizes."""

    code = "PREVIEW_SIZE_INVALID"
    default_message = "The preview's size is one of s, m and l."


class PreviewRefused(DomainError):
    """The token of a preview is wrong."""

    code = "PREVIEW_REFUSED"
    default_message = "This preview's link is not valid."


class PreviewExpired(PreviewRefused):
    """The token was right, and its time is over."""

    code = "PREVIEW_EXPIRED"
    default_message = "This preview's link has expired."


class PreviewGone(DomainError):
    """The video that a preview would be cut from is not there any more."""

    code = "PREVIEW_GONE"
    default_message = "The video of this preview is not available."


class PreviewsLimited(DomainError):
    """The caller had as many clips cut as may be in a minute; ``data`` has ``retry_after_s``."""

    code = "PREVIEWS_LIMITED"
    default_message = "Too many previews. Please wait a moment."


class IngestFailed(DomainError):
    """Some files could not be indexed; the command's summary names them."""

    code: ClassVar[str] = "INGEST_FAILED"
    default_message = "Some files could not be indexed."
