"""The production profile: real PostgreSQL, real Redis, and processes of their own."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest
import redis

PROJECT = Path(__file__).resolve().parent.parent.parent
DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/11")
#: Seconds that a process may take to start on a busy machine.
PATIENCE_S = 90.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Site:
    """One installation in the production profile, and the processes that belong to it."""

    environment: dict[str, str]
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def start(self, name: str, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=PROJECT,
                env={**self.environment, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes[name] = process
        return process

    def start_worker(self, queue: str, *options: str) -> subprocess.Popen[bytes]:
        worker = (
            "-m",
            "celery",
            "-A",
            "config",
            "worker",
            "-Q",
            queue,
            "-n",
            f"{queue}@%h",
            "--pool",
            "threads",
        )
        return self.start(queue, *worker, "--concurrency", "2", *options)

    def start_server(self, name: str = "web", **environment: str) -> httpx.Client:
        port = free_port()
        self.start(name, "manage.py", "serve", "--port", str(port), **environment)
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                client.get("/")
            except httpx.TransportError:
                time.sleep(0.2)
            else:
                return client
        raise AssertionError(self.log(name))

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        process = self.processes.pop(name)
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        process.wait(PATIENCE_S)

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")

    def close(self) -> None:
        for name in list(self.processes):
            self.kill(name)


def _require_servers() -> None:
    try:
        psycopg.connect(DATABASE_URL, connect_timeout=5).close()
        redis.Redis.from_url(REDIS_URL, socket_connect_timeout=5).ping()
    except (psycopg.OperationalError, redis.RedisError) as error:
        if os.environ.get("CI"):
            pytest.fail(f"continuous integration needs PostgreSQL and Redis: {error}")
        pytest.skip(f"no PostgreSQL or no Redis: {error}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation with a database of its own and every kind of worker."""
    _require_servers()
    name = f"frameproof_test_{secrets.token_hex(6)}"
    with psycopg.connect(DATABASE_URL, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        redis.Redis.from_url(REDIS_URL).flushdb()
        environment = {
            **{key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"},
            "DATABASE_URL": DATABASE_URL.rsplit("/", 1)[0] + f"/{name}",
            "REDIS_URL": REDIS_URL,
            "SECRET_KEY": "for the integration tests only, and of some length",
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        }
        site = Site(environment, tmp_path_factory.mktemp("logs"))
        try:
            migrated = site.manage("migrate", "--verbosity", "0")
            assert migrated.returncode == 0, migrated.stderr
            site.start_worker("search")
            site.start_worker("ingest")
            site.start_worker("housekeeping", "--beat", "--schedule", str(site.logs / "beat"))
            yield site
        finally:
            site.close()
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def web(site: Site) -> httpx.Client:
    return site.start_server()
