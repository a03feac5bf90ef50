"""From a picture that is sent to a title that is ranked; and a search that goes on when counting fails."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client

from anime_search.models import Video
from anime_search.services import SearchAnswer
from anime_search.signals import scene_found
from rankings.models import SearchEvent
from tests.contracts.conftest import Library
from tests.contracts.whatanime.asking import upload

RANKINGS, RECENT = "/api/anime/rankings", "/api/anime/recent-searches"


def test_screenshot_that_is_found_is_ranked_and_among_the_recent_searches(
    client: Client, library: Library, screenshot: bytes
) -> None:
    assert [client.get(RANKINGS).json()["rankings"], client.get(RECENT).json()["searches"]] == [[], []]
    best = upload(client, screenshot).json()["candidates"][0]
    upload(client, screenshot)

    (ranked,) = client.get(f"{RANKINGS}?period=daily&limit=10").json()["rankings"]
    assert (ranked["rank"], ranked["count"], ranked["anilistId"]) == (1, 1, 98444)
    (recent,) = client.get(f"{RECENT}?limit=5").json()["searches"]
    assert {name: recent[name] for name in ("anilistId", "episode", "at", "similarity")} == {
        name: best[name] for name in ("anilistId", "episode", "at", "similarity")
    }
    picture = client.get(recent["image"].removeprefix("http://testserver"))
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/jpeg")


def test_the_other_dialect_counts_too(client: Client, library: Library, encoded: str) -> None:
    client.post("/api/search", {"image": encoded}, content_type="application/json")
    assert SearchEvent.objects.get().anime_id == 98444


def test_video_without_a_title_is_not_counted(client: Client, library: Library, screenshot: bytes) -> None:
    Video.objects.update(anime=None)
    assert upload(client, screenshot).json()["confident"] is True
    assert not SearchEvent.objects.exists()
    assert client.get(RANKINGS).json()["rankings"] == []


def test_search_is_answered_when_counting_fails(
    client: Client,
    library: Library,
    screenshot: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("the table is full")

    monkeypatch.setattr("rankings.services.record_search", fail)
    with caplog.at_level(logging.ERROR):
        response = upload(client, screenshot)
    assert response.status_code == 200
    assert response.json()["confident"] is True
    assert "the table is full" in caplog.text


def test_answer_is_told_with_who_asked_and_an_id_of_its_own(
    client: Client, library: Library, screenshot: bytes
) -> None:
    told: list[dict[str, Any]] = []

    def listen(**what: Any) -> None:
        told.append(what)

    scene_found.connect(listen)
    try:
        for _ in range(2):
            upload(client, screenshot)
    finally:
        scene_found.disconnect(listen)
    assert {each["sender"] for each in told} == {SearchAnswer}
    assert {each["principal"].address for each in told} == {"127.0.0.1"}
    assert len({each["answer"].search_id for each in told}) == 2
