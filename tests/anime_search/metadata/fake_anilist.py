"""AniList played by a local HTTP server, and a clock that only sleeping moves."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.anime_search.metadata.sample_rows import media, page


@dataclass
class Reply:
    """One scripted answer."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


TOO_MANY = {"data": None, "errors": [{"message": "Too Many Requests.", "status": 429}]}


class FakeAniList:
    """Gives what is scripted, in turn, and then what it knows.

    Attributes:
        known: id → Media.
        script: answers that come before honest ones; None stands for an honest one.
        page_size: most media in an answer.
        asked: the ids of every request.
        user_agents: of every request.
        queries: of every request.
    """

    def __init__(self) -> None:
        self.known: dict[int, dict[str, Any]] = {}
        self.script: deque[Reply | None] = deque()
        self.page_size = 50
        self.asked: list[list[int]] = []
        self.user_agents: list[str] = []
        self.queries: list[str] = []
        self.url = ""
        self._lock = threading.Lock()

    def know(self, *ids: int) -> None:
        self.known.update((anilist_id, media(anilist_id)) for anilist_id in ids)

    def answer(self, ids: list[int]) -> Reply:
        with self._lock:
            self.asked.append(ids)
            reply = self.script.popleft() if self.script else None
        if reply is not None:
            time.sleep(reply.delay_s)
            return reply
        found = [self.known[anilist_id] for anilist_id in ids if anilist_id in self.known]
        return Reply(body=page(*found[: self.page_size], has_next=len(found) > self.page_size))

    @contextmanager
    def served(self) -> Iterator[FakeAniList]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fake.user_agents.append(self.headers["User-Agent"])
                fake.queries.append(question["query"])
                reply = fake.answer(question["variables"]["ids"])
                content = reply.content()
                try:
                    self.send_response(reply.status)
                    for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(content)
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class FakeClock:
    """A clock that stands still until somebody sleeps.

    Attributes:
        naps: the seconds of every sleep.
    """

    def __init__(self) -> None:
        self.at = datetime.now(UTC)
        self.naps: list[float] = []

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.at += timedelta(seconds=seconds)
