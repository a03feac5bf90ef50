"""A video with a title, and a search that answers what a test says."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from anime_search import clip_search
from anime_search.models import Anime, Video
from anime_search.selectors import Candidate
from anime_search.services import SearchAnswer
from tests.anime_search.web.asking import scene


@pytest.fixture(autouse=True)
def _fresh_windows() -> None:
    cache.clear()


@pytest.fixture
def video() -> Video:
    anime = Anime.objects.create(
        anilist_id=98444,
        title_romaji="Yuru Camp△",
        title_native="ゆるキャン△",
        title_english="Laid-Back Camp",
    )
    return Video.objects.create(
        sha256="a" * 64,
        size=1,
        anime=anime,
        filename="Yuru Camp - 05.mkv",
        title="Yuru Camp",
        episode=5,
        kind="episode",
        duration_ms=1_420_000,
        width=1920,
        height=1080,
        fps=24,
        codec="h264",
    )


@pytest.fixture
def answer(video: Video, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the search answers; a test changes it before it asks. ``calls`` holds how it was called."""
    said: dict[str, Any] = {"confident": True, "error": None, "calls": [], "scenes": [scene()], "asked": 0}

    def search(**arguments: Any) -> SearchAnswer:
        said["calls"].append(arguments)
        if said["error"] is not None:
            raise said["error"]
        candidates = [Candidate(scene, video, video.anime) for scene in said["scenes"]]
        return SearchAnswer(candidates, said["confident"], 1234, {"total": 41.6}, asked_frames=said["asked"])

    monkeypatch.setattr(clip_search, "search_media", search)
    return said
