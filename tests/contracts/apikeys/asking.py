"""How clients of ``/api/apikeys`` ask."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from tests.contracts.telling import assert_tells_nothing_internal

PATH = "/api/apikeys"
JSON = "application/json"


def post(client: Client, fields: dict[str, Any], *, path: str = PATH, **more: Any) -> Any:
    return client.generic("POST", path, json.dumps(fields), JSON, **more)


def refusal(response: Any, status: int) -> str:
    """The code of an error; its body is of the one shape that errors have here."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    body = json.loads(response.content)
    assert {"error", "code"} <= set(body) <= {"error", "code", "retryAfter", "resetAt"}
    assert body["error"].endswith(".")
    assert_tells_nothing_internal(response.content.decode())
    code: str = body["code"]
    return code


def made(response: Any) -> dict[str, Any]:
    assert response.status_code == 201, response.content
    assert response["Cache-Control"] == "no-store"
    body: dict[str, Any] = response.json()
    return body


def listed(client: Client, **query: object) -> dict[str, Any]:
    response = client.get(PATH, query)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body
