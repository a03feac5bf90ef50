"""What is shared from a phone is searched or led on, and nobody else can share in a visitor's name."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from credits.models import Admission
from deepfake.files import GRACE_S, held_folders, sweep_files, upload_of
from deepfake.models import Analysis
from tests.anime_search.web.asking import png, text_of
from tests.policies import set_policy

pytestmark = pytest.mark.django_db

#: As Chromium sends what its user shares to an installed site.
BY_THE_USER = {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "origin": "null"}


@pytest.fixture
def phone() -> Client:
    return Client(enforce_csrf_checks=True)


def share(client: Client, sender: dict[str, str] = BY_THE_USER, **form: Any) -> Any:
    return client.post("/share", form, headers=sender)


def test_shared_picture_is_searched_at_once(phone: Client, answer: dict[str, Any]) -> None:
    response = share(phone, media=png(), title="Screenshot", text="", url="")
    assert response.status_code == 200
    assert "Laid-Back Camp" in text_of(response.content.decode())
    assert 'src="data:image/jpeg' in response.content.decode()
    assert answer["calls"][0]["media"] == png().read()
    assert "no-store" in response["Cache-Control"]
    assert Admission.objects.count() > 0


def test_signed_in_user_shares_on_the_own_account(phone: Client, answer: dict[str, Any]) -> None:
    user = User.objects.create_user("phone@example.com", "x")
    phone.force_login(user)
    assert share(phone, media=png()).status_code == 200
    assert answer["calls"][0]["principal"].user_id == user.pk


@pytest.mark.parametrize(
    "sender",
    [
        {},
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site", "origin": "null"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "same-origin"},
    ],
)
def test_page_cannot_share_in_a_visitors_name(
    phone: Client,
    answer: dict[str, Any],
    sender: dict[str, str],
) -> None:
    phone.force_login(User.objects.create_user("phone@example.com", "x"))
    response = share(phone, sender, media=png())
    assert response.status_code == 403
    said = response.content.decode()
    assert "This was not shared by your own device" in said
    # The way on: the form is there.
    assert 'id="picture"' in said
    assert answer["calls"] == []
    assert not Admission.objects.exists()


@pytest.mark.parametrize(
    ("form", "url"),
    [
        ({"url": "https://youtu.be/abc"}, "https://youtu.be/abc"),
        (
            {"text": "Look (https://www.youtube.com/watch?v=a&b=1)!", "title": "A video"},
            "https://www.youtube.com/watch?v=a&b=1",
        ),
        ({"text": "本当？https://vt.tiktok.com/Z1/。"}, "https://vt.tiktok.com/Z1/"),
        ({"url": "https://cdn.example/a%20b.MP4"}, "https://cdn.example/a%20b.MP4"),
    ],
)
def test_address_of_a_video_leads_to_the_detector(phone: Client, form: dict[str, str], url: str) -> None:
    response = share(phone, **form)
    assert response.status_code == 303
    assert response["Location"].startswith("/detect?url=")
    assert not Admission.objects.exists()
    shown = phone.get("/detect", {"url": url})
    assert shown.status_code in (200, 503)


def test_site_that_is_not_fetched_from_is_no_video(phone: Client, settings: Settings) -> None:
    settings.DEEPFAKE_EXTRACTORS = ("tiktok",)
    assert share(phone, url="https://youtu.be/abc").status_code == 400
    assert share(phone, url="https://tiktok.com.evil.example/x").status_code == 400
    assert share(phone, url="https://m.tiktok.com/v/1").status_code == 303


def test_other_address_is_searched(
    phone: Client,
    answer: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("anime_search.web.views.fetch_picture_or_clip", lambda url: url.encode())
    response = share(phone, text="https://pictures.example/shot.png")
    assert response.status_code == 200
    assert answer["calls"][0]["media"] == b"https://pictures.example/shot.png"
    assert 'value="https://pictures.example/shot.png"' in response.content.decode()


@pytest.fixture
def clip() -> SimpleUploadedFile:
    return SimpleUploadedFile("holiday.mp4", b"0123456789", "video/mp4")


def share_clip(client: Client, clip: SimpleUploadedFile, **more: Any) -> str:
    response = share(client, media=clip, **more)
    assert response.status_code == 303
    where: str = response["Location"]
    return where


@pytest.fixture
def own_data_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, own_data_dir: Path) -> list[Analysis]:
    """A detector is there, guests may use it, and what is asked for waits."""
    set_policy("analysis", "guest", daily=3, cost=0)
    monkeypatch.setattr("deepfake.web.views.require_detector", lambda: None)
    sent: list[Analysis] = []
    monkeypatch.setattr("deepfake.tasks.analyze.delay", lambda pk: sent.append(Analysis.objects.get(pk=pk)))
    return sent


def test_shared_video_waits_at_the_detector_for_its_owners_word(
    asked: list[Analysis], clip: SimpleUploadedFile
) -> None:
    phone = Client()
    where = share_clip(phone, clip)
    assert not Admission.objects.exists()
    page = phone.get(where)
    assert "“holiday.mp4” is here, and waits for your word" in text_of(page.content.decode())
    held = page.context["held"]
    answer = phone.post("/detect", {"held": held, "once": page.context["once"]})
    assert answer.status_code == 303
    assert asked[0].title == "holiday.mp4"
    assert upload_of(asked[0].public_id).read_bytes() == b"0123456789"
    assert not held_folders()
    assert phone.post("/detect", {"held": held}).status_code == 410


def test_address_counts_before_the_video_that_waits(asked: list[Analysis], clip: SimpleUploadedFile) -> None:
    phone = Client()
    held = phone.get(share_clip(phone, clip)).context["held"]
    phone.post("/detect", {"held": held, "url": "https://videos.example/a.mp4"})
    assert asked[0].source_url == "https://videos.example/a.mp4"


def test_shared_video_is_for_whoever_shared_it(asked: list[Analysis], clip: SimpleUploadedFile) -> None:
    phone = Client()
    where = share_clip(phone, clip)
    held = phone.get(where).context["held"]
    other = Client(REMOTE_ADDR="192.0.2.9")
    assert "Please choose the video once more" in text_of(other.get(where).content.decode())
    assert other.post("/detect", {"held": held}).status_code == 410
    assert other.post("/detect", {"held": "x"}).status_code == 410
    assert asked == []


def test_shared_video_does_not_wait_for_ever(
    asked: list[Analysis], clip: SimpleUploadedFile, own_data_dir: Path
) -> None:
    phone = Client()
    where = share_clip(phone, clip)
    (folder,) = (own_data_dir / "analyses").iterdir()
    assert sweep_files() == 0
    os.utime(folder, (time.time() - GRACE_S - 1,) * 2)
    assert sweep_files() == 1
    assert "Please choose the video once more" in text_of(phone.get(where).content.decode())


def test_so_many_videos_wait_and_no_more(
    asked: list[Analysis], clip: SimpleUploadedFile, monkeypatch: pytest.MonkeyPatch, own_data_dir: Path
) -> None:
    monkeypatch.setattr("deepfake.held.MOST_HELD", 1)
    phone = Client()
    assert "held=" in share_clip(phone, clip)
    clip.seek(0)
    assert share_clip(phone, clip) == "/detect?shared=video"
    assert len(list((own_data_dir / "analyses").iterdir())) == 1
    said = text_of(phone.get("/detect?shared=video").content.decode())
    assert "Please choose the video once more" in said


def test_foreign_page_leaves_no_video(phone: Client, clip: SimpleUploadedFile, own_data_dir: Path) -> None:
    assert share(phone, {"sec-fetch-site": "cross-site"}, media=clip).status_code == 403
    assert not (own_data_dir / "analyses").exists()


@pytest.mark.parametrize("form", [{}, {"text": "no address here", "title": "ftp://x"}])
def test_share_of_nothing_is_told(phone: Client, form: dict[str, str]) -> None:
    response = share(phone, **form)
    assert response.status_code == 400
    assert "No picture yet" in response.content.decode()


def test_share_that_is_too_large_is_told(phone: Client, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 1000
    response = share(phone, media=SimpleUploadedFile("shot.png", b"x" * 2000, "image/png"))
    assert response.status_code == 413
    assert "This picture is too large" in response.content.decode()


def test_broken_form_is_told(phone: Client) -> None:
    kind = {"content_type": "multipart/form-data"}
    assert phone.generic("POST", "/share", b"x", headers=BY_THE_USER, **kind).status_code == 400


def test_address_of_the_share_target_leads_home(phone: Client) -> None:
    assert phone.get("/share")["Location"] == "/"
