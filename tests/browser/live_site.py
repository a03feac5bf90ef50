"""The real server, in a process and a data directory of its own, over a small indexed collection."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.browser.models import shelve_models

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0


@dataclass(frozen=True, slots=True)
class LiveSite:
    """Where it listens, and what it has written so far."""

    url: str
    log: Path


@contextlib.contextmanager
def live_site(
    *, data_dir: Path, videos: Path, titles: Path | None = None, own_detector: bool = False
) -> Iterator[LiveSite]:
    """Migrate, index ``videos``, import ``titles``, serve on a free port; the server ends with the context.

    Guests may search, and have videos analysed by a model of a few nodes, as often as they like: all visits come from one address. Pictures may be fetched from this machine itself, which is where the tests' own web server is.

    Args:
        own_detector: have videos analysed by the model that comes with the project instead.
    """
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if name not in _PROFILE},
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "FETCH_ALLOWED_NETWORKS": "127.0.0.1/32",
    }
    _manage(["migrate", "--verbosity", "0"], environment)
    for product in ("whatanime", "tracemoe", "analysis"):
        unlimited = ["--daily", "none", "--rate", "none", "--cost", "0"]
        _manage(["credits_policy", product, "guest", *unlimited], environment)
    if not own_detector:
        shelve_models(data_dir)
    _manage(["anime_ingest", str(videos)], environment)
    if titles is not None:
        _manage(["anime_metadata", "--from-json", str(titles)], environment)
    log = data_dir / "serve.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/", server, log)
            yield LiveSite(f"http://127.0.0.1:{port}", log)
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


#: What would make the server another than the embedded one that is meant.
_PROFILE = frozenset(
    {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "HTTPS", "SITE_URL", "STATIC_ROOT"}
)


def _manage(arguments: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {arguments[0]} failed:\n{done.stdout}\n{done.stderr}")


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")
