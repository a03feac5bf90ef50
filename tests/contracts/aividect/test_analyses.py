"""``GET /api/v1/analysis/{id}`` and ``GET /api/v1/analyses`` as the aividect document has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from apikeys.services import create_key
from core import clock
from tests.contracts.aividect.asking import delete, get, refusal
from tests.deepfake.conftest import MakeAnalysis
from tests.deepfake.seams import VERDICT

pytestmark = pytest.mark.django_db

AT = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


@pytest.fixture
def documented(make_analysis: MakeAnalysis) -> Any:
    """The analysis of the document's examples."""
    return make_analysis(
        public_id="a1b2c3d4e5f6", status="done", result="ai_generated", prob_fake=0.945,
        source_url="https://tiktok.com/...", created_at=AT, evidence=VERDICT.as_json(),
    )  # fmt: skip


@pytest.fixture
def stranger_key(db: None) -> str:
    user = User.objects.create_user("eve@example.com", "x", tier="enterprise")
    return create_key(user_id=user.pk, title="x")[1]


def test_analysis_is_the_documented_body(owner_key: str, documented: Any) -> None:
    response = get(owner_key, "analysis/a1b2c3d4e5f6")
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["success", "analysis"]
    assert body["success"] is True
    assert dict(list(body["analysis"].items())[:6]) == {
        "id": "a1b2c3d4e5f6",
        "result": "ai_generated",
        "confidence": 94.5,
        "source_type": "url",
        "source_url": "https://tiktok.com/...",
        "created_at": "2024-01-15T10:30:00Z",
    }
    assert list(body["analysis"])[6:] == ["status", "evidence"]
    assert body["analysis"]["status"] == "done"
    assert body["analysis"]["evidence"]["quality"] == ["heavily_compressed"]


@pytest.mark.parametrize("status", ["queued", "running"])
def test_open_analysis_has_its_progress_and_no_result(
    owner_key: str, make_analysis: MakeAnalysis, status: str
) -> None:
    row = make_analysis(status=status, stage="faces" if status == "running" else "", share=0.5)
    told = get(owner_key, f"analysis/{row.public_id}").json()["analysis"]
    assert (told["result"], told["confidence"], told["status"]) == (None, None, status)
    assert told["progress"] == {"stage": "faces" if status == "running" else None, "share": 0.5}
    assert told["evidence"] is None


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        ("DOWNLOAD_FAILED", "private", "DOWNLOAD_FAILED"),
        ("VIDEO_UNREADABLE", "", "DOWNLOAD_FAILED"),
        ("TIMED_OUT", "", "INTERNAL_ERROR"),
        ("DETECTOR_UNAVAILABLE", "", "INTERNAL_ERROR"),
        ("UNAVAILABLE", "", "INTERNAL_ERROR"),
        ("INTERNAL_ERROR", "", "INTERNAL_ERROR"),
        ("SOMETHING_FROM_ANOTHER_VERSION", "", "INTERNAL_ERROR"),
    ],
)
def test_failed_analysis_says_why_in_the_documents_codes(
    owner_key: str, make_analysis: MakeAnalysis, code: str, reason: str, told: str
) -> None:
    row = make_analysis(status="failed", error_code=code, error_reason=reason, error_message="A sentence.")
    body = get(owner_key, f"analysis/{row.public_id}").json()["analysis"]
    assert body["error"] == {"code": told, "message": "A sentence."}
    assert body["result"] is None


@pytest.mark.parametrize(
    "public_id", ["a1b2c3d4e5f7", "A1B2C3D4E5F6", "a1b2c3d4e5f", "x" * 5000, "%00", "..", "1", "a1b2c3d4e5f6%0a", "动"]
)  # fmt: skip
def test_unknown_analysis_is_not_found(owner_key: str, documented: Any, public_id: str) -> None:
    assert refusal(get(owner_key, f"analysis/{public_id}"), 404) == "NOT_FOUND"
    assert refusal(delete(owner_key, public_id), 404) == "NOT_FOUND"


def test_analysis_of_another_is_not_found_and_stays(
    stranger_key: str, owner_key: str, documented: Any
) -> None:
    assert refusal(get(stranger_key, "analysis/a1b2c3d4e5f6"), 404) == "NOT_FOUND"
    assert refusal(delete(stranger_key, "a1b2c3d4e5f6"), 404) == "NOT_FOUND"
    assert get(stranger_key, "analyses").json()["analyses"] == []
    assert get(owner_key, "analysis/a1b2c3d4e5f6").status_code == 200


