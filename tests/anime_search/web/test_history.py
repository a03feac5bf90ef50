"""An account's own searches: noted without the picture, shown to their owner alone, forgotten on a word or by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.personal_data import export_personal_data
from accounts.principal import Principal, PrincipalKind
from anime_search import past_searches
from anime_search.models import PastSearch, Video
from anime_search.past_searches import purge_history
from anime_search.selectors import Candidate
from anime_search.services import SearchAnswer
from anime_search.signals import scene_found
from config.settings.queues import BEAT
from core import clock
from tests.anime_search.web.asking import scene, text_of

pytestmark = pytest.mark.django_db
PAGE = "/account/searches"


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("owner@example.com", "x")


@pytest.fixture
def visitor(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def search(video: Video, user: User | None, *, key_id: int | None = None, confident: bool = True) -> None:
    """As the service tells of a search that had an answer."""
    kind = PrincipalKind.API_KEY if key_id else PrincipalKind.USER
    principal = Principal(kind, user_id=user.pk, key_id=key_id) if user else Principal.guest("192.0.2.1")
    answer = SearchAnswer([Candidate(scene(), video, video.anime)], confident, 1234, {})
    for _, outcome in scene_found.send_robust(sender=SearchAnswer, principal=principal, answer=answer):
        assert not isinstance(outcome, Exception), outcome


def test_search_is_shown_to_its_owner_alone(visitor: Client, video: Video, owner: User) -> None:
    search(video, owner)
    search(video, User.objects.create_user("other@example.com", "x"), confident=False)
    page = visitor.get(PAGE)
    said = text_of(page.content.decode())
    assert "Laid-Back Camp" in said
    assert "Episode 5 At 5:01.25 Match" in said
    assert "No confident match" not in said
    assert "no-store" in page["Cache-Control"]
    assert page.content.decode().count('name="search"') == 1


def test_page_asks_a_guest_to_sign_in(client: Client) -> None:
    assert client.get(PAGE)["Location"].startswith("/accounts/login/")
    assert client.post(f"{PAGE}/delete", {"all": "yes"})["Location"].startswith("/accounts/login/")


def test_guests_searches_are_not_noted(video: Video) -> None:
    search(video, None)
    assert not PastSearch.objects.exists()


def test_search_of_a_program_is_marked(visitor: Client, video: Video, owner: User) -> None:
    search(video, owner, key_id=3, confident=False)
    assert "No confident match by API key" in text_of(visitor.get(PAGE).content.decode())


def test_scene_of_an_adult_title_is_not_pictured(visitor: Client, video: Video, owner: User) -> None:
    search(video, owner)
    assert "/image/" in visitor.get(PAGE).content.decode()
    assert video.anime
    video.anime.is_adult = True
    video.anime.save()
    page = visitor.get(PAGE).content.decode()
    assert "/image/" not in page
    assert "Adult content" in page


def test_nothing_is_noted_where_no_history_is_kept(video: Video, owner: User, settings: Settings) -> None:
    settings.ANIME_HISTORY_DAYS = 0
    search(video, owner)
    assert not PastSearch.objects.exists()


def test_one_search_is_forgotten(visitor: Client, video: Video, owner: User) -> None:
    search(video, owner)
    search(video, owner, confident=False)
    first = PastSearch.objects.order_by("pk").first()
    assert first
    answer = visitor.post(f"{PAGE}/delete", {"search": first.pk}, follow=True)
    assert "The search was deleted." in text_of(answer.content.decode())
    assert [row.confident for row in PastSearch.objects.all()] == [False]


@pytest.mark.parametrize("named", ["0", "-1", "x", "", "9" * 30, "١"])
def test_search_that_there_is_not_cannot_be_forgotten(
    visitor: Client, video: Video, owner: User, named: str
) -> None:
    search(video, owner)
    assert visitor.post(f"{PAGE}/delete", {"search": named}).status_code == 302
    assert PastSearch.objects.count() == 1


def test_somebody_elses_search_cannot_be_forgotten(visitor: Client, video: Video) -> None:
    search(video, User.objects.create_user("other@example.com", "x"))
    theirs = PastSearch.objects.get()
    visitor.post(f"{PAGE}/delete", {"search": theirs.pk})
    visitor.post(f"{PAGE}/delete", {"all": "yes"})
    assert PastSearch.objects.get() == theirs


def test_all_searches_are_forgotten(visitor: Client, video: Video, owner: User) -> None:
    for _ in range(3):
        search(video, owner)
    answer = visitor.post(f"{PAGE}/delete", {"all": "yes"}, follow=True)
    said = text_of(answer.content.decode())
    assert "3 searches were deleted." in said
    assert "Nothing was searched yet." in said
    assert not PastSearch.objects.exists()


def test_long_list_has_pages_and_few_queries(
    visitor: Client, video: Video, owner: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(25):
        search(video, owner)
    with django_assert_max_num_queries(6):
        first = visitor.get(PAGE).content.decode()
    assert first.count('name="search"') == 20
    assert "Page 1 of 2" in first
    assert visitor.get(PAGE, {"page": 2}).content.decode().count('name="search"') == 5


def test_searches_are_exported_and_go_with_their_owner(video: Video, owner: User) -> None:
    search(video, owner, key_id=3)
    found = export_personal_data(owner)["searches"]
    assert [(each["file"], each["at"], each["byProgram"]) for each in found] == [
        ("Yuru Camp - 05.mkv", 301.25, True)
    ]
    owner.delete()
    assert not PastSearch.objects.exists()


def test_history_ends_by_itself(
    video: Video, owner: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for days in (0, 5, 89, 90, 91):
        monkeypatch.setattr(clock, "now", lambda days=days: noon + timedelta(days=days))
        search(video, owner)
    assert settings.ANIME_HISTORY_DAYS == 90
    assert purge_history() == 1
    assert PastSearch.objects.count() == 4
    assert purge_history() == 0
    assert any(task == "anime_search.tasks.purge_history" for task, _ in BEAT.values())


def test_program_does_not_fill_the_database(
    video: Video, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_searches, "MOST_KEPT", 3)
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for minute in range(5):
        monkeypatch.setattr(clock, "now", lambda minute=minute: noon + timedelta(minutes=minute))
        search(video, owner)
    assert purge_history() == 2
    kept = PastSearch.objects.order_by("found_at").values_list("found_at", flat=True)
    assert [each.minute for each in kept] == [2, 3, 4]
