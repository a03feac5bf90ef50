"""The first page as a browser without scripts gets it, and the fragment that the page's script asks for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from anime_search.models import Video
from anime_search.web.requests import FRAGMENT_HEADER
from tests.anime_search.web.asking import FRAGMENT, png, scene, text_of

pytestmark = pytest.mark.django_db


def test_page_is_labelled_and_described(client: Client) -> None:
    html = client.get("/").content.decode()
    assert '<html lang="en" dir="ltr">' in html
    assert "<title>Find a scene – Frameproof</title>" in html
    assert '<meta name="description" content="Which anime' in html
    assert 'name="csrfmiddlewaretoken"' in html
    for field in ("picture", "url"):
        assert f'id="{field}"' in html
        assert f'<label class="drop-label" for="{field}">' in html or f'<label for="{field}">' in html


def test_page_keeps_to_the_language_it_is_written_in(client: Client) -> None:
    assert '<html lang="en"' in client.get("/", headers={"accept-language": "de, fa;q=0.5"}).content.decode()


def test_address_in_the_query_is_filled_in_and_escaped(client: Client) -> None:
    html = client.get("/", {"url": 'https://a.example/"><b>.png'}).content.decode()
    assert 'value="https://a.example/&quot;&gt;&lt;b&gt;.png"' in html


def test_match_is_shown_with_all_that_is_known_of_it(client: Client, answer: dict[str, Any]) -> None:
    answer["scenes"] = [scene(view="borders_removed+mirrored")]
    response = client.post("/", {"image": png()})
    html = response.content.decode()
    words = text_of(html)
    assert response.status_code == 200
    assert "<title>Laid-Back Camp, at 5:01.25 – Find a scene – Frameproof</title>" in html
    for said in (
        "Match found",
        "Yuru Camp△",
        "Laid-Back Camp",
        "ゆるキャン△",
        "Yuru Camp - 05.mkv",
        "Episode 5",
        "5:01.25",
        "scene 4:59.50 – 5:03.00 of 23:40.00",
        "Match 98.7% similar",
        "borders removed mirrored",
        "1,234 frames looked at in 42 ms.",
    ):
        assert said in words
    assert 'href="https://anilist.co/anime/98444"' in html
    assert 'data-copy="5:01.25"' in html
    assert re.search(r'<img src="/image/[\w-]+\?size=m" srcset="/image/[\w-]+\?size=s 160w, ', html)


def test_page_shows_the_picture_that_was_asked_about(client: Client, answer: dict[str, Any]) -> None:
    assert 'src="data:image/jpeg;base64,/9j/' in client.post("/", {"image": png()}).content.decode()


def test_script_gets_the_results_alone(client: Client, answer: dict[str, Any]) -> None:
    response = client.post("/", {"image": png()}, headers=FRAGMENT)
    html = response.content.decode()
    assert response[FRAGMENT_HEADER] == "results"
    assert html.startswith(
        '<div class="answer" data-title="Laid-Back Camp, at 5:01.25 – Find a scene – Frameproof"'
    )
    assert "data:image" not in html
    assert "<html" not in html


def test_page_and_fragment_are_rendered_by_one_template(client: Client, answer: dict[str, Any]) -> None:
    def cards(html: str) -> str:
        cards = html[html.index('<ol class="cards">') : html.index("</ol>")]
        # What is signed is signed anew each time.
        return re.sub(r'/(?:image|scene|video)/[\w-]+|(?<=value=")[\w:-]{40,}', "…", cards)

    page = client.post("/", {"image": png()}).content.decode()
    fragment = client.post("/", {"image": png()}, headers=FRAGMENT).content.decode()
    assert cards(page) == cards(fragment)


def test_uploaded_bytes_reach_the_search_unchanged(client: Client, answer: dict[str, Any]) -> None:
    picture = png()
    client.post("/", {"image": picture, "url": "https://example.com/other.png"})
    picture.seek(0)
    assert [call["media"] for call in answer["calls"]] == [picture.read()]
    assert answer["calls"][0]["principal"].address == "127.0.0.1"


def test_picture_is_fetched_from_its_address(
    client: Client, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return bytes(png().read())

    monkeypatch.setattr("anime_search.web.views.fetch_picture_or_clip", fetch)
    html = client.post(
        "/", {"image": "", "url": " https://example.com/a.png "}, headers=FRAGMENT
    ).content.decode()
    assert asked == ["https://example.com/a.png"]
    assert 'data-asked="data:image/jpeg;base64,' in html


@pytest.mark.parametrize(
    ("confident", "is_match", "probability", "band", "words"),
    [
        (True, True, 0.98, "match", "Match"),
        (True, False, 0.6, "likely", "Likely"),
        (False, True, 0.98, "likely", "Likely"),
        (False, False, 0.5, "likely", "Likely"),
        (False, False, 0.49, "unlikely", "Probably not"),
        (True, False, 0.1, "unlikely", "Probably not"),
    ],
)
def test_band_says_how_sure_the_search_is(
    client: Client,
    answer: dict[str, Any],
    confident: bool,
    is_match: bool,
    probability: float,
    band: str,
    words: str,
) -> None:
    answer |= {"confident": confident, "scenes": [scene(probability=probability, is_match=is_match)]}
    html = client.post("/", {"image": png()}, headers=FRAGMENT).content.decode()
    assert f'class="card card-{band}"' in html
    assert f'<span class="band">{words}</span>' in html


def test_unsure_answer_says_so_above_the_candidates(client: Client, answer: dict[str, Any]) -> None:
    answer |= {"confident": False, "scenes": [scene(probability=0.1, view="full+mirrored")]}
    html = client.post("/", {"image": png()}).content.decode()
    assert html.index("No confident match") < html.index('<ol class="cards">')
    assert "<title>No confident match –" in html
    assert "mirrored" not in html[html.index('<ol class="cards">') :]


@pytest.mark.parametrize("mal_id", [None, 34798])
def test_card_leads_to_the_pages_that_the_title_has_elsewhere(
    client: Client, answer: dict[str, Any], video: Video, mal_id: int | None
) -> None:
    video.anime.mal_id = mal_id
    html = client.post("/", {"image": png()}, headers=FRAGMENT).content.decode()
    assert 'href="https://anilist.co/anime/98444"' in html
    assert ('href="https://myanimelist.net/anime/34798"' in html) is (mal_id is not None)


@pytest.mark.parametrize("confident", [False, True])
def test_answer_without_candidates_says_so(client: Client, answer: dict[str, Any], confident: bool) -> None:
    answer |= {"confident": confident, "scenes": []}
    html = client.post("/", {"image": png()}).content.decode()
    assert "Nothing found" in html
    assert "Match found" not in html
    assert "<ol" not in html


def test_adult_picture_lies_behind_a_switch(client: Client, answer: dict[str, Any], video: Video) -> None:
    plain = client.post("/", {"image": png()}, headers=FRAGMENT).content.decode()
    video.anime.is_adult = True
    html = client.post("/", {"image": png()}, headers=FRAGMENT).content.decode()
    assert 'type="checkbox"' not in plain
    assert re.search(r'data-clip="/video/[\w-]+\?size=m&amp;mute"', plain)
    assert 'data-play="Play the scene"' in plain
    assert "data-clip" not in html
    assert "card-play" not in html
    assert html.index(
        '<input class="veil-switch" type="checkbox" id="veil-1" autocomplete="off">'
    ) < html.index("<img")
    assert '<label class="veil" for="veil-1">' in html


def test_names_are_escaped(client: Client, answer: dict[str, Any], video: Video) -> None:
    video.anime = None
    video.title, video.filename = "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>.mkv'
    for headers in ({}, FRAGMENT):
        html = client.post("/", {"image": png()}, headers=headers).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "anilist.co" not in html


def test_pages_need_no_exception_from_the_content_policy(client: Client, answer: dict[str, Any]) -> None:
    answer["scenes"] = [scene(), scene(probability=0.1)]
    pages = [
        client.get("/"),
        client.get("/no/such/page"),
        client.post("/", {"image": png()}),
        client.post("/", {}),
        Client(enforce_csrf_checks=True).post("/", {}),
    ]
    for page in pages:
        html = page.content.decode()
        assert "'unsafe-inline'" not in page["Content-Security-Policy"]
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
        assert all(" src=" in tag for tag in re.findall(r"<script[^>]*>", html))
        assert not re.search(r'(?:src|href)="(?:https?:)?//(?!anilist\.co/)', html)


def test_style_and_scripts_stay_small() -> None:
    static = Path(settings.BASE_DIR, "static")
    sizes = [path.stat().st_size for kind in ("css", "js") for path in static.joinpath(kind).iterdir()]
    # All of it together: what one page loads is a part of that.
    assert 0 < sum(sizes) < 120_000
