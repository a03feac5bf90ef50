"""How clients of the whatanimeisthis API ask."""

from __future__ import annotations

import json
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.contracts.telling import assert_tells_nothing_internal

PATH = "/api/anime/search"


def upload(
    client: Client, picture: bytes, *, name: str = "shot.jpg", kind: str = "image/jpeg", **fields: Any
) -> Any:
    return client.post(PATH, {"image": SimpleUploadedFile(name, picture, kind), **fields})


def by_url(client: Client, url: str) -> Any:
    return client.post(PATH, {"url": url}, content_type="application/json")


def refusal(response: Any, status: int) -> str:
    """The code of an error; its body is of the one shape that errors have here."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    body = json.loads(response.content)
    assert set(body) - {"retryAfter", "resetAt"} == {"error", "code"}
    assert isinstance(body["error"], str)
    assert body["error"].endswith(".")
    assert_tells_nothing_internal(response.content.decode())
    code: str = body["code"]
    assert code == code.upper()
    return code


def search(client: Client, picture: bytes = b"picture", **more: Any) -> Any:
    return client.post(PATH, {"image": SimpleUploadedFile("a.png", picture)}, **more)


def by_key(key: str, picture: bytes = b"picture", scheme: str = "Bearer", **headers: str) -> Any:
    return search(Client(), picture, headers={"Authorization": f"{scheme} {key}", **headers})


def credits_of(client: Client) -> dict[str, Any]:
    response = client.get("/api/user/anime-credits")
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body
