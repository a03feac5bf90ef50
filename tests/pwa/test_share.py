"""What is shared from a phone is searched or led on, and nobody else can share in a visitor's name."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from credits.models import Admission
from tests.anime_search.web.asking import png, text_of

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


def test_video_leads_to_the_detector_unsent(phone: Client) -> None:
    clip = SimpleUploadedFile("clip.mp4", b"0" * 100, "video/mp4")
    response = share(phone, media=clip)
    assert (response.status_code, response["Location"]) == (303, "/detect?shared=video")
    assert not Admission.objects.exists()


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
