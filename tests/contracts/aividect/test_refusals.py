"""Every row of the document's table of errors at ``POST /api/v1/analyze``, and what no row names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from kombu.exceptions import OperationalError
from pytest_django import Settings

from accounts.models import Tier, User
from accounts.tiers import set_tier
from apikeys.models import ApiKey, Revocation
from apikeys.services import revoke_keys
from core.errors import DomainError
from core.surfaces import render_error
from credits.ledger import revoke_credits
from credits.models import Admission
from deepfake.api.aividect.errors import ERRORS
from deepfake.models import Analysis
from deepfake.tasks import analyze as task
from tests.contracts.aividect.asking import URL, analyze, delete, get, refusal, send_file
from tests.contracts.test_error_tables import all_subclasses, example_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_data_dir")]

Balance = Callable[[], int]


def post(key: str, body: bytes | str, content_type: str = "application/json", **headers: str) -> Any:
    return Client().generic(
        "POST", "/api/v1/analyze", body, content_type=content_type,
        headers={"Authorization": f"Bearer {key}", **headers},
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_is_begun(balance: Balance, own_data_dir: Path) -> Any:
    """Whatever is refused costs nothing, makes no row and leaves no file."""
    before = balance()
    yield
    assert balance() in (before, 0)
    assert Analysis.objects.count() == 0
    assert Admission.objects.count() == 0
    assert [path for path in own_data_dir.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"url=x", b"\xff\xfe", b'{"url": "a"', b"[" * 100_000, b'{"a":' * 100_000, b"nul"]
)
def test_body_that_is_no_json_is_an_invalid_request(owner_key: str, body: bytes) -> None:
    if len(body) > 64 * 1024:
        body = body[: 60 * 1024]
    assert refusal(post(owner_key, body), 400) == "INVALID_REQUEST"


@pytest.mark.parametrize(
    "body", ["null", "1", '"https://a.example/"', "[]", '["https://a.example/"]', "true"]
)
def test_json_that_is_no_object_is_an_invalid_request(owner_key: str, body: str) -> None:
    assert refusal(post(owner_key, body), 400) == "INVALID_REQUEST"


@pytest.mark.parametrize(
    "body", ["{}", '{"url": null}', '{"url": ""}', '{"url": "  "}', '{"url": 5}', '{"url": ["a"]}', '{"URL": "a"}']
)  # fmt: skip
def test_without_an_address_the_parameter_is_missing(owner_key: str, body: str) -> None:
    assert refusal(post(owner_key, body), 400) == "MISSING_URL"


def test_form_without_an_address_or_a_file_lacks_it(owner_key: str) -> None:
    response = Client().post("/api/v1/analyze", {"a": "b"}, headers={"Authorization": f"Bearer {owner_key}"})
    assert refusal(response, 400) == "MISSING_URL"
    assert refusal(post(owner_key, "a=b", "application/x-www-form-urlencoded"), 400) == "MISSING_URL"


@pytest.mark.parametrize(
    "url",
    [
        "tiktok.com/@user/video/123",
        "ftp://videos.example/a.mp4",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https://user:secret@videos.example/a.mp4",
        "https://videos.example/a\\b",
        "https://videos.example:0/",
        "https://videos.example:99999/",
        "https://a\x00b.example/",
        "https://videos.example/\n",
        "https://0x7f.1/",
        "https://videos.example/" + "a" * 5000,
        "https://\udc80.example/",
        "http://[::1",
    ],
)
def test_address_that_is_none_cannot_be_downloaded(owner_key: str, url: str) -> None:
    if url.endswith("\n"):
        url += "x"
    assert refusal(analyze(owner_key, url), 400) == "DOWNLOAD_FAILED"


def test_multipart_that_is_broken_is_an_invalid_request(owner_key: str) -> None:
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
        response = post(owner_key, b"--y\r\n", content_type)
        assert refusal(response, 400) in ("INVALID_REQUEST", "MISSING_URL")


def test_empty_file_is_refused(owner_key: str) -> None:
    response = send_file(owner_key, b"")
    assert refusal(response, 400) == "DOWNLOAD_FAILED"
    assert response.json()["error"]["message"] == "The file is empty."


def test_too_large_a_file_is_refused(owner_key: str, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 1000
    assert refusal(send_file(owner_key, b"video" * 300), 413) == "INVALID_REQUEST"
    settings.MAX_BODY_BYTES = 5000
    monstrous = {"CONTENT_LENGTH": str(10**12)}
    response = Client().post(
        "/api/v1/analyze", {"a": "b"}, headers={"Authorization": f"Bearer {owner_key}"}, **monstrous
    )
    assert refusal(response, 413) == "INVALID_REQUEST"


def test_too_large_a_json_is_refused_before_it_is_read(owner_key: str) -> None:
    body = json.dumps({"url": URL, "a": "b" * 70_000})
    assert refusal(post(owner_key, body), 413) == "INVALID_REQUEST"


def test_without_credits_the_answer_is_the_documented_one(owner_key: str, owner: User) -> None:
    revoke_credits(user_id=owner.pk, amount=5, reason="x", actor="command")
    response = analyze(owner_key)
    assert refusal(response, 402) == "INSUFFICIENT_CREDITS"
    assert response.json() == {
        "success": False,
        "error": {
            "code": "INSUFFICIENT_CREDITS",
            "message": "No credits remaining. Please purchase more.",
        },
    }
    assert refusal(send_file(owner_key, b"video"), 402) == "INSUFFICIENT_CREDITS"


def test_without_credits_nothing_waits_for_a_worker(owner_key: str, owner: User) -> None:
    revoke_credits(user_id=owner.pk, amount=5, reason="x", actor="command")
    assert refusal(analyze(owner_key, Prefer="respond-async"), 402) == "INSUFFICIENT_CREDITS"


def test_day_of_requests_ends_with_the_documented_code(owner_key: str, owner: User) -> None:
    set_tier(user_ids=[owner.pk], tier=Tier.FREE)
    for _ in range(10):
        assert refusal(analyze(owner_key, "x"), 400) == "DOWNLOAD_FAILED"
    for response in (analyze(owner_key), get(owner_key, "analyses"), delete(owner_key, "a" * 12)):
        assert refusal(response, 429) == "RATE_LIMIT_EXCEEDED"
        assert int(response["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("method", "path"), [("post", "analyze"), ("get", "analyses"), ("get", "analysis/a1b2c3d4e5f6"),
                         ("delete", "analysis/a1b2c3d4e5f6")],
)  # fmt: skip
def test_keys_are_asked_for_and_told_apart(owner_key: str, method: str, path: str) -> None:
    ask = getattr(Client(), method)
    response = ask(f"/api/v1/{path}")
    assert refusal(response, 401) == "MISSING_AUTH"
    assert response["WWW-Authenticate"] == "Bearer"
    wrong = owner_key[:-1] + ("a" if owner_key[-1] != "a" else "b")
    assert refusal(ask(f"/api/v1/{path}", headers={"Authorization": f"Bearer {wrong}"}), 401) == "INVALID_KEY"
    revoke_keys(keys=ApiKey.objects.values_list("pk", flat=True), by=Revocation.OWNER)
    response = ask(f"/api/v1/{path}", headers={"Authorization": f"Bearer {owner_key}"})
    assert refusal(response, 401) == "KEY_REVOKED"


def test_session_opens_nothing(owner: User, client: Client) -> None:
    client.force_login(owner)
    response = client.post("/api/v1/analyze", {"url": URL}, content_type="application/json")
    assert refusal(response, 401) == "MISSING_AUTH"


def test_other_methods_answer_in_the_dialect(owner_key: str) -> None:
    headers = {"Authorization": f"Bearer {owner_key}"}
    for path, allowed in (("analyze", "POST"), ("analyses", "GET"), ("analysis/a1b2c3d4e5f6", "GET, DELETE")):
        response = Client().put(f"/api/v1/{path}", headers=headers)
        assert refusal(response, 405) == "METHOD_NOT_ALLOWED"
        assert all(method in response["Allow"] for method in allowed.split(", "))


@pytest.mark.parametrize("path", ["analyze/", "analysis", "analysis/", "analysis/a/b", "analyses/"])
def test_addresses_that_are_none_answer_in_the_dialect(owner_key: str, path: str) -> None:
    assert refusal(get(owner_key, path), 404) == "NOT_FOUND"


def test_broker_that_is_away_is_503_and_costs_nothing(
    owner_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("redis.internal:6379 refused")

    monkeypatch.setattr(task, "delay", away)
    for response in (
        analyze(owner_key),
        send_file(owner_key, b"video"),
        analyze(owner_key, Prefer="respond-async"),
    ):
        assert refusal(response, 503) == "INTERNAL_ERROR"
        assert int(response["Retry-After"]) >= 1
    Admission.objects.filter(status="refunded").delete()


def test_every_error_of_the_project_is_told_in_the_documents_shape() -> None:
    for kind in all_subclasses(DomainError):
        response = render_error(ERRORS, example_of(kind))
        assert 400 <= response.status_code <= 503
        body = json.loads(response.content)
        assert list(body) == ["success", "error"]
        assert list(body["error"]) == ["code", "message"]


def test_every_documented_code_is_there_with_its_status() -> None:
    document = {
        ("INVALID_REQUEST", 400), ("MISSING_URL", 400), ("DOWNLOAD_FAILED", 400), ("MISSING_AUTH", 401),
        ("INVALID_KEY", 401), ("KEY_REVOKED", 401), ("INSUFFICIENT_CREDITS", 402), ("RATE_LIMIT_EXCEEDED", 429),
        ("INTERNAL_ERROR", 500),
    }  # fmt: skip
    told = set()
    for kind in all_subclasses(DomainError):
        response = render_error(ERRORS, example_of(kind))
        told.add((json.loads(response.content)["error"]["code"], response.status_code))
    assert document <= told
