"""How clients of today's trace.moe API ask."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.clock import now
from tests.contracts.live import FILENAME
from tests.contracts.telling import assert_tells_nothing_internal

JPEG = "image/jpeg"
FORM = "application/x-www-form-urlencoded"


def post(
    client: Client, body: bytes | str = b"", content_type: str = JPEG, query: str = "", **more: Any
) -> Any:
    """A body as it is; ``query`` stands behind the question mark as it is, since flags may have no value."""
    return client.generic("POST", f"/search?{query}", body, content_type=content_type, **more)


def upload(
    client: Client,
    media: bytes,
    *,
    field: str = "image",
    name: str = "shot.jpg",
    kind: str = JPEG,
    query: str = "",
    **more: Any,
) -> Any:
    return client.post(f"/search?{query}", {field: SimpleUploadedFile(name, media, kind)}, **more)


def by_url(client: Client, url: str, query: str = "", **more: Any) -> Any:
    return client.get(f"/search?{urlencode({'url': url})}&{query}", **more)


def found(response: Any) -> dict[str, Any]:
    """The best result, which is the one indexed video."""
    assert response.status_code == 200, response.content
    best: dict[str, Any] = response.json()["result"][0]
    assert best["filename"] == FILENAME
    assert best["similarity"] > 0.87
    return best


def assert_framed(response: Any) -> None:
    """What every answer has: scripts of other sites may read it, and it says what is left of the rate window."""
    assert response["Access-Control-Allow-Origin"] == "*"
    for name in ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"):
        assert name in response["Access-Control-Expose-Headers"]
    limit, remaining = int(response["X-RateLimit-Limit"]), int(response["X-RateLimit-Remaining"])
    assert 0 <= remaining <= limit
    assert 0 <= int(response["X-RateLimit-Reset"]) - now().timestamp() <= 86_401
    assert not response.cookies


def refusal(response: Any, status: int, *, echoed: str = "") -> str:
    """The text of an error. ``echoed`` is what the caller sent and is told again."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    assert_framed(response)
    body = json.loads(response.content)
    assert set(body) == ({"error", "quota", "quotaUsed"} if status == 402 else {"error"})
    text = body["error"]
    assert isinstance(text, str)
    assert text
    assert_tells_nothing_internal(text.removesuffix(echoed) if echoed else text)
    return text


def used(client: Client, **more: Any) -> int:
    """Searches that were charged."""
    count: int = client.get("/me", **more).json()["quotaUsed"]
    return count
