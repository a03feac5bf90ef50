"""A result is shared by its own form, seen by whoever has the link, and gone when it is withdrawn or over."""

from __future__ import annotations

import base64
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client
from PIL import Image
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from accounts.personal_data import erase_personal_data, export_personal_data
from anime_search import sharing
from anime_search.models import Anime, SharedResult, Video
from anime_search.tasks import purge_shared_results
from anime_search.web.requests import FRAGMENT_HEADER
from config.settings.queues import BEAT
from core import clock
from tests.anime_search.web.asking import png, scene, text_of
from tests.anime_search.web.sharing import SCRIPT, offered, photo, share
from tests.policies import set_policy

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture(autouse=True)
def _unlimited_searches(db: None) -> None:
    for tier in ("guest", "free"):
        for product in ("whatanime", "tracemoe"):
            set_policy(product, tier, daily=None, rate=None, cost=0)


@pytest.fixture
def member(db: None) -> User:
    return User.objects.create_user("eve@example.com", "x")


@pytest.fixture
def signed_in(member: User) -> Client:
    client = Client()
    client.force_login(member)
    return client


def kept(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*.jpg") if "shared_pictures" in each.parts]


def later(monkeypatch: pytest.MonkeyPatch, **time: float) -> None:
    moment = clock.now() + timedelta(**time)
    monkeypatch.setattr(clock, "now", lambda: moment)


# --- making a link -------------------------------------------------------------------------------------------
def test_nothing_is_kept_of_a_search_that_is_not_shared(
    client: Client, answer: dict[str, Any], tmp_path: Path
) -> None:
    assert set(offered(client)) == {"result", "picture"}
    assert kept(tmp_path) == []
    assert not SharedResult.objects.exists()


def test_link_shows_the_result_as_it_was_found_to_everybody(client: Client, answer: dict[str, Any]) -> None:
    answer["scenes"] = [scene(view="full+mirrored"), scene(at_s=100.0, probability=0.2, is_match=False)]
    address = share(client)
    assert re.fullmatch(r"/s/[\w-]{32}", address)
    response = Client().get(address)
    words = text_of(response.content.decode())
    for said in ("Laid-Back Camp, at 5:01.25", "Match found", "Yuru Camp - 05.mkv", "Episode 5", "mirrored",
                 "Match 98.7% similar", "Probably not"):  # fmt: skip
        assert said in words
    assert "no-store" in response["Cache-Control"]
    assert "You have shared this" not in words
    assert "Is it this scene?" not in words
    picture = Client().get(f"{address}/picture.jpg")
    assert picture["Content-Type"] == "image/jpeg"
    assert "no-store" in picture["Cache-Control"]
    with Image.open(io.BytesIO(picture.content)) as shown:
        assert shown.size == (64, 48)


def test_only_the_links_digest_is_stored(client: Client, answer: dict[str, Any]) -> None:
    token = share(client).removeprefix("/s/")
    row = SharedResult.objects.values().get()
    assert token not in str(row)
    assert re.fullmatch(r"[0-9a-f]{64}", row["digest"])


def test_kept_picture_is_small_and_says_nothing_but_its_pixels(
    client: Client, answer: dict[str, Any], tmp_path: Path
) -> None:
    share(client, photo())
    (path,) = kept(tmp_path)
    content = path.read_bytes()
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (480, 360)
        assert not picture.getexif()
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"Secret" not in content
    assert len(content) < 100_000


def test_script_is_given_the_link_in_place(client: Client, answer: dict[str, Any]) -> None:
    response = client.post("/s", offered(client), headers=SCRIPT)
    assert response[FRAGMENT_HEADER] == "shared"
    html = response.content.decode()
    assert "<html" not in html
    found = re.search(r'href="(http://testserver/s/[\w-]+)"', html)
    assert found
    assert Client().get(found[1]).status_code == 200


def test_link_is_made_by_a_form_alone(client: Client, answer: dict[str, Any]) -> None:
    assert client.get("/s", offered(client)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/s", offered(client)).status_code == 403
    assert not SharedResult.objects.exists()


@pytest.mark.parametrize("headers", [{}, SCRIPT])
def test_only_what_was_found_is_shared_and_with_its_own_picture(
    client: Client, answer: dict[str, Any], tmp_path: Path, headers: dict[str, str]
) -> None:
    offer, other = offered(client), offered(client, photo())
    wrong = [
        {**offer, "picture": other["picture"]},
        {**offer, "picture": "no base64"},
        {**offer, "picture": ""},
        {**offer, "result": offer["result"] + "A"},
        {"picture": offer["picture"]},
        {},
    ]
    for form in wrong:
        response = client.post("/s", form, headers=headers)
        assert response.status_code == 410
        assert "This result cannot be shared any more" in response.content.decode()
        assert (FRAGMENT_HEADER in response) == bool(headers)
    stranger = Client(REMOTE_ADDR="203.0.113.77")
    assert stranger.post("/s", offer).status_code == 410
    assert not SharedResult.objects.exists()
    assert kept(tmp_path) == []


def test_result_is_shared_within_a_day(
    client: Client, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = offered(client)
    later(monkeypatch, hours=24, seconds=1)
    assert client.post("/s", offer).status_code == 410


def test_result_whose_videos_are_gone_is_not_shared(
    client: Client, answer: dict[str, Any], video: Video
) -> None:
    offer = offered(client)
    video.delete()
    assert client.post("/s", offer).status_code == 410


def test_answer_without_candidates_offers_no_link(client: Client, answer: dict[str, Any]) -> None:
    answer["scenes"] = []
    assert offered(client) == {}


def test_as_many_links_are_made_in_a_day_as_may_be(
    client: Client, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "SHARES_RATE", "2/d")
    offer = offered(client)
    statuses = [client.post("/s", offer).status_code for _ in range(3)]
    assert statuses == [302, 302, 429]
    refused = client.post("/s", offer)
    assert int(refused["Retry-After"]) > 0
    assert "You can try again in" in refused.content.decode()
    assert Client(REMOTE_ADDR="203.0.113.77").post("/s", {}).status_code == 410


def test_full_disk_makes_no_link(
    client: Client, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = offered(client)

    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sharing, "keep_picture", full)
    response = client.post("/s", offer)
    assert response.status_code == 503
    assert response["Retry-After"]
    assert not SharedResult.objects.exists()


# --- what is shown -------------------------------------------------------------------------------------------
def test_result_outlives_its_video_and_title(client: Client, answer: dict[str, Any], video: Video) -> None:
    address = share(client)
    video.delete()
    Anime.objects.all().delete()
    html = Client().get(address).content.decode()
    words = text_of(html)
    for said in (
        "Laid-Back Camp, at 5:01.25",
        "Yuru Camp - 05.mkv",
        "Episode 5",
        "The video is not here any more.",
    ):
        assert said in words
    assert "/image/" not in html
    assert "data-larger" not in html
    assert "og:image" not in html


def test_titles_are_in_the_readers_language(client: Client, answer: dict[str, Any]) -> None:
    address = share(client)
    assert "ゆるキャン△" in Client(headers={"accept-language": "ja"}).get(address).content.decode()


def test_page_has_a_card_for_those_who_are_sent_the_link(
    client: Client, answer: dict[str, Any], video: Video, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr("anime_search.shared_answers.playable_file", lambda row: Path("there"))
    settings.SITE_URL = "https://scenes.example"
    address = share(client)

    def metadata() -> dict[str, str]:
        html = Client().get(address).content.decode()
        return dict(re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)"', html))

    found = metadata()
    assert found["robots"] == "noindex"
    assert found["og:title"] == "Laid-Back Camp, at 5:01.25"
    assert found["og:description"] == found["description"]
    assert "Yuru Camp - 05.mkv, at 5:01.25" in found["og:description"]
    assert found["og:url"] == f"https://scenes.example{address}"
    assert re.fullmatch(r"https://scenes\.example/image/[\w-]+\?size=l", found["og:image"])
    Anime.objects.update(is_adult=True)
    assert "og:image" not in metadata()


def test_adult_result_is_veiled_also_where_that_came_to_be_known_later(
    client: Client, answer: dict[str, Any], video: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anime_search.shared_answers.playable_file", lambda row: Path("there"))
    address = share(client)
    assert "veil" not in Client().get(address).content.decode()
    Anime.objects.update(is_adult=True)
    html = Client().get(address).content.decode()
    assert html.index('id="veil-asked"') < html.index(f'src="{address}/picture.jpg"')
    assert html.index('id="veil-1"') < html.index('src="/image/')


def test_unsure_result_is_shared_as_that(client: Client, answer: dict[str, Any]) -> None:
    answer |= {"confident": False, "scenes": [scene(probability=0.1, is_match=False)]}
    html = Client().get(share(client)).content.decode()
    assert "<title>No confident match – Frameproof</title>" in html
    assert "Nothing in the index looked enough like this picture." in html


# --- its end -------------------------------------------------------------------------------------------------
def test_gone_links_are_all_alike(
    client: Client, answer: dict[str, Any], settings: Settings, monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    settings.SHARED_RESULT_DAYS = 3
    withdrawn, expired = share(client), share(client)
    first = SharedResult.objects.order_by("pk").first()
    assert first is not None
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/shared/{first.public_id}/withdraw")
    later(monkeypatch, days=2, hours=23)
    assert Client().get(expired).status_code == 200
    later(monkeypatch, hours=2)
    paths = (withdrawn, expired, "/s/never", "/s/" + "x" * 300)
    pages = [Client().get(path) for path in paths]
    assert {page.status_code for page in pages} == {404}
    assert len({text_of(page.content.decode()) for page in pages}) == 1
    assert len({tuple(sorted(page.headers)) for page in pages}) == 1
    assert "It may have expired or been withdrawn" in pages[0].content.decode()
    assert 'content="noindex"' in pages[0].content.decode()
    for path in (withdrawn, expired):
        assert Client().get(f"{path}/picture.jpg").status_code == 404


def test_owner_withdraws_a_link_and_nothing_of_it_stays(
    client: Client, answer: dict[str, Any], tmp_path: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    address = share(client)
    html = client.get(address).content.decode()
    assert "You have shared this" in html
    form = re.search(r'action="(/shared/[0-9a-f]{12}/withdraw)"', html)
    assert form
    assert client.get(form[1]).status_code == 302
    assert Client().post(form[1]).status_code == 404
    assert len(kept(tmp_path)) == 1
    with django_capture_on_commit_callbacks(execute=True):
        done = client.post(form[1], follow=True)
    assert "The link was withdrawn, and the picture deleted." in done.content.decode()
    assert "You share nothing now." in done.content.decode()
    assert not SharedResult.objects.exists()
    assert kept(tmp_path) == []
    assert client.post(form[1]).status_code == 404


def test_guests_links_end_with_their_session_at_the_latest(
    client: Client, signed_in: Client, answer: dict[str, Any]
) -> None:
    for each in (client, signed_in):
        share(each)
    ends = {row.owner_id is None: row.expires_at - row.created_at for row in SharedResult.objects.all()}
    assert ends == {
        True: timedelta(seconds=configured.SESSION_COOKIE_AGE),
        False: timedelta(days=configured.SHARED_RESULT_DAYS),
    }
    assert "works for 14 days" in client.post("/", {"image": png()}).content.decode()
    assert "works for 30 days" in signed_in.post("/", {"image": png()}).content.decode()


def test_what_is_over_is_deleted_with_its_picture(
    client: Client, answer: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    assert purge_shared_results.name in {task for task, _ in BEAT.values()}
    share(client)
    with django_capture_on_commit_callbacks(execute=True):
        purge_shared_results()
    assert (SharedResult.objects.count(), len(kept(tmp_path))) == (1, 1)
    later(monkeypatch, days=31)
    with django_capture_on_commit_callbacks(execute=True):
        purge_shared_results()
    assert (SharedResult.objects.count(), len(kept(tmp_path))) == (0, 0)


# --- the owner's pages ---------------------------------------------------------------------------------------
def test_each_owner_has_a_list_of_their_own(
    client: Client, signed_in: Client, answer: dict[str, Any]
) -> None:
    share(client)
    share(signed_in)
    guests = client.get("/shared").content.decode()
    owners = signed_in.get("/shared").content.decode()
    (of_guest,) = re.findall(r'href="(/shared/[0-9a-f]{12})"', guests)
    (of_owner,) = re.findall(r'href="(/shared/[0-9a-f]{12})"', owners)
    assert of_guest != of_owner
    assert "Laid-Back Camp, at 5:01.25" in guests
    assert 'aria-current="page">Shared results' in owners
    assert "Sign in" in text_of(guests)
    page = signed_in.get(of_owner)
    assert "cannot be shown again" in page.content.decode()
    assert signed_in.get(f"{of_owner}/picture.jpg")["Content-Type"] == "image/jpeg"
    for path in (of_owner, f"{of_owner}/picture.jpg"):
        assert client.get(path).status_code == 404
        assert Client().get(path).status_code == 404


def test_what_a_guest_has_shared_stays_theirs_when_they_sign_in(
    client: Client, answer: dict[str, Any], member: User
) -> None:
    address = share(client)
    client.force_login(member)
    assert "You have shared this" in client.get(address).content.decode()


def test_export_has_what_is_shared_and_deletion_takes_it_away(
    signed_in: Client, answer: dict[str, Any], member: User, tmp_path: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    address = share(signed_in)
    (exported,) = export_personal_data(member)["sharedResults"]
    (path,) = kept(tmp_path)
    assert base64.b64decode(exported["picture"]) == path.read_bytes()
    assert exported["result"]["titles"][0]["anilist_id"] == 98444
    assert address.removeprefix("/s/") not in str(exported)
    with django_capture_on_commit_callbacks(execute=True):
        erase_personal_data(member)
        member.delete()
    assert kept(tmp_path) == []
    assert Client().get(address).status_code == 404
