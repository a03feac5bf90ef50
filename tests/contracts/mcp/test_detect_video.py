"""``detect_video`` and ``video_verdict``, with a worker and its queue, and the detector at its seam."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from accounts.models import User
from accounts.principal import Principal, PrincipalKind
from credits.ledger import grant_credits
from credits.policies import Product
from credits.services import snapshot
from deepfake.engine.verdict import Result
from deepfake.errors import DownloadFailed, DownloadReason
from deepfake.models import Analysis, AnalysisStatus
from tests.contracts.mcp.agent import Agent, words_of
from tests.deepfake.seams import FakeDetector, FakeDownloader, verdict

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_data_dir", "workers")]

URL = "https://tiktok.com/@user/video/123"
Balance = Callable[[], int]


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def requests_counted(principal: Principal) -> int:
    state = snapshot(principal=principal, product=Product.API_V1)
    assert state.quota is not None
    return state.quota.used


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_verdict_is_waited_for_with_progress(
    agent: Agent, principal: Principal, detector: FakeDetector, balance: Balance, tmp_path: Path, mode: str
) -> None:
    agent.mode = mode
    (tmp_path / "clip.mp4").write_bytes(b"video of mine")
    told = agent.told("detect_video", path=str(tmp_path / "clip.mp4"))
    assert (told["status"], told["result"], told["prob_fake"]) == ("done", "ai_generated", 0.945)
    assert (told["confidence_percent"], told["model"]) == (94.5, "VideoEfficientAttn epoch25_auc0.95")
    assert told["telling_frames"] == [{"at_s": 0.5, "prob_fake": 0.9}, {"at_s": 1.5, "prob_fake": 0.99}]
    assert told["marks_of_origin"] == ["Sora (metadata)"]
    assert agent.reported[0] == 0
    assert agent.reported[-1] == 100
    assert agent.reported == sorted(set(agent.reported))
    assert detector.seen[0][1] == b"video of mine"
    assert Analysis.objects.get().title == "clip.mp4"
    assert balance() == 4
    assert requests_counted(principal) == 1


@pytest.mark.parametrize(
    ("result", "prob_fake", "words"),
    [
        (Result.AI_GENERATED, 0.945, "The video is likely made or altered by AI (probability that it is AI-made: 94.5%"),
        (Result.REAL, 0.031, "The video is likely real (probability that it is AI-made: 3.1%"),
        (Result.INCONCLUSIVE, 0.5, "Inconclusive: neither real nor AI-made with enough certainty"),
    ],
)  # fmt: skip
def test_words_are_as_sure_as_the_verdict(
    agent: Agent, detector: FakeDetector, downloader: FakeDownloader, result: Result, prob_fake: float, words: str
) -> None:  # fmt: skip
    detector.verdict = verdict(result, prob_fake)
    said = words_of(agent.call("detect_video", url=URL))
    assert said.startswith(words)
    assert said.endswith("A detector's opinion is no proof.")
    assert downloader.asked == [URL]


def test_call_that_does_not_wait_gets_an_id_to_ask_for_later(
    agent: Agent, detector: FakeDetector, balance: Balance
) -> None:
    detector.hold = True
    begun = agent.told("detect_video", video_base64=encoded(b"video"), wait_s=0)
    assert begun["status"] in ("queued", "running")
    assert begun["result"] is None
    assert detector.began.wait(20)
    # The worker writes it down itself, once a second.
    Analysis.objects.update(stage="model", share=0.25)
    standing = agent.told("video_verdict", analysis_id=begun["analysis_id"], wait_s=0)
    assert (standing["status"], standing["stage"], standing["progress_percent"]) == ("running", "model", 81.2)
    detector.release.set()
    told = agent.told("video_verdict", analysis_id=begun["analysis_id"])
    assert (told["status"], told["result"]) == ("done", "ai_generated")
    assert balance() == 4


def test_call_that_is_given_up_is_cancelled_and_refunded(
    agent: Agent, detector: FakeDetector, balance: Balance
) -> None:
    detector.hold = True
    agent.call_and_cancel("detect_video", detector.began.is_set, video_base64=encoded(b"video"))
    assert detector.called_off.wait(20)
    assert Analysis.objects.get().status == AnalysisStatus.CANCELLED
    assert balance() == 5


def test_looking_on_can_be_given_up_without_ending_the_analysis(
    agent: Agent, detector: FakeDetector, balance: Balance
) -> None:
    detector.hold = True
    begun = agent.told("detect_video", video_base64=encoded(b"video"), wait_s=0)
    agent.call_and_cancel("video_verdict", detector.began.is_set, analysis_id=begun["analysis_id"])
    detector.release.set()
    assert agent.told("video_verdict", analysis_id=begun["analysis_id"])["status"] == "done"
    assert balance() == 4


def test_download_that_fails_is_told_and_refunded(
    agent: Agent, detector: FakeDetector, downloader: FakeDownloader, balance: Balance
) -> None:
    downloader.error = DownloadFailed("The video is private.", reason=DownloadReason.PRIVATE)
    result = agent.call("detect_video", url=URL)
    assert result.is_error
    assert words_of(result) == "The video is private. (DOWNLOAD_FAILED)"
    assert balance() == 5


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "MISSING_URL"),
        ({"url": URL, "video_base64": "AAAA"}, "INVALID_ARGUMENT"),
        ({"video_base64": "!"}, "INVALID_ARGUMENT"),
        ({"video_base64": encoded(b"text")}, "VIDEO_UNREADABLE"),
        ({"video_base64": "====", "wait_s": 0}, "INVALID_ARGUMENT"),
        ({"url": "http://127.0.0.1/a.mp4"}, "DOWNLOAD_FAILED"),
        ({"url": URL, "wait_s": -1}, "INVALID_ARGUMENT"),
        ({"path": "/nowhere.mp4"}, "FILE_UNREADABLE"),
    ],
)
def test_bad_input_is_named_and_costs_nothing(
    agent: Agent, detector: FakeDetector, balance: Balance, arguments: dict[str, object], code: str
) -> None:
    assert agent.refusal("detect_video", **arguments) == code
    assert balance() == 5


def test_file_beyond_the_limit_is_refused(
    agent: Agent, detector: FakeDetector, balance: Balance, tmp_path: Path, settings: object
) -> None:
    settings.MAX_BODY_BYTES = 10
    (tmp_path / "long.mp4").write_bytes(b"video of eleven")
    assert agent.refusal("detect_video", path=str(tmp_path / "long.mp4")) == "VIDEO_TOO_LARGE"
    assert balance() == 5


def test_named_request_is_charged_once(agent: Agent, detector: FakeDetector, balance: Balance) -> None:
    told = [
        agent.told("detect_video", video_base64=encoded(b"video"), idempotency_key="mine") for _ in range(2)
    ]
    assert told[0] == told[1]
    assert agent.refusal("detect_video", video_base64=encoded(b"video 2"), idempotency_key="mine") == (
        "IDEMPOTENCY_KEY_REUSED"
    )
    assert balance() == 4


def test_without_credits_nothing_is_analysed(detector: FakeDetector) -> None:
    poor = User.objects.create_user("poor@example.com", "x")
    agent = Agent(lambda ctx: Principal(kind=PrincipalKind.USER, user_id=poor.pk, tier="free"))
    assert agent.refusal("detect_video", video_base64=encoded(b"video")) == "INSUFFICIENT_CREDITS"
    assert not Analysis.objects.exists()


def test_requests_of_the_day_are_the_api_s(detector: FakeDetector) -> None:
    user = User.objects.create_user("busy@example.com", "x")
    grant_credits(user_id=user.pk, amount=20, reason="a test", actor="command")
    agent = Agent(lambda ctx: Principal(kind=PrincipalKind.USER, user_id=user.pk, tier="free"))
    for _ in range(10):
        assert agent.refusal("video_verdict", analysis_id="0" * 12) == "NOT_FOUND"
    assert agent.refusal("video_verdict", analysis_id="0" * 12) == "QUOTA_EXHAUSTED"
    assert agent.refusal("detect_video", video_base64=encoded(b"video")) == "QUOTA_EXHAUSTED"


def test_analysis_of_somebody_else_is_not_told(agent: Agent, detector: FakeDetector) -> None:
    begun = agent.told("detect_video", video_base64=encoded(b"video"))
    other = User.objects.create_user("other@example.com", "x")
    stranger = Agent(lambda ctx: Principal(kind=PrincipalKind.USER, user_id=other.pk, tier="free"))
    assert stranger.refusal("video_verdict", analysis_id=begun["analysis_id"]) == "NOT_FOUND"
