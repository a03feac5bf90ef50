"""When our client sends a request again, and what it then sends."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import frameproof
import httpx
import pytest
from frameproof import asynchronous, client
from frameproof.cli import main

FOUND = {"confident": False, "candidates": [], "searchedFrames": 1, "timingsMs": {}}
BUSY = {"error": "Busy.", "code": "UNAVAILABLE"}
LIMITED = {"error": "Too many.", "code": "RATE_LIMIT_EXCEEDED"}

Answer = httpx.Response | Exception


class Server:
    """Answers one after another what it was given; the last again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def refusing(status: int, body: Any = BUSY, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


FINE = httpx.Response(200, json=FOUND)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("time.sleep", waits.append)
    monkeypatch.setattr("asyncio.sleep", sleep)
    return waits


@pytest.fixture(params=["synchronous", "asynchronous"])
def ask(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Calls a method of one of both clients at a server: ``ask(server, "search", b"picture")``."""

    def synchronous(server: Server, method: str, *arguments: Any, **options: Any) -> Any:
        transport = httpx.MockTransport(server)
        with frameproof.Client("http://site.example", "ak_x", transport=transport, **options) as asker:
            return getattr(asker, method)(*arguments)

    def asynchronous(server: Server, method: str, *arguments: Any, **options: Any) -> Any:
        async def run() -> Any:
            transport = httpx.MockTransport(server)
            async with frameproof.AsyncClient(
                "http://site.example", "ak_x", transport=transport, **options
            ) as asker:
                return await getattr(asker, method)(*arguments)

        return asyncio.run(run())

    return synchronous if request.param == "synchronous" else asynchronous


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_not_now_is_tried_again_when_the_server_says(ask: Any, slept: list[float], status: int) -> None:
    server = Server(refusing(status, **{"Retry-After": "7"}), FINE)
    ask(server, "search", b"picture")
    assert slept == [7.0]


def test_repeated_request_is_the_same_under_the_same_name(
    ask: Any, slept: list[float], tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(b"picture")
    server = Server(httpx.ReadTimeout("slow"), refusing(503), FINE)
    ask(server, "search", tmp_path / "a.png")
    names = {request.headers["Idempotency-Key"] for request in server.requests}
    assert len(server.requests) == 3
    assert len(names) == 1
    assert all(b"picture" in request.content for request in server.requests)
    assert slept[0] < slept[1]


def test_each_call_has_a_name_of_its_own(ask: Any) -> None:
    server = Server(FINE)
    for _ in range(2):
        ask(server, "search", b"picture")
    assert len({request.headers["Idempotency-Key"] for request in server.requests}) == 2


def test_patience_ends(ask: Any, slept: list[float]) -> None:
    server = Server(refusing(503, **{"Retry-After": "1"}))
    with pytest.raises(frameproof.ServiceUnavailable) as refused:
        ask(server, "detect", "https://v.example/a.mp4")
    assert len(server.requests) == 3
    assert refused.value.retry_after_s == 1
    assert slept == [1.0, 1.0]


def test_wait_that_is_too_long_is_raised_at_once(ask: Any, slept: list[float]) -> None:
    server = Server(refusing(429, LIMITED, **{"Retry-After": "40000"}))
    with pytest.raises(frameproof.LimitExceeded) as refused:
        ask(server, "usage")
    assert (len(server.requests), slept, refused.value.retry_after_s) == (1, [], 40_000)


def test_impatient_client_tries_once(ask: Any, slept: list[float]) -> None:
    server = Server(refusing(503))
    with pytest.raises(frameproof.ServiceUnavailable):
        ask(server, "search", b"picture", retry=frameproof.RetryPolicy(attempts=1))
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [refusing(503), httpx.ReadTimeout("slow"), httpx.ReadError("broke")])
def test_what_has_no_name_and_changes_something_is_never_repeated(
    ask: Any, slept: list[float], answer: Answer
) -> None:
    server = Server(answer)
    with pytest.raises((frameproof.ServiceUnavailable, frameproof.ConnectionFailed)):
        ask(server, "dismiss", "a1b2c3d4e5f6")
    assert (server.requests[0].method, len(server.requests)) == ("DELETE", 1)
    assert "Idempotency-Key" not in server.requests[0].headers


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "IMAGE_UNDECODABLE"), (401, "INVALID_KEY"), (402, "INSUFFICIENT_CREDITS"), (404, "NOT_FOUND"),
     (409, "CANCELLED"), (422, "IDEMPOTENCY_KEY_REUSED"), (500, "INTERNAL_ERROR")],
)  # fmt: skip
def test_refusals_are_not_repeated(ask: Any, slept: list[float], status: int, code: str) -> None:
    server = Server(refusing(status, {"success": False, "error": {"code": code, "message": "No."}}))
    with pytest.raises(frameproof.ApiError) as refused:
        ask(server, "detect", b"video")
    assert (refused.value.status, refused.value.code, refused.value.message) == (status, code, "No.")
    assert (len(server.requests), slept) == (1, [])


def test_request_that_is_being_worked_on_is_asked_for_again(ask: Any, slept: list[float]) -> None:
    running = {"error": "Being worked on.", "code": "REQUEST_IN_PROGRESS"}
    server = Server(refusing(409, running, **{"Retry-After": "2"}), FINE)
    ask(server, "search", b"picture")
    assert slept == [2.0]


def test_server_that_is_away_is_named_without_the_library_s_words(ask: Any, slept: list[float]) -> None:
    with pytest.raises(frameproof.ConnectionFailed) as failed:
        ask(Server(httpx.ConnectError("[Errno 111] refused")), "usage")
    assert str(failed.value) == "http://site.example cannot be reached"


def test_redirects_are_not_followed_with_the_key(ask: Any) -> None:
    server = Server(httpx.Response(301, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(frameproof.UnexpectedAnswer, match=r"https://elsewhere\.example/"):
        ask(server, "usage")
    assert len(server.requests) == 1
    assert server.requests[0].headers["Authorization"] == "Bearer ak_x"


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(200, text="<html>"), httpx.Response(200, json=[]), httpx.Response(200, json={}),
     httpx.Response(200, json={**FOUND, "searchedFrames": "many"}), httpx.Response(200, json={**FOUND, "candidates": [3]})],
)  # fmt: skip
def test_answer_of_another_kind_of_server_is_named(ask: Any, answer: httpx.Response) -> None:
    with pytest.raises(frameproof.UnexpectedAnswer):
        ask(Server(answer), "search", b"picture")


def test_error_page_of_a_proxy_is_an_error_by_its_status(ask: Any, slept: list[float]) -> None:
    with pytest.raises(frameproof.ServiceUnavailable) as refused:
        ask(Server(httpx.Response(502, text="<html>bad gateway")), "usage")
    assert (refused.value.code, refused.value.status) == ("", 502)


def test_polling_gets_slower_and_gives_up_in_time(
    ask: Any, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"success": True, "analysis": {"id": "a1b2c3d4e5f6", "status": "running"}}
    server = Server(httpx.Response(200, json=body))
    monkeypatch.setattr("time.monotonic", lambda: sum(slept))
    with pytest.raises(frameproof.StillRunning) as told:
        ask(server, "wait_for", "a1b2c3d4e5f6")
    assert told.value.analysis_id == "a1b2c3d4e5f6"
    assert slept[:6] == [1, 2, 4, 8, 15, 15]
    assert sum(slept) == 600
    # A daily limit of 100 requests bears one such wait.
    assert len(server.requests) < 50


def test_ids_cannot_lead_elsewhere(ask: Any) -> None:
    server = Server(refusing(404, {"success": False, "error": {"code": "NOT_FOUND", "message": "No."}}))
    with pytest.raises(frameproof.NotFound):
        ask(server, "get_analysis", "../../admin?x=1#y")
    assert server.requests[0].url.raw_path == b"/api/v1/analysis/..%2F..%2Fadmin%3Fx%3D1%23y"


@pytest.mark.parametrize(("host", "key"), [("site.example", ""), ("http://a.example", "ak_ключ"), ("http://a.example", "a\nb")])  # fmt: skip
def test_host_and_key_that_are_none_are_refused(host: str, key: str) -> None:
    with pytest.raises(ValueError, match=r"host|key"):
        frameproof.Client(host, key)


def test_command_says_that_the_server_is_away(capsys: pytest.CaptureFixture[str], slept: list[float]) -> None:
    assert main(["search", "https://p.example/a.png", "--host", "http://127.0.0.1:9"]) == 6
    assert "http://127.0.0.1:9 cannot be reached" in capsys.readouterr().err


def test_both_clients_are_the_same_but_for_awaiting() -> None:
    """Word for word: what is mended in one is mended in the other."""

    def plain(module: Any) -> str:
        text = inspect.getsource(module)
        text = re.sub(r"\b(?:async|await) ", "", text)
        for ours, theirs in (
            ("AsyncClient", "Client"), ("AsyncBaseTransport", "BaseTransport"), ("__aenter__", "__enter__"),
            ("__aexit__", "__exit__"), ("aclose", "close"), ("asyncio.sleep", "time.sleep"), ("import asyncio\n", ""),
            ("an asynchronous context manager", "a context manager, safe to share between threads"),
        ):  # fmt: skip
            text = text.replace(ours, theirs)
        return re.sub(r"\s+|(?<=\()\s|,(?=\s*\))", "", text.split('"""', 2)[2])

    assert plain(asynchronous) == plain(client)
