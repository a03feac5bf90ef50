"""How many clips one caller may have cut in a minute."""

from __future__ import annotations

from django.conf import settings
from django_ratelimit.core import get_usage

from anime_search.errors import PreviewsLimited
from core.client_ip import rate_limit_key


def count_cut(*, address: str) -> None:
    """Count a clip that is about to be cut for the client at an address (IPv6: of its /64).

    A preview's address carries no key, so that everybody is known by where the request comes from.

    Raises:
        PreviewsLimited: it is one too many (``PREVIEW_CUTS_PER_MINUTE``); ``data`` has ``retry_after_s``.
    """
    if not (most := settings.PREVIEW_CUTS_PER_MINUTE):
        return
    usage = get_usage(
        None,
        group="preview-cuts",
        key=lambda _group, _request: rate_limit_key(address),
        rate=f"{most}/m",
        increment=True,
    )
    if usage is not None and usage["should_limit"]:
        raise PreviewsLimited(retry_after_s=max(1, usage["time_left"]))
