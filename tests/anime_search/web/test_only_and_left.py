"""A search in one title alone, and what is left of a visitor's searches."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from anime_search.models import Anime, Video
from tests.anime_search.web.asking import FRAGMENT, png, text_of
from tests.policies import set_policy

pytestmark = pytest.mark.django_db
FIELD = '<input type="hidden" name="anime" value="98444">'


def left(html: str) -> str:
    found = re.search(r'<p class="hint left[^>]*>.*?</p>', html, re.DOTALL)
    assert found
    return text_of(found[0])


def test_title_to_look_in_is_shown_kept_and_asked_for(client: Client, answer: dict[str, Any]) -> None:
    page = client.get("/?anime=98444").content.decode()
    assert FIELD in page
    assert '<p class="only" id="only"><' in page
    assert 'Only in <b id="only-title">Laid-Back Camp</b>' in page
    html = client.post("/", {"image": png(), "anime": "98444"}).content.decode()
    assert [call["anilist_id"] for call in answer["calls"]] == [98444]
    assert FIELD in html
    # Also where something goes wrong.
    assert FIELD in client.post("/", {"anime": "98444"}).content.decode()


def test_title_to_look_in_is_read_once(client: Client, answer: dict[str, Any]) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.post("/", {"image": png(), "anime": "98444"})
    asked = f'FROM "{Anime._meta.db_table}"'
    assert len([query for query in queries if asked in query["sql"] and "98444" in query["sql"]]) == 1


def test_every_title_is_looked_in_where_none_is_named(client: Client, answer: dict[str, Any]) -> None:
    assert '<p class="only" id="only" hidden>' in client.get("/").content.decode()
    client.post("/", {"image": png(), "anime": ""})
    assert [call["anilist_id"] for call in answer["calls"]] == [None]


@pytest.mark.parametrize("number", ["1", "x", "-1", "9" * 11, "１", "98444 ", "98444.0"])
def test_title_that_is_none_is_refused_before_anything_is_counted(
    client: Client, answer: dict[str, Any], number: str
) -> None:
    for response in (
        client.get("/", {"anime": number}),
        client.post("/", {"image": png(), "anime": number}),
        client.post("/", {"image": png(), "anime": number}, headers=FRAGMENT),
    ):
        assert response.status_code == 400
        assert "There is no such anime here" in response.content.decode()
    assert answer["calls"] == []
    assert left(client.get("/").content.decode()) == "5 searches left"


def test_card_leads_to_its_title_and_to_a_search_in_it(
    client: Client, answer: dict[str, Any], video: Video
) -> None:
    html = client.post("/", {"image": png()}).content.decode()
    assert 'href="/?anime=98444" data-only="98444" data-only-title="Laid-Back Camp"' in html
    assert 'href="/anime/98444"' in html
    video.anime = None
    html = client.post("/", {"image": png()}).content.decode()
    assert "data-only=" not in html


def test_what_is_left_is_always_told(client: Client, answer: dict[str, Any]) -> None:
    assert left(client.get("/").content.decode()) == "5 searches left"
    html = client.post("/", {"image": png()}).content.decode()
    assert re.fullmatch(r"4 searches left · More in \d+ \w+( \d+ \w+)?\.", left(html))
    assert re.search(r'data-resets-at="20\d\d-\d\d-\d\dT00:00:00\+00:00"', html)
    fragment = client.post("/", {"image": png()}, headers=FRAGMENT).content.decode()
    assert left(fragment[fragment.index('<template id="new-left">') :]).startswith("3 searches left")
    assert '<template id="new-left">' not in html


def test_out_of_searches_leads_on(client: Client, answer: dict[str, Any]) -> None:
    for _ in range(5):
        client.post("/", {"image": png()})
    response = client.post("/", {"image": png()}, headers=FRAGMENT)
    assert response.status_code == 429
    html = response.content.decode()
    assert re.fullmatch(r"0 searches left · More in .*\. · Sign in for more", left(html))
    assert 'class="hint left left-none"' in html
    assert "0 searches left" in left(client.get("/").content.decode())


def test_credits_that_were_bought_are_left_too(client: Client) -> None:
    from credits.ledger import grant_credits

    user = User.objects.create_user(email="eve@example.com", password="x")
    client.force_login(user)
    set_policy("whatanime", user.tier, cost=2, free_credits=4, daily=None, rate=None)
    assert left(client.get("/").content.decode()) == "2 searches left"
    grant_credits(user_id=user.pk, amount=3, reason="x", actor="staff:1")
    assert left(client.get("/").content.decode()) == "3 searches left"


def test_nothing_is_told_where_nothing_is_limited_or_known(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for product in ("whatanime", "tracemoe"):
        set_policy(product, "guest", daily=None, rate=None, cost=0)
    assert left(client.get("/").content.decode()) == ""

    def away(**_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("anime_search.web.left.snapshot", away)
    response = client.get("/")
    assert response.status_code == 200
    assert left(response.content.decode()) == ""
    cache.clear()
