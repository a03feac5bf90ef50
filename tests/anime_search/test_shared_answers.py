"""An answer is kept as plain values and shown again as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anime_search.clip_search import ClipScene
from anime_search.engine.search import Place, Scene
from anime_search.models import Anime, Video
from anime_search.selectors import candidates_of
from anime_search.services import SearchAnswer
from anime_search.shared_answers import (
    MOST_PLACES,
    answer_as_it_was,
    answer_to_show,
    plain_answer,
    plain_scenes,
    scenes_of,
)

pytestmark = pytest.mark.django_db

SCENE = Scene("a" * 64, 10.0, 11.5, 13.0, 0.98, 0.97, "full", True)
CLIP_SCENE = ClipScene("a" * 64, 10.0, 11.5, 13.0, 0.98, 0.97, "full", True, agreeing=5, speed=2.0)


def make_video(letter: str, anime: Anime | None, **facts: Any) -> Video:
    return Video.objects.create(
        **{
            "sha256": letter * 64, "size": 1, "anime": anime, "filename": f"{letter}.mkv", "title": "Show",
            "kind": "episode", "duration_ms": 60_000, "width": 1920, "height": 1080, "fps": 24, "codec": "h264",
            **facts,
        }
    )  # fmt: skip


@pytest.fixture
def anime() -> Anime:
    return Anime.objects.create(anilist_id=5, title_romaji="Show", title_native="ショー")


@pytest.fixture
def video(anime: Anime) -> Video:
    return make_video("a", anime, season=2, episode=7)


def through_json(plain: Any) -> Any:
    return json.loads(json.dumps(plain))


@pytest.mark.parametrize(("scene", "asked"), [(SCENE, 0), (CLIP_SCENE, 6)])
def test_scenes_of_pictures_and_clips_come_back_as_they_went(video: Video, scene: Scene, asked: int) -> None:
    other = Place("b" * 64, 1.0, 2.0, 3.0)
    make_video("b", None)
    candidates = candidates_of([replace(scene, also=(other,))])
    assert scenes_of(through_json(plain_scenes(candidates)), asked_frames=asked) == [
        replace(scene, also=(other,))
    ]


def test_answer_comes_back_without_any_row(video: Video, anime: Anime) -> None:
    make_video("b", anime, season=2, episode=8)
    scene = replace(CLIP_SCENE, also=(Place("b" * 64, 1.0, 2.0, 3.0),))
    plain = through_json(
        plain_answer(SearchAnswer(candidates_of([scene]), True, 9, {"total": 3.0}, asked_frames=6))
    )
    Video.objects.all().delete()
    Anime.objects.all().delete()
    for back in (answer_as_it_was(plain), answer_to_show(plain)):
        (candidate,) = back.candidates
        assert (back.confident, back.asked_frames) == (True, 6)
        assert candidate.scene == scene
        assert candidate.video.pk is None
        assert (candidate.video.season, candidate.video.episode, candidate.title) == (2, 7, "Show")
        assert candidate.anime is not None
        assert candidate.anime.title_native == "ショー"
        (also,) = candidate.also
        assert (also.place.at_s, also.video.episode) == (2.0, 8)


def test_places_are_kept_up_to_a_number(video: Video) -> None:
    make_video("b", None)
    scene = replace(SCENE, also=tuple(Place("b" * 64, n, n, n) for n in range(100)))
    plain = plain_answer(SearchAnswer(candidates_of([scene]), True, 9, {}))
    assert len(plain["scenes"][0]["also"]) == MOST_PLACES
    assert set(plain["videos"]) == {"a" * 64, "b" * 64}


def test_video_of_a_title_that_is_not_known(db: None) -> None:
    make_video("a", None)
    plain = through_json(plain_answer(SearchAnswer(candidates_of([SCENE]), False, 9, {})))
    assert answer_to_show(plain).candidates[0].anime is None


def test_pictures_are_found_by_a_videos_row_as_long_as_its_file_is_there(
    video: Video, anime: Anime, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = through_json(plain_answer(SearchAnswer(candidates_of([SCENE]), True, 9, {})))
    assert answer_to_show(plain).candidates[0].video.pk is None
    monkeypatch.setattr("anime_search.shared_answers.playable_file", lambda row: Path("there"))
    assert answer_to_show(plain).candidates[0].video.pk == video.pk
    Anime.objects.update(is_adult=True)
    shown = answer_to_show(plain).candidates[0].anime
    assert shown is not None
    assert shown.is_adult
