"""Pictures from an address that a caller gave."""

from __future__ import annotations

from django.conf import settings

from anime_search.errors import ImageFetchFailed, ImageTooLarge
from anime_search.runtime import IMAGE_LIMITS
from core.fetch_errors import FetchError, FetchTooLarge
from core.safe_http import FetchPolicy, fetch

#: Seconds that fetching a picture may take in all.
DEADLINE_S = 10.0


def fetch_image(url: str) -> bytes:
    """Fetch a picture's bytes; they are judged by their content, whatever type the host announces.

    Raises:
        ImageTooLarge: more bytes than a picture may have.
        ImageFetchFailed: the address was refused or gave nothing; ``data["url"]`` repeats it.
    """
    policy = FetchPolicy(
        max_bytes=IMAGE_LIMITS.max_bytes,
        deadline_s=DEADLINE_S,
        allowed_networks=settings.FETCH_ALLOWED_NETWORKS,
        user_agent="Mozilla/5.0 (compatible; Frameproof)",
    )
    try:
        return fetch(url, policy=policy).body
    except FetchTooLarge as error:
        raise ImageTooLarge from error
    except FetchError as error:
        raise ImageFetchFailed(error.message, url=url) from error
