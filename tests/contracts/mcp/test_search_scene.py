"""``search_scene`` over the real search: what an agent is told, and what it costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from accounts.models import User
from accounts.principal import Principal
from anime_search.models import Anime
from apikeys.models import ApiKey
from apikeys.services import revoke_key
from credits.policies import Product
from credits.reconcile import differences
from credits.services import snapshot
from mcp_server.callers import account_named, owner_of_key
from tests.contracts.conftest import Library
from tests.contracts.live import FILENAME
from tests.contracts.mcp.agent import Agent, words_of
from tests.contracts.pictures import noise, saved
from tests.policies import set_policy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_data_dir")]


@pytest.fixture
def shot(tmp_path: Path, screenshot: bytes) -> str:
    path = tmp_path / "shot.jpg"
    path.write_bytes(screenshot)
    return str(path)


def free_used(principal: Principal) -> int:
    state = snapshot(principal=principal, product=Product.WHAT_ANIME)
    assert state.free is not None
    assert differences() == []
    return state.free.used


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_scene_is_found_and_charged_once(
    agent: Agent, principal: Principal, library: Library, shot: str, mode: str
) -> None:
    agent.mode = mode
    told = agent.told("search_scene", path=shot)
    best = told["scenes"][0]
    assert told["matched"] is True
    assert (best["title"], best["episode"], best["filename"]) == ("Yuru Camp△", 5, FILENAME)
    assert (best["anilist_id"], best["titles"]["korean"]) == (98444, "유루캠△")
    assert best["from_s"] <= best["at_s"] <= best["to_s"]
    assert best["at_s"] == pytest.approx(0.45 * 5.28, abs=0.5)
    assert best["probability"] > 0.9
    assert free_used(principal) == 1


def test_words_say_title_episode_and_time(agent: Agent, library: Library, encoded: str) -> None:
    words = words_of(agent.call("search_scene", image_base64=f"data:image/jpeg;base64,{encoded}"))
    assert words.startswith("A match: the first one.\n1. Yuru Camp△, episode 5, at 0:02 (probability ")


def test_picture_of_nothing_matches_nothing(agent: Agent, library: Library, tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    path.write_bytes(saved(noise(), "PNG"))
    result = agent.call("search_scene", path=str(path))
    assert result.structured_content is not None
    assert result.structured_content["matched"] is False
    assert "match: the first" not in words_of(result)


def test_search_can_be_kept_to_one_title(agent: Agent, library: Library, encoded: str) -> None:
    Anime.objects.create(anilist_id=7, title_romaji="Other")
    assert agent.told("search_scene", image_base64=encoded, anilist_id=7)["scenes"] == []
    assert agent.told("search_scene", image_base64=encoded, anilist_id=98444)["matched"] is True


def test_scene_has_a_picture_where_the_site_knows_its_address(
    agent: Agent, library: Library, encoded: str, settings: object
) -> None:
    assert agent.told("search_scene", image_base64=encoded)["scenes"][0]["image_url"] is None
    settings.SITE_URL = "https://scenes.example"
    image = agent.told("search_scene", image_base64=encoded)["scenes"][0]["image_url"]
    assert image.startswith("https://scenes.example/image/")


def test_search_without_credits_is_refused_and_says_so(
    agent: Agent, principal: Principal, library: Library, encoded: str
) -> None:
    set_policy(Product.WHAT_ANIME, "pro", rate=100, rate_s=3600, cost=9, free_credits=0)
    assert agent.refusal("search_scene", image_base64=encoded) == "INSUFFICIENT_CREDITS"
    assert agent.told("my_limits")["credits"] == 5


def test_search_beyond_the_window_says_when_to_try_again(
    agent: Agent, library: Library, encoded: str
) -> None:
    set_policy(Product.WHAT_ANIME, "pro", rate=1, rate_s=3600, cost=1, free_credits=10)
    agent.told("search_scene", image_base64=encoded)
    result = agent.call("search_scene", image_base64=encoded)
    assert result.structured_content is not None
    error = result.structured_content["error"]
    assert error["code"] == "RATE_LIMITED"
    assert 0 < error["retry_after_s"] <= 3600
    assert f"Try again in {error['retry_after_s']} s." in words_of(result)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "IMAGE_MISSING"),
        ({"url": ""}, "IMAGE_MISSING"),
        ({"url": "https://a.example/b.png", "image_base64": "AAAA"}, "INVALID_ARGUMENT"),
        ({"image_base64": "%%%"}, "INVALID_ARGUMENT"),
        ({"image_base64": ""}, "IMAGE_MISSING"),
        ({"image_base64": "AAAA"}, "IMAGE_UNDECODABLE"),
        ({"path": "/nowhere/at/all.png"}, "FILE_UNREADABLE"),
        ({"path": "/dev/zero"}, "FILE_UNREADABLE"),
        ({"path": "."}, "FILE_UNREADABLE"),
        ({"path": "a\0b"}, "FILE_UNREADABLE"),
        ({"url": "http://169.254.169.254/latest"}, "IMAGE_FETCH_FAILED"),
        ({"url": "file:///etc/passwd"}, "IMAGE_FETCH_FAILED"),
        ({"image_base64": "AAAA", "limit": 0}, "INVALID_ARGUMENT"),
        ({"image_base64": "AAAA", "limit": "many"}, "INVALID_ARGUMENT"),
        ({"image_base64": "AAAA", "anilist_id": 2**40}, "INVALID_ARGUMENT"),
        ({"image_base64": "AAAA", "surprise": 1}, "INVALID_ARGUMENT"),
        ({"image_base64": "AAAA", "idempotency_key": "ключ"}, "INVALID_IDEMPOTENCY_KEY"),
    ],
)
def test_bad_input_is_named_and_costs_nothing(
    agent: Agent, principal: Principal, library: Library, arguments: dict[str, object], code: str
) -> None:
    assert agent.refusal("search_scene", **arguments) == code
    assert free_used(principal) == 0


def test_empty_and_huge_files_are_refused(
    agent: Agent, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_server.requests.MAX_BYTES", 100)
    (tmp_path / "empty.png").touch()
    (tmp_path / "huge.png").write_bytes(bytes(101))
    assert agent.refusal("search_scene", path=str(tmp_path / "empty.png")) == "IMAGE_EMPTY"
    assert agent.refusal("search_scene", path=str(tmp_path / "huge.png")) == "IMAGE_TOO_LARGE"


def test_fault_of_ours_is_logged_and_not_told(
    agent: Agent, principal: Principal, library: Library, encoded: str,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def fail(**_: object) -> None:
        raise ZeroDivisionError("SECRET-word")

    monkeypatch.setattr("mcp_server.searching.search_media", fail)
    assert agent.refusal("search_scene", image_base64=encoded) == "INTERNAL_ERROR"
    assert "SECRET-word" in caplog.text
    assert free_used(principal) == 0


def test_named_search_is_answered_again_and_charged_once(
    agent: Agent, principal: Principal, library: Library, encoded: str
) -> None:
    first = agent.told("search_scene", image_base64=encoded, idempotency_key="one")
    assert agent.told("search_scene", image_base64=encoded, idempotency_key="one") == first
    assert free_used(principal) == 1
    refused = agent.refusal("search_scene", image_base64=encoded, limit=1, idempotency_key="one")
    assert refused == "IDEMPOTENCY_KEY_REUSED"


def test_revoked_key_opens_nothing_from_then_on(owner: User, owner_key: str, library: Library) -> None:
    agent = Agent(lambda ctx: owner_of_key(owner_key))
    assert agent.told("my_limits")["tier"] == "pro"
    revoke_key(user_id=owner.pk, key_id=ApiKey.objects.get(user=owner).pk)
    assert agent.refusal("my_limits") == "KEY_REVOKED"


def test_closed_account_opens_nothing_from_then_on(owner: User) -> None:
    agent = Agent(lambda ctx: account_named("John@Example.com"))
    assert agent.told("my_limits")["credits"] == 5
    User.objects.update(is_active=False)
    assert agent.refusal("my_limits") == "UNAUTHORIZED"


def test_limits_are_told_without_being_used(agent: Agent, principal: Principal) -> None:
    told = [agent.told("my_limits") for _ in range(2)]
    for answer in told:
        by_product = {each["product"]: each for each in answer["products"]}
        assert answer["tier"] == "pro"
        assert by_product["whatanime"]["window"]["remaining"] == 100
        assert by_product["whatanime"]["free_credits"]["remaining"] == 10
        assert by_product["api_v1"]["day"]["remaining"] == 100
        assert by_product["analysis"]["cost_credits"] == 1