def test_ended_analysis_is_deleted(owner_key: str, documented: Any) -> None:
    response = delete(owner_key, "a1b2c3d4e5f6")
    assert response.json() == {"success": True, "analysis": {"id": "a1b2c3d4e5f6", "status": "deleted"}}
    assert refusal(delete(owner_key, "a1b2c3d4e5f6"), 404) == "NOT_FOUND"


def test_list_has_the_documented_objects_newest_first(
    owner_key: str, documented: Any, make_analysis: MakeAnalysis
) -> None:
    newer = make_analysis(source_type="file", source_url="")
    body = get(owner_key, "analyses").json()
    assert list(body) == ["success", "analyses", "pagination"]
    assert [each["id"] for each in body["analyses"]] == [newer.public_id, "a1b2c3d4e5f6"]
    assert body["analyses"][1] == {
        "id": "a1b2c3d4e5f6",
        "result": "ai_generated",
        "confidence": 94.5,
        "source_type": "url",
        "source_url": "https://tiktok.com/...",
        "created_at": "2024-01-15T10:30:00Z",
        "status": "done",
    }
    assert body["analyses"][0]["source_url"] is None
    assert body["pagination"] == {"page": 1, "per_page": 20, "total": 2, "total_pages": 1}


def test_list_of_nobody_has_one_empty_page(owner_key: str) -> None:
    body = get(owner_key, "analyses").json()
    assert body["analyses"] == []
    assert body["pagination"] == {"page": 1, "per_page": 20, "total": 0, "total_pages": 1}


def test_pages_are_cut_as_asked(owner_key: str, make_analysis: MakeAnalysis) -> None:
    moment = clock.now()
    # Some of one moment: their order is the same on every page all the same.
    ids = [make_analysis(created_at=moment - timedelta(seconds=n // 2)).public_id for n in range(7)]
    seen = [
        each["id"]
        for page in (1, 2, 3)
        for each in get(owner_key, f"analyses?page={page}&per_page=3").json()["analyses"]
    ]
    assert sorted(seen) == sorted(ids)
    assert len(seen) == 7
    body = get(owner_key, "analyses?page=3&per_page=3").json()
    assert body["pagination"] == {"page": 3, "per_page": 3, "total": 7, "total_pages": 3}
    assert get(owner_key, "analyses?page=4&per_page=3").json()["analyses"] == []


@pytest.mark.parametrize(
    ("query", "page", "per_page"),
    [
        ("per_page=101", 1, 100),
        ("per_page=100", 1, 100),
        ("per_page=999999999999999999999999", 1, 100),
        ("per_page=0", 1, 1),
        ("per_page=-5", 1, 1),
        ("per_page=abc&page=x", 1, 20),
        ("per_page=&page=", 1, 20),
        ("per_page=%00&page=1.5", 1, 20),
        ("per_page=٣&page=1_0", 1, 20),
        ("page=0", 1, 20),
        ("page=-1", 1, 20),
        ("page=999999999", 100_000, 20),
        ("page=2&page=3", 3, 20),
    ],
)
def test_page_that_makes_no_sense_is_the_nearest_that_does(
    owner_key: str, query: str, page: int, per_page: int
) -> None:
    pagination = get(owner_key, f"analyses?{query}").json()["pagination"]
    assert (pagination["page"], pagination["per_page"]) == (page, per_page)


def test_list_is_as_many_queries_however_long(
    owner_key: str, make_analysis: MakeAnalysis, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # The day's first request makes its counter.
    get(owner_key, "analyses")
    make_analysis()
    with CaptureQueriesContext(connection) as one:
        get(owner_key, "analyses")
    for _ in range(10):
        make_analysis(status="done")
    with django_assert_num_queries(len(one)):
        get(owner_key, "analyses")


def test_answers_are_not_kept_by_caches(owner_key: str, documented: Any) -> None:
    for path in ("analyses", "analysis/a1b2c3d4e5f6"):
        assert get(owner_key, path)["Cache-Control"] == "no-store"


def test_head_is_get_without_a_body(owner_key: str, documented: Any) -> None:
    headers = {"Authorization": f"Bearer {owner_key}"}
    response = Client().head("/api/v1/analysis/a1b2c3d4e5f6", headers=headers)
    assert (response.status_code, response.content) == (200, b"")
