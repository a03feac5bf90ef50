"""``POST /api/v1/analyze`` as the aividect document has it, with a worker and its queue, and the detector at its seam."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from credits.models import Admission, AdmissionStatus
from deepfake import services
from deepfake.engine.verdict import Result
from deepfake.errors import DetectorUnavailable, DownloadFailed, DownloadReason, VideoTooLong
from deepfake.models import Analysis, AnalysisStatus
from tests.contracts.aividect.asking import URL, analyze, delete, get, refusal, send_file
from tests.deepfake.seams import FakeDetector, FakeDownloader, verdict
from tests.rankings.crowd import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("own_data_dir", "workers"),
]

Balance = Callable[[], int]

DOCUMENTED = [
    "success", "analysis_id", "result", "confidence", "prob_fake", "prob_real", "model", "processing_time_ms",
    "credits_remaining", "created_at",
]  # fmt: skip


def files_left(data: Path) -> list[Path]:
    return [path for path in data.rglob("*") if path.is_file()]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_verdict_is_the_documented_body(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance
) -> None:
    response = analyze(owner_key)
    assert response.status_code == 200
    body = response.json()
    assert list(body) == [*DOCUMENTED, "evidence"]
    assert re.fullmatch(r"[0-9a-f]{12}", body["analysis_id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["created_at"])
    created = datetime.strptime(body["created_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - created).total_seconds()) < 30
    assert 0 <= body["processing_time_ms"] < 30_000
    told = {name: body[name] for name in DOCUMENTED if name not in ("analysis_id", "created_at")}
    del told["processing_time_ms"]
    assert told == {
        "success": True,
        "result": "ai_generated",
        "confidence": 94.5,
        "prob_fake": 0.945,
        "prob_real": 0.055,
        "model": {"name": "VideoEfficientAttn", "version": "epoch25_auc0.95"},
        "credits_remaining": 4,
    }
    assert balance() == 4
    assert downloader.asked == [URL]


def test_numbers_are_written_as_in_the_document(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader
) -> None:
    text = analyze(owner_key).content.decode()
    assert '"confidence": 94.5, "prob_fake": 0.945, "prob_real": 0.055,' in text


@pytest.mark.parametrize(
    ("result", "prob_fake", "told"),
    [
        (Result.AI_GENERATED, 0.99996, (100.0, 1.0, 0.0)),
        (Result.REAL, 0.0314, (96.9, 0.031, 0.969)),
        (Result.REAL, 0.0, (100.0, 0.0, 1.0)),
        (Result.INCONCLUSIVE, 0.5, (50.0, 0.5, 0.5)),
        (Result.INCONCLUSIVE, 0.4321, (56.8, 0.432, 0.568)),
        (Result.INCONCLUSIVE, 0.6, (60.0, 0.6, 0.4)),
    ],
)
def test_confidence_is_the_probability_of_the_result_that_is_told(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance,
    result: Result, prob_fake: float, told: tuple[float, float, float],
) -> None:  # fmt: skip
    detector.verdict = verdict(result, prob_fake)
    body = analyze(owner_key).json()
    assert (body["confidence"], body["prob_fake"], body["prob_real"]) == told
    assert body["prob_fake"] + body["prob_real"] == 1
    assert body["result"] == result
    # Undecided is an answer too.
    assert balance() == 4


def test_evidence_comes_last_and_says_what_the_verdict_stands_on(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader
) -> None:
    box = {"left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4}
    region = {"box": {"left": 0, "top": 0, "width": 0.5, "height": 0.5}, "weight": 0.7}
    assert analyze(owner_key).json()["evidence"] == {
        "manipulation": "face_manipulation",
        "frames": [
            {"at_s": 0.5, "prob_fake": 0.9, "weight": 0.6, "regions": [region]},
            {"at_s": 1.5, "prob_fake": 0.99, "weight": 0.4, "regions": []},
        ],
        "faces": [{"at_s": 0.5, "box": box, "score": 0.99, "prob_fake": 0.97}],
        "quality": ["heavily_compressed"],
        "provenance": [
            {
                "found_in": "metadata",
                "generator": "Sora",
                "is_generator": True,
                "detail": "encoder=Sora",
                "verified": None,
            }
        ],
        "looked_at": {"whole": True, "stretches": [{"from_s": 0.0, "to_s": 4.0}]},
        "video": {
            "width": 640, "height": 360, "fps": 25.0, "duration_s": 4.0, "codec": "h264", "container": "mp4",
            "bits_per_pixel": 0.1,
        },
        "model": {
            "name": "VideoEfficientAttn", "version": "epoch25_auc0.95", "sha256": "c" * 64,
            "metrics": {"auc": 0.95, "fpr": 0.05},
        },
    }  # fmt: skip


def test_analysis_counts_as_a_request_and_as_an_analysis(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader
) -> None:
    response = analyze(owner_key)
    assert response["RateLimit-Policy"] == '"day";q=100;w=86400'
    usage = get(owner_key, "usage").json()
    assert usage["usage"]["analyses_today"] == 1
    assert usage["limits"]["daily_api_used"] == 2
    assert usage["usage"]["credits_balance"] == 4


def test_file_is_analysed_and_gone(
    owner_key: str, detector: FakeDetector, own_data_dir: Path, balance: Balance
) -> None:
    body = send_file(owner_key, b"video" + bytes(300_000), name="../../a\\b.mp4").json()
    assert body["result"] == "ai_generated"
    path, content = detector.seen[0]
    assert content == b"video" + bytes(300_000)
    assert path.is_relative_to(own_data_dir)
    assert "b.mp4" not in path.name
    assert files_left(own_data_dir) == []
    assert balance() == 4
    told = get(owner_key, f"analysis/{body['analysis_id']}").json()["analysis"]
    assert (told["source_type"], told["source_url"]) == ("file", None)


def test_form_may_carry_the_address_as_well(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader
) -> None:
    for content_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
        options: dict[str, Any] = (
            {} if content_type.startswith("multipart") else {"content_type": content_type}
        )
        data: Any = {"url": URL} if not options else f"url={URL}"
        response = Client().post(
            "/api/v1/analyze", data, headers={"Authorization": f"Bearer {owner_key}"}, **options
        )
        assert response.status_code == 200
    assert downloader.asked == [URL, URL]


@pytest.mark.parametrize("reason", list(DownloadReason))
def test_failed_download_is_told_in_a_sentence_and_costs_nothing(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance, own_data_dir: Path,
    reason: DownloadReason,
) -> None:  # fmt: skip
    downloader.error = DownloadFailed("The video is private.", reason=reason)
    response = analyze(owner_key)
    assert refusal(response, 400) == "DOWNLOAD_FAILED"
    assert response.json()["error"]["message"] == "The video is private."
    assert balance() == 5
    assert Analysis.objects.get().error_reason == reason
    assert files_left(own_data_dir) == []


def test_video_of_which_only_the_beginning_came_is_judged_as_such(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader
) -> None:
    downloader.whole = False
    analyze(owner_key)
    downloader.whole = True
    analyze(owner_key)
    send_file(owner_key, b"video")
    assert detector.whole == [False, True, True]


def test_video_that_is_too_long_is_refused_alike_wherever_it_comes_from(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance, own_data_dir: Path
) -> None:
    sentence = "This video is too long: at most 15 minutes are taken."
    detector.error = VideoTooLong(sentence)
    sent, linked = send_file(owner_key, b"video"), analyze(owner_key, "https://videos.example/a.mp4")
    # What a site says of a video comes before its download.
    detector.error, downloader.error = None, DownloadFailed(sentence, reason=DownloadReason.TOO_LONG)
    of_site = analyze(owner_key)
    for response in (sent, linked, of_site):
        assert refusal(response, 400) == "DOWNLOAD_FAILED"
        assert response.json()["error"]["message"] == sentence
    assert list(Analysis.objects.order_by("id").values_list("error_code", "error_reason")) == [
        ("VIDEO_TOO_LONG", ""), ("DOWNLOAD_FAILED", "too_long"), ("DOWNLOAD_FAILED", "too_long"),
    ]  # fmt: skip
    assert balance() == 5
    assert files_left(own_data_dir) == []


def test_file_that_is_no_video_costs_nothing(
    owner_key: str, detector: FakeDetector, balance: Balance, own_data_dir: Path
) -> None:
    assert refusal(send_file(owner_key, b"hello"), 400) == "DOWNLOAD_FAILED"
    assert balance() == 5
    assert files_left(own_data_dir) == []


def test_without_a_model_that_is_whole_the_answer_is_503(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance
) -> None:
    detector.error = DetectorUnavailable()
    response = analyze(owner_key)
    assert refusal(response, 503) == "INTERNAL_ERROR"
    assert int(response["Retry-After"]) >= 1
    assert balance() == 5


def test_fault_of_ours_tells_nothing_and_is_refunded(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance
) -> None:
    detector.error = RuntimeError("/home/secret/model.onnx broke")
    response = analyze(owner_key)
    assert refusal(response, 500) == "INTERNAL_ERROR"
    assert balance() == 5
    told = get(owner_key, f"analysis/{Analysis.objects.get().public_id}").content.decode()
    assert "secret" not in told


def test_deadline_ends_the_wait_and_the_work_and_refunds(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance, settings: Settings,
    own_data_dir: Path,
) -> None:  # fmt: skip
    settings.DEEPFAKE_DEADLINE_S, detector.hold = 0.3, True
    started = time.monotonic()
    assert refusal(analyze(owner_key), 500) == "INTERNAL_ERROR"
    assert time.monotonic() - started < 3
    assert balance() == 5
    row = Analysis.objects.get()
    assert (row.status, row.error_code) == (AnalysisStatus.CANCELLED, "TIMED_OUT")
    assert detector.called_off.wait(3)
    wait_until(lambda: files_left(own_data_dir) == [])


def test_owner_cancels_a_request_that_waits(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance
) -> None:
    detector.hold = True

    def cancel() -> Any:
        assert detector.began.wait(10)
        return delete(owner_key, Analysis.objects.get().public_id)

    waited, cancelled = at_once([lambda: analyze(owner_key), cancel])
    assert cancelled.json()["analysis"]["status"] == "cancelled"
    assert refusal(waited, 409) == "CANCELLED"
    assert balance() == 5


def test_only_so_many_requests_wait_at_a_time(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(services, "_WAITING", threading.BoundedSemaphore(1))
    detector.hold = True

    def second() -> Any:
        assert detector.began.wait(10)
        try:
            return analyze(owner_key)
        finally:
            detector.release.set()

    first, refused = at_once([lambda: analyze(owner_key), second])
    assert first.status_code == 200
    assert refusal(refused, 503) == "INTERNAL_ERROR"
    assert refused["Retry-After"] == "15"
    assert balance() == 4


def test_repeated_request_is_answered_again_and_charged_once(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance
) -> None:
    first = analyze(owner_key, **{"Idempotency-Key": "one"}).json()
    again = analyze(owner_key, **{"Idempotency-Key": "one"}).json()
    assert again == first
    assert balance() == 4
    assert refusal(analyze(owner_key, "https://b.example/", **{"Idempotency-Key": "one"}), 422) == (
        "IDEMPOTENCY_KEY_REUSED"
    )
    assert refusal(analyze(owner_key, **{"Idempotency-Key": ""}), 400) == "INVALID_IDEMPOTENCY_KEY"
    assert len(downloader.asked) == 1


def test_repeated_file_is_known_by_its_content(
    owner_key: str, detector: FakeDetector, balance: Balance, own_data_dir: Path
) -> None:
    name = {"Idempotency-Key": "one"}
    first = send_file(owner_key, b"video one", **name).json()
    assert send_file(owner_key, b"video one", name="other.mp4", **name).json() == first
    assert refusal(send_file(owner_key, b"video two", **name), 422) == "IDEMPOTENCY_KEY_REUSED"
    assert [content for _, content in detector.seen] == [b"video one"]
    assert files_left(own_data_dir) == []
    assert balance() == 4


def test_many_of_one_name_at_once_are_one_analysis(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance
) -> None:
    responses = at_once([lambda: analyze(owner_key, **{"Idempotency-Key": "one"})] * 6)
    assert {response.status_code for response in responses} <= {200, 409}
    assert any(response.status_code == 200 for response in responses)
    assert Analysis.objects.count() == 1
    assert balance() == 4


def test_more_requests_than_credits_are_charged_to_the_last_credit(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance
) -> None:
    responses = at_once([lambda: analyze(owner_key)] * 8)
    codes = sorted(response.status_code for response in responses)
    assert codes == [200] * 5 + [402] * 3
    assert balance() == 0
    assert Admission.objects.filter(status=AdmissionStatus.SETTLED).count() == 5


def test_failed_request_can_be_repeated_under_its_name(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance
) -> None:
    downloader.error = DownloadFailed("The network is down.", reason="network")
    assert analyze(owner_key, **{"Idempotency-Key": "one"}).status_code == 400
    downloader.error = None
    assert analyze(owner_key, **{"Idempotency-Key": "one"}).status_code == 200
    assert balance() == 4


def test_async_request_is_followed_by_its_address(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance, owner: User
) -> None:
    detector.hold = True
    response = analyze(owner_key, Prefer="wait=5, Respond-Async; foo=1")
    assert response.status_code == 202
    assert response["Preference-Applied"] == "respond-async"
    body = response.json()
    assert body["success"] is True
    assert response["Location"] == body["status_url"]
    assert body["status_url"] == f"http://testserver/api/v1/analysis/{body['analysis_id']}"
    path = body["status_url"].partition("/api/v1/")[2]
    assert detector.began.wait(10)
    wait_until(lambda: Analysis.objects.get().stage == "model")
    told = get(owner_key, path).json()["analysis"]
    assert list(told)[:6] == ["id", "result", "confidence", "source_type", "source_url", "created_at"]
    assert (told["result"], told["confidence"], told["evidence"]) == (None, None, None)
    assert (told["status"], told["progress"]) == ("running", {"stage": "model", "share": 0.25})
    assert list(told)[-1] == "evidence"
    detector.release.set()
    wait_until(lambda: get(owner_key, path).json()["analysis"]["status"] == "done")
    told = get(owner_key, path).json()["analysis"]
    assert (told["result"], told["confidence"]) == ("ai_generated", 94.5)
    assert told["evidence"]["model"]["sha256"] == "c" * 64
    assert balance() == 4


def test_async_request_that_is_repeated_names_the_same_analysis(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance
) -> None:
    detector.hold = True
    names = {"Prefer": "respond-async", "Idempotency-Key": "one"}
    first = analyze(owner_key, **names).json()
    assert analyze(owner_key, **names).json()["analysis_id"] == first["analysis_id"]
    # Whoever wants to wait is told to come again.
    response = analyze(owner_key, **{"Idempotency-Key": "one"})
    assert refusal(response, 409) == "REQUEST_IN_PROGRESS"
    assert response["Retry-After"] == "2"
    detector.release.set()
    wait_until(lambda: Analysis.objects.get().status == "done")
    again = analyze(owner_key, **names)
    assert (again.status_code, again.json()["status"]) == (202, "done")
    assert analyze(owner_key, **{"Idempotency-Key": "one"}).json()["analysis_id"] == first["analysis_id"]
    assert balance() == 4


def test_running_analysis_is_cancelled_and_refunded_once(
    owner_key: str, detector: FakeDetector, balance: Balance, own_data_dir: Path
) -> None:
    detector.hold = True
    public_id = send_file(owner_key, b"video", Prefer="respond-async").json()["analysis_id"]
    assert detector.began.wait(10)
    assert balance() == 4
    assert delete(owner_key, public_id).json() == {
        "success": True,
        "analysis": {"id": public_id, "status": "cancelled"},
    }
    assert balance() == 5
    assert files_left(own_data_dir) == []
    assert detector.called_off.wait(3)
    told = get(owner_key, f"analysis/{public_id}").json()["analysis"]
    assert (told["status"], told["error"]["code"], told["result"]) == ("cancelled", "CANCELLED", None)
    assert balance() == 5
    assert delete(owner_key, public_id).json()["analysis"]["status"] == "deleted"
    assert refusal(get(owner_key, f"analysis/{public_id}"), 404) == "NOT_FOUND"


def test_so_many_analyses_of_one_caller_may_be_open(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance, settings: Settings
) -> None:
    settings.DEEPFAKE_OPEN_PER_CALLER, detector.hold = 2, True
    responses = at_once([lambda: analyze(owner_key, Prefer="respond-async")] * 5)
    assert sorted(response.status_code for response in responses) == [202, 202, 429, 429, 429]
    refused = next(response for response in responses if response.status_code == 429)
    assert refusal(refused, 429) == "RATE_LIMIT_EXCEEDED"
    assert refused["Retry-After"] == "15"
    assert balance() == 3


def test_so_many_analyses_may_be_open_in_all(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader, balance: Balance, settings: Settings
) -> None:
    settings.DEEPFAKE_QUEUE_LENGTH, detector.hold = 1, True
    assert analyze(owner_key, Prefer="respond-async").status_code == 202
    response = analyze(owner_key, Prefer="respond-async")
    assert refusal(response, 503) == "INTERNAL_ERROR"
    assert response["Retry-After"] == "15"
    assert balance() == 4


def test_json_is_plain_text_of_other_scripts(
    owner_key: str, detector: FakeDetector, downloader: FakeDownloader
) -> None:
    downloader.error = DownloadFailed("동영상이 비공개입니다.", reason="private")
    assert "동영상이" in analyze(owner_key).content.decode()
    assert json.loads(analyze(owner_key).content)["success"] is False
