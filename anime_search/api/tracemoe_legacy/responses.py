"""What the old trace.moe API answers."""

from __future__ import annotations

from typing import Any

from anime_search.api.tracemoe_legacy.headers import limit_fields
from anime_search.engine.episode import legacy_episode
from anime_search.models import Anime
from anime_search.previews import Moment, sign_moment
from anime_search.selectors import Candidate
from anime_search.services import SearchAnswer
from credits.services import Snapshot


def search_body(answer: SearchAnswer, state: Snapshot) -> dict[str, Any]:
    """The body of a search, its keys in the original's order."""
    timings = answer.timings_ms
    return {
        "RawDocsCount": answer.frames,
        "RawDocsSearchTime": round(timings.get("index", 0)),
        "ReRankSearchTime": round(timings.get("group", 0)),
        "CacheHit": answer.times_asked > 1,
        "trial": answer.times_asked,
        "docs": [_doc(candidate) for candidate in answer.candidates],
        **limit_fields(state),
    }


def _doc(candidate: Candidate) -> dict[str, Any]:
    anime, video, scene = candidate.anime, candidate.video, candidate.scene
    romaji = (anime.title_romaji if anime else "") or candidate.title
    chinese = (anime.title_chinese if anime else "") or romaji
    native = (anime.title_native if anime else "") or romaji
    at = round(scene.at_s, 2)
    anilist_id = anime.anilist_id if anime else 0
    return {
        "from": round(scene.from_s, 2),
        "to": round(scene.to_s, 2),
        "anilist_id": anilist_id,
        "at": at,
        "season": _season(anime),
        "anime": chinese,
        "filename": video.filename,
        "episode": legacy_episode(video.parsed),
        "tokenthumb": sign_moment(
            Moment(video.pk, round(scene.at_s * 1000)),
            context=preview_context(str(anilist_id), video.filename),
        ),
        "similarity": scene.similarity,
        "title": native,
        "title_native": native,
        "title_chinese": chinese,
        "title_english": (anime.title_english if anime else "") or romaji,
        "title_romaji": romaji,
        "mal_id": anime.mal_id if anime else None,
        "synonyms": list(anime.synonyms) if anime else [],
        "synonyms_chinese": list(anime.synonyms_chinese) if anime else [],
        "is_adult": anime.is_adult if anime else False,
    }


def preview_context(anilist_id: str, filename: str) -> str:
    """What a preview's address says beside token and time; the lengths keep the fields apart."""
    return "".join(f"{len(part)}:{part}" for part in (anilist_id, filename))


def _season(anime: Anime | None) -> str:
    """Year and month in which a title began, as ``2018-01``; empty where that is unknown."""
    if anime is None or anime.season_year is None:
        return ""
    return f"{anime.season_year}-{anime.start_month or 1:02d}"
