"""What the whatanimeisthis API answers."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from anime_search.clip_search import agreeing_frames
from anime_search.engine.episode import current_episode
from anime_search.previews import Moment, sign_moment
from anime_search.selectors import Candidate
from anime_search.services import SearchAnswer
from core.addresses import absolute_url
from credits.services import Snapshot


def search_body(answer: SearchAnswer, request: HttpRequest) -> dict[str, Any]:
    """The body of a search: candidates, best first, and whether the first is a match.

    Of a clip it says as well how many of its frames were asked about, and how many agree with the first candidate.
    """
    body = {
        "confident": answer.confident,
        "candidates": [candidate_body(candidate, request) for candidate in answer.candidates],
        "searchedFrames": answer.frames,
        "timingsMs": {stage: round(ms, 2) for stage, ms in answer.timings_ms.items()},
    }
    if answer.asked_frames:
        agreeing = [agreeing_frames(candidate.scene) for candidate in answer.candidates[:1]]
        body["frames"] = {"asked": answer.asked_frames, "agreeing": sum(agreeing)}
    return body


def candidate_body(candidate: Candidate, request: HttpRequest) -> dict[str, Any]:
    """One candidate with everything a page shows of it."""
    anime, video, scene = candidate.anime, candidate.video, candidate.scene
    token = sign_moment(Moment(video.pk, round(scene.at_s * 1000)))
    return {
        "anilistId": anime.anilist_id if anime else None,
        "malId": anime.mal_id if anime else None,
        "title": candidate.title,
        "titles": {
            language: (getattr(anime, f"title_{language}") or None) if anime else None
            for language in ("native", "romaji", "english", "chinese", "korean")
        },
        "isAdult": anime.is_adult if anime else False,
        "filename": video.filename,
        "season": video.season,
        "episode": current_episode(video.parsed),
        "kind": video.kind,
        "from": round(scene.from_s, 2),
        "at": round(scene.at_s, 2),
        "to": round(scene.to_s, 2),
        "duration": round(video.duration_ms / 1000, 2),
        "similarity": round(scene.similarity, 4),
        "probability": round(scene.probability, 4),
        "view": scene.view,
        "also": [
            {
                "filename": other.video.filename,
                "season": other.video.season,
                "episode": current_episode(other.video.parsed),
                "from": round(other.place.from_s, 2),
                "at": round(other.place.at_s, 2),
                "to": round(other.place.to_s, 2),
            }
            for other in candidate.also
        ],
        "image": absolute_url(request, reverse("scene-image", args=[token])),
        "link": f"https://anilist.co/anime/{anime.anilist_id}" if anime else None,
    }


def credits_body(tier: str, state: Snapshot) -> dict[str, Any]:
    """The searches that are left: free ones of the day, which go first, and bought ones.

    ``resetAt`` is when free ones come again, in seconds since 1970; ``remaining`` counts both kinds.
    """
    free, balance = state.free, state.balance or 0
    return {
        "tier": tier,
        "credits": balance,
        "dailyFree": free.limit if free else 0,
        "dailyUsed": free.used if free else 0,
        "dailyRemaining": free.remaining if free else 0,
        "resetAt": int(free.resets_at.timestamp()) if free else None,
        "remaining": (free.remaining if free else 0) + balance,
        "costPerSearch": state.limits.cost,
        "hourlyLimit": state.limit.limit if state.limit else None,
        "hourlyRemaining": state.limit.remaining if state.limit else None,
    }
