"""``manage.py mcp``: the tools for agents, over standard input and output or over HTTP."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from core.commands import STOPPED
from core.errors import DomainError
from core.workers import EmbeddedWorkers
from mcp_server.callers import CallerOf, account_named, owner_of_key

#: Where the key of whoever starts the server is looked for; on the command line everybody on the machine would see it.
KEY_VARIABLE = "FRAMEPROOF_API_KEY"
#: Searches that are worked on at a time by the embedded profile.
SEARCH_THREADS = 2
#: Seconds that open calls have to end when the HTTP server stops.
DRAIN_S = 5


class Command(BaseCommand):
    help = (
        "Serve the tools search_scene, detect_video, video_verdict and my_limits to an MCP client over standard input "
        f"and output, on behalf of the owner of the key in {KEY_VARIABLE}, or of --user; with --http to anybody who "
        "shows an API key. Without REDIS_URL the Celery workers run in this process."
    )
    # They load every page and API, and a client waits for the server to start.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--user", metavar="EMAIL", help="act for this account; its limits and credits are used"
        )
        parser.add_argument("--http", action="store_true", help="serve streamable HTTP at /mcp instead")
        parser.add_argument("--host", default=settings.HOST, help="with --http")
        parser.add_argument("--port", type=int, default=8765, help="with --http (8765)")

    def handle(self, *args: Any, user: str | None, http: bool, host: str, port: int, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            caller_of = None if http else _caller(user)
            if http and user is not None:
                raise CommandError("with --http each request shows its own key; --user is for standard input")
            workers = EmbeddedWorkers(
                {"search": SEARCH_THREADS, "deepfake": settings.DEEPFAKE_WORKERS, "housekeeping": 1}
            )
            with workers:
                if caller_of is None:
                    self._serve_http(host, port)
                else:
                    _serve_stdio(caller_of)
        except DatabaseError as error:
            raise CommandError(
                "the database cannot be used; if it is new, run manage.py migrate first"
            ) from error
        except DomainError as error:
            raise CommandError(error.message) from error
        except KeyboardInterrupt:
            if http:
                raise CommandError("stopped", returncode=STOPPED) from None
            # A thread waits for the next line of standard input, and Python would wait for the thread.
            self.stderr.write("stopped")
            self.stderr.flush()
            os._exit(STOPPED)

    def _serve_http(self, host: str, port: int) -> None:
        import uvicorn

        from mcp_server.http import PATH, build_app

        # On standard error like all the rest: with standard input and output it would break the protocol.
        self.stderr.write(f"serving MCP on http://{host}:{port}{PATH} (stop with Ctrl-C)")
        uvicorn.run(
            build_app(),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            # Forwarded headers are read by core.client_ip.
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_S,
        )


def _caller(email: str | None) -> CallerOf:
    """Who calls over standard input: it must be somebody now, and is looked up again at each call.

    Raises:
        CommandError: nobody is named, or two are.
        ApiKeyInvalid, ApiKeyRevoked, CallerUnknown: it is nobody.
    """
    key = os.environ.get(KEY_VARIABLE, "")
    if email is not None and key:
        raise CommandError(f"give either --user or {KEY_VARIABLE}")
    if email is not None:
        account_named(email)
        return lambda ctx: account_named(email)
    if key:
        owner_of_key(key)
        return lambda ctx: owner_of_key(key)
    raise CommandError(f"on whose behalf? Set {KEY_VARIABLE} to an API key, or give --user EMAIL")


def _serve_stdio(caller_of: CallerOf) -> None:
    import anyio
    from mcp.server.stdio import stdio_server

    from mcp_server.server import build_server

    server = build_server(caller_of=caller_of, files=True)

    async def serve() -> None:
        async with stdio_server() as (read_stream, write_stream):
            await server.run(read_stream, write_stream, server.create_initialization_options())

    anyio.run(serve)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    # Whoever stops a process group tells this process twice; it is stopping already.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
