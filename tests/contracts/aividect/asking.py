"""How clients of the aividect API ask for analyses."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.contracts.telling import assert_tells_nothing_internal

URL = "https://tiktok.com/@user/video/123"


def analyze(key: str, url: Any = URL, **headers: str) -> Any:
    """``POST /api/v1/analyze`` as the document's first example has it."""
    return Client().post(
        "/api/v1/analyze",
        {"url": url},
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}", **headers},
    )


def send_file(key: str, content: bytes, *, name: str = "clip.mp4", **headers: str) -> Any:
    """The same with a file."""
    return Client().post(
        "/api/v1/analyze",
        {"file": SimpleUploadedFile(name, content, "video/mp4")},
        headers={"Authorization": f"Bearer {key}", **headers},
    )


def get(key: str, path: str) -> Any:
    return Client().get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {key}"})


def delete(key: str, public_id: str) -> Any:
    return Client().delete(f"/api/v1/analysis/{public_id}", headers={"Authorization": f"Bearer {key}"})


def refusal(response: Any, status: int) -> str:
    """The code of an error; its body is of the document's one shape."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert list(body) == ["success", "error"]
    assert body["success"] is False
    assert list(body["error"]) == ["code", "message"]
    assert body["error"]["message"].endswith(".")
    assert_tells_nothing_internal(body["error"]["message"])
    return str(body["error"]["code"])
