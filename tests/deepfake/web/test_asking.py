"""Asking for an analysis on the page: metered, refused in words, handed over once."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from credits.ledger import balance_of
from credits.models import Admission
from deepfake import runtime
from deepfake.files import upload_of
from deepfake.models import Analysis
from tests.deepfake.web.asking import FRAGMENT, URL, ask, made, send, text_of
from tests.policies import set_policy

pytestmark = pytest.mark.django_db

Balance = Callable[[], int]


def test_page_asks_for_a_video_and_says_what_it_costs(visitor: Client) -> None:
    response = visitor.get("/detect")
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    said = text_of(response)
    assert "An analysis costs 1 credit. You have 5 credits." in said
    assert "up to 32 MB" in said
    assert "YouTube, TikTok, Instagram or X" in said


def test_file_is_not_kept_unless_its_owner_says_so(visitor: Client, sent: list[int]) -> None:
    page = visitor.get("/detect").content.decode()
    box = page[page.index('id="keep"') :].partition(">")[0]
    assert "checked" not in box
    assert not made(send(visitor)).keeps_file
    assert not made(send(visitor, keep="no")).keeps_file
    assert made(send(visitor, keep="yes")).keeps_file


def test_words_of_retention_are_those_of_the_settings(
    visitor: Client, guest: Client, settings: Settings
) -> None:
    settings.DEEPFAKE_KEPT_DAYS, settings.DEEPFAKE_FILE_KEPT_DAYS = 90, 7
    assert "verdict stays for 90 days" in text_of(visitor.get("/detect"))
    assert "for 7 days, so that I can" in text_of(visitor.get("/detect"))
    settings.DEEPFAKE_KEPT_DAYS = 0
    assert "until you delete it" in text_of(visitor.get("/detect"))
    settings.SESSION_COOKIE_AGE = 3 * 86_400
    said = text_of(guest.get("/detect"))
    assert "verdict stays for 3 days" in said
    assert "for 3 days, so that I can" in said


def test_address_leads_on_to_its_analysis(
    visitor: Client, owner: User, sent: list[int], balance: Balance
) -> None:
    row = made(ask(visitor, f"  {URL} "))
    assert (row.owner, row.visitor, row.source_url, row.status) == (owner, "", URL, "queued")
    assert sent == [row.pk]
    assert balance() == 4


def test_file_leads_on_to_its_analysis(visitor: Client, sent: list[int]) -> None:
    row = made(send(visitor, b"video bytes"))
    assert (row.source_type, row.title) == ("file", "holiday.mp4")
    assert upload_of(row.public_id).read_bytes() == b"video bytes"


def test_of_a_file_and_an_address_the_file_is_taken(visitor: Client, sent: list[int]) -> None:
    assert made(send(visitor, url=URL)).source_type == "file"


def test_script_is_told_where_to_go(visitor: Client, sent: list[int]) -> None:
    response = send(visitor, headers=FRAGMENT)
    assert response.status_code == 201
    assert response["Location"] == f"/detect/{Analysis.objects.get().public_id}"


def test_form_that_is_sent_twice_is_one_analysis(visitor: Client, sent: list[int], balance: Balance) -> None:
    once = visitor.get("/detect").context["once"]
    first, second = (made(send(visitor, once=once)) for _ in range(2))
    assert first == second
    assert made(send(visitor, b"video, another", once=once)) != first
    assert made(visitor.post("/detect", {"url": URL, "once": once})) != first
    assert balance() == 2
    assert len(sent) == 3


@pytest.mark.parametrize(
    ("fields", "status", "title"),
    [
        ({}, 400, "No video yet"),
        ({"url": "   "}, 400, "No video yet"),
        ({"url": "ftp://videos.example/a.mp4"}, 400, "This address is not one of a video"),
        ({"url": "https://me:secret@videos.example/"}, 400, "This address is not one of a video"),
        ({"url": "http://" + "a" * 5000}, 400, "This address is not one of a video"),
    ],
)
@pytest.mark.parametrize("headers", [{}, FRAGMENT])
def test_what_is_no_video_is_refused_in_words_and_costs_nothing(
    visitor: Client, sent: list[int], balance: Balance, fields: dict[str, str], status: int, title: str,
    headers: dict[str, str],
) -> None:  # fmt: skip
    response = visitor.post("/detect", fields, headers=headers)
    assert response.status_code == status
    assert title in text_of(response)
    assert ("<html" in response.content.decode()) == (not headers)
    assert (Admission.objects.count(), balance(), sent) == (0, 5, [])


def test_empty_file_is_refused(visitor: Client, sent: list[int], balance: Balance) -> None:
    response = send(visitor, b"")
    assert response.status_code == 400
    assert "This file is empty" in text_of(response)
    assert balance() == 5


def test_file_that_is_too_large_is_refused(visitor: Client, settings: Settings, own_data_dir: Path) -> None:
    settings.MAX_BODY_BYTES = 1024 * 1024
    response = send(visitor, b"x" * (1024 * 1024 + 1))
    assert response.status_code == 413
    assert "Files may have up to 1 MB" in text_of(response)
    assert not Admission.objects.exists()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n"),
        ("application/x-www-form-urlencoded", b"url=%ff&" + b"a=1&" * 3000),
    ],
)
def test_body_that_cannot_be_read_is_refused_in_words(
    visitor: Client, content_type: str, body: bytes
) -> None:
    response = visitor.generic("POST", "/detect", body, content_type=content_type)
    assert response.status_code == 400
    assert "Is it real?" in text_of(response)
    assert not Admission.objects.exists()


def test_forged_form_is_refused(owner: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert ask(strict).status_code == 403
    assert not Analysis.objects.exists()


def test_foreign_page_cannot_spend_a_users_credits(
    visitor: Client, sent: list[int], balance: Balance
) -> None:
    response = ask(visitor, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
    assert "This request came from another site" in text_of(response)
    assert (balance(), sent) == (5, [])


# --- who may


def test_guest_who_may_not_is_shown_the_way_in(client: Client) -> None:
    response = client.get("/detect")
    assert response.status_code == 200
    assert "Analyses need an account" in text_of(response)
    page = response.content.decode()
    assert 'href="/account/login' in page or 'href="/accounts/login' in page
    assert 'id="ask"' not in page


def test_guest_who_may_not_is_refused(client: Client, sent: list[int]) -> None:
    response = ask(client)
    assert response.status_code == 403
    assert "Analyses need an account" in text_of(response)
    assert sent == []


def test_guests_analyses_are_counted_by_day(guest: Client, sent: list[int]) -> None:
    assert "3 of 3 analyses a day are left." in text_of(guest.get("/detect"))
    for _ in range(3):
        made(ask(guest))
    said = text_of(guest.get("/detect"))
    assert "Today’s analyses are used up You can try again in" in said
    response = ask(Client())
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert "Sign in for more" in text_of(response)
    assert len(sent) == 3


def test_guest_cannot_fill_the_queue_with_sessions(
    guest: Client, sent: list[int], settings: Settings
) -> None:
    settings.DEEPFAKE_OPEN_PER_CALLER = 2
    assert [ask(Client()).status_code for _ in range(3)] == [303, 303, 429]
    assert Admission.objects.count() == 2


def test_user_without_credits_is_led_to_the_prices(visitor: Client, owner: User, sent: list[int]) -> None:
    set_policy("analysis", "pro", cost=6)
    for response in (visitor.get("/detect"), ask(visitor)):
        assert "Your credits do not suffice" in text_of(response)
        assert 'href="/pricing"' in response.content.decode()
    assert response.status_code == 402
    assert (balance_of(user_id=owner.pk), sent) == (5, [])


def test_free_credits_and_their_return_are_told(visitor: Client, owner: User, sent: list[int]) -> None:
    set_policy("analysis", "pro", cost=6, free_credits=7)
    assert "7 free credits are left today." in text_of(visitor.get("/detect"))
    made(ask(visitor))
    response = ask(visitor)
    assert "New free credits come in" in text_of(response)
    assert 'data-text="Nothing was charged. New free credits come in {time}.' in response.content.decode()


def test_too_many_open_analyses_lead_to_the_list(
    visitor: Client, sent: list[int], settings: Settings, balance: Balance
) -> None:
    settings.DEEPFAKE_OPEN_PER_CALLER = 1
    made(ask(visitor))
    response = ask(visitor)
    assert response.status_code == 429
    assert "Too many of your analyses are waiting" in text_of(response)
    assert 'href="/detect/history"' in response.content.decode()
    assert balance() == 4


def test_full_queue_is_told(visitor: Client, sent: list[int], settings: Settings, balance: Balance) -> None:
    settings.DEEPFAKE_QUEUE_LENGTH = 1
    made(ask(visitor))
    response = ask(visitor)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert balance() == 4


# --- without a model


@pytest.mark.parametrize("harm", ["missing", "damaged", "a file missing", "a file altered"])
def test_without_a_model_the_page_says_so(
    visitor: Client, sent: list[int], balance: Balance, harm: str
) -> None:
    assert visitor.get("/detect").status_code == 200
    folder = runtime.models_dir() / "bright"
    match harm:
        case "missing":
            runtime.active_file().write_text("nothing")
        case "damaged":
            (folder / "manifest.json").write_text("{")
        case "a file missing":
            (folder / "video.onnx").unlink()
        case "a file altered":
            (folder / "video.onnx").write_bytes(b"other")
    for response in (visitor.get("/detect"), ask(visitor), ask(visitor, headers=FRAGMENT)):
        assert response.status_code == 503
        assert "The detector is out of order" in text_of(response)
        assert not re.search(r"manifest|video\.onnx", text_of(response))
    assert (balance(), sent) == (5, [])


def test_cache_that_is_down_charges_nobody(
    visitor: Client, sent: list[int], settings: Settings, balance: Balance
) -> None:
    set_policy("analysis", "pro", rate=5)
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
            "OPTIONS": {"socket_connect_timeout": 1},
        }
    }
    assert visitor.get("/detect").status_code == 200
    response = ask(visitor)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert (balance(), sent) == (5, [])
