"""``manage.py serve``: the web server, with the workers inside it on the embedded profile."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

import waitress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.core.wsgi import get_wsgi_application
from waitress.channel import HTTPChannel

from core.request_parser import StrictRequestParser
from core.static_files import collect_static
from core.workers import EmbeddedWorkers

#: Requests that are answered at a time; the rest wait in line. Bodies are received before a thread is taken,
#: so slow clients do not hold one.
THREADS = 16
#: Bytes of a request's headers; browsers and proxies send a tenth of it.
MAX_HEADER_BYTES = 64 * 1024
#: Searches that are worked on at a time by the embedded profile.
SEARCH_THREADS = 2


class Command(BaseCommand):
    help = "Serve the site (waitress). Without REDIS_URL the Celery workers run in this process."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        collect_static()
        signal.signal(signal.SIGTERM, _interrupt)
        workers = EmbeddedWorkers(
            {
                "search": SEARCH_THREADS,
                "ingest": settings.INGEST_WORKERS,
                "deepfake": settings.DEEPFAKE_WORKERS,
                "housekeeping": 1,
            }
        )
        HTTPChannel.parser_class = StrictRequestParser
        with workers:
            server = waitress.create_server(
                get_wsgi_application(),
                host=host,
                port=port,
                threads=THREADS,
                ident="frameproof",
                max_request_header_size=MAX_HEADER_BYTES,
                max_request_body_size=settings.MAX_BODY_BYTES + 1024 * 1024,
                # The address of the peer is used as it is; forwarded headers are read by core.client_ip.
                clear_untrusted_proxy_headers=False,
            )
            self.stdout.write(f"serving on http://{host}:{port}/ (stop with Ctrl-C)")
            self.stdout.flush()
            try:
                server.run()
            finally:
                server.close()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    # Whoever stops a process group tells this process twice; it is stopping already.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
