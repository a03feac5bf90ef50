"""Scenes told as the shots that they are of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anime_search import runtime
from anime_search.engine.descriptor import DctDescriptor
from anime_search.engine.search import Place, Scene
from anime_search.engine.track import FrameTrack, save_track, track_path
from anime_search.models import Video
from anime_search.selectors import candidates_of
from anime_search.shots import MOST_S, cuts_of, in_shots
from video.reader import VideoInfo

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

#: From 0 to 10 s, over a cross-fade to 11, to 20, and on to the end.
CUTS = ((10_000, 11_000), (20_000, 20_000))


@pytest.fixture
def put_video() -> Callable[..., str]:
    """Makes a video of 200 seconds with a track by the descriptor in use; returns its content hash."""

    def put(name: str, cuts: tuple[tuple[int, int], ...] | None = CUTS) -> str:
        sha256 = name * 64
        geometry = runtime.geometry()
        at = np.array([1000], np.int32)
        found = None if cuts is None else np.array(cuts, np.int32).reshape(-1, 2)
        track = FrameTrack(
            video=sha256,
            descriptor=geometry.descriptor,
            info=VideoInfo(640, 360, 24.0, 200.0, "h264", "mp4"),
            descriptors=np.zeros((1, geometry.dim), np.float16),
            from_ms=at,
            at_ms=at,
            to_ms=at,
            shots_ms=at,
            cuts_ms=found,
        )
        path = track_path(runtime.tracks_dir(), geometry.descriptor, sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_track(track, path)
        Video.objects.create(
            sha256=sha256, size=1, filename=f"{name}.mkv", title="Film", kind="episode", duration_ms=200_000,
            width=640, height=360, fps=24.0, codec="h264",
        )  # fmt: skip
        return sha256

    return put


def scene(video: str, at_s: float, **other: Any) -> Scene:
    found = Scene(video, at_s - 0.2, at_s, at_s + 0.2, similarity=0.9, probability=0.9, view="full")
    return replace(found, **other)


def spans(*scenes: Scene) -> list[tuple[float, float, float]]:
    return [(each.scene.from_s, each.scene.at_s, each.scene.to_s) for each in in_shots(candidates_of(scenes))]


def test_a_scene_is_its_shot_from_beginning_to_end(put_video: Callable[..., str]) -> None:
    video = put_video("a")
    assert spans(scene(video, 4.0)) == [(0.0, 4.0, 10.0)]
    assert spans(scene(video, 15.0)) == [(11.0, 15.0, 20.0)]


def test_a_time_within_a_transition_stays_within_its_span(put_video: Callable[..., str]) -> None:
    video = put_video("a")
    assert spans(scene(video, 10.2)) == [(0.0, 10.2, 10.2)]
    assert spans(scene(video, 10.8)) == [(10.8, 10.8, 20.0)]


def test_a_long_shot_is_told_around_the_moment(put_video: Callable[..., str]) -> None:
    video = put_video("a")
    assert spans(scene(video, 100.0)) == [(100.0 - MOST_S, 100.0, 100.0 + MOST_S)]
    assert spans(scene(video, 195.0)) == [(195.0 - MOST_S, 195.0, 200.0)]


def test_scenes_of_one_shot_are_one(put_video: Callable[..., str]) -> None:
    video = put_video("a")
    assert spans(scene(video, 15.0), scene(video, 12.0), scene(video, 4.0)) == [
        (11.0, 15.0, 20.0),
        (0.0, 4.0, 10.0),
    ]


def test_other_places_are_told_as_shots_as_well(put_video: Callable[..., str]) -> None:
    video, other = put_video("a"), put_video("b", cuts=((5000, 5000),))
    (found,) = in_shots(candidates_of([scene(video, 4.0, also=(Place(other, 2.0, 2.1, 2.2),))]))
    assert [elsewhere.place for elsewhere in found.also] == [Place(other, 0.0, 2.1, 5.0)]


def test_without_boundaries_the_span_is_that_of_like_frames(put_video: Callable[..., str]) -> None:
    video = put_video("a", cuts=None)
    assert cuts_of(Video.objects.get()) is None
    assert spans(scene(video, 4.0)) == [(3.8, 4.0, 4.2)]


def test_boundaries_are_read_from_a_track_of_another_descriptor(put_video: Callable[..., str]) -> None:
    video = put_video("a")
    lying = track_path(runtime.tracks_dir(), runtime.geometry().descriptor, video)
    elsewhere: Path = track_path(runtime.tracks_dir(), DctDescriptor.name, video)
    elsewhere.parent.mkdir(parents=True)
    lying.rename(elsewhere)
    assert spans(scene(video, 4.0)) == [(0.0, 4.0, 10.0)]
