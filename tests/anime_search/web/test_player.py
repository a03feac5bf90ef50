"""The page of a scene in large: what it shows, what its frames lead to, and what never plays by itself."""

from __future__ import annotations

import io
import re
from pathlib import Path

import av
import numpy as np
import pytest
from django.test import Client
from PIL import Image
from pytest_django import Settings

from anime_search.film import sign_scene
from anime_search.models import Anime, Video
from anime_search.previews import Moment, sign_moment
from anime_search.web.requests import FRAGMENT_HEADER
from tests.anime_search.web.asking import text_of
from tests.anime_search.web.films import film_row, write_film

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="session")
def film_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "Greys - 02.mp4"
    write_film(path)
    return path


@pytest.fixture
def film(film_file: Path, settings: Settings, tmp_path: Path) -> Video:
    settings.DATA_DIR = tmp_path / "data"
    return film_row(film_file, anime=Anime.objects.create(anilist_id=5, title_romaji="Greys"))


def address(video: Video, at_ms: int = 1_500) -> str:
    return f"/scene/{sign_scene(Moment(video.pk, at_ms))}"


def body(response: object) -> bytes:
    return b"".join(response) if getattr(response, "streaming", False) else response.content  # type: ignore[attr-defined, call-overload]


def test_scene_is_shown_with_the_frames_around_it(client: Client, film: Video) -> None:
    page = address(film)
    response = client.get(page)
    html = response.content.decode()
    assert "<title>Greys, at 0:01.50 – Frameproof</title>" in html
    assert '<meta name="robots" content="noindex">' in html
    assert "no-store" in response["Cache-Control"]
    words = text_of(html)
    for said in (
        "Greys - 02.mp4",
        "Episode 2",
        "The scene at 0:01.50",
        "Play from 0:00.23",
        "Play from 0:01.50",
        "Play from 0:03.72",
    ):
        assert said in words
    assert f'src="{page}/clip.mp4"' in html
    assert "autoplay" not in html
    frames = re.findall(rf'href="{re.escape(page)}\?frame=(\d+)"', html)
    assert frames == [str(number) for number in range(len(frames))]
    assert html.count('loading="lazy"') == len(frames)
    assert words.count(" the scene ") == 1


def test_frames_are_those_of_the_video_at_their_times(client: Client, film: Video) -> None:
    for number, grey in ((0, 40), (4, 90), (7, 140), (11, 190)):
        response = client.get(f"{address(film)}/frames/{number}.jpg")
        assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
        with Image.open(io.BytesIO(response.content)) as picture:
            assert picture.width == 160
            assert np.asarray(picture).mean() == pytest.approx(grey, abs=6)


def test_chosen_frame_is_played_from_without_scripts(client: Client, film: Video) -> None:
    page = address(film)
    html = client.get(f"{page}?frame=8").content.decode()
    assert f'src="{page}/from/8.mp4"' in html
    assert " autoplay" in html
    assert html.count('aria-current="true"') == 1
    response = client.get(f"{page}/from/8.mp4")
    assert (response.status_code, response["Content-Type"]) == (200, "video/mp4")
    with av.open(io.BytesIO(body(response))) as clip:
        first = next(clip.decode(video=0)).to_ndarray(format="rgb24")
    assert first.mean() == pytest.approx(140, abs=6)


@pytest.mark.parametrize("frame", ["", "99", "-1", "x", "1" * 9, "１"])
def test_frame_that_there_is_not_leaves_the_scene(client: Client, film: Video, frame: str) -> None:
    page = address(film)
    html = client.get(page, {"frame": frame}).content.decode()
    assert f'src="{page}/clip.mp4"' in html
    assert "aria-current" not in html[html.index("<main") :]


def test_scene_for_adults_is_veiled_and_never_plays_by_itself(client: Client, film: Video) -> None:
    Anime.objects.update(is_adult=True)
    page = address(film)
    for query in ("", "?frame=3"):
        html = client.get(page + query).content.decode()
        assert html.index('class="veil-switch"') < html.index("<video")
        assert "autoplay" not in html[html.index("<video") :]
        assert 'preload="none"' in html


def test_script_gets_the_player_alone(client: Client, film: Video) -> None:
    response = client.get(address(film), headers={FRAGMENT_HEADER: "scene"})
    assert response[FRAGMENT_HEADER] == "scene"
    html = response.content.decode()
    assert html.startswith('<section class="player"')
    assert '<form method="dialog">' in html
    assert '<form method="dialog">' not in client.get(address(film)).content.decode()


def test_addresses_that_open_nothing_are_pages_that_say_so(client: Client, film: Video) -> None:
    still = sign_moment(Moment(film.pk, 1_500))
    for path in ("/scene/nonsense", f"/scene/{still}", f"/scene/{still}/clip.mp4", "/scene/x/frames/1.jpg"):
        response = client.get(path)
        assert response.status_code == 404
        assert "There is no such scene" in response.content.decode()
    for path in ("/frames/13.jpg", "/from/13.mp4"):
        assert client.get(address(film) + path).status_code == 404
    page = address(film)
    film.files.all().delete()
    assert "This scene cannot be shown now" in client.get(page).content.decode()
    film.delete()
    assert "This scene cannot be shown now" in client.get(page).content.decode()


def test_clips_that_are_cut_are_counted_for_the_caller(
    client: Client, film: Video, settings: Settings
) -> None:
    settings.PREVIEW_CUTS_PER_MINUTE = 2
    page = address(film)
    statuses = []
    for number in (1, 2, 2, 3):
        response = client.get(f"{page}/from/{number}.mp4")
        body(response)
        statuses.append(response.status_code)
    assert statuses == [200, 200, 200, 429]
    refused = client.get(f"{page}/from/3.mp4")
    assert int(refused["Retry-After"]) > 0
    assert "Too many clips in a short time" in refused.content.decode()
