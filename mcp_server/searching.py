"""The tool ``search_scene``: counted as ``POST /api/anime/search`` is."""

from __future__ import annotations

from typing import Any

from accounts.principal import Principal
from anime_search.clip_search import search_media
from anime_search.fetch import fetch_picture_or_clip
from credits.idempotency import NamedRequest
from credits.policies import Product
from credits.services import admitted
from mcp_server.requests import SearchArguments, media_of_search
from mcp_server.responses import as_body, scene_answer


def search_scene(principal: Principal, asked: SearchArguments) -> dict[str, Any]:
    """Admit, fetch, search; what fails is refunded.

    Raises:
        DomainError: whatever keeps the search from being done.
    """
    media = media_of_search(asked)
    url = (asked.url or "").strip()
    name = NamedRequest.of(
        asked.idempotency_key,
        b"mcp",
        media,
        url.encode(errors="surrogatepass"),
        f"{asked.anilist_id} {asked.limit}".encode(),
    )
    with admitted(principal=principal, product=Product.WHAT_ANIME, request=name) as ticket:
        body = ticket.replay
        if body is None:
            answer = search_media(
                principal=principal,
                media=media or fetch_picture_or_clip(url),
                limit=asked.limit,
                anilist_id=asked.anilist_id,
            )
            body = as_body(scene_answer(answer))
        if name is not None:
            ticket.answer = body
    return body
