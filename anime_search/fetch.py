"""Pictures from an address that a caller gave."""

from __future__ import annotations

import threading

from django.conf import settings

from anime_search.engine.image import sniff_format
from anime_search.engine.moving import sniff_video
from anime_search.errors import ImageFetchFailed, ImageFetchTooLarge
from anime_search.runtime import IMAGE_LIMITS
from core.errors import Unavailable
from core.fetch_errors import FetchError, FetchTooLarge, UnsafeUrl
from core.safe_http import FetchPolicy, fetch
from core.web_url import parse_web_url

#: Seconds that fetching a picture may take in all.
DEADLINE_S = 10.0
#: Addresses that one process waits for at a time: most of the server's threads stay free of hosts that never answer.
FETCHES_AT_A_TIME = 4
_FETCHES = threading.BoundedSemaphore(FETCHES_AT_A_TIME)


def fetch_image(url: str) -> bytes:
    """Fetch a picture's bytes; they are judged by their content, whatever type the host announces.

    Raises:
        ImageFetchFailed: the address was refused, or gave nothing, too much, or no picture.
    """
    body = fetch_media(url)
    if sniff_format(body) is None:
        raise ImageFetchFailed("There is no image behind this link.", url=url)
    return body


def fetch_picture_or_clip(url: str) -> bytes:
    """Fetch a picture's or a video's bytes, likewise.

    Raises:
        ImageFetchFailed: the address was refused, or gave nothing, too much, or neither.
    """
    body = fetch_media(url)
    if sniff_format(body) is None and sniff_video(body) is None:
        raise ImageFetchFailed("There is no image behind this link.", url=url)
    return body


def fetch_media(url: str) -> bytes:
    """Fetch what is behind an address, whatever it is.

    Raises:
        Unavailable: as many addresses are being waited for as may be.
        ImageFetchTooLarge: there is more behind it than is taken.
        ImageFetchFailed: the address was refused, or gave nothing; ``data["is_address"]`` says whether it was an
            address at all.
    """
    policy = FetchPolicy(
        max_bytes=IMAGE_LIMITS.max_bytes,
        deadline_s=DEADLINE_S,
        allowed_networks=settings.FETCH_ALLOWED_NETWORKS,
        user_agent="Mozilla/5.0 (compatible; Frameproof)",
    )
    if not _FETCHES.acquire(blocking=False):
        raise Unavailable
    try:
        return fetch(url, policy=policy).body
    except FetchTooLarge as error:
        raise ImageFetchTooLarge(error.message, url=url) from error
    except FetchError as error:
        raise ImageFetchFailed(error.message, url=url, is_address=_is_address(url)) from error
    finally:
        _FETCHES.release()


def _is_address(url: str) -> bool:
    """Whether a text is an address by itself, wherever it leads."""
    try:
        parse_web_url(url)
    except UnsafeUrl:
        return False
    return True
