"""Pictures from an address that a caller gave."""

from __future__ import annotations

from django.conf import settings

from anime_search.engine.image import sniff_format
from anime_search.errors import ImageFetchFailed
from anime_search.runtime import IMAGE_LIMITS
from core.fetch_errors import FetchError, UnsafeUrl
from core.safe_http import FetchPolicy, fetch
from core.web_url import parse_web_url

#: Seconds that fetching a picture may take in all.
DEADLINE_S = 10.0


def fetch_image(url: str) -> bytes:
    """Fetch a picture's bytes; they are judged by their content, whatever type the host announces.

    Raises:
        ImageFetchFailed: the address was refused, or gave nothing, too much, or no picture.
    """
    body = fetch_media(url)
    if sniff_format(body) is None:
        raise ImageFetchFailed("There is no image behind this link.", url=url)
    return body


def fetch_media(url: str) -> bytes:
    """Fetch what is behind an address, whatever it is.

    Raises:
        ImageFetchFailed: the address was refused, or gave nothing or too much; ``data["is_address"]`` says
            whether it was an address at all.
    """
    policy = FetchPolicy(
        max_bytes=IMAGE_LIMITS.max_bytes,
        deadline_s=DEADLINE_S,
        allowed_networks=settings.FETCH_ALLOWED_NETWORKS,
        user_agent="Mozilla/5.0 (compatible; Frameproof)",
    )
    try:
        return fetch(url, policy=policy).body
    except FetchError as error:
        raise ImageFetchFailed(error.message, url=url, is_address=_is_address(url)) from error


def _is_address(url: str) -> bool:
    """Whether a text is an address by itself, wherever it leads."""
    try:
        parse_web_url(url)
    except UnsafeUrl:
        return False
    return True
