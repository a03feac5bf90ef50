"""How clients of the old trace.moe API ask."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from django.test import Client

FORM = "application/x-www-form-urlencoded"


def post_json(client: Client, **fields: Any) -> Any:
    return client.post("/api/search", fields, content_type="application/json")


def post_raw(client: Client, body: bytes | str, content_type: str = FORM, **headers: Any) -> Any:
    return client.generic("POST", "/api/search", body, content_type=content_type, **headers)


def quoted(response: Any) -> str:
    """The sentence of an error: its body is one JSON string, in double quotes."""
    text = response.content.decode()
    assert text[0] == text[-1] == '"', text
    assert response["Content-Type"] == "application/json"
    assert response["Access-Control-Allow-Origin"] == "*"
    sentence = json.loads(text)
    assert isinstance(sentence, str)
    assert sentence
    return sentence


def spent(client: Client, address: str = "127.0.0.1") -> tuple[int, int]:
    """Searches that were counted against the minute and against the day, as ``/api/me`` says."""
    state = client.get("/api/me", REMOTE_ADDR=address).json()
    return state["user_limit"] - state["limit"], state["user_quota"] - state["quota"]


def thumbnail_path(doc: dict[str, Any], **changes: Any) -> str:
    """The address of a preview as the document builds it in JavaScript."""
    parts = {
        "anilist_id": doc["anilist_id"],
        "file": doc["filename"],
        "t": doc["at"],
        "token": doc["tokenthumb"],
        **changes,
    }
    return "/thumbnail.php?" + "&".join(
        f"{name}={encode_uri_component(value)}" for name, value in parts.items() if value is not None
    )


def encode_uri_component(value: object) -> str:
    """ECMA-262, 19.2.6.4."""
    return quote(str(value), safe="-_.!~*'()")
