"""What is answered about rankings and recent searches: public facts of titles, and nothing of who searched."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse

from anime_search.engine.episode import current_episode
from anime_search.models import Anime
from anime_search.previews import Moment, sign_moment
from core.addresses import absolute_url
from rankings.models import SearchEvent
from rankings.periods import Period
from rankings.selectors import RankedTitle, Ranking

#: Minutes to which the time of a search is rounded down, lest somebody's visit be read off it.
ROUNDED_TO_MINUTES: Final = 10


def ranking_body(ranking: Ranking) -> dict[str, Any]:
    """The body of a ranking; all time has neither first nor last day."""
    span = ranking.span
    ends = span.period is not Period.ALL
    return {
        "period": span.period.value,
        "firstDay": span.first.isoformat() if ends else None,
        "lastDay": span.last.isoformat() if ends else None,
        "rankings": [_ranked_body(ranked) for ranked in ranking.titles],
    }


def recent_body(searches: list[SearchEvent], *, limit: int, offset: int) -> dict[str, Any]:
    """The body of recent searches, without the addresses of their pictures: see :func:`with_images`."""
    return {
        "limit": limit,
        "offset": offset,
        "searches": [_search_body(search) for search in searches],
    }


def with_images(body: dict[str, Any], searches: list[SearchEvent], request: HttpRequest) -> dict[str, Any]:
    """The body with the address of each scene's picture, which differs each time it is made."""
    return body | {
        "searches": [
            said | {"image": _image(search, request)}
            for said, search in zip(body["searches"], searches, strict=True)
        ]
    }


def _ranked_body(ranked: RankedTitle) -> dict[str, Any]:
    return {
        "rank": ranked.rank,
        "previousRank": ranked.previous_rank,
        "count": ranked.count,
        **_title_body(ranked.anime),
    }


def _search_body(search: SearchEvent) -> dict[str, Any]:
    return {
        **_title_body(search.anime, read_off_path=search.video.title),
        "episode": current_episode(search.video.parsed),
        "at": round(search.at_ms / 1000, 2),
        "similarity": round(search.similarity, 4),
        "searchedAt": _rounded(search.found_at).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _title_body(anime: Anime, *, read_off_path: str = "") -> dict[str, Any]:
    return {
        "anilistId": anime.anilist_id,
        "malId": anime.mal_id,
        "title": anime.display_title or read_off_path or str(anime),
        "titles": {
            language: getattr(anime, f"title_{language}") or None
            for language in ("native", "romaji", "english", "chinese", "korean")
        },
        "isAdult": anime.is_adult,
        "cover": anime.cover_url or None,
        "format": anime.format or None,
        "season": anime.season or None,
        "year": anime.season_year,
        "link": f"https://anilist.co/anime/{anime.anilist_id}",
    }


def _image(search: SearchEvent, request: HttpRequest) -> str:
    token = sign_moment(Moment(search.video_id, search.at_ms))
    return absolute_url(request, reverse("scene-image", args=[token]))


def _rounded(time: datetime) -> datetime:
    time = time.astimezone(UTC)
    return time.replace(minute=time.minute - time.minute % ROUNDED_TO_MINUTES, second=0, microsecond=0)
