"""What today's trace.moe API answers."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from anime_search.api.tracemoe.headers import UNLIMITED
from anime_search.engine.episode import current_episode
from anime_search.previews import Moment, sign_moment
from anime_search.selectors import Candidate
from anime_search.services import SearchAnswer
from core.addresses import absolute_url
from credits.services import Snapshot


def search_body(
    answer: SearchAnswer, state: Snapshot, request: HttpRequest, *, anilist_info: bool
) -> dict[str, Any]:
    """The body of a search, its keys in the original's order."""
    return {
        **quota_fields(state),
        "frameCount": answer.frames,
        "error": "",
        "result": [_result(candidate, request, anilist_info) for candidate in answer.candidates],
    }


def me_body(name: str, state: Snapshot) -> dict[str, Any]:
    """Who asks (an e-mail address, or a guest's IP address), and what the tier has and used of its day."""
    return {
        "error": "",
        "id": name,
        "priority": state.limits.priority,
        "concurrency": state.limits.concurrency,
        **quota_fields(state),
    }


def quota_fields(state: Snapshot) -> dict[str, Any]:
    """The day's searches and those that are used."""
    return {
        "quota": UNLIMITED if state.limits.daily is None else state.limits.daily,
        "quotaUsed": state.quota.used if state.quota is not None else 0,
    }


def _result(candidate: Candidate, request: HttpRequest, anilist_info: bool) -> dict[str, Any]:
    video, scene = candidate.video, candidate.scene
    token = sign_moment(Moment(video.pk, round(scene.at_s * 1000)))
    return {
        "anilist": _anilist(candidate) if anilist_info else _anilist_id(candidate),
        "filename": video.filename,
        "episode": current_episode(video.parsed),
        "from": round(scene.from_s, 3),
        "to": round(scene.to_s, 3),
        "at": round(scene.at_s, 3),
        "duration": round(video.duration_ms / 1000, 3),
        "similarity": scene.similarity,
        "video": absolute_url(request, reverse("scene-video", args=[token])),
        "image": absolute_url(request, reverse("scene-image", args=[token])),
    }


def _anilist_id(candidate: Candidate) -> int:
    """0 where the title is not known: clients take a number or an object, and a null for a broken answer."""
    return candidate.anime.anilist_id if candidate.anime else 0


def _anilist(candidate: Candidate) -> dict[str, Any]:
    """The title; where its romaji is not known, another of its names, or what the file is called."""
    anime = candidate.anime
    return {
        "id": _anilist_id(candidate),
        "idMal": anime.mal_id if anime else None,
        "title": {
            "native": (anime.title_native or None) if anime else None,
            "romaji": (anime.title_romaji if anime else "") or candidate.title,
            "english": (anime.title_english or None) if anime else None,
        },
        "synonyms": list(anime.synonyms) if anime else [],
        "isAdult": anime.is_adult if anime else False,
    }
