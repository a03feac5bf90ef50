"""A search's answer as it is kept with a shared result: facts enough to show it as it was, and no rows of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from anime_search.clip_search import ClipScene
from anime_search.engine.search import Place, Scene
from anime_search.models import Anime, Video
from anime_search.selectors import Candidate, Elsewhere, playable_file
from anime_search.services import SearchAnswer

#: Other places of a scene that are kept; a page names fewer.
MOST_PLACES: Final = 30

_ANIME: Final = (
    "anilist_id",
    "title_native",
    "title_romaji",
    "title_english",
    "title_chinese",
    "title_korean",
    "is_adult",
)
_VIDEO: Final = (
    "sha256",
    "anime_id",
    "filename",
    "title",
    "season",
    "episode",
    "episode_end",
    "absolute_episode",
    "kind",
    "duration_ms",
    "width",
    "height",
)


def plain_scenes(candidates: Iterable[Candidate]) -> list[dict[str, Any]]:
    """The scenes of candidates, each from end to end of its shot, as JSON can hold them."""
    return [
        asdict(replace(each.scene, also=tuple(other.place for other in each.also[:MOST_PLACES])))
        for each in candidates
    ]


def scenes_of(plain: Iterable[Mapping[str, Any]], *, asked_frames: int) -> list[Scene]:
    """The scenes that :func:`plain_scenes` made plain."""
    kind = ClipScene if asked_frames else Scene
    return [kind.of(scene) for scene in plain]


def plain_answer(answer: SearchAnswer) -> dict[str, Any]:
    """An answer as JSON can hold it, with what is known now of its videos and titles."""
    places = [each.video for each in answer.candidates]
    places += [other.video for each in answer.candidates for other in each.also[:MOST_PLACES]]
    return {
        "confident": answer.confident,
        "asked_frames": answer.asked_frames,
        "scenes": plain_scenes(answer.candidates),
        "videos": {video.sha256: {name: getattr(video, name) for name in _VIDEO} for video in places},
        "titles": [
            {name: getattr(each.anime, name) for name in _ANIME} if each.anime else None
            for each in answer.candidates
        ],
    }


def answer_as_it_was(plain: Mapping[str, Any]) -> SearchAnswer:
    """The answer that :func:`plain_answer` made plain, of rows that no table has: their videos have no key."""
    videos = {sha256: Video(**facts) for sha256, facts in plain["videos"].items()}
    scenes = scenes_of(plain["scenes"], asked_frames=plain["asked_frames"])
    candidates = [
        Candidate(
            scene,
            videos[scene.video],
            Anime(**title) if title else None,
            tuple(Elsewhere(place, videos[place.video]) for place in scene.also if _is_known(place, videos)),
        )
        for scene, title in zip(scenes, plain["titles"], strict=True)
    ]
    return SearchAnswer(candidates, plain["confident"], 0, {}, asked_frames=plain["asked_frames"])


def answer_to_show(plain: Mapping[str, Any]) -> SearchAnswer:
    """The same, where videos that can still be played have their key, by which their pictures are found.

    A title that has come to be known as one for adults since is one here, too.
    """
    answer = answer_as_it_was(plain)
    wanted = [each.video.sha256 for each in answer.candidates]
    rows = {row.sha256: row for row in Video.objects.filter(sha256__in=wanted).select_related("anime")}
    for candidate in answer.candidates:
        row = rows.get(candidate.video.sha256)
        if row is not None and playable_file(row) is not None:
            candidate.video.pk = row.pk
        if candidate.anime is not None and row is not None and row.anime is not None:
            candidate.anime.is_adult |= row.anime.is_adult
    return answer


def _is_known(place: Place, videos: Mapping[str, Video]) -> bool:
    return place.video in videos
