"""Which frames are shown of the minute around a scene, and what its token opens."""

from __future__ import annotations

from datetime import timedelta

import pytest

from anime_search.errors import PreviewExpired, PreviewGone, PreviewRefused
from anime_search.film import MOST_FRAMES, open_film, passage_from, sign_scene
from anime_search.models import Video
from anime_search.previews import TOKEN_LIFETIME_S, Moment, open_token, sign_moment
from core import clock

pytestmark = pytest.mark.django_db


def make_video(duration_s: float) -> Video:
    return Video.objects.create(
        sha256="a" * 64, size=1, filename="a.mkv", title="A", kind="episode",
        duration_ms=round(1000 * duration_s), width=1920, height=1080, fps=24, codec="h264",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("at_s", "duration_s", "first_s", "last_s", "frames", "own"),
    [
        (301.25, 1420, 271.25, 331.25, 13, 6),
        (0, 1420, 0, 30, 13, 0),
        (10, 1420, 0, 40, 13, 3),
        (1420, 1420, 1390, 1420, 13, 12),
        (1, 3, 0, 2.75, 12, 4),
        (0, 0.1, 0, 0, 1, 0),
    ],
)
def test_frames_are_at_equal_distances_and_the_scene_is_among_them(
    at_s: float, duration_s: float, first_s: float, last_s: float, frames: int, own: int
) -> None:
    video = make_video(duration_s)
    film = open_film(sign_scene(Moment(video.pk, round(1000 * at_s))))
    assert film.times_ms[film.own] == round(1000 * at_s)
    assert (len(film.times_ms), film.own) == (frames, own)
    assert film.times_ms[0] == pytest.approx(1000 * first_s, abs=300)
    assert film.times_ms[-1] == pytest.approx(1000 * last_s, abs=300)
    steps = {later - earlier for earlier, later in zip(film.times_ms, film.times_ms[1:], strict=False)}
    assert not steps or max(steps) - min(steps) <= 2


@pytest.mark.parametrize("at_ms", range(0, 90_000, 7_001))
def test_frames_are_never_outside_the_minute_nor_too_many(at_ms: int) -> None:
    video = make_video(90)
    film = open_film(sign_scene(Moment(video.pk, at_ms)))
    assert len(film.times_ms) <= MOST_FRAMES
    assert all(0 <= time <= 90_000 and abs(time - at_ms) <= 30_001 for time in film.times_ms)


def test_token_of_a_scene_and_those_of_stills_and_clips_do_not_open_each_other() -> None:
    moment = Moment(make_video(100).pk, 50_000)
    with pytest.raises(PreviewRefused):
        open_film(sign_moment(moment))
    with pytest.raises(PreviewRefused):
        open_token(sign_scene(moment))


def test_token_expires_as_every_preview_does(monkeypatch: pytest.MonkeyPatch) -> None:
    token = sign_scene(Moment(make_video(100).pk, 50_000))
    later = clock.now() + timedelta(seconds=TOKEN_LIFETIME_S + 1)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(PreviewExpired):
        open_film(token)


def test_video_that_is_gone_has_no_film() -> None:
    video = make_video(100)
    token = sign_scene(Moment(video.pk, 50_000))
    video.delete()
    with pytest.raises(PreviewGone):
        open_film(token)


def test_nothing_plays_from_a_frame_that_there_is_not() -> None:
    film = open_film(sign_scene(Moment(make_video(100).pk, 50_000)))
    with pytest.raises(PreviewGone):
        passage_from(film, len(film.times_ms))
