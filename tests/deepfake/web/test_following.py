"""An analysis's own page until its verdict, what can be done with it, and who may see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from core import clock
from deepfake import keepsakes
from deepfake.download.limits import DownloadLimits
from deepfake.download.trouble import Trouble, error_of
from deepfake.engine.verdict import FramePicture
from deepfake.errors import AnalysisCancelled, DownloadFailed, VideoUnreadable
from deepfake.files import upload_of
from deepfake.jobs import claim_analysis, renew_lease, withdraw_analysis
from deepfake.models import Analysis
from deepfake.runtime import _SENTENCES
from deepfake.web.failures import SENTENCES
from deepfake.web.requests import FRAGMENT_HEADER
from tests.deepfake.conftest import MakeAnalysis
from tests.deepfake.seams import FakeDetector, FakeDownloader
from tests.deepfake.web.asking import FRAGMENT, URL, ask, made, send, text_of

pytestmark = pytest.mark.django_db

Balance = Callable[[], int]
PICTURES = (FramePicture(b"plain 0", b"heat 0"), FramePicture(b"plain 1"))


def page_of(client: Client, row: Analysis, **more: Any) -> Any:
    return client.get(f"/detect/{row.public_id}", **more)


def act(client: Client, row: Analysis, what: str, **fields: str) -> Any:
    return client.post(f"/detect/{row.public_id}/{what}", fields)


# --- progress


def test_stages_are_told_one_after_the_other(visitor: Client, sent: list[int]) -> None:
    row = made(ask(visitor))
    response = page_of(visitor, row)
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in response.content.decode()
    assert [step.state for step in response.context["progress"].steps] == ["now", *["ahead"] * 4]
    claimed = claim_analysis(analysis_id=row.pk)
    assert claimed is not None
    for number, (stage, label) in enumerate(
        [
            ("download", "Fetching the video"),
            ("decode", "Looking over the video"),
            ("faces", "Looking for faces"),
            ("model", "Judging the frames"),
        ],
        start=1,
    ):
        renew_lease(analysis=claimed, stage=stage, share=0.25)
        response = page_of(visitor, row, headers=FRAGMENT)
        assert response[FRAGMENT_HEADER] == "open"
        assert "<html" not in response.content.decode()
        steps = response.context["progress"].steps
        assert [step.state for step in steps] == ["done"] * number + ["now"] + ["ahead"] * (4 - number)
        assert (steps[number].label, steps[number].share) == (label, 25)
        assert 'value="25"' in response.content.decode()


def test_file_is_not_downloaded(visitor: Client, sent: list[int]) -> None:
    steps = page_of(visitor, made(send(visitor))).context["progress"].steps
    assert [step.label for step in steps][1] == "Looking over the video"


def test_place_in_the_queue_is_told(visitor: Client, sent: list[int], make_analysis: MakeAnalysis) -> None:
    make_analysis(status="running", owner=None)
    make_analysis(status="done", owner=None)
    assert "1 analysis is before this one." in text_of(page_of(visitor, made(ask(visitor))))


def test_script_is_told_of_the_end(visitor: Client, make_analysis: MakeAnalysis) -> None:
    for status in ("done", "failed", "cancelled"):
        response = page_of(visitor, make_analysis(status=status), headers=FRAGMENT)
        assert (response[FRAGMENT_HEADER], response.content) == ("ended", b"")


def test_open_analysis_is_cancelled_and_refunded(
    visitor: Client, sent: list[int], balance: Balance,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    row = made(send(visitor, keep="yes"))
    assert balance() == 4
    with django_capture_on_commit_callbacks(execute=True):
        response = act(visitor, row, "cancel")
    assert response.status_code == 302
    said = text_of(page_of(visitor, row))
    assert "The analysis was cancelled" in said
    assert "Nothing was charged for it." in said
    assert balance() == 5
    assert not upload_of(row.public_id).exists()
    assert keepsakes.video_of(row.public_id) is None


@pytest.mark.parametrize("what", ["cancel", "delete", "again", "forget-file"])
def test_following_the_address_of_an_action_does_nothing(
    visitor: Client, make_analysis: MakeAnalysis, what: str
) -> None:
    row = make_analysis(status="done")
    response = visitor.get(f"/detect/{row.public_id}/{what}")
    assert response["Location"] == f"/detect/{row.public_id}"
    assert Analysis.objects.filter(pk=row.pk).exists()


# --- no verdict


def test_failed_download_says_why_and_is_refunded(
    visitor: Client, carried_out: None, downloader: FakeDownloader, balance: Balance
) -> None:
    downloader.error = DownloadFailed("This video is private: only people whom its owner has let in can see it.", reason="private")  # fmt: skip
    said = text_of(page_of(visitor, made(ask(visitor))))
    assert "The video could not be fetched" in said
    assert "This video is private" in said
    assert "Nothing was charged for it." in said
    assert "Try again" in said
    assert balance() == 5


@pytest.mark.parametrize(
    ("reason", "words"), [("too_long", "at most 15 minutes"), ("too_large", "at most 200 MB")]
)
def test_limits_of_downloads_are_told(
    visitor: Client, make_analysis: MakeAnalysis, reason: str, words: str
) -> None:
    row = make_analysis(
        status="failed", error_code="DOWNLOAD_FAILED", error_reason=reason, error_message="whatever"
    )
    said = text_of(page_of(visitor, row))
    assert words in said
    assert "Try again" not in said


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("TIMED_OUT", "The analysis took too long"),
        ("DETECTOR_UNAVAILABLE", "The detector is out of order"),
        ("INTERNAL_ERROR", "Something went wrong on our side"),
        ("UNAVAILABLE", "Something went wrong on our side"),
    ],
)
def test_every_failure_has_its_words(
    visitor: Client, make_analysis: MakeAnalysis, code: str, title: str
) -> None:
    row = make_analysis(status="failed", error_code=code, error_message="A sentence.")
    assert title in text_of(page_of(visitor, row))


def test_file_that_is_no_video_is_told(visitor: Client, carried_out: None, balance: Balance) -> None:
    said = text_of(page_of(visitor, made(send(visitor, b"no such thing"))))
    assert "The video could not be read" in said
    assert "The file is not a video that can be read." in said
    assert balance() == 5


def test_staff_who_cancelled_are_named(visitor: Client, make_analysis: MakeAnalysis) -> None:
    row = make_analysis()
    withdraw_analysis(
        analysis=row, error=AnalysisCancelled("The analysis was cancelled by the staff of this site.")
    )
    assert "by the staff of this site" in text_of(page_of(visitor, row))


def test_sentences_of_the_services_are_known_to_translators() -> None:
    limits = DownloadLimits(max_bytes=1, max_duration_s=1, timeout_s=1, extractors=())
    numbered = {Trouble.TOO_LONG, Trouble.TOO_LARGE}
    told = {error_of(trouble, limits).message for trouble in Trouble if trouble not in numbered}
    told |= {*_SENTENCES.values(), VideoUnreadable.default_message, DownloadFailed.default_message}
    assert told <= set(SENTENCES)


# --- whose it is


def test_unknown_analysis_and_anothers_are_the_same_page(
    visitor: Client, make_analysis: MakeAnalysis, guest: Client
) -> None:
    eve = User.objects.create_user("eve@example.com", "x")
    row = make_analysis(status="done", owner=eve)
    keepsakes.keep_pictures(public_id=row.public_id, pictures=PICTURES)
    for client in (visitor, guest, Client()):
        for path in (
            f"/detect/{row.public_id}",
            "/detect/0123456789ab",
            "/detect/x",
            "/detect/%00",
            "/detect/history2",
        ):
            response = client.get(path)
            assert response.status_code == 404
            assert "There is no such page" in text_of(response)
        for path in (f"/detect/{row.public_id}.json", f"/detect/{row.public_id}/frames/0.jpg",
                     f"/detect/{row.public_id}/heat/0.jpg"):  # fmt: skip
            assert client.get(path).status_code == 404
        for what in ("cancel", "delete", "again", "forget-file"):
            assert act(client, row, what).status_code == 404
    assert Analysis.objects.filter(pk=row.pk).exists()


def test_guests_analysis_belongs_to_the_browser(guest: Client, sent: list[int]) -> None:
    row = made(ask(guest))
    assert (row.owner, len(row.visitor)) == (None, 64)
    assert row.visitor not in json.dumps(dict(guest.session))
    assert page_of(guest, row).status_code == 200
    assert page_of(Client(), row).status_code == 404
    assert row.public_id in guest.get("/detect/history").content.decode()
    assert row.public_id not in Client().get("/detect/history").content.decode()


def test_guests_analysis_stays_when_they_sign_in_and_goes_when_they_sign_out(
    guest: Client, owner: User, sent: list[int]
) -> None:
    row = made(ask(guest))
    guest.force_login(owner)
    assert page_of(guest, row).status_code == 200
    own = made(ask(guest))
    assert (own.owner, own.visitor) == (owner, "")
    guest.logout()
    assert page_of(guest, row).status_code == 404


def test_guest_may_cancel_their_own(guest: Client, sent: list[int]) -> None:
    row = made(ask(guest))
    act(guest, row, "cancel")
    row.refresh_from_db()
    assert row.status == "cancelled"
    assert "3 of 3 analyses a day are left." in text_of(guest.get("/detect"))


# --- what stays, and goes


def test_pictures_are_for_the_owner_and_go_with_the_analysis(
    visitor: Client, make_analysis: MakeAnalysis, own_data_dir: Path
) -> None:
    row = make_analysis(status="done")
    keepsakes.keep_pictures(public_id=row.public_id, pictures=PICTURES)
    response = visitor.get(f"/detect/{row.public_id}/frames/0.jpg")
    assert (response.content, response["Content-Type"]) == (b"plain 0", "image/jpeg")
    assert "private" in response["Cache-Control"]
    assert visitor.get(f"/detect/{row.public_id}/heat/0.jpg").content == b"heat 0"
    assert visitor.get(f"/detect/{row.public_id}/heat/1.jpg").status_code == 404
    assert visitor.get(f"/detect/{row.public_id}/frames/2.jpg").status_code == 404
    response = act(visitor, row, "delete")
    assert response["Location"] == "/detect/history"
    assert "The analysis was deleted" in text_of(visitor.get("/detect/history"))
    assert not list(own_data_dir.rglob("*.jpg"))
    assert visitor.get(f"/detect/{row.public_id}/frames/0.jpg").status_code == 404


def test_file_is_gone_after_the_analysis(
    visitor: Client, carried_out: None, own_data_dir: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        row = made(send(visitor, b"video that is secret"))
    assert row.status == "done"
    assert not [each for each in own_data_dir.rglob("*") if each.is_file() and b"secret" in each.read_bytes()]
    said = text_of(page_of(visitor, row))
    assert "The file was deleted when the analysis ended." in said
    assert "Analyse it again" not in said
    assert act(visitor, row, "again").status_code == 410


def test_kept_file_is_analysed_again_and_forgotten_when_its_owner_wants(
    visitor: Client, carried_out: None, detector: FakeDetector, balance: Balance,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        row = made(send(visitor, b"video of mine", keep="yes"))
    assert not upload_of(row.public_id).exists()
    response = page_of(visitor, row)
    assert "Your file is kept, as you asked. It is deleted 30 days after the analysis." in text_of(response)
    once = response.context["once"]
    with django_capture_on_commit_callbacks(execute=True):
        targets = {act(visitor, row, "again", once=once)["Location"] for _ in range(2)}
    assert len(targets) == 1
    again = Analysis.objects.get(public_id=targets.pop().rpartition("/")[2])
    assert (again.status, again.title, again.keeps_file) == ("done", "holiday.mp4", False)
    assert [content for _, content in detector.seen] == [b"video of mine"] * 2
    assert balance() == 3
    act(visitor, row, "forget-file")
    assert keepsakes.video_of(row.public_id) is None
    said = text_of(page_of(visitor, row))
    assert "The file was removed. The verdict stays." in said
    assert "The file was deleted when" in said


def test_list_shows_every_state_in_pages(
    visitor: Client, make_analysis: MakeAnalysis, settings: Settings
) -> None:
    now = clock.now()
    for number in range(18):
        make_analysis(status="done", created_at=now - timedelta(hours=number + 5))
    make_analysis(status="failed", error_code="INTERNAL_ERROR", created_at=now - timedelta(hours=2))
    make_analysis(status="running", title="A title", created_at=now - timedelta(hours=1))
    make_analysis(
        status="done", result="inconclusive", prob_fake=0.5, created_at=now, source_type="file", source_url=""
    )
    response = visitor.get("/detect/history")
    entries = response.context["entries"]
    assert [entry.words for entry in entries][:4] == [
        "Inconclusive", "Being worked on", "Something went wrong on our side", "Very likely real",
    ]  # fmt: skip
    assert [entry.label for entry in entries][:3] == ["A file", "A title", "https://videos.example/a.mp4"]
    assert len(entries) == 20
    assert len(visitor.get("/detect/history?page=2").context["entries"]) == 1
    assert visitor.get("/detect/history?page=nonsense").status_code == 200
    assert 'aria-current="page"' in response.content.decode()


def test_list_of_nobody_is_empty(client: Client) -> None:
    assert "Nothing was analysed yet." in text_of(client.get("/detect/history"))


def test_export_is_the_whole_verdict(visitor: Client, carried_out: None) -> None:
    row = made(ask(visitor, URL + "?token=abc"))
    response = visitor.get(f"/detect/{row.public_id}.json")
    assert response["Content-Disposition"] == f'attachment; filename="frameproof-{row.public_id}.json"'
    told = response.json()
    assert (told["result"], told["probability_fake"], told["probability_real"]) == (
        "ai_generated",
        0.945,
        0.055,
    )
    assert told["source"] == {"type": "url", "url": URL, "title": "A title"}
    assert told["evidence"]["frames"][0]["regions"][0]["weight"] == 0.7
    assert told["model"]["sha256"] == "c" * 64
    assert visitor.get(f"/detect/{made(ask(visitor)).public_id}.json").status_code == 200


def test_export_of_what_has_no_verdict_is_not_there(visitor: Client, make_analysis: MakeAnalysis) -> None:
    for status in ("queued", "failed"):
        assert visitor.get(f"/detect/{make_analysis(status=status).public_id}.json").status_code == 404
