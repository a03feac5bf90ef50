"""Titles, videos, answers and callers to count."""

from __future__ import annotations

import itertools
import secrets
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from accounts.principal import Principal, PrincipalKind
from anime_search.engine.search import Scene
from anime_search.models import Anime, Video
from anime_search.selectors import Candidate
from anime_search.services import SearchAnswer
from core import clock
from rankings.models import Tally
from rankings.periods import Period

_numbers = itertools.count(1)


def put_video(anilist_id: int | None = 1, **changes: Any) -> Video:
    """A video of a title, which is made if it is not there; of none with None."""
    title = {"title_romaji": f"Title {anilist_id}"} | {
        name: changes.pop(name) for name in ("is_adult", "cover_url") if name in changes
    }
    anime = (
        None if anilist_id is None else Anime.objects.get_or_create(anilist_id=anilist_id, defaults=title)[0]
    )
    number = next(_numbers)
    fields: dict[str, Any] = {
        "sha256": f"{number:064x}", "size": 1, "anime": anime, "filename": f"{number}.mkv", "title": "read off",
        "episode": 5.0, "kind": "episode", "duration_ms": 1_420_000, "width": 1280, "height": 720, "fps": 24.0,
        "codec": "h264",
    }  # fmt: skip
    return Video.objects.create(**fields | changes)


def answer_of(*videos: Video, at_s: float = 100.0, confident: bool = True) -> SearchAnswer:
    """What a search answers that came to a moment of each of these videos."""
    candidates = [
        Candidate(Scene(video.sha256, at_s, at_s, at_s, 0.98765, 0.9, "full"), video, video.anime)
        for video in videos
    ]
    return SearchAnswer(candidates, confident, 1, {}, search_id=secrets.token_urlsafe(16))


def guest(number: int = 1) -> Principal:
    return Principal.guest(f"198.51.{number // 250}.{number % 250 + 1}")


def user(number: int = 1, address: str = "198.51.100.1") -> Principal:
    return Principal(kind=PrincipalKind.USER, user_id=number, address=address)


def counts(period: Period) -> Counter[int]:
    """Searches of each title in a period, over all the days, weeks, … that there are."""
    total: Counter[int] = Counter()
    for title, count in Tally.objects.filter(period=period).values_list("anime_id", "count"):
        total[title] += count
    return total


def set_clock(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)
