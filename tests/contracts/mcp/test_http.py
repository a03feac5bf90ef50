"""The tools over streamable HTTP: who gets in, and as whom."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from accounts.models import User
from apikeys.models import ApiKey
from apikeys.services import create_key, revoke_key
from core.errors import Unavailable
from mcp_server.http import PATH, build_app
from tests.contracts.conftest import Library
from tests.contracts.telling import assert_tells_nothing_internal
from tests.deepfake.seams import FakeDetector

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_data_dir")]

PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}


def served(work: Callable[[httpx2.AsyncClient], Any], **headers: str) -> Any:
    """Do something with a client of the application in this process."""

    async def run() -> Any:
        app = build_app()
        transport = httpx2.ASGITransport(app)
        lifespan = app._app.router.lifespan_context(app._app)
        async with (
            lifespan,
            httpx2.AsyncClient(
                transport=transport, base_url="http://localhost", headers=headers, timeout=60
            ) as client,
        ):
            return await work(client)

    return anyio.run(run)


def asked(method: str = "POST", path: str = PATH, body: Any = PING, **headers: str) -> httpx2.Response:
    return served(lambda client: client.request(method, path, json=body, headers=HEADERS | headers))


def refusal(response: httpx2.Response, status: int) -> str:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert_tells_nothing_internal(error["message"])
    return str(error["code"])


def called(key: str, tool: str, mode: str = "auto", **arguments: Any) -> Any:
    async def call(client: httpx2.AsyncClient) -> Any:
        transport = streamable_http_client(f"http://localhost{PATH}", http_client=client)
        async with Client(transport, mode=mode) as session:
            return await session.call_tool(tool, arguments)

    return served(call, Authorization=f"Bearer {key}")


def test_nobody_gets_in_without_a_key() -> None:
    response = asked()
    assert refusal(response, 401) == "MISSING_AUTH"
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_wrong_and_revoked_keys_are_told_apart(owner: User, owner_key: str) -> None:
    assert refusal(asked(Authorization="Bearer ak_nobodys"), 401) == "INVALID_KEY"
    assert asked(Authorization=f"Bearer {owner_key}").status_code == 200
    revoke_key(user_id=owner.pk, key_id=ApiKey.objects.get().pk)
    assert refusal(asked(Authorization=f"Bearer {owner_key}"), 401) == "KEY_REVOKED"


def test_guessing_keys_is_slowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apikeys.authentication.WRONG_KEYS_RATE", "1/m")
    asked(Authorization="Bearer ak_one")
    response = asked(Authorization="Bearer ak_two")
    assert refusal(response, 429) == "RATE_LIMIT_EXCEEDED"
    assert 0 < int(response.headers["Retry-After"]) <= 60


def test_hosts_that_are_not_ours_are_refused(owner_key: str) -> None:
    response = asked(Authorization=f"Bearer {owner_key}", Host="rebound.example")
    assert refusal(response, 400) == "INVALID_HOST"


def test_other_paths_methods_and_sizes_are_refused(owner_key: str, settings: Any) -> None:
    key = {"Authorization": f"Bearer {owner_key}"}
    assert refusal(asked(path="/mcp/more", **key), 404) == "NOT_FOUND"
    response = asked("GET", **key)
    assert refusal(response, 405) == "METHOD_NOT_ALLOWED"
    assert response.headers["Allow"] == "POST"
    assert refusal(asked("DELETE", **key), 405) == "METHOD_NOT_ALLOWED"
    settings.MAX_BODY_BYTES = 20
    assert refusal(asked(**key), 413) == "BODY_TOO_LARGE"


def test_database_that_is_away_is_told(owner_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise Unavailable

    monkeypatch.setattr("apikeys.authentication.verify_key", fail)
    response = asked(Authorization=f"Bearer {owner_key}")
    assert refusal(response, 503) == "UNAVAILABLE"
    assert response.headers["Retry-After"] == "5"


def test_fault_of_ours_is_logged_and_not_told(
    owner_key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError("SECRET-word")

    monkeypatch.setattr("apikeys.authentication.verify_key", fail)
    assert refusal(asked(Authorization=f"Bearer {owner_key}"), 500) == "INTERNAL_ERROR"
    assert "SECRET-word" in caplog.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_scene_is_found_for_the_owner_of_the_key(
    owner_key: str, library: Library, encoded: str, mode: str
) -> None:
    result = called(owner_key, "search_scene", mode, image_base64=encoded)
    assert result.structured_content["matched"] is True
    other = create_key(user_id=User.objects.create_user("other@example.com", "x").pk, title="t")[1]
    left = [
        called(key, "my_limits", mode).structured_content["products"][0]["free_credits"]["remaining"]
        for key in (owner_key, other)
    ]
    assert left == [9, 10]


@pytest.mark.usefixtures("workers")
def test_video_is_judged(owner_key: str, detector: FakeDetector) -> None:
    video = base64.b64encode(b"video").decode()
    result = called(owner_key, "detect_video", video_base64=video)
    assert result.structured_content["result"] == "ai_generated"


@pytest.mark.parametrize("tool", ["search_scene", "detect_video"])
def test_files_of_the_server_s_machine_are_out_of_reach(owner_key: str, tool: str, tmp_path: Any) -> None:
    (tmp_path / "secret").write_bytes(b"video")
    result = called(owner_key, tool, path=str(tmp_path / "secret"))
    assert result.is_error
    assert result.structured_content["error"]["code"] == "INVALID_ARGUMENT"

    async def schema(client: httpx2.AsyncClient) -> Any:
        transport = streamable_http_client(f"http://localhost{PATH}", http_client=client)
        async with Client(transport) as session:
            return {each.name: each.input_schema for each in (await session.list_tools()).tools}

    told = served(schema, Authorization=f"Bearer {owner_key}")[tool]
    assert "path" not in told["properties"]
    assert "url" in told["properties"]
